"""The demo's page: what it says, and in a real browser as every page of this project."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

import pushforward as pf
from pushforward.kernels import Gaussian
from pushforward.measure import AuditSettings
from pushforward.report.story import StoryChapter, StoryRepair, answer, outcome, story_page
from pushforward.report.story_reading import effect
from pushforward.systems import create

SETTINGS = AuditSettings(resamples=99, range=(3.2, 4.3))
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def plain(html: str) -> str:
    text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL)
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())


def noisy(data: pf.Trajectories, size: float, seed: int) -> pf.Trajectories:
    noise = np.random.default_rng(seed).normal(0, size, data.values.shape)
    return data.with_values(np.clip(data.values + noise, 0, 1))


@pytest.fixture(scope="module")
def chapter() -> StoryChapter:
    """The logistic map with noise for a model, and less of it for a repaired one."""
    system = create("logistic-map")
    data = system.sample(600, pf.Intended.uniform(3.5, 4), T=8, seed=0)
    made, better = noisy(data, 0.05, 1), noisy(data, 0.002, 2)
    kernel = Gaussian(0.1)
    explained = pf.explain(kernel, data, system.quantity, examples=1)
    return StoryChapter(
        title="Logistic map",
        about="Populations.",
        system=system,
        data=data,
        data_valid=1.0,
        forecast=explained.forecast,
        foretold="Written before.",
        made=made,
        audit=pf.audit(made, data, settings=SETTINGS),
        valid=float(system.valid(made).mean()),
        explanation=explained,
        explained_by="By these errors.",
        recommendation=pf.recommend(data, system.quantity, representations=["map-parameter"]),
        repair=StoryRepair(
            "map-parameter",
            better,
            pf.audit(better, data, settings=SETTINGS),
            float(system.valid(better).mean()),
        ),
        seed=0,
    )


def page(*chapters: StoryChapter, **changes):
    given = {"settings": {"seed": 0}, "lines": ["import pushforward as pf"], "command": "pushforward demo"}
    return story_page(chapters, **{**given, **changes})


@pytest.fixture(scope="module")
def shown(chapter):
    """Two kinds of chapters: a system with a repair, and the reader's own data without one."""
    own = dataclasses.replace(chapter, title="own.npz", system=None, data_valid=None, valid=None, repair=None)
    return page(chapter, own)


class TestWhatItSays:
    def test_each_number_stands_beside_its_floor(self, shown, chapter):
        text = plain(shown.html)
        for audit in (chapter.audit, chapter.repair.audit):
            tv = audit.quantities[0].tv
            assert f"{tv.value:.3f} (noise floor {tv.null_95:.3f})" in text
        assert "All 2 models drift; the recommended repair leaves less drift in 1 of 2." in text
        assert "Trained with map-parameter, the model drifts less" in text

    def test_a_repair_that_was_refused_or_not_recommended_is_told_plainly(self, shown, chapter):
        assert "Nothing is recommended: no candidate is forecast to drift less" in plain(shown.html)
        refused = dataclasses.replace(chapter, repair=StoryRepair("cosines", refused="cosines: ragged"))
        assert outcome(refused) == "cosines was recommended and could not be trained: cosines: ragged."

    def test_a_repair_that_makes_it_worse_is_told_plainly(self, chapter):
        worse = noisy(chapter.data, 0.2, 3)
        found = pf.audit(worse, chapter.data, settings=SETTINGS)
        wrong = dataclasses.replace(chapter, repair=StoryRepair("cosines", worse, found, 0.0))
        assert outcome(wrong).startswith(
            "The recommendation was wrong here: trained with cosines, the model drifts more"
        )
        assert (
            answer([wrong])
            == "The distribution of logistic-map-r drifted; the recommended repair makes it worse."
        )

    def test_a_repair_that_costs_validity_says_so(self, chapter):
        dear = dataclasses.replace(chapter, valid=0.9, repair=dataclasses.replace(chapter.repair, valid=0.1))
        assert (
            "Its price: 10.0\u202f% of its trajectories obey the law of motion, where 90.0\u202f%"
            in outcome(dear)
        )
        assert "less of it, but fewer of its trajectories obey" in answer([dear])
        assert "in 2 of 2, and in 1 makes fewer trajectories that obey" in answer([dear, chapter])
        assert "price" not in outcome(chapter)

    def test_a_repair_that_changes_nothing_is_told_plainly(self, chapter):
        same = StoryRepair("warped", chapter.made, chapter.audit, chapter.valid)
        assert "the drift is not clearly different" in outcome(dataclasses.replace(chapter, repair=same))

    def test_nothing_to_tell_is_refused(self):
        with pytest.raises(pf.InputError, match="no chapters"):
            page()


class TestEffect:
    def test_of_samples_of_one_law_no_difference_is_claimed_more_often_than_its_level(self):
        """Two models alike, 60 times: at a level of 5 % more than 8 claims come by chance once in 300 such tests."""
        rng = np.random.default_rng(0)
        wrong = 0
        for repeat in range(60):
            reference = {"q": rng.normal(0, 1, 800)}
            audits = [audited(rng.normal(0.3, 1.1, 500), reference["q"]) for _ in range(2)]
            wrong += effect(*audits, seed=repeat).word != "no clear difference"
        assert wrong <= 8

    def test_a_drift_that_goes_is_seen_and_its_size_is_right(self):
        """From N(1, 1) to N(0, 1): TV 2Φ(½) − 1 = 0.383 to 0."""
        rng = np.random.default_rng(1)
        reference = rng.normal(0, 1, 20_000)
        before, after = (audited(rng.normal(shift, 1, 20_000), reference) for shift in (1.0, 0.0))
        found = effect(before, after)
        assert found.word == "less drift"
        assert found.change.low < -0.383 + 0.012
        assert found.change.high > -0.383 - 0.012
        assert effect(after, before).word == "more drift"

    def test_other_bins_are_refused(self):
        rng = np.random.default_rng(2)
        x = rng.normal(size=200)
        with pytest.raises(pf.InputError, match="different bins"):
            effect(audited(x, x), audited(x, x, (-9.0, 9.0)))


def audited(made, reference, ends=(-5.0, 5.0)):
    from pushforward.measure import audit_streams

    return audit_streams(
        lambda: iter([({"q": made}, None)]),
        lambda: iter([({"q": reference}, None)]),
        units={"q": "m"},
        settings=AuditSettings(resamples=99, range=ends),
    ).quantities[0]


@pytest.mark.browser
class TestInABrowser:
    @pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1200, "dark")])
    def test_is_quiet_self_contained_and_fits_the_screen(self, visit, shown, width, scheme):
        seen = visit(shown, width, scheme)
        assert seen.errors == []
        assert seen.ask(OVERFLOW) <= 0
        assert len(seen.requests) == 1
        texts = seen.ask(
            """() => [...document.querySelectorAll('svg')].flatMap(svg => { const frame = svg.getBoundingClientRect();
                 return [...svg.querySelectorAll('text')].map(t => { const b = t.getBoundingClientRect();
                   return [t.textContent, b.left - frame.left, frame.right - b.right,
                     parseFloat(getComputedStyle(t).fontSize) * frame.width / svg.viewBox.baseVal.width]; }); })"""
        )
        assert [text for text in texts if min(text[1], text[2]) < -1.5] == []
        assert min(text[3] for text in texts) >= 8

    def test_every_id_is_there_once(self, visit, shown):
        seen = visit(shown)
        ids = seen.ask("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert len(ids) == len(set(ids))
        wanted = set(re.findall(r"url\(#([\w-]+)\)", shown.html)) | set(
            re.findall(r'href="#([\w-]+)"', shown.html)
        )
        assert wanted <= set(ids)

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_axe_finds_nothing(self, visit, shown, scheme):
        api = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
        found = api.Axe().run(visit(shown, 1200, scheme).page).response["violations"]
        assert [(rule["id"], node["html"][:120]) for rule in found for node in rule["nodes"]] == []

    def test_hostile_text_is_shown_and_does_nothing(self, visit, chapter, example):
        bad = example.HOSTILE
        hostile = dataclasses.replace(
            chapter, title=bad, about=bad, foretold=bad, repair=StoryRepair(bad, refused=bad)
        )
        made = page(hostile, settings={bad: bad}, lines=[bad], command=bad, title=bad)
        seen = visit(made)
        assert (seen.dialogs, seen.errors) == ([], [])
        assert seen.ask("document.querySelectorAll('script, img, iframe, object, embed, link').length") == 0
        assert seen.ask(OVERFLOW) <= 0
        assert not set("\u202e\x1b\x00") & set(made.html)
        assert "<img src=x onerror=alert(1)>" in seen.page.inner_text("h1")

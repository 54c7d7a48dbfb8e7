"""axe-core finds nothing on any kind of page: in light on a wide screen, in dark on a phone."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tests.study.toy import Jitter

import pushforward as pf
from pushforward import generators
from pushforward.kernels import Gaussian
from pushforward.measure import AuditSettings
from pushforward.report.explanation_page import explanation_page
from pushforward.study.page import study_page
from pushforward.study.plan import GeneratorArm, Plan, SystemData
from pushforward.study.pools import Here
from pushforward.study.study import Study

pytestmark = pytest.mark.browser

LENGTH = pf.quantities.PathLength(unit="m")


@pytest.fixture(scope="module")
def axe(browser):
    """axe-core, or a skip that says why; the browser's own skip comes first."""
    api = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    return api.Axe()


@pytest.fixture(scope="module")
def walks():
    steps = np.random.default_rng(0).uniform(0.5, 1.5, (100, 1, 2)) * np.ones((100, 8, 1))
    noise = np.random.default_rng(1).normal(0, 0.05, steps.shape)
    return pf.Trajectories(np.cumsum(steps + noise, axis=1), channels=("x", "y"), units=("m", "m"))


@pytest.fixture(scope="module")
def explained(walks):
    return pf.explain(Gaussian(0.2), walks, LENGTH)


@pytest.fixture(scope="module")
def audit(walks, explained):
    """The report of an audit with its forecast, the recommended repair and motion; explanations have their own page."""
    found = pf.audit(walks.with_values(1.2 * walks.values), walks, quantities=[LENGTH])
    candidates = pf.recommend(walks, LENGTH, representations=["increments", "map-parameter"])
    told = [explained.forecast, candidates]
    return pf.report(found, told, made=walks, reference=walks, command="pushforward audit made.npz")


@pytest.fixture(scope="module")
def explanation(explained):
    """The page of an explanation; within a report it is the same template."""
    return explanation_page(explained, command="pushforward explain data.npz", inputs={"data": "data.npz"})


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The page of a study of two arms, of which one failed."""
    plan = Plan(
        systems=(SystemData(name="logistic-map", n=60, T=8),),
        generators=(GeneratorArm(name="jitter", grid={"diverge": [False, True]}),),
        seeds=(0, 1),
        samples=(50,),
        audit=AuditSettings(resamples=99),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(generators.GENERATORS, "jitter", "tests.study.toy:Jitter")
        made = Study(plan, tmp_path_factory.mktemp("study") / "study")
        made.run(Here())
        html = study_page(made.results())
    Jitter.trained.clear()
    return SimpleNamespace(save=lambda path: path.write_text(html, encoding="utf-8"))


@pytest.mark.parametrize("kind", ["audit", "explanation", "study"])
def test_axe_finds_nothing_on_the_page(request, axe, visit, kind):
    seen = visit(request.getfixturevalue(kind), 1200, "light")
    for scheme, width in (("light", 1200), ("dark", 360)):
        seen.page.set_viewport_size({"width": width, "height": 800})
        seen.page.emulate_media(color_scheme=scheme)
        found = axe.run(seen.page).response
        assert {"color-contrast", "document-title", "td-headers-attr"} <= {
            rule["id"] for rule in found["passes"]
        }
        assert [
            (scheme, rule["id"], rule["impact"], node["html"][:120])
            for rule in found["violations"]
            for node in rule["nodes"]
        ] == []


def test_axe_would_find_what_is_wrong(axe, visit):
    """The oracle: grey on grey, an unnamed picture, a scrolling region that no key reaches."""
    html = """<!DOCTYPE html><title>t</title><main><p style="color:#999;background:#888">no contrast</p>
      <img src="data:,">
      <pre style="width:5rem;overflow:auto">a line that is much too long for its box</pre></main>"""
    seen = visit(SimpleNamespace(save=lambda path: path.write_text(html, encoding="utf-8")))
    found = {rule["id"] for rule in axe.run(seen.page).response["violations"]}
    assert {"color-contrast", "image-alt", "html-has-lang", "scrollable-region-focusable"} <= found

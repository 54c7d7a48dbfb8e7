"""The report in a real browser: quiet, self-contained, readable on a phone, inert to hostile text."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from pushforward import Trajectories
from pushforward.report import report

pytestmark = pytest.mark.browser

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CONTRASTS = """() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = c => { const [r, g, b] = c.map(v => linear(v / 255));
    return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c.slice(0, 3); } return [255, 255, 255]; };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.textContent.trim()) continue;
    const e = node.parentElement, style = getComputedStyle(e);
    const ink = parse(e instanceof SVGElement ? style.fill : style.color).slice(0, 3);
    const [a, b] = [light(ink), light(behind(e))].sort((x, y) => y - x);
    found.push([(a + .05) / (b + .05), node.textContent.trim().slice(0, 30)]);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1200])
def test_is_quiet_and_fits_the_screen(visit, storm_report, width, scheme):
    seen = visit(storm_report, width, scheme)
    assert seen.errors == []
    assert seen.ask(OVERFLOW) <= 0
    assert len(seen.requests) == 1
    assert seen.requests[0].endswith(".html")


def test_nothing_sticks_out_of_its_container_on_a_phone(visit, storm_report):
    seen = visit(storm_report, 360)
    outside = seen.ask(
        """() => [...document.querySelectorAll('main *')].filter(e => {
             const box = e.getBoundingClientRect();
             return box.width > 0 && !e.closest('.scroll, pre') && !e.closest('svg') && !e.closest('[hidden]') &&
               (box.right > innerWidth + 1 || box.left < -1) && getComputedStyle(e).position !== 'absolute';
           }).map(e => e.tagName + ' ' + e.textContent.slice(0, 40))"""
    )
    assert outside == []


def test_text_in_figures_stays_inside_them_and_is_large_enough_on_a_phone(visit, storm_report):
    seen = visit(storm_report, 360)
    texts = seen.ask(
        """() => [...document.querySelectorAll('svg')].flatMap(svg => { const frame = svg.getBoundingClientRect();
             return [...svg.querySelectorAll('text')].map(t => { const b = t.getBoundingClientRect();
               return [t.textContent, b.left - frame.left, frame.right - b.right,
                 parseFloat(getComputedStyle(t).fontSize) * frame.width / svg.viewBox.baseVal.width]; }); })"""
    )
    assert len(texts) > 50
    assert [text for text in texts if min(text[1], text[2]) < -1.5] == []
    assert min(text[3] for text in texts) >= 8


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(visit, storm_report, scheme):
    contrasts = visit(storm_report, 1200, scheme).ask(CONTRASTS)
    assert len(contrasts) > 200
    assert [found for found in contrasts if found[0] < 4.5] == []


def test_document_is_semantic(visit, storm_report):
    seen = visit(storm_report)
    levels = seen.ask("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in itertools.pairwise(levels))
    assert seen.ask("document.documentElement.lang") == "en"
    assert seen.ask("document.querySelectorAll('th:not([scope])').length") == 0
    assert seen.ask("document.querySelectorAll('svg:not([aria-label])').length") == 0
    ids = seen.ask("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    missing = seen.ask(
        """() => [...document.querySelectorAll('use, a[href^="#"], [aria-labelledby]')]
             .map(e => e.getAttribute('aria-labelledby') || e.getAttribute('href').slice(1))
             .filter(id => !document.getElementById(id))"""
    )
    assert missing == []


def test_figures_draw_their_hatches_and_clips(visit, storm_report):
    """Every url(#id) that the rewritten SVG refers to exists."""
    wanted = set(re.findall(r"url\(#([\w-]+)\)", storm_report.html))
    ids = set(visit(storm_report).ask("[...document.querySelectorAll('svg [id]')].map(e => e.id)"))
    assert len(wanted) > 5
    assert wanted <= ids


@pytest.fixture
def hostile_report(example):
    bad = example.HOSTILE
    rng = np.random.default_rng(0)
    names = {f"{bad} {i}": rng.normal(size=300) for i in range(2)}
    audit = example.of(
        names,
        {name: rng.normal(size=300) for name in names},
        dict.fromkeys(names, bad),
        inputs={bad: bad, "made": f"../../{bad}.npz"},
    )
    batch = Trajectories(
        values=rng.normal(size=(5, 8, 2)), channels=(f"{bad}a", f"{bad}b"), units=(bad, bad), time_unit=bad
    )
    return report(
        audit,
        made=batch,
        reference=batch,
        settings={bad: {bad: bad}, "x": [bad]},
        title=bad,
        command=f"run {bad}",
    )


@pytest.mark.parametrize("width", [360, 1200])
def test_hostile_text_is_shown_and_does_nothing(visit, hostile_report, width):
    seen = visit(hostile_report, width)
    assert seen.dialogs == []
    assert seen.errors == []
    assert len(seen.requests) == 1
    assert seen.ask("document.querySelectorAll('script, img, iframe, object, embed, link').length") == 0
    handlers = seen.ask(
        "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()).filter(n => n.startsWith('on'))"
    )
    assert handlers == []
    assert seen.ask(OVERFLOW) <= 0
    assert "<img src=x onerror=alert(1)>" in seen.page.inner_text("h1")
    # In figures too, and the dollar signs are text there.
    labels = seen.ask("[...document.querySelectorAll('svg text')].map(t => t.textContent).join(' ')")
    assert "<img src=x" in labels
    assert "$\\frac{1}{$" in labels


def test_control_and_bidirectional_characters_are_spelled_out(hostile_report):
    assert not set("\u202e\x1b\x00") & set(hostile_report.html)
    assert "\\u202e" in hostile_report.html


def test_scripts_cannot_run_even_if_one_got_in(browser, tmp_path, storm_report):
    """The content security policy is a second lock: an injected script stays dead."""
    path = tmp_path / "injected.html"
    path.write_text(
        storm_report.html.replace("<main>", "<main><script>document.title='broken'</script>"), "utf-8"
    )
    page = browser.new_page()
    page.goto(path.as_uri())
    assert page.title() != "broken"
    page.close()


def test_prints_on_a_few_pages(visit, storm_report):
    seen = visit(storm_report, 1200)
    pdf = seen.page.pdf(format="A4", print_background=True)
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 8

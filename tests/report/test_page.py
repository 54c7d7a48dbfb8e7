"""The page: complete, deterministic, small, and refused when its audit is damaged."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import subprocess
import sys
import threading

import numpy as np
import pytest

import pushforward
from pushforward import Audit, InputError, Trajectories
from pushforward.measure import Shift
from pushforward.report import Report, report
from pushforward.report.page import LARGEST


def plain(html: str) -> str:
    text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL)
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())


def test_says_what_it_must(storm_report, example):
    text = plain(storm_report.html)
    for part in (
        "2 of 3 quantities drifted; no drift was found in 1.",
        "Verdicts",
        "How this was measured",
        "Assumptions",
        "References",
        "Seed of the resampling 0",
        "Resamples without drift 199",
        f"pushforward {pushforward.__version__}",
        f"NumPy {np.__version__}",
        "storms.txt (HURDAT2)",
        "generator.steps 3000",
        "seed.sampling 1",
        example.COMMAND,
        "40 of each",
    ):
        assert part in text


@pytest.mark.parametrize(("level", "sure"), [(0.1, "90 %"), (0.01, "99 %")])
def test_every_sentence_states_the_level_that_was_used(example, level, sure):
    text = plain(report(example.audit(level=level)).html)
    assert f"is what {sure} of comparisons without drift stay below" in text
    assert f"together in {sure} of comparisons" in text
    assert f"Error level {level:g}" in text
    assert not re.search("95 % (of|CI|conf|band)", text)


def test_verdict_table_holds_the_audits_numbers(storm_report, example):
    audit = example.audit()
    table = plain(storm_report.html[: storm_report.html.index("</table>")])
    speed = audit["mean-speed"]
    assert f"{speed.mean_made:.2f}" in table
    assert f"{speed.mean_expected:.2f}" in table
    assert (
        f"{speed.mean_shift.value:+.2f} [{speed.mean_shift.low:+.2f}, {speed.mean_shift.high:+.2f}]" in table
    )
    assert f"{speed.w1.value:.2f} floor {speed.w1.null_95:.2f}" in table
    assert "3,993 reference 4,000" in table


def test_same_input_gives_the_same_bytes(storm_report, example):
    again = report(
        example.audit(),
        made=example.storms(1, wobble=0.25),
        reference=example.storms(0),
        settings=example.SETTINGS,
        command=example.COMMAND,
    )
    assert again.html == storm_report.html


def test_the_users_own_plot_settings_change_nothing_and_stay(example):
    import matplotlib

    audit = example.audit()
    before = report(audit).html
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "text.parse_math": True}):
        kept = dict(matplotlib.rcParams)
        assert report(audit).html == before
        assert dict(matplotlib.rcParams) == kept


def test_survives_the_round_trip_through_json(example):
    audit = example.audit()
    assert report(Audit.from_json(json.loads(audit.to_text()))).html == report(audit).html


def test_ten_quantities_with_panels_stay_under_two_megabytes(example):
    rng = np.random.default_rng(0)
    names = [f"quantity {i}" for i in range(10)]
    made = {name: rng.normal(0.5, 1, 2000) for name in names}
    real = {name: rng.normal(0, 1, 2000) for name in names}
    audit = example.of(made, real, dict.fromkeys(names, "m"), bins=128, subdivisions=8)
    jagged = Trajectories(values=rng.normal(size=(60, 400, 6)))
    page = report(audit, made=jagged, reference=jagged)
    assert page.html.count("<svg") == 10 + 1 + 2
    assert len(page.html.encode()) < LARGEST == 2_000_000


def test_many_quantities_keep_their_numbers_and_drop_late_figures(example):
    one = example.audit().quantities[1]
    many = tuple(dataclasses.replace(one, name=f"quantity {i}") for i in range(190))
    page = report(dataclasses.replace(example.audit(), quantities=many))
    assert len(page.html.encode()) < LARGEST
    assert 1 < page.html.count("<svg") < 20
    assert "left out to keep the page small" in page.html
    assert page.html.count("<article") == 190


def test_more_than_fits_is_refused(example):
    one = dataclasses.replace(example.audit().quantities[1])
    audit = dataclasses.replace(example.audit(), quantities=(one,) * 900)
    with pytest.raises(InputError, match=r"expected at most 2,000,000"):
        report(audit)


class TestEdges:
    def test_one_quantity_has_no_overview(self, example):
        page = report(example.one(np.arange(50.0), np.arange(50.0) + 1))
        assert page.html.count("<svg") == 1
        assert ">Quantity</h2>" in page.html

    def test_no_unit(self, example):
        page = report(example.one(np.arange(50.0), np.arange(50.0), unit=""))
        assert "()" not in plain(page.html)

    def test_constant_quantity(self, example):
        text = plain(report(example.one(np.full(50, 3.0), np.full(60, 3.0))).html)
        assert "3.000 m where 3.000 m was intended" in text
        assert "nan" not in text.lower()

    def test_a_stated_law(self, example):
        rng = np.random.default_rng(0)
        audit = example.one(rng.uniform(1, 2, 500), intended={"length": "uniform(1, 2)"})
        text = plain(report(audit).html)
        assert "500 reference stated law" in text
        assert "against the law uniform(1, 2)" in text
        assert "taken as exact" in text

    def test_nothing_defined_reads_na(self, example):
        audit = example.audit()
        nothing = Shift(math.nan, math.nan, math.nan)
        blank = dataclasses.replace(
            audit.quantities[0].w1, value=math.nan, null_95=math.nan, p_value=math.nan
        )
        first = dataclasses.replace(
            audit.quantities[0], mean_made=math.nan, mean_expected=math.nan, std_expected=math.nan, p_adjusted=math.nan,
            mean_shift=nothing, tail_low=nothing, tail_high=nothing, w1=blank, ks=blank, minimum_detectable=math.nan,
            quantile_shifts=(),
        )  # fmt: skip
        page = report(dataclasses.replace(audit, quantities=(first, *audit.quantities[1:])))
        assert "n/a" in page.html
        assert re.search(r"\bnan\b", plain(page.html)) is None

    def test_groups_change_the_assumptions(self, example):
        rng = np.random.default_rng(0)
        grouped = example.one(rng.normal(size=200), rng.normal(size=200), groups=np.arange(200) // 5)
        assert "Groups are independent" in report(grouped).html
        assert "Trajectories are independent" not in report(grouped).html

    def test_tolerance(self, example):
        audit = example.one(np.arange(300.0), np.arange(300.0), tolerance={"length": 100.0})
        assert "≈" in report(audit).html
        assert "within the tolerance" in report(audit).html

    def test_only_generated_trajectories(self, example):
        html = report(example.audit(), made=example.storms(0)).html
        assert 'aria-label="40 of 120 generated' in html
        assert "real trajectories," not in html


class TestDamage:
    """An audit read from a file of others is checked before anything is drawn."""

    @pytest.mark.parametrize(
        "change",
        [
            {"name": 7},
            {"unit": None},
            {"verdict": "all is well"},
            {"n_made": "many"},
            {"n_reference": 1.5},
            {"mean_made": "1.0"},
            {"mean_shift": Shift("a", 0, 0)},
            {"tolerance": []},
        ],
    )
    def test_fields_of_the_wrong_type(self, example, change):
        audit = example.audit()
        broken = dataclasses.replace(audit.quantities[0], **change)
        with pytest.raises(InputError, match="damaged audit"):
            report(dataclasses.replace(audit, quantities=(broken,)))

    @pytest.mark.parametrize(
        "change",
        [
            {"made": np.array([0.5, 0.5])},
            {"edges": np.array([3.0, 2.0, 1.0])},
            {"edges": np.array([])},
            {"high": np.array([["a"]])},
            {"expected": np.full(34, np.nan)},
        ],
    )
    def test_bins_that_do_not_fit(self, example, change):
        audit = example.audit()
        first = audit.quantities[0]
        broken = dataclasses.replace(first, bins=dataclasses.replace(first.bins, **change))
        with pytest.raises(InputError, match="damaged audit"):
            report(dataclasses.replace(audit, quantities=(broken,)))

    def test_not_an_audit(self):
        with pytest.raises(InputError, match="expected an Audit"):
            report({"quantities": []})

    def test_unknown_citation(self, example):
        with pytest.raises(InputError, match="unknown reference"):
            report(example.audit(), citations=["nobody1900"])


class TestSaving:
    def test_save_writes_the_page(self, storm_report, tmp_path):
        path = storm_report.save(tmp_path / "report.html")
        assert path.read_text("utf-8") == storm_report.html
        assert os.listdir(tmp_path) == ["report.html"]

    def test_a_missing_folder_is_named(self, storm_report, tmp_path):
        with pytest.raises(InputError, match="does not exist"):
            storm_report.save(tmp_path / "nowhere" / "report.html")

    def test_figures_are_saved_as_svg_and_png(self, storm_report, tmp_path):
        files = storm_report.save_figures(tmp_path / "figures")
        names = ["overview", "distribution-path-length", "distribution-mean-speed", "distribution-duration"]
        assert [file.name for file in files[::2]] == [f"{name}.svg" for name in (*names, "trajectories")]
        assert all(file.read_bytes().startswith(b"\x89PNG") for file in files[1::2])
        assert all(b"<svg" in file.read_bytes()[:500] for file in files[::2])

    def test_saved_figures_are_the_same_bytes_every_time(self, storm_report, tmp_path):
        first, second = (storm_report.save_figures(tmp_path / name) for name in "ab")
        assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]

    def test_hostile_names_stay_in_the_folder(self, example, tmp_path):
        audit = example.audit()
        names = ("../../etc/passwd", "../../etc/passwd", "\x00|:*?\u202e")
        renamed = [dataclasses.replace(q, name=n) for q, n in zip(audit.quantities, names, strict=True)]
        page = report(dataclasses.replace(audit, quantities=tuple(renamed)))
        files = page.save_figures(tmp_path / "figures")
        assert {file.parent for file in files} == {tmp_path / "figures"}
        assert all(re.fullmatch(r"[a-z0-9-]+\.(svg|png)", file.name) for file in files)
        assert len({file.name for file in files}) == len(files)

    def test_a_file_in_the_way_is_named(self, storm_report, tmp_path):
        (tmp_path / "figures").write_text("")
        with pytest.raises(InputError, match="figures"):
            storm_report.save_figures(tmp_path / "figures")


class TestReferences:
    def cited(self, audit, **given) -> set[str]:
        return set(re.findall(r"@\w+\{(\w+),", report(audit, **given).html))

    def test_only_methods_used(self, example):
        one = example.one(np.arange(50.0), np.arange(50.0), inputs={})
        keys = self.cited(one)
        assert {"nishi2026misgeneralization", "phipson2010permutation"} <= keys
        assert not keys & {"benjamini1995fdr", "karras2022edm", "landsea2013hurdat2", "cochran1977sampling"}

    def test_several_quantities_a_diffusion_model_and_storms(self, example):
        keys = self.cited(example.audit(), settings=example.SETTINGS)
        assert {"benjamini1995fdr", "karras2022edm", "landsea2013hurdat2"} <= keys

    def test_a_stated_law_cites_no_two_sample_method(self, example):
        audit = example.one(np.linspace(1, 2, 50), intended={"length": "uniform(1, 2)"}, inputs={})
        assert not self.cited(audit) & {"newcombe1998interval", "anderson1962cramer", "zou2008construction"}

    def test_every_entry_is_whole(self):
        from pushforward.report.references import REFERENCES

        for key, entry in REFERENCES.items():
            assert re.match(rf"@(article|inproceedings|incollection|book)\{{{key},\n", entry)
            assert entry.count("{") == entry.count("}")
            assert all(f"{field} " in entry for field in ("title", "author", "year"))


class TestImports:
    def run(self, code: str) -> str:
        command = [sys.executable, "-c", code]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.strip()

    def test_matplotlib_waits_until_a_report_is_made(self):
        code = (
            "import sys, pushforward.report; from pushforward.report import report, Report;"
            "print([m for m in ('matplotlib', 'jinja2', 'torch') if m in sys.modules])"
        )
        assert self.run(code) == "[]"

    def test_the_function_survives_the_import_of_its_module(self):
        code = (
            "import pushforward, pushforward.report as room; print(callable(pushforward.report), room.Report)"
        )
        assert self.run(code) == "True <class 'pushforward.report.page.Report'>"

    def test_no_plotting_state_is_left_behind(self, example):
        report(example.audit())
        assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_calling_the_package_makes_a_report(example):
    assert isinstance(sys.modules["pushforward.report"](example.audit()), Report)


def test_reports_from_several_threads_are_whole(example):
    audit = example.audit()
    expected, found = report(audit).html, []
    threads = [threading.Thread(target=lambda: found.append(report(audit).html)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 3

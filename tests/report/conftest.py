"""The shared example and a real browser."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _load_example():
    specification = importlib.util.spec_from_file_location(
        "report_example", Path(__file__).with_name("example.py")
    )
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def example():
    """tests/report/example.py (test folders are not packages)."""
    return _load_example()


@pytest.fixture(scope="session")
def storm_report(example):
    """A report with everything in it."""
    from pushforward.report import report

    return report(
        example.audit(),
        made=example.storms(1, wobble=0.25),
        reference=example.storms(0),
        settings=example.SETTINGS,
        command=example.COMMAND,
    )


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium, or a skip that says why."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no Chromium found under any of the names {', '.join(NAMES)}")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=QUIET, env=dict(os.environ))
        yield started
        started.close()


class Visit:
    """A page opened from a file, with everything it said and asked for."""

    def __init__(self, browser, path: Path, width: int, scheme: str = "light") -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self.page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        self.page.on(
            "console", lambda m: self.errors.append(m.text) if m.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", self._dismiss)
        self.page.goto(path.as_uri())
        self.page.wait_for_timeout(100)

    def _dismiss(self, dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def ask(self, expression: str):
        """The value of a JavaScript expression in the page."""
        return self.page.evaluate(expression)


@pytest.fixture
def visit(browser, tmp_path):
    """visit(report, width=360) opens a report in the browser."""
    opened = []

    def open_page(report, width: int = 360, scheme: str = "light") -> Visit:
        path = tmp_path / f"report-{len(opened)}.html"
        report.save(path)
        opened.append(Visit(browser, path, width, scheme))
        return opened[-1]

    yield open_page
    for seen in opened:
        seen.page.close()

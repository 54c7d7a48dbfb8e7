"""A hook of mkdocs: the API reference, a page per package, made from `__all__`, the registries and the docstrings.

Nothing is listed by hand, so that a new class is on its page with the next build.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

# Page -> modules on it, the package first. The order is that in which data flows.
PAGES: dict[str, tuple[str, ...]] = {
    "trajectories": ("trajectories", "errors"),
    "formats": ("formats",),
    "systems": ("systems",),
    "quantities": ("quantities",),
    "measure": ("measure",),
    "kernels": ("kernels",),
    "forecast": ("forecast",),
    "explain": ("explain",),
    "pilots": ("pilots",),
    "generators": ("generators", "generators.base", "generators.adapters"),
    "representations": ("representations", "representations.base"),
    "mitigations": ("mitigations", "mitigations.base", "mitigations.mitigated"),
    "recommend": ("recommend",),
    "monitor": ("monitor",),
    "study": ("study",),
    "report": ("report",),
    "reproduce": ("reproduce",),
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add `api/<package>.md` for each package and `api/index.md` with the names that `import pushforward` gives."""
    for page, modules in PAGES.items():
        files.append(_generated(config, page, "\n".join(_page(page, modules))))
    files.append(_generated(config, "index", "\n".join(_index())))
    return files


def _generated(config: MkDocsConfig, page: str, content: str) -> File:
    return File.generated(config, f"api/{page}.md", content=content)


def _page(page: str, modules: tuple[str, ...]) -> Iterator[str]:
    yield f"# pushforward.{page}\n"
    for module in modules:
        path = f"pushforward.{module}"
        yield f"::: {path}\n    options: {{members: false, show_root_heading: {str(module != page).lower()}}}\n"
        for name in _names(path):
            yield f"::: {name}\n    options: {{heading_level: {2 if module == page else 3}}}\n"


def _names(path: str) -> Iterator[str]:
    """The public classes and functions of a module, then what its registries name besides."""
    module = importlib.import_module(path)
    public = [name for name in module.__all__ if not name.isupper() or name in _REAL]
    yield from (f"{path}.{name}" for name in public)
    for registry in (getattr(module, name) for name in module.__all__ if name not in public):
        for place in registry.values():
            _, _, name = str(place).partition(":")
            if str(place).startswith("pushforward.") and name not in public and not name.isupper():
                yield place.replace(":", ".")


# In capitals, and classes all the same.
_REAL = {"MLP", "VAE"}


def _index() -> Iterator[str]:
    import pushforward

    yield "# API\n\nMade from the docstrings. `import pushforward as pf` gives:\n"
    yield "| name | what it is |\n|---|---|"
    for name in pushforward.__all__:
        found: Any = getattr(pushforward, name)
        said = (found.__doc__ or "").strip().splitlines()[0].replace("|", "\\|")
        yield f"| [`pf.{name}`][{_place(name)}] | {said} |"
    yield "\n## Packages\n"
    yield from (f"- [`pushforward.{page}`]({page}.md)" for page in PAGES)


def _place(name: str) -> str:
    """Where the name's entry is: under the package that exports it."""
    import pushforward

    module = pushforward._LAZY.get(name)
    return f"pushforward.{name}" if module is None else f"{module}.{name}"

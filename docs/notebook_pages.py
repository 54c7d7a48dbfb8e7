"""A hook of mkdocs: every notebook as a page; its text as it is, its code as blocks. Nothing is run here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add `notebooks/NAME.md` for each `notebooks/NAME.ipynb`, which can be downloaded from there."""
    for notebook in sorted(Path(config.docs_dir).glob("notebooks/*.ipynb")):
        page = f"notebooks/{notebook.stem}.md"
        files.append(File.generated(config, page, content="\n\n".join(_parts(notebook))))
    return files


def _parts(notebook: Path) -> Iterator[str]:
    for number, cell in enumerate(json.loads(notebook.read_text(encoding="utf-8"))["cells"]):
        text = "".join(cell["source"])
        yield text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"
        if number == 0:
            yield f"[Download the notebook]({notebook.name})"

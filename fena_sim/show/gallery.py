"""docs/gallery.md, written from the docstrings of figures/ and the pictures beside the page."""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from ..runs.store.files import write_atomically
from .file import FigureFile

RUNS_SHOWN = 3
HEAD = """# Gallery

This page has every figure that `fena figures` draws from the runs in runs/: what it shows, which runs it was drawn from, and the
command that makes such runs. The ids of the runs are also in the metadata of every file. The page is written by
`fena figures --gallery docs/gallery.md`.
"""


def write_gallery(files: Iterable[FigureFile], page: str | Path, made: str | Path) -> list[Path]:
    """Copy the PNGs in `made` to figures/ beside the page and write it. Returns the paths written.

    Parameters
    ----------
    files : list of FigureFile
    page : path
        Of the Markdown file.
    made : path
        Folder in which `fena figures` wrote.
    """
    page = Path(page)
    folder = page.parent / "figures"
    written = [page]
    for file in files:
        fresh, kept = Path(made) / f"{file.name}.png", folder / f"{file.name}.png"
        if fresh.exists() and fresh.resolve() != kept.resolve():
            write_atomically(kept, fresh.read_bytes())
            written.append(kept)
    write_atomically(page, gallery(files, folder).encode())
    return written


def gallery(files: Iterable[FigureFile], pictures: str | Path) -> str:
    """Text of the page, Markdown.

    Parameters
    ----------
    files : list of FigureFile
    pictures : path
        Folder with a NAME.png per figure, which knows its runs; the page is written for the folder
        above it.
    """
    return "\n".join([HEAD, *(_section(file, Path(pictures)) for file in files)])


def runs_of(png: str | Path) -> list[str]:
    """The ids of the runs that a PNG written by :func:`fena_sim.plot.save` shows."""
    with Image.open(png) as picture:
        ids = picture.info.get("Description", "").removeprefix("runs: ").split(", ")
    return [name for name in ids if name not in ("", "none")]


def _section(file, pictures):
    title, _, rest = file.about.partition("\n\n")
    title = " ".join(title.split())
    path = pictures / f"{file.name}.png"
    lines = [f"## {file.name}", "", f"**{title}**", "", rest.strip(), ""]
    if path.exists():
        ids = runs_of(path)
        more = f" and {len(ids) - RUNS_SHOWN} more" if len(ids) > RUNS_SHOWN else ""
        lines = [
            *lines[:2],
            f'<a href="{pictures.name}/{path.name}"><img src="{pictures.name}/{path.name}" alt="{title}" '
            'width="480"></a>',
            "",
            *lines[2:],
            f"Drawn from {', '.join(f'`{name}`' for name in ids[:RUNS_SHOWN])}{more}."
            if ids
            else "Drawn from no run.",
            "",
        ]
    return "\n".join([*lines, f"Needs {file.describe_needs()}:", "", f"    {file.command}", ""])

"""One style sheet for print, and one way to save a figure.

Sizes and type follow what journals ask for: one column (85 mm) or the full page (174 mm), sans
serif text of 6 to 7 points, embedded fonts. DejaVu Sans is used because it comes with Matplotlib,
so that every machine draws the same bytes.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..runs.store.files import write_atomically
from ..runs.store.run import Run

COLUMN_WIDTH = 85.0  # mm
PAGE_WIDTH = 174.0  # mm


SHEET: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "dejavusans",
    "font.size": 7,
    "axes.labelsize": 7,
    "axes.titlesize": 7,
    "xtick.labelsize": 6,
    "ytick.labelsize": 6,
    "legend.fontsize": 6,
    "legend.frameon": False,
    "legend.handlelength": 1.5,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelpad": 2.5,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.minor.width": 0.35,
    "ytick.minor.width": 0.35,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "xtick.major.pad": 2,
    "ytick.major.pad": 2,
    "lines.linewidth": 1.0,
    "lines.markersize": 3,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.03,
    "figure.constrained_layout.h_pad": 0.03,
    "image.cmap": "viridis",  # lightness rises evenly; rainbows draw edges that are not in the data
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": 300,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "fena_sim",
}


@contextmanager
def sheet() -> Iterator[None]:
    """Context in which everything that Matplotlib makes follows the style sheet."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(SHEET)  # type: ignore[arg-type]  # its stub lists every name
        yield


def new_figure(width: float = COLUMN_WIDTH, height: float = 60.0) -> Figure:
    """An empty Figure of the given size in millimetres, under the style sheet.

    It belongs to no window and need not be closed. Draw on it inside :func:`sheet`.
    """
    with sheet():
        return Figure(figsize=(width / 25.4, height / 25.4))


def draw(
    panel: Callable[..., None],
    *data: object,
    width: float = COLUMN_WIDTH,
    height: float = 60.0,
    **options: object,
) -> Figure:
    """A Figure of one panel: data in, Figure out.

    Parameters
    ----------
    panel : callable
        Takes Axes first, e.g. one of :mod:`fena_sim.show.panels`, then `data` and `options`.
    width, height : float
        In millimetres.

    Returns
    -------
    matplotlib.figure.Figure
    """
    with sheet():
        figure = new_figure(width, height)
        panel(figure.subplots(), *data, **options)
    return figure


def letter(ax: Axes, text: str) -> None:
    """Write a bold panel letter above the top left corner of ``ax``."""
    ax.set_title(text, loc="left", fontweight="bold", fontsize=8)


def save(figure: Figure, folder: str | Path, name: str, runs: Iterable[Run] = ()) -> list[Path]:
    """Write a figure as PDF, SVG and PNG (300 dpi), the same bytes every time.

    Fonts are embedded in the PDF and text stays text in the SVG. No file carries a date; all
    carry the ids of the runs that they show.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    folder : path
        Made if it does not exist.
    name : str
        File name without suffix.
    runs : iterable of Run
        The runs drawn.

    Returns
    -------
    list of Path
        The PDF, the SVG and the PNG.

    Raises
    ------
    ResourceError
        If a file cannot be written; what was there before then stays.
    """
    folder = Path(folder)
    source = "runs: " + (", ".join(run.id for run in runs) or "none")
    metadata = {
        "pdf": {"Title": name, "Subject": source, "CreationDate": None},
        "svg": {"Title": name, "Description": source, "Date": None},
        "png": {"Title": name, "Description": source},
    }
    paths = []
    with sheet():
        for suffix, entries in metadata.items():
            paths.append(folder / f"{name}.{suffix}")
            drawn = io.BytesIO()
            figure.savefig(drawn, format=suffix, metadata=entries)
            write_atomically(paths[-1], drawn.getvalue())
    return paths

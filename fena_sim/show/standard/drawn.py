"""What the standard figures are made of: a figure with its caption, a grid of panels, units, words."""

from collections.abc import Sequence

import attrs
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...errors import FenaError
from ...runs.store.run import Run
from ...runs.store.units import symbol
from ..style import PAGE_WIDTH, letter, new_figure

#: Panels side by side on a page, and the height of a row in mm, with that of a legend or title.
COLUMNS, ROW, HEAD = 3, 44, 8
#: Panels of one figure at most: a page.
MOST = 12
#: Prefixes by the power of ten; values from 0.1 on have none.
PREFIXES = {-3: "m", -6: "µ", -9: "n", -12: "p"}


@attrs.frozen(eq=False)
class Drawn:
    """A figure, the name of its files, and a caption that says what it shows."""

    name: str
    figure: Figure
    caption: str


@attrs.frozen(eq=False)
class NotDrawn:
    """A figure that was left out, and why."""

    name: str
    error: FenaError


def grid(count: int, head: float = HEAD) -> tuple[Figure, list[Axes]]:
    """A figure with `count` lettered panels at page width, at most COLUMNS side by side.

    Call inside :func:`fena_sim.show.style.sheet`.
    """
    columns = min(count, COLUMNS)
    rows = -(-count // columns)
    figure = new_figure(PAGE_WIDTH * columns / COLUMNS if columns < 2 else PAGE_WIDTH, 0)
    figure.set_figheight((head + ROW * rows) / 25.4)
    axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for ax in axes[count:]:
        ax.remove()
    for k, ax in enumerate(axes[:count]):
        letter(ax, chr(ord("a") + k))
    return figure, axes[:count]


def scaled(units: str, values: Sequence[np.ndarray]) -> tuple[float, str]:
    """(factor, " (mV)") for values in recorded units such as "1" or Brian2's base units: what to
    multiply them by, and what to write behind the quantity. Nothing for dimensionless ones.
    """
    name = symbol(units)
    if name == "1":
        return 1.0, ""
    largest = max((np.nanmax(np.abs(v), initial=0.0) for v in values), default=0.0)
    if not name.isalpha() or name == "Hz" or not 0 < largest < 0.1:
        return 1.0, f" ({plain(name)})"
    power = next((p for p in PREFIXES if largest >= 0.1 * 10.0**p), min(PREFIXES))
    return 10.0**-power, f" ({PREFIXES[power]}{name})"


def plain(text: str) -> str:
    """Text that Matplotlib writes as it is: a "$" of the user's begins no formula."""
    return text.replace("$", r"\$")


def of_networks(runs: Sequence[Run]) -> str:
    """What lines are, for a caption."""
    if len(runs) == 1:
        return "One network."
    return f"Thin lines are {len(runs)} networks, bold lines their median."


def named(kind: str, block: str, *more: str) -> str:
    """The name of a figure's files; characters that a file name cannot have become "_"."""
    name = "-".join([kind, block, *more])
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)

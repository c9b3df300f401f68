"""Labels of wires, placed where they are easiest to read. Lengths are millimetres."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from .route import Grid, Wire

SIZE, HEIGHT = 6.0, 2.2  # points, and the millimetres that a line of it takes


def place_labels(
    ax: Axes,
    wires: Sequence[Wire],
    labels: Mapping[str, str],
    colours: Mapping[str, str],
    grid: Grid,
    page: float,
) -> None:
    """Write every label beside its wire where it covers no box, no other label and as few lines as
    can be.
    """
    boxes = []
    for row, column in grid.slot.values():
        x, y = grid.x[column] - grid.width / 2, grid.y[row] - grid.height / 2
        boxes.append((x, y, x + grid.width, y + grid.height))
    lines = [
        (min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
        for w in wires
        for points in w.points
        for a, b in pairwise(points)
    ]
    written: list[tuple[float, float, float, float]] = []
    for wire in sorted((w for w in wires if w.key in labels), key=_free):
        width = text_width(labels[wire.key], SIZE)

        def cost(spot, width=width):
            extra, x, y = spot
            here = (x, y, x + width, y + HEIGHT)
            outside = x < 0.5 or x + width > page - 0.5
            covered = 100 * sum(_touch(here, b, 0.3) for b in boxes) + 5 * sum(
                _touch(here, b, 3.0) for b in written
            )
            return covered + 10 * sum(_touch(here, s, 0.2) for s in lines) + 1000 * outside + extra

        _, x, y = min(_spots(wire, width), key=cost)
        here = (x, y, x + width, y + HEIGHT)
        boxes.append(here)
        written.append(here)
        over = any(_touch(here, s, 0) for s in lines)
        ax.text(
            x + width / 2,
            y + HEIGHT / 2,
            labels[wire.key],
            fontsize=SIZE,
            color=colours[wire.key],
            ha="center",
            va="center",
            zorder=6,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4} if over else None,
        )


def _spots(wire, width):
    """Places (cost, x, y) for the lower left corner of a label `width` wide: all along the wire, on
    both sides.
    """
    found = []
    for points in wire.points:
        for (x0, y0), (x1, y1) in pairwise(points):
            steps = max(1, int(abs(x1 - x0) + abs(y1 - y0)))
            for i in range(steps + 1):
                x, y = x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps
                off = abs(i / steps - 0.5)
                if y0 == y1:
                    found += [
                        (off, x - width / 2, y + 0.5),
                        (off + 0.3, x - width / 2, y - 0.5 - HEIGHT),
                    ]
                else:
                    found += [(off + 2, x + dx, y - HEIGHT / 2) for dx in (0.8, -0.8 - width)]
    return found


def _free(wire):
    """How much line a label can choose from."""
    return sum(
        abs(a[0] - b[0]) + abs(a[1] - b[1]) for points in wire.points for a, b in pairwise(points)
    )


def _touch(a, b, clear):
    return (
        a[0] < b[2] + clear and b[0] < a[2] + clear and a[1] < b[3] + clear and b[1] < a[3] + clear
    )


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Width of a text in mm."""
    font = FontProperties(family="DejaVu Sans", weight=weight)
    return TextPath((0, 0), text, size=size, prop=font).get_extents().width * 25.4 / 72

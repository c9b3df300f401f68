"""Boxes, arrows and links of the picture of a model's structure. Lengths are millimetres."""

from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

from ..declare.model import equations as eq
from ..declare.model.hierarchy import Hierarchy
from ..declare.model.population import Population
from ..declare.model.projection import Projection
from .colours import GREY
from .label import SIZE
from .route import Grid, Wire
from .structure_colours import DIRECTIONS, OPPOSITE, direction_of, tint

NAME, MARGIN = 7.0, 2.0  # points; mm around the picture
HEAD = (2.0, 0.75)  # mm: length and half width of an arrowhead
DASHED, DOTTED = (0, (3.5, 1.6)), (0, (1, 1.4))


def draw_population(ax: Axes, population: Population, grid: Grid, colour: str) -> None:
    """A box with name and size."""
    row, column = grid.slot[population.name]
    x, y = grid.x[column], grid.y[row]
    corner = (x - grid.width / 2, y - grid.height / 2)
    box = FancyBboxPatch(
        corner,
        grid.width,
        grid.height,
        boxstyle="round,pad=0,rounding_size=1.6",
        facecolor=tint(colour),
        edgecolor=colour,
        linewidth=1.0,
        zorder=4,
    )
    box.set_gid(f"population:{population.name}")
    ax.add_patch(box)
    ax.text(
        x,
        y + 1.6,
        population.name,
        fontsize=NAME,
        fontweight="bold",
        ha="center",
        va="center",
        zorder=5,
    )
    size = f"{population.size} unit{'s' * (population.size != 1)}"
    ax.text(x, y - 1.9, size, fontsize=SIZE, ha="center", va="center", zorder=5)


def draw_projection(ax: Axes, wire: Wire, projection: Projection, model: Hierarchy) -> None:
    """An arrow; solid if plastic, with a second head if the weights deliver back to the source."""
    direction = direction_of(projection, model)
    back, forth = delivers(projection)
    style = "solid" if projection.plasticity is not None else DASHED
    colours = DIRECTIONS[direction], DIRECTIONS[OPPOSITE.get(direction, direction)]
    draw_line(ax, wire, colours, 1.0, style, back, forth, 1.0, f"projection:{projection.name}", 2)


def draw_link(ax: Axes, wire: Wire) -> None:
    """A dotted arrow, with dots where it branches."""
    draw_line(
        ax,
        wire,
        (GREY, GREY),
        0.7,
        DOTTED,
        wire.key.count("<") > 0,
        True,
        0.75,
        f"link:{wire.key}",
        1,
    )
    for x, y in wire.dots:
        ax.add_patch(Circle((x, y), 0.45, color=GREY, linewidth=0, zorder=1))


def draw_line(
    ax: Axes,
    wire: Wire,
    colours: tuple[str, str],
    width: float,
    style: str | tuple,
    back: bool,
    forth: bool,
    head: float,
    gid: str,
    zorder: float,
) -> None:
    """The line and its heads; `colours` of the line, and of what comes `back` to the source.

    `head` is the size of the heads in multiples of HEAD; `back` and `forth` say at which ends they are.
    """
    vertices, codes = [], []
    for points in wire.points:
        points = [tuple(p) for p in points]
        if forth:
            points[-1] = _towards(points[-1], points[-2], head * HEAD[0] * 0.9)
        if back and points[0] == wire.start[:2]:
            points[0] = _towards(points[0], points[1], head * HEAD[0] * 0.9)
        path = _rounded(points)
        vertices += list(path.vertices)
        codes += list(path.codes)
    line = PathPatch(
        Path(vertices, codes),
        facecolor="none",
        edgecolor=colours[0],
        linewidth=width,
        linestyle=style,
        capstyle="butt",
        zorder=zorder,
    )
    line.set_gid(gid)
    ax.add_patch(line)
    for (x, y, dx, dy), colour in [
        *((end, colours[0]) for end in wire.ends * forth),
        *[(wire.start, colours[1])] * back,
    ]:
        length, half = head * HEAD[0], head * HEAD[1]
        feet = [(x - dx * length - s * dy * half, y - dy * length + s * dx * half) for s in (-1, 1)]
        ax.add_patch(Polygon([(x, y), *feet], facecolor=colour, linewidth=0, zorder=zorder))


def delivers(projection: Projection) -> tuple[bool, bool]:
    """Whether the synapses deliver to their source and to their target, as (source, target)."""
    ends = [name.rpartition("_")[2] for name in projection.summed]
    ends += [
        left.rpartition("_")[2]
        for code in (projection.on_pre, projection.on_post)
        for left, _, _ in eq.statements(code)
    ]
    return "pre" in ends, "post" in ends or "pre" not in ends


def _towards(point, other, length):
    dx, dy = other[0] - point[0], other[1] - point[1]
    whole = abs(dx) + abs(dy)
    return point[0] + dx / whole * length, point[1] + dy / whole * length


def _rounded(points, radius=1.2):
    """A Path along axis-parallel lines with rounded corners."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for (before, corner), (_, after) in pairwise(pairwise(points)):
        reach = min(
            radius,
            *(sum(abs(a - b) for a, b in zip(corner, p, strict=True)) / 2 for p in (before, after)),
        )
        if reach < 1e-6:
            continue
        vertices += [_towards(corner, before, reach), corner, _towards(corner, after, reach)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path([*vertices, points[-1]], [*codes, Path.LINETO])

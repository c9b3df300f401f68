"""The legend of the picture of a model's structure: only what the picture shows."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from ..declare.model.hierarchy import Hierarchy
from .colours import BLACK, GREY
from .label import SIZE, text_width
from .route import Wire
from .structure_colours import DIRECTIONS, direction_of, role_colours, tint
from .structure_shapes import DASHED, DOTTED, MARGIN, delivers, draw_line

LEGEND_ROW = 3.6  # mm


def legend_rows(model: Hierarchy, page: float) -> list[list[tuple]]:
    """Entries (x, text, kind, style) that fit the page, row by row."""
    boxes = [
        (role, "box", {"facecolor": tint(c), "edgecolor": c})
        for role, c in role_colours(model).items()
    ]
    directions = [
        d for d in DIRECTIONS if any(direction_of(p, model) == d for p in model.projections)
    ]
    arrows = [(d, "arrow", {"color": DIRECTIONS[d]}) for d in directions if model.levels]
    arrows += [("both ways, same weights", "double", {"color": BLACK})] * any(
        all(delivers(p)) for p in model.projections
    )
    plastic = {p.plasticity is not None for p in model.projections}
    lines: list[tuple[str, str, dict]] = [("plastic", "line", {"color": BLACK})] * (True in plastic)
    lines += [("fixed", "line", {"color": BLACK, "linestyle": DASHED})] * (False in plastic)
    lines += [
        ("link (same step)", "arrow", {"color": GREY, "linewidth": 0.7, "linestyle": DOTTED})
    ] * any(p.links for p in model.populations)
    rows: list[list[tuple]] = []
    for entries in (boxes, arrows + lines):
        used = page
        for entry in entries:
            width = 11 + text_width(entry[0], SIZE)
            if used + width > page - MARGIN:
                rows.append([])
                used = MARGIN
            rows[-1].append((used, *entry))
            used += width
    return rows


def draw_legend(ax: Axes, rows: Sequence[Sequence[tuple]], top: float) -> None:
    """Draw `legend_rows` from height `top` down."""
    for i, row in enumerate(rows):
        y = top - LEGEND_ROW * i
        for x, text, kind, style in row:
            if kind == "box":
                ax.add_patch(
                    FancyBboxPatch(
                        (x, y - 1),
                        5.5,
                        2,
                        boxstyle="round,pad=0,rounding_size=0.6",
                        linewidth=0.8,
                        **style,
                    )
                )
            else:
                entry = Wire(
                    text,
                    "",
                    (),
                    points=[[(x, y), (x + 6, y)]],
                    start=(x, y, -1, 0),
                    ends=[(x + 6, y, 1, 0)],
                )
                draw_line(
                    ax,
                    entry,
                    (style["color"],) * 2,
                    style.get("linewidth", 1.0),
                    style.get("linestyle", "solid"),
                    kind == "double",
                    kind != "line",
                    0.8,
                    f"legend:{text}",
                    2,
                )
            ax.text(x + 7.2, y, text, fontsize=SIZE, va="center_baseline")

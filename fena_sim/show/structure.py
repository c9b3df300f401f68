"""The structure of a model as a picture: populations as boxes, projections as arrows, level above
level.
"""

from itertools import pairwise

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path

from ..declare.model import equations as eq
from ..declare.model.hierarchy import Hierarchy
from ..errors import DeclarationError
from .colours import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION
from .label import SIZE, place_labels, text_width
from .route import PORT, SIDE, Grid, Wire, place, route
from .style import COLUMN_WIDTH, PAGE_WIDTH, new_figure, sheet
from .typeset import value_text

ROLES = {
    "state": SKY,
    "error": ORANGE,
    "prior": GREEN,
    "precision": PURPLE,
    "input": BLACK,
    "population": GREY,
}
# With Okabe & Ito's yellow, which a fill can use, and wine and olive of Tol's muted colours.
_OTHER_ROLES = (BLUE, VERMILLION, "#F0E442", "#882255", "#999933")
DESCENDING, ASCENDING, WITHIN, OUTSIDE = (
    "descending",
    "ascending",
    "within a level",
    "outside the levels",
)
DIRECTIONS = {DESCENDING: BLUE, ASCENDING: VERMILLION, WITHIN: BLACK, OUTSIDE: BLACK}
_OPPOSITE = {DESCENDING: ASCENDING, ASCENDING: DESCENDING}
NAME, MARGIN = 7.0, 2.0  # points; mm around the picture
HEAD = (2.0, 0.75)  # mm: length and half width of an arrowhead
_DASHED, _DOTTED = (0, (3.5, 1.6)), (0, (1, 1.4))


def structure(model: Hierarchy) -> Figure:
    """Draw a Hierarchy.

    Levels are rows, the lowest at the bottom; populations without a level stand in a row below
    them. Boxes are coloured by role; arrows by whether they descend, ascend or stay in a level;
    solid arrows are plastic, dashed ones fixed; a second head means that the same weights also
    deliver back to the source; dotted lines are links. Labels give names and delays.

    Parameters
    ----------
    model : Hierarchy

    Returns
    -------
    matplotlib.figure.Figure
        One column (85 mm) wide if the picture fits, otherwise a page (174 mm), or wider for very
        long names. Artists carry the gids "population:NAME", "projection:NAME", "link:SOURCE>" (all
        links read from one population) and "link:A<>B" (links both ways).

    Raises
    ------
    DeclarationError
        If the model has no populations.
    """
    if not model.populations:
        raise DeclarationError(
            "there is nothing to draw", where=model.where, fix="declare populations"
        )
    wires, labels = _wires(model)
    width = _box_width(model, wires)
    gap = max([12.0, *(6 + text_width(text, SIZE) for text in labels.values())])
    rows, titles = _rows(model, width, gap)
    slot = place(rows, {p.name: p.role for p in model.populations}, _weights(model))
    grid, page = _grid(model, wires, labels, slot, width, gap, titles)
    legend = _legend_rows(model, page)
    top = route(grid, wires, MARGIN + len(legend) * 3.6 + 3.5) + MARGIN
    with sheet():
        figure = new_figure(page, top)
        figure.set_layout_engine("none")  # everything is placed in millimetres
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set(xlim=(0, page), ylim=(0, top))
        ax.axis("off")
        for row, title in enumerate(titles):
            if title:
                low = grid.y[row] - grid.height / 2 - 1.2
                band = Rectangle(
                    (MARGIN / 2, low), page - MARGIN, grid.height + 2.4, color="#F3F3F3", zorder=0
                )
                band.set_linewidth(0)
                ax.add_patch(band)
                ax.text(MARGIN, grid.y[row], title, fontsize=SIZE, color="#5A5A5A", va="center")
        projections = {p.name: p for p in model.projections}
        for wire in wires:
            if wire.key in projections:
                _draw_projection(ax, wire, projections[wire.key], model)
            else:
                _draw_link(ax, wire)
        roles = _role_colours(model)
        for population in model.populations:
            _draw_population(ax, population, grid, roles[population.role])
        place_labels(
            ax,
            wires,
            labels,
            {n: DIRECTIONS[_direction(p, model)] for n, p in projections.items()},
            grid,
            page,
        )
        _draw_legend(ax, legend, MARGIN + len(legend) * 3.6 - 1.4)
    return figure


# -- what is drawn -----------------------------------------------------------------------------


def _box_width(model, wires):
    """Wide enough for the longest name, and for the wires that end on one edge of a box."""
    level = {p.name: -1 if p.level is None else p.level for p in model.populations}
    edges = [
        (a, (level[b] > level[a]) - (level[b] < level[a]))
        for wire in wires
        for target in wire.targets
        for a, b in ((wire.source, target), (target, wire.source))
        if a == b or level[a] != level[b]
    ]
    crowd = max((edges.count(edge) for edge in set(edges)), default=0)
    names = max(text_width(p.name, NAME, "bold") for p in model.populations)
    return max(20.0, 5 + names, min(45.0, 3 + 1.5 * PORT * crowd))


def _rows(model, width, gap):
    """Names row by row from the bottom, and the title of every row; long levels take several rows."""
    most = max(1, int((PAGE_WIDTH - 12) // (width + gap)))
    rows, titles = [], []
    for level in [None, *model.levels]:
        members = [p.name for p in model.populations if p.level == level]
        for i in range(0, len(members), most):
            rows.append(members[i : i + most])
            titles.append(
                f"level {level}" if level is not None else "no level" if model.levels else ""
            )
    return rows, titles


def _weights(model):
    joined = [(p.source, p.target, 2.0) for p in model.projections]
    return joined + [
        (path.partition(".")[0], p.name, 1.0)
        for p in model.populations
        for path in p.links.values()
    ]


def _wires(model):
    """One wire for each projection, one for all the links out of a population, one for links both
    ways.
    """
    labels = {
        p.name: p.name if p.delay is None else f"{p.name}, {value_text(p.delay)}"
        for p in model.projections
    }
    wires = [
        Wire(p.name, p.source, (p.target,), 3 + text_width(labels[p.name], SIZE))
        for p in model.projections
    ]
    read = {}
    for population in model.populations:
        for path in population.links.values():
            source = path.partition(".")[0]
            if population.name not in read.setdefault(source, []):
                read[source].append(population.name)
    for source, readers in read.items():
        both = [r for r in readers if source in read.get(r, ()) and r != source]
        wires += [Wire(f"{source}<>{r}", source, (r,)) for r in both if source < r]
        if one_way := tuple(r for r in readers if r not in both):
            wires.append(Wire(f"{source}>", source, one_way))
    return wires, labels


def _direction(projection, model):
    source, target = (
        model.population(name).level for name in (projection.source, projection.target)
    )
    if source is None or target is None:
        return OUTSIDE
    return WITHIN if source == target else DESCENDING if source > target else ASCENDING


def _delivers(projection):
    """Whether the synapses deliver to their source and to their target, as (source, target)."""
    ends = [name.rpartition("_")[2] for name in projection.summed]
    ends += [
        left.rpartition("_")[2]
        for code in (projection.on_pre, projection.on_post)
        for left, _, _ in eq.statements(code)
    ]
    return "pre" in ends, "post" in ends or "pre" not in ends


def _role_colours(model):
    others = iter(_OTHER_ROLES * len(model.populations))
    found = {}
    for population in model.populations:
        if population.role not in found:
            found[population.role] = ROLES.get(population.role) or next(others)
    return found


def _grid(model, wires, labels, slot, width, least, titles):
    """Columns wide enough for the labels between them, centred on the narrower page that holds
    them.
    """
    columns = 1 + max(c for _, c in slot.values())
    left = MARGIN + (2 + max(text_width(t, SIZE) for t in titles) if any(titles) else 0)
    lanes = sum(abs(slot[w.source][0] - slot[t][0]) > 1 for w in wires for t in w.targets)
    needed = left + columns * width + (columns - 1) * least + MARGIN + 3 * lanes + 1
    page = COLUMN_WIDTH if needed <= COLUMN_WIDTH else max(PAGE_WIDTH, needed)
    spare = page - needed
    gap = least + (min(spare / (columns - 1), 10.0) if columns > 1 else 0)
    start = left + max(0.0, spare - (gap - least) * (columns - 1)) / 2
    parallel = [
        sum({w.source, t} == {a.name, b.name} for w in wires for t in w.targets)
        for a in model.populations
        for b in model.populations
        if a.name < b.name
    ]
    middles = [start + width / 2 + c * (width + gap) for c in range(columns)]
    return Grid(
        slot=slot, width=width, height=max(10.0, SIDE * max([1, *parallel])), x=middles
    ), page


# -- drawing -----------------------------------------------------------------------------------


def _draw_population(ax, population, grid, colour):
    row, column = grid.slot[population.name]
    x, y = grid.x[column], grid.y[row]
    corner = (x - grid.width / 2, y - grid.height / 2)
    box = FancyBboxPatch(
        corner,
        grid.width,
        grid.height,
        boxstyle="round,pad=0,rounding_size=1.6",
        facecolor=_tint(colour),
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


def _draw_projection(ax, wire, projection, model):
    direction = _direction(projection, model)
    back, forth = _delivers(projection)
    style = "solid" if projection.plasticity is not None else _DASHED
    colours = DIRECTIONS[direction], DIRECTIONS[_OPPOSITE.get(direction, direction)]
    _draw_line(ax, wire, colours, 1.0, style, back, forth, 1.0, f"projection:{projection.name}", 2)


def _draw_link(ax, wire):
    _draw_line(
        ax,
        wire,
        (GREY, GREY),
        0.7,
        _DOTTED,
        wire.key.count("<") > 0,
        True,
        0.75,
        f"link:{wire.key}",
        1,
    )
    for x, y in wire.dots:
        ax.add_patch(Circle((x, y), 0.45, color=GREY, linewidth=0, zorder=1))


def _draw_line(ax, wire, colours, width, style, back, forth, head, gid, zorder):
    """The line and its heads; `colours` of the line, and of what comes `back` to the source."""
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


def _legend_rows(model, page):
    """Entries (text, draw) that fit the page, row by row."""
    boxes = [
        (role, "box", {"facecolor": _tint(c), "edgecolor": c})
        for role, c in _role_colours(model).items()
    ]
    directions = [
        d for d in DIRECTIONS if any(_direction(p, model) == d for p in model.projections)
    ]
    arrows = [(d, "arrow", {"color": DIRECTIONS[d]}) for d in directions if model.levels]
    arrows += [("both ways, same weights", "double", {"color": BLACK})] * any(
        all(_delivers(p)) for p in model.projections
    )
    plastic = {p.plasticity is not None for p in model.projections}
    lines = [("plastic", "line", {"color": BLACK})] * (True in plastic)
    lines += [("fixed", "line", {"color": BLACK, "linestyle": _DASHED})] * (False in plastic)
    lines += [
        ("link (same step)", "arrow", {"color": GREY, "linewidth": 0.7, "linestyle": _DOTTED})
    ] * any(p.links for p in model.populations)
    rows = []
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


def _draw_legend(ax, rows, top):
    for i, row in enumerate(rows):
        y = top - 3.6 * i
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
                _draw_line(
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


def _tint(colour):
    """`colour` mixed with white, light enough for black text."""
    return tuple(1 - (0.08 if colour == BLACK else 0.28) * (1 - c) for c in to_rgb(colour))

"""The structure of a model as a picture: populations as boxes, projections as arrows, level above
level.
"""

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..declare.model.hierarchy import Hierarchy
from ..errors import DeclarationError
from .label import SIZE, place_labels, text_width
from .route import PORT, SIDE, Grid, Wire, place, route
from .structure_colours import DIRECTIONS, direction_of, role_colours
from .structure_legend import LEGEND_ROW, draw_legend, legend_rows
from .structure_shapes import MARGIN, NAME, draw_link, draw_population, draw_projection
from .style import COLUMN_WIDTH, PAGE_WIDTH, new_figure, sheet
from .typeset import initial_text


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
    legend = legend_rows(model, page)
    top = route(grid, wires, MARGIN + len(legend) * LEGEND_ROW + 3.5) + MARGIN
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
                draw_projection(ax, wire, projections[wire.key], model)
            else:
                draw_link(ax, wire)
        roles = role_colours(model)
        for population in model.populations:
            draw_population(ax, population, grid, roles[population.role])
        place_labels(
            ax,
            wires,
            labels,
            {n: DIRECTIONS[direction_of(p, model)] for n, p in projections.items()},
            grid,
            page,
        )
        draw_legend(ax, legend, MARGIN + len(legend) * LEGEND_ROW - 1.4)
    return figure


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
        p.name: p.name if p.delay is None else f"{p.name}, {initial_text(p.delay)}"
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

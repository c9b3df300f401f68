"""The structure picture. Oracles: the declaration (one box per population, one arrow per
projection, heads where the synapses deliver, solid where they are plastic), and geometry read from
the artists.
"""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import tiny
from brian2 import ms
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.text import Text

from fena_sim import Hierarchy, Plasticity, Population, Projection, load_model
from fena_sim.plot import COLUMN_WIDTH, PAGE_WIDTH, sheet
from fena_sim.show.structure import structure
from fena_sim.show.structure_colours import ASCENDING, DESCENDING, DIRECTIONS

MODELS = Path(__file__).parents[2] / "models"
FILES = [path.stem for path in tiny.SHIPPED]


def network(levels, projections, links=(), delay=None):
    """Populations p0, p1, ... at the given levels; projections (source, target, plastic, both ways)
    by number.
    """
    incoming = [[k for k, q in enumerate(projections) if q[1] == i] for i in range(len(levels))]
    returning = [
        [k for k, q in enumerate(projections) if q[0] == i and q[3]] for i in range(len(levels))
    ]
    populations = [
        Population(
            name=f"p{i}",
            size=i + 1,
            level=level,
            role=("state", "error", "other")[i % 3],
            equations="\n".join(
                [
                    "x : 1",
                    *(f"in_{k} : 1" for k in incoming[i]),
                    *(f"back_{k} : 1" for k in returning[i]),
                ]
            ),
            links={f"other_{j}": f"p{j}.x" for a, j in links if a == i and i != j},
        )
        for i, level in enumerate(levels)
    ]
    made = []
    for k, (source, target, plastic, both) in enumerate(projections):
        texts = [f"in_{k}_post = w*x_pre : 1 (summed)"] + [
            f"back_{k}_pre = w*x_post : 1 (summed)"
        ] * both
        made.append(
            Projection(
                name=f"q{k}",
                source=f"p{source}",
                target=f"p{target}",
                delay=None if both else delay,
                equations="\n".join(texts + ["w : 1"] * (not plastic)),
                plasticity=Plasticity(equations="dw/dt = -w/(10*ms) : 1") if plastic else None,
            )
        )
    return Hierarchy(name="network", populations=populations, projections=made)


CASES = {
    "pair": network([None, None], [(0, 1, False, False)]),
    "loops": network(
        [0, 1],
        [(0, 0, True, False), (0, 1, True, True), (1, 1, False, False), (1, 0, False, False)],
        delay=3 * ms,
    ),
    "skipping": network(
        [0, 1, 2, 3],
        [(0, 3, True, False), (3, 0, True, False), (1, 3, False, True), (0, 1, True, True)],
        delay=12 * ms,
    ),
    "wide": network(
        [0] * 9 + [1] * 2, [(0, 8, True, False), (3, 9, False, False), (9, 10, True, True)]
    ),
    "parallel": network([0, 0], [(0, 1, True, False)] * 5 + [(1, 0, False, True)] * 2),
    "without levels": network([None] * 7 + [2], [(i, i + 1, i % 2 == 0, False) for i in range(7)]),
    "crossed": network(
        [0, 1, 0, 1],
        [(0, 1, True, False), (0, 3, True, False), (2, 1, True, False), (2, 3, True, False)],
    ),
    "stack": network(
        [None, 3], [(0, 1, False, False)] * 3 + [(1, 0, True, False)] * 3, delay=5 * ms
    ),
    "long names": Hierarchy(
        name="long",
        populations=[
            Population(name=f"a_population_with_a_long_name_{i}", size=2, equations="x : 1\ns : 1")
            for i in range(5)
        ],
        projections=[
            Projection(
                name=f"a_projection_with_a_long_name_{i}",
                source=f"a_population_with_a_long_name_{i}",
                target=f"a_population_with_a_long_name_{i + 1}",
                equations="s_post = x_pre : 1 (summed)",
                delay=2 * ms,
            )
            for i in range(4)
        ],
    ),
    "single": network([0], []),
}


@pytest.fixture(params=[*FILES, *CASES], scope="module")
def drawn(request):
    model = CASES.get(request.param) or load_model(MODELS / f"{request.param}.py")
    return model, structure(model)


def boxes_of(figure):
    return {
        a.get_gid().partition(":")[2]: a
        for a in figure.findobj(FancyBboxPatch)
        if (a.get_gid() or "").startswith("population:")
    }


def wires_of(figure, kind):
    return {
        a.get_gid().partition(":")[2]: a
        for a in figure.findobj(PathPatch)
        if (a.get_gid() or "").startswith(kind + ":")
    }


def extent(box):
    return box.get_x(), box.get_y(), box.get_x() + box.get_width(), box.get_y() + box.get_height()


def heads_of(figure, colours):
    return [
        tuple(p.get_xy()[0])
        for p in figure.findobj(Polygon)
        if to_hex(p.get_facecolor()) in colours
    ]


def touches(point, box, slack=0.02):
    """Whether a point lies on the rim of a box."""
    x0, y0, x1, y1 = extent(box)
    x, y = point
    inside = x0 - slack <= x <= x1 + slack and y0 - slack <= y <= y1 + slack
    return inside and min(abs(x - x0), abs(x - x1), abs(y - y0), abs(y - y1)) < slack


def segments_of(figure):
    """(wire, start, end) of every straight part of every wire."""
    found = []
    for wires in (wires_of(figure, "projection"), wires_of(figure, "link")):
        for name, wire in wires.items():
            path = wire.get_path()
            for before, vertex, code in zip(
                path.vertices, path.vertices[1:], path.codes[1:], strict=False
            ):
                if code == path.LINETO:
                    found.append((name, before, vertex))
    return found


def together(line, other):
    """Length over which two axis-parallel lines lie within 0.4 mm of each other."""
    for along, across in ((0, 1), (1, 0)):
        places = [point[across] for point in (*line, *other)]
        if (
            abs(places[0] - places[1]) < 1e-6
            and abs(places[2] - places[3]) < 1e-6
            and np.ptp(places) < 0.4
        ):
            low = max(min(p[along] for p in line), min(p[along] for p in other))
            return min(max(p[along] for p in line), max(p[along] for p in other)) - low
    return 0.0


def overlap(a, b):
    return a[0] < b[2] - 1e-6 and b[0] < a[2] - 1e-6 and a[1] < b[3] - 1e-6 and b[1] < a[3] - 1e-6


def check_layout(figure):
    with sheet():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        texts = [
            (t.get_text(), t.get_window_extent(canvas.get_renderer()).padded(-0.2))
            for t in figure.findobj(Text)
            if t.get_visible() and t.get_text()
        ]
        assert min(t.get_fontsize() for t in figure.findobj(Text) if t.get_text()) >= 6
    for text, box in texts:
        assert (
            box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
        ), text
    for (text, box), (other, its_box) in combinations(texts, 2):
        assert not box.overlaps(its_box), (text, other)
    boxes = boxes_of(figure)
    for text, place in texts:
        here = np.array(place.extents) / figure.dpi * 25.4
        for box in map(extent, boxes.values()):
            within = box[0] < here[0] and here[2] < box[2] and box[1] < here[1] and here[3] < box[3]
            assert within or not overlap(here, box), text
    for (a, box), (b, other) in combinations(boxes.items(), 2):
        assert not overlap(extent(box), extent(other)), (a, b)
    drawn = segments_of(figure)
    for name, start, end in drawn:
        line = (*np.minimum(start, end), *np.maximum(start, end))
        for population, box in boxes.items():
            x0, y0, x1, y1 = extent(box)
            assert not overlap(line, (x0 + 0.05, y0 + 0.05, x1 - 0.05, y1 - 0.05)), (
                name,
                population,
            )
    for (a, *line), (b, *other) in combinations(drawn, 2):
        assert a == b or together(line, other) < 0.5, (a, b)  # mm


def test_one_box_per_population_with_name_and_size(drawn):
    model, figure = drawn
    boxes = boxes_of(figure)
    assert sorted(boxes) == sorted(p.name for p in model.populations)
    places = {t.get_position(): t.get_text() for t in figure.findobj(Text) if t.get_text()}
    for population in model.populations:
        x0, y0, x1, y1 = extent(boxes[population.name])
        inside = {text for (x, y), text in places.items() if x0 < x < x1 and y0 < y < y1}
        assert inside == {population.name, f"{population.size} unit{'s' * (population.size > 1)}"}
    by_role = {}
    for population in model.populations:
        by_role.setdefault(population.role, set()).add(
            to_hex(boxes[population.name].get_edgecolor())
        )
    assert all(len(colours) == 1 for colours in by_role.values())
    assert len(set.union(*by_role.values())) == len(by_role)


def test_one_arrow_per_projection_from_its_source_to_its_target(drawn):
    model, figure = drawn
    wires, boxes = wires_of(figure, "projection"), boxes_of(figure)
    assert sorted(wires) == sorted(p.name for p in model.projections)
    heads = heads_of(figure, {to_hex(c) for c in DIRECTIONS.values()})
    for projection in model.projections:
        vertices = wires[projection.name].get_path().vertices
        for end, name, delivers in (
            (vertices[0], projection.source, any(n.endswith("_pre") for n in projection.summed)),
            (vertices[-1], projection.target, True),
        ):
            if delivers:  # the line stops inside its head, whose tip touches the box
                tip = min(heads, key=lambda h: np.hypot(*(np.array(h) - end)))
                assert np.hypot(*(np.array(tip) - end)) < 2 and touches(tip, boxes[name]), (
                    projection.name
                )
            else:
                assert touches(end, boxes[name]), projection.name
    assert len(heads) == len(model.projections) + sum(
        any(n.endswith("_pre") for n in p.summed) for p in model.projections
    ) + legend_heads(figure)


def legend_heads(figure):
    """Heads in the legend: they are the ones below every box."""
    floor = min(extent(b)[1] for b in boxes_of(figure).values())
    return sum(y < floor - 2 for _, y in heads_of(figure, {to_hex(c) for c in DIRECTIONS.values()}))


def test_style_tells_plastic_and_direction(drawn):
    model, figure = drawn
    for projection in model.projections:
        wire = wires_of(figure, "projection")[projection.name]
        assert (wire.get_linestyle() in ("-", "solid")) == (projection.plasticity is not None)
        levels = [model.population(n).level for n in (projection.source, projection.target)]
        if None not in levels and levels[0] != levels[1]:
            kind = DESCENDING if levels[0] > levels[1] else ASCENDING
            assert to_hex(wire.get_edgecolor()) == to_hex(DIRECTIONS[kind])


def test_levels_ascend_from_the_bottom(drawn):
    model, figure = drawn
    boxes = boxes_of(figure)
    for a, b in combinations(model.populations, 2):
        low, high = sorted([a, b], key=lambda p: -1 if p.level is None else p.level)
        if low.level != high.level:
            assert boxes[low.name].get_y() < boxes[high.name].get_y()


def test_labels_give_names_and_delays(drawn):
    model, figure = drawn
    shown = {t.get_text() for t in figure.findobj(Text)}
    for p in model.projections:
        text = p.name if p.delay is None else f"{p.name}, {float(p.delay / ms):g} ms"
        assert text in shown


def test_every_link_is_drawn(drawn):
    model, figure = drawn
    read = {
        frozenset((p.name, path.partition(".")[0]))
        for p in model.populations
        for path in p.links.values()
    }
    drawn_pairs = set()
    boxes = boxes_of(figure)
    grey = heads_of(figure, {"#8c8c8c"})
    for gid in wires_of(figure, "link"):
        source, _, _ = gid.rstrip(">").partition("<>")
        readers = [r for r in boxes if frozenset((source, r)) in read]
        drawn_pairs |= {
            frozenset((source, r)) for r in readers if any(touches(h, boxes[r]) for h in grey)
        }
    assert drawn_pairs == read


def test_nothing_overlaps(drawn):
    check_layout(drawn[1])


def test_width_is_a_column_or_a_page(drawn):
    width = drawn[1].get_figwidth() * 25.4
    assert width == pytest.approx(COLUMN_WIDTH) or width == pytest.approx(PAGE_WIDTH)


def test_fena_fits_half_a_page():
    figure = structure(load_model(MODELS / "fena_gaussian.py"))
    assert figure.get_figwidth() * 25.4 == pytest.approx(PAGE_WIDTH)
    assert figure.get_figheight() * 25.4 < 140


@st.composite
def networks(draw):
    levels = draw(st.lists(st.sampled_from([None, 0, 1, 2, 3]), min_size=1, max_size=8))
    number = st.integers(0, len(levels) - 1)
    projections = draw(
        st.lists(st.tuples(number, number, st.booleans(), st.booleans()), max_size=8)
    )
    links = draw(st.lists(st.tuples(number, number), max_size=6))
    sized = [(a, b) for a, b in links if b == 0]  # populations read only from the one of size 1
    return network(levels, projections, sized, draw(st.sampled_from([None, 5 * ms])))


@pytest.mark.slow
@settings(max_examples=25, deadline=None, derandomize=True)
@given(networks())
def test_nothing_overlaps_in_any_small_network(model):
    check_layout(structure(model))

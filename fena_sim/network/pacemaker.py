"""The pacemaker: one unit that steps through the tokens and provides the flags of each step to
every population.

With a batch, all streams of tokens share the pace; what differs between them is in `streams`.

Fixed and self-paced presentation are the same equations: a token leaves after its longest
presentation, or once the hierarchy has been settled for `hold` steps after its shortest one. At a
fixed pace the two are equal. Being part of the network, the pace is the same on every device.
"""

from collections.abc import Callable, Mapping

import numpy as np
from brian2 import Clock, NeuronGroup, Quantity, Synapses, TimedArray, second
from brian2.equations import Equations
from brian2.units.fundamentalunits import DIMENSIONLESS, Dimension

from ..declare.control_signals import KNOCKED_OUT
from ..declare.model.equations import PREDICTING
from ..declare.model.hierarchy import Hierarchy
from ..declare.protocol.modality import ARRIVING, FIRST
from ..declare.protocol.timeline import Timeline
from ..declare.stimulus.vocabulary import Vocabulary
from . import own_signals
from .shape import BlockShape

NAME = "pacemaker"
#: Flags every population may link: first step of the blank, first and any step of the presentation,
#: and (at the end of a step) the last step of the presentation.
FLAGS = ("starting", "arriving", "presenting", "departing")
#: Orders inside Brian2's 'end' slot: keep readouts, judge settling, record, and move on.
KEEP, JUDGE, DEPART, RECORD, ADVANCE = -20, -10, 0, 1, 10


#: Tables with a column per stream, when there are several.
BY_STREAM = ("token_row", "stream_gate")
#: What each modality has of its own.
OF_STREAMS = ("token_row", "gate", "starting", "arriving", "presenting")
#: Where a population keeps the rate of change by which settling is judged.
SETTLING_RATE = "settling_rate"


def table_values(
    line: Timeline, start: int, shape: BlockShape, step: int = 0
) -> dict[str, np.ndarray]:
    """The tables for tokens `start`, `start + 1`, ... and steps `step`, `step + 1`, ... of a block:
    {table: float64 (rows,) or (rows, columns)}.

    With a batch, "token_row" and "stream_gate" hold a column per stream. Rows beyond the block's
    end repeat its last token; they are never reached, but for the first of them, which is the pause
    at the end: a blank that does not end in it.
    """
    places = np.arange(start, start + shape.capacity)
    rows = np.minimum(places, len(line) - 1)
    blank = line.blank[rows]
    if line.pause:
        blank[places >= len(line)] = line.pause + 1
    tables = {
        "token_row": line.token[rows] + 1.0,
        "blank_steps": blank * 1.0,
        "shortest_steps": line.shortest[rows] * 1.0,
        "longest_steps": line.longest[rows] * 1.0,
    }
    given = [(f"{s.name}_control", s, line.controls[s.name]) for s in shape.controls]
    given += [(f"{s.name}_signal", s, line.signals[s.name].values) for s in shape.signals]
    for name, signal, values in given:
        if signal.by_step:
            stop = min(step + shape.steps, line.steps)
            tables |= _by_step(name, signal, values, step, stop, shape.steps)
        else:
            table = values[np.minimum(places, len(values) - 1)]
            tables[name] = table if signal.units else table[:, 0]
    if line.stream_gate is not None:
        tables["stream_gate"] = line.stream_gate[rows]
    return tables


def _by_step(name, signal, course, step, stop, steps):
    """The tables, of so many steps, of a signal that has a course: it is not asked for what comes after
    the block.
    """
    of_step = np.zeros(steps)
    if signal.units is None:
        of_step[: stop - step] = course.at(step, stop)
        return {name: of_step}
    row, values = course.rows(step, stop)
    of_step[: stop - step] = row
    room = np.zeros((signal.rows, signal.units))
    room[: len(values)] = values
    return {f"{name}_row": of_step, name: room}


def code_table(vocabulary: Vocabulary) -> np.ndarray:
    """Codes by row: row 0 is the omitted token (silence), row k + 1 is symbol k."""
    return np.vstack([np.zeros((1, vocabulary.size)), vocabulary.codes])


def make_tables(
    shape: BlockShape, batch: int = 1, dimensions: Mapping[str, Dimension] | None = None
) -> dict[str, TimedArray]:
    """Empty TimedArrays, indexed by the number of a token or step instead of time; filled before
    every chunk. `dimensions` are those of one's own signals, by name.
    """
    sizes: dict[str, tuple[int, ...]] = {}
    for name in ("token_row", "blank_steps", "shortest_steps", "longest_steps"):
        sizes[name] = (shape.capacity,)
    if batch > 1 or shape.controls[0].by_step:
        sizes["stream_gate"] = (shape.capacity,)
    if batch > 1:
        sizes |= {name: (shape.capacity, batch) for name in BY_STREAM}
    given = [(f"{s.name}_control", s) for s in shape.controls]
    given += [(f"{s.name}_signal", s) for s in shape.signals]
    for name, signal in given:
        rows = shape.steps if signal.by_step else shape.capacity
        if signal.by_step and signal.units:
            sizes[f"{name}_row"], rows = (rows,), signal.rows
        sizes[name] = (rows, signal.units) if signal.units else (rows,)
    of = {f"{name}_signal": dimension for name, dimension in (dimensions or {}).items()}
    return {
        name: TimedArray(
            Quantity(np.ones(size), dim=of.get(name, DIMENSIONLESS)),
            dt=1 * second,
            name=f"table_{name}",
        )
        for name, size in sizes.items()
    }


def make_pacemaker(
    hierarchy: Hierarchy, tables: Mapping[str, TimedArray], shape: BlockShape, clock: Clock
) -> NeuronGroup:
    """The pacemaker group. It judges settling by what `make_settling_synapses` sum into
    it."""
    equations = [
        "token : 1",
        "elapsed : 1",
        "step : 1",
        "hold : 1 (shared)",
        "iterations : 1",
        "quiet : 1",
        "steps : 1",
        "departing : 1",
        "chunk_start : second (shared)",
        "chunk_duration : second (shared)",
    ]
    for name in (
        "blank_steps",
        "shortest_steps",
        "longest_steps",
        *(["token_row"] if hierarchy.batch == 1 else []),
    ):
        equations.append(f"{name} = table_{name}(token*second) : 1 (constant over dt)")
    equations += [
        "presenting = int(elapsed >= blank_steps) : 1 (constant over dt)",
        "starting = int(elapsed == 0) : 1 (constant over dt)",
        "arriving = int(elapsed == blank_steps) : 1 (constant over dt)",
    ]
    for signal in shape.controls:
        name, place = signal.name, "step" if signal.by_step else "token"
        gated = "*presenting" if name == "gate" else ""
        if name == "gate" and signal.by_step and hierarchy.batch == 1:
            gated += "*table_stream_gate(token*second)"
        equations.append(
            f"{name} = table_{name}_control({place}*second){gated} : 1 (constant over dt)"
        )
    equations += [
        f"{predicting(level)} = int(abs({KNOCKED_OUT} - {level}) > 0.5) : 1 (constant over dt)"
        for level in sorted({p.level for p in hierarchy.readers(PREDICTING) if p.level is not None})
    ]
    for name, _ in shape.others:
        phase = f"(phase_of_{name} - {FIRST}*starting_of_{name})"
        equations += [
            f"starting_of_{name} = int(phase_of_{name} > {FIRST} - 0.5) : 1 (constant over dt)",
            f"presenting_of_{name} = int({phase} > {ARRIVING} - 0.5) : 1 (constant over dt)",
            f"arriving_of_{name} = int(abs({phase} - {ARRIVING}) < 0.5) : 1 (constant over dt)",
        ]
    equations += settling_equations(hierarchy)
    group = NeuronGroup(
        1,
        Equations("\n".join(equations)) + own_signals.in_pacemaker(shape, tables),
        name=NAME,
        clock=clock,
        order=-1000,
        method="euler",
        events={"departure": "departing > 0.5"},
        dtype=dict.fromkeys(["chunk_start", "chunk_duration"], np.float64),  # times of long runs
        namespace={f"table_{name}": table for name, table in tables.items()},
    )
    group.run_regularly(
        "\n".join(
            [
                *judgement(hierarchy, hierarchy.batch),
                "steps = presenting*(elapsed - blank_steps + 1)",
                "iterations = presenting*(unsettled*steps + (1 - unsettled)*int(steps > 1)*iterations)",
                "quiet = presenting*(1 - unsettled)*(quiet + 1)",
                "departing = presenting*int((steps >= longest_steps) or ((steps >= shortest_steps) and (quiet >= hold)))",
            ]
        ),
        clock=clock,
        when="end",
        order=JUDGE,
        name=f"{NAME}_judge",
    )
    group.set_event_schedule("departure", when="end", order=DEPART)
    group.run_regularly(
        """
        token = token + departing
        elapsed = (1 - departing)*(elapsed + 1)
        step = step + 1
        """,
        clock=clock,
        when="end",
        order=ADVANCE,
        name=f"{NAME}_advance",
    )
    return group


def predicting(level: int | None) -> str:
    """Name of the signal "predicting" of a level: 0 while its predictions are knocked out, else 1."""
    return f"{PREDICTING}_{level}"


def settling_populations(hierarchy: Hierarchy) -> tuple[str, ...]:
    """Names of the populations by which settling is judged."""
    return hierarchy.settling.populations if hierarchy.settling else ()


def settling_equations(hierarchy: Hierarchy) -> list[str]:
    """What a group that judges settling holds: a sum of squares for every such population, their
    root mean square `rate` (kept, so that a probe sees the very number that was judged), and the
    tolerance.
    """
    sums = [f"rate_{k} : hertz**2" for k in range(len(settling_populations(hierarchy)))]
    return [*sums, "rate : hertz", "tolerance : hertz (shared, constant)"] if sums else []


def judgement(hierarchy: Hierarchy, streams: int) -> list[str]:
    """Statements: `unsettled` is 1 while the `rate` of the units of `streams` streams
    reaches the tolerance.
    """
    if not hierarchy.settling:
        return ["unsettled = 1"]
    total = " + ".join(f"rate_{k}" for k in range(len(settling_populations(hierarchy))))
    units = streams * sum(
        hierarchy.population(name).size for name in settling_populations(hierarchy)
    )
    return [f"rate = sqrt(({total})/{units})", "unsettled = int(rate >= tolerance)"]


def make_settling_synapses(
    hierarchy: Hierarchy,
    groups: Mapping[str, NeuronGroup],
    judge: NeuronGroup,
    clock: Clock,
    make: Callable[..., Synapses] = Synapses,
) -> list[Synapses]:
    """The synapses, made by `make`, through which the group `judge` judges settling."""
    synapses = []
    for k, name in enumerate(settling_populations(hierarchy)):
        owner = "" if judge.name == NAME else f"{judge.name}_"
        made = make(
            groups[name],
            judge,
            f"rate_{k}_post = {SETTLING_RATE}_pre**2 : hertz**2 (summed)",
            name=f"{owner}settling_of_{name}",
            clock=clock,
        )
        made.connect()
        made.summed_updaters[f"rate_{k}_post"].order = 1000
        synapses.append(made)
    return synapses


def initial_values(hierarchy: Hierarchy) -> dict[str, float]:
    """Values of the pacemaker's own variables before the first chunk, {variable: float}."""
    values = dict.fromkeys(
        [
            "token",
            "elapsed",
            "step",
            "hold",
            "iterations",
            "quiet",
            "steps",
            "departing",
            "chunk_start",
            "chunk_duration",
        ],
        0.0,
    )
    if hierarchy.settling:
        values["tolerance"] = float(hierarchy.settling.tolerance)
    return values

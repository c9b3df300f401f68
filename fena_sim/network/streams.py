"""Streams: with a batch, the variables that differ between the streams of tokens that share the
pacemaker.

Unit b stands for stream b: its token, whether its token is omitted, and how long it took to settle.
Populations of N units hold those of all streams one after the other: unit u of stream b is element
b*N + u.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np
from brian2 import Clock, NeuronGroup, Synapses, TimedArray, linked_var
from brian2.equations import Equations, Expression
from brian2.equations.equations import SingleEquation
from brian2.utils.stringtools import word_substitute

from ..declare.model.hierarchy import Hierarchy
from . import pacemaker

NAME = "streams"
#: Signals that every stream has of its own; all others are the pacemaker's.
SIGNALS = ("gate", "token_row")


def make_streams(
    hierarchy: Hierarchy,
    groups: Mapping[str, NeuronGroup],
    tables: Mapping[str, TimedArray],
    pace: NeuronGroup,
    clock: Clock,
) -> tuple[NeuronGroup, list[Synapses]]:
    """The group of streams, and the synapses through which each judges its own settling."""
    signals = ("token", "gate", "presenting", "departing", "steps")
    equations = [f"shared_{name} : 1 (linked)" for name in signals] + [
        "token_row = table_token_row(shared_token*second, i) : 1 (constant over dt)",
        "gate = shared_gate*table_stream_gate(shared_token*second, i) : 1 (constant over dt)",
        "iterations : 1",
        *pacemaker.settling_equations(hierarchy),
    ]
    group = NeuronGroup(
        hierarchy.batch,
        "\n".join(equations),
        name=NAME,
        clock=clock,
        order=-999,
        method="euler",
        events={"departure": "shared_departing > 0.5"},
        namespace={f"table_{name}": tables[name] for name in pacemaker.BY_STREAM},
    )
    for name in signals:
        setattr(group, f"shared_{name}", linked_var(pace, name))
    group.set_event_schedule("departure", when="end", order=pacemaker.DEPART)
    group.run_regularly(
        "\n".join(
            [
                *pacemaker.judgement(hierarchy, 1),
                "iterations = shared_presenting*(unsettled*shared_steps"
                " + (1 - unsettled)*int(shared_steps > 1)*iterations)",
            ]
        ),
        clock=clock,
        when="end",
        order=pacemaker.JUDGE + 1,
        name=f"{NAME}_judge",
    )

    return group, pacemaker.make_settling_synapses(
        hierarchy, groups, group, clock, partial(shared_synapses, hierarchy.batch)
    )


def shared_synapses(
    batch: int, *arguments: NeuronGroup | Equations | str, **options: Clock | str
) -> Synapses:
    """Synapses between groups that hold the units of `batch` streams, which share every synapse."""
    from brian2_dense.batch import BatchedSynapses  # here, since devices import what they build

    return BatchedSynapses(*arguments, batch=batch, **options)


def initial_values(hierarchy: Hierarchy) -> dict[str, np.ndarray]:
    """Values of the streams' own variables before the first chunk, {variable: float array}."""
    values = {"iterations": np.zeros(hierarchy.batch)}
    if hierarchy.settling:
        values["tolerance"] = np.array([float(hierarchy.settling.tolerance)])
    return values


def of_units(text: str, size: int, batch: int) -> str:
    """`text` with `i` and `N` as the number of the unit and of the `size` units, not of their
    copies.
    """
    return text if batch == 1 else word_substitute(text, {"i": f"(i % {size})", "N": str(size)})


def equations_of_units(equations: Equations, size: int, batch: int) -> Equations:
    """Equations with every right-hand side as by `of_units`."""
    if batch == 1:
        return equations
    return Equations(
        [
            SingleEquation(
                e.type,
                e.varname,
                e.dim,
                var_type=e.var_type,
                flags=e.flags,
                expr=(None if e.expr is None else Expression(of_units(e.expr.code, size, batch))),
            )
            for e in equations.values()
        ]
    )

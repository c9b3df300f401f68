"""Conduction delays as a line of relay units.

Brian2 delays spikes but not continuous signals, and its spike queues are hidden state that a chunk
would lose. A delay line is an ordinary population instead: its stage 0 takes what the projection
would read from the source if it had no delay, at that very place in the step, and every step each
stage takes over from the one before. The line's end, a population of the source's size, stands in
for the source: what the synapses do at a step is what they would have done `delay` earlier. This
works for rates and spikes, on every device, and is part of the state that is checkpointed. A
network begins with silent lines.

Where delays differ between synapses, the line is as long as the longest, and its end has a unit for
each stage of each source from which some synapse reads.
"""

from typing import cast

import numpy as np
from brian2 import Clock, NeuronGroup, linked_var
from brian2.equations import Equations
from brian2.units.fundamentalunits import DIMENSIONLESS

from ..declare.model.connectivity import Pairs
from ..declare.model.hierarchy import Hierarchy
from ..declare.model.population import Population
from ..declare.model.projection import Projection
from .population import parameter

FIRED = "fired"


def lower_flags(group: NeuronGroup, clock: Clock) -> None:
    """The source's reset raises its `fired` flag at a spike; lower it at the beginning of the next
    step.
    """
    group.run_regularly(
        f"{FIRED} = 0", clock=clock, when="start", order=-8, name=f"{group.name}_clear"
    )


def steps_of(projection: Projection, hierarchy: Hierarchy) -> int | np.ndarray:
    """The delay of a projection in steps, at least 1: one, or int64 (n_synapses,) of a wired one."""
    steps = np.rint(np.asarray(projection.delay, dtype=float) / float(hierarchy.dt)).astype(int)
    return steps if projection.several_delays else int(steps)


def line_sizes(projection: Projection, hierarchy: Hierarchy) -> dict[str, int]:
    """Units of the groups of a delay line, {name: int}, of a projection of a wired hierarchy."""
    steps, n = steps_of(projection, hierarchy), hierarchy.population(projection.source).size
    name, ends = f"delay_{projection.name}", n
    if projection.several_delays:
        pairs = cast(Pairs, projection.connect)
        ends = len(np.unique(_taps(steps, pairs.i, n)))
    return {name: n * int(np.max(steps)), f"{name}_end": ends}


def _taps(steps, i, n):
    """Units of a line of `n` sources, of which synapses from sources `i` read after `steps`."""
    return (steps - 1) * n + i


def make_line(
    projection: Projection,
    source: Population,
    group: NeuronGroup,
    target: Population,
    steps: int | np.ndarray,
    clock: Clock,
    joined: tuple[np.ndarray, np.ndarray] | None,
) -> tuple[NeuronGroup, NeuronGroup, tuple[np.ndarray, np.ndarray] | None]:
    """The delay line of a projection (`steps` >= 1) between two Populations.

    `joined` are the pairs (i, j) where `steps` differ between synapses, else None. Returns (line
    group, its end, pairs of the end and of the target or None).
    """
    dims = {**source.known({}), FIRED: DIMENSIONLESS}
    values = sorted(projection.reads("pre"))
    names = values + ([FIRED] if projection.spiking else [])
    n = source.size
    unit = np.arange(n * int(np.max(steps)))
    taps = unit[-n:]
    if joined is not None:
        taps, ends = np.unique(_taps(steps, joined[0], n), return_inverse=True)
        joined = ends, joined[1]
    name = f"delay_{projection.name}"

    def linked_group(size, prefixes, **options):
        equations = [
            parameter(
                f"{prefix}{v}", dims[v], ["linked"] if prefix in ("before_", "source_") else []
            )
            for v in names
            for prefix in ("", *prefixes)
        ]
        return NeuronGroup(size, Equations(equations), clock=clock, **options)

    line = linked_group(len(unit), ("held_", "before_", "source_"), name=name)
    end = linked_group(
        len(taps),
        ("before_",),
        name=f"{name}_end",
        threshold=f"{FIRED} > 0.5" if projection.spiking else None,
        reset="" if projection.spiking else None,
    )
    for v in names:
        setattr(
            line,
            f"before_{v}",
            linked_var(line, f"held_{v}", index=np.where(unit < n, unit, unit - n)),
        )
        setattr(line, f"source_{v}", linked_var(group, v, index=unit % n))
        setattr(end, f"before_{v}", linked_var(line, v, index=taps))

    def every_step(owner, what, variables, statement, when, order):
        if variables:
            owner.run_regularly(
                "\n".join(statement.format(v) for v in variables),
                clock=clock,
                when=when,
                order=order,
                name=f"{owner.name}_{what}",
            )

    # Two code objects to move the line, so that no unit reads what another has already overwritten.
    every_step(end, "take", names, "{0} = before_{0}", "start", -14)
    every_step(line, "hold", names, "held_{0} = {0}", "start", -12)
    every_step(line, "shift", names, "{0} = before_{0}", "start", -10)
    entry = f"{{0}} = int(i < {n})*source_{{0}} + int(i >= {n})*{{0}}"
    # Just before the inputs of the target are summed (see `projection`); spikes act in 'synapses'.
    read_at = ("groups", target.order - 0.9) if projection.summed else ("synapses", -10)
    every_step(line, "sample", values, entry, *read_at)
    every_step(line, "sample_spikes", names[len(values) :], entry, "after_resets", 0)
    return line, end, joined

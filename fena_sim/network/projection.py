"""Projection -> Synapses."""

from functools import lru_cache

import numpy as np
from brian2 import Clock, NeuronGroup, Synapses
from brian2.equations import Equations
from brian2.equations.equations import PARAMETER, SingleEquation
from brian2.units.fundamentalunits import get_dimensions

from ..declare.model.connectivity import ALL, ONE_TO_ONE, RANDOM, Pairs
from ..declare.model.projection import Projection
from . import pacemaker
from .population import parameter
from .streams import shared_synapses
from .wiring import condition_count, decided_pairs, expected_count

PLASTICITY_ORDER = pacemaker.KEEP + 5  # after the states of the step, before the pacemaker moves on
#: How long before a population its inputs are summed, in its `order`. Orders are integers, so a sum has
#: a place of its own after all populations of lower orders; Brian2 decides a tie by names.
SUM_BEFORE = 0.75
#: Clock-driven equations of synapses: after the sums into populations of order 0, before these.
CLOCK_DRIVEN_ORDER = -0.25


def pairs(projection: Projection, n_source: int, n_target: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices (i, j) of the synapses of a projection of a wired hierarchy, each int64 (n_synapses,),
    ordered by i then j. Raises DeclarationError if there are none.
    """
    assert not isinstance(projection.connect, RANDOM), "wire() decides what the seed decides"
    return decided_pairs(projection, n_source, n_target, seed=0)


@lru_cache(maxsize=64)
def synapse_count(projection: Projection, n_source: int, n_target: int) -> int:
    """How many synapses there are, without their indices; on average where a seed decides and has
    not (see `wiring.wire`). Raises as `pairs`.
    """
    if projection.connect == ALL:
        return n_source * n_target
    if projection.connect == ONE_TO_ONE:
        return n_source
    if isinstance(projection.connect, Pairs):
        return len(projection.connect)
    if isinstance(projection.connect, RANDOM):
        return expected_count(projection, n_source, n_target)
    return condition_count(projection, n_source, n_target)


def make_synapses(
    projection: Projection,
    source_group: NeuronGroup,
    target_group: NeuronGroup,
    clock: Clock,
    plasticity_clock: Clock,
    batch: int = 1,
    joined: tuple[np.ndarray, np.ndarray] | None = None,
) -> Synapses:
    """The Synapses of a projection, connected; shared by `batch` streams if there are several.

    `joined` are the pairs (i, j) if the source group is not the projection's source.
    """
    rule = projection.plasticity
    model = [e for e in projection.parsed.values()]
    model += [
        parameter(name, get_dimensions(value), ["shared", "constant"])
        for name, value in projection.all_parameters.items()
    ]
    on_pre, on_post = [projection.on_pre], [projection.on_post]
    changes = []
    if rule is not None:
        changes = rule.clock_driven
        model += rule.event_driven
        model += [SingleEquation(PARAMETER, e.varname, dimensions=e.dim, flags=[]) for e in changes]
        on_pre.append(rule.on_pre)
        on_post.append(rule.on_post)
    options = dict(name=projection.name, clock=clock, method="euler")
    if batch > 1:
        synapses = shared_synapses(batch, source_group, target_group, Equations(model), **options)
    else:
        synapses = Synapses(
            source_group,
            target_group,
            Equations(model),
            on_pre=_joined(on_pre),
            on_post=_joined(on_post),
            **options,
        )
    if synapses.state_updater is not None:
        synapses.state_updater.order = CLOCK_DRIVEN_ORDER
    for updater in synapses.summed_updaters.values():
        updater.order = updater.target.order - SUM_BEFORE
    if projection.connect == ALL:
        synapses.connect()
    else:
        i, j = joined or pairs(projection, len(source_group), len(target_group))
        synapses.connect(i=i, j=j)
    if changes:
        interval = f"{float(plasticity_clock.dt)!r}*second"
        code = [
            f"change_{e.varname} = {interval}*({e.expr})" for e in changes
        ]  # all from the same state
        code += [f"{e.varname} = {e.varname} + change_{e.varname}" for e in changes]
        synapses.run_regularly(
            "\n".join(code),
            clock=plasticity_clock,
            when="end",
            order=PLASTICITY_ORDER,
            name=f"{projection.name}_plasticity",
        )
    return synapses


def _joined(codes):
    lines = [
        line.strip()
        for code in codes
        if code
        for line in code.replace(";", "\n").splitlines()
        if line.strip()
    ]
    return "\n".join(lines) or None

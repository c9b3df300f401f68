"""Projection -> Synapses."""

from functools import lru_cache

import numpy as np
import sympy
from brian2 import Clock, NeuronGroup, Synapses
from brian2.equations import Equations
from brian2.equations.equations import PARAMETER, SingleEquation
from brian2.parsing.sympytools import str_to_sympy
from brian2.units.fundamentalunits import get_dimensions

from ..declare.model.projection import ALL, ONE_TO_ONE, Projection
from ..errors import DeclarationError
from . import pacemaker
from .population import parameter
from .streams import shared_synapses

#: Pairs of units that a condition is asked of at a time, which bounds the memory that this takes.
PAIRS_AT_ONCE = 2**20
PLASTICITY_ORDER = pacemaker.KEEP + 5  # after the states of the step, before the pacemaker moves on


def pairs(projection: Projection, n_source: int, n_target: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices (i, j) of the synapses, each int64 (n_synapses,), ordered by i then j. Raises
    DeclarationError if there are none.
    """
    if projection.connect == ALL:
        return np.divmod(np.arange(n_source * n_target), n_target)
    if projection.connect == ONE_TO_ONE:
        return np.arange(n_source), np.arange(n_source)
    i, j = zip(*_chosen(projection, n_source, n_target))
    return np.concatenate(i), np.concatenate(j)


@lru_cache(maxsize=64)
def synapse_count(projection: Projection, n_source: int, n_target: int) -> int:
    """How many synapses there are, without their indices. Raises as `pairs`."""
    if projection.connect == ALL:
        return n_source * n_target
    if projection.connect == ONE_TO_ONE:
        return n_source
    return sum(len(i) for i, _ in _chosen(projection, n_source, n_target))


def _chosen(projection, n_source, n_target):
    """Indices (i, j) of the pairs that meet a projection's condition, some sources at a time."""
    condition = str_to_sympy(projection.connect)
    names = sorted(str(s) for s in condition.free_symbols)
    test = sympy.lambdify(names, condition, "numpy")
    constants = {"N_pre": n_source, "N_post": n_target}
    constants |= {name: float(value) for name, value in projection.parameters.items()}
    sources, found = max(1, PAIRS_AT_ONCE // n_target), False
    for first in range(0, n_source, sources):
        rows = np.arange(first, min(first + sources, n_source))
        i, j = np.repeat(rows, n_target), np.tile(np.arange(n_target), len(rows))
        symbols = {"i": i, "j": j, **constants}
        chosen = np.asarray(test(*[symbols[name] for name in names]), dtype=bool)
        chosen = np.broadcast_to(chosen, i.shape)
        found = found or bool(chosen.any())
        yield i[chosen], j[chosen]
    if not found:
        raise DeclarationError(
            f"the condition {projection.connect!r} joins no pair of units",
            where=projection.where,
            fix="correct the condition, or remove the projection",
        )


def make_synapses(
    projection: Projection,
    source_group: NeuronGroup,
    target_group: NeuronGroup,
    clock: Clock,
    plasticity_clock: Clock,
    batch: int = 1,
) -> Synapses:
    """The Synapses of a projection, connected; shared by `batch` streams if there are several."""
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
    if projection.connect == ALL:
        synapses.connect()
    else:
        i, j = pairs(projection, len(source_group), len(target_group))
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

"""Signals of one's own in the network.

What all units share, the pacemaker reads from its tables and populations link. What differs between
units, each population reads itself, in the row that the pacemaker leads to. Poisson spikes are drawn
by each unit from a mean that all share.
"""

import zlib
from collections.abc import Mapping

import attrs
from brian2 import TimedArray
from brian2.core.functions import Function
from brian2.equations import Equations, Expression
from brian2.equations.equations import FLOAT, SUBEXPRESSION, SingleEquation
from brian2.units.fundamentalunits import DIMENSIONLESS, Dimension

from ..declare.model.equations import STIMULUS_NOISE
from ..declare.model.population import Population
from .poisson import COUNTER_POISSON
from .shape import BlockShape


def _once(name: str, code: str, dimension: Dimension = DIMENSIONLESS) -> SingleEquation:
    """name = code, computed once per step."""
    return SingleEquation(
        SUBEXPRESSION,
        name,
        dimensions=dimension,
        var_type=FLOAT,
        expr=Expression(code),
        flags=["constant over dt"],
    )


def in_pacemaker(shape: BlockShape, tables: Mapping[str, TimedArray]) -> Equations:
    """What the pacemaker reads of them at every step."""
    found = []
    for signal in shape.signals:
        table = f"table_{signal.name}_signal"
        if signal.units is None:
            place = "step" if signal.by_step else "token"
            dimension = tables[f"{signal.name}_signal"].dim
            found.append(_once(_shared(signal), f"{table}({place}*second)", dimension))
        elif signal.by_step:
            found.append(_once(_row(signal), f"{table}_row(step*second)"))
    return Equations(found)


def _shared(signal):
    return f"mean_{signal.name}" if signal.poisson else signal.name


def _row(signal):
    return f"row_of_{signal.name}" if signal.by_step else "token"


@attrs.frozen
class Read:
    """What a population takes for its own signals.

    Attributes
    ----------
    linked : dict of str -> (str, Dimension)
        {name in the population: (variable of the pacemaker, its dimension)}.
    equations : list of SingleEquation
    namespace : dict
    """

    linked: dict[str, tuple[str, Dimension]]
    equations: list[SingleEquation]
    namespace: dict[str, TimedArray | Function]


def read(
    population: Population,
    shape: BlockShape,
    tables: Mapping[str, TimedArray],
    unit: str,
) -> Read:
    """What a population takes for its own signals; `unit` is the number of a unit in its equations."""
    taken = Read({}, [], {})
    for signal in shape.signals:
        noise = signal.name == STIMULUS_NOISE
        if not (population.uses("token_code") if noise else signal.name in population.signals):
            continue
        table = tables[f"{signal.name}_signal"]
        if signal.poisson:
            mean = f"mean_{signal.name}"
            taken.linked[mean] = mean, DIMENSIONLESS
            draws = zlib.crc32(f"{population.name}.{signal.name}".encode()) & 0x7FFFFFFF
            code = f"counter_poisson(noise_seed, {draws}, i, t_in_timesteps, {mean})"
            taken.equations.append(_once(signal.name, code))
            taken.namespace["counter_poisson"] = COUNTER_POISSON
        elif signal.units is None:
            taken.linked[signal.name] = signal.name, table.dim
        else:
            row = f"row_of_{signal.name}"
            taken.linked[row] = _row(signal), DIMENSIONLESS
            code = f"table_{signal.name}_signal({row}*second, {unit})"
            taken.equations.append(_once(signal.name, code, table.dim))
            taken.namespace[f"table_{signal.name}_signal"] = table
    return taken

"""Measured signals as further populations of a network, which nothing else in it reads.

For each variable that a signal is computed from there is a population with as many units, which hold
the part of it that is measured, and a projection that sums them into the one unit of the signal. They
come last in every step. What they read is linked, so that no population of the model has anything
more to do than without them.
"""

from collections.abc import Iterable, Mapping

import attrs
from brian2 import Quantity, ms
from brian2.units.fundamentalunits import Dimension

from ...errors import ProtocolError
from ..model.hierarchy import RESERVED, Hierarchy
from ..model.population import Population
from ..model.projection import Projection
from ..protocol.probe import Probe
from ..protocol.protocol import Protocol
from .signal import BOTH, MEAN_SQUARE, NEGATIVE, POSITIVE, RMS, SIGNED, SUM, Signal
from .sources import dimensions_of, sources, weight_of

#: The role of a signal's one unit, and the variable that holds the signal.
ROLE, VALUE = "measured signal", "value"
#: Between the name of a signal and that of what it is computed from.
UNITS, SUMS = "_units_of_", "_sums_of_"
_PARTS = {
    POSITIVE: "(x - threshold)*int(x > threshold)",
    NEGATIVE: "(-x - threshold)*int(-x > threshold)",
    BOTH: "(abs(x) - threshold)*int(abs(x) > threshold)",
    SIGNED: "x",
}


def attached(model: Hierarchy, measured: Mapping[str, Signal]) -> Hierarchy:
    """The hierarchy with the populations and projections of measured signals; itself without any.

    Parameters
    ----------
    model : Hierarchy
    measured : dict of Signal
        By the names of their populations; the value of each is its variable "value".

    Raises
    ------
    ProtocolError
        A name is taken.
    FenaError
        As `sources`.
    """
    if not measured:
        return model
    last = max(p.order for p in model.populations) + 10
    populations, projections = list(model.populations), list(model.projections)
    for name, signal in sorted(measured.items()):
        where = f"measured signal {name!r}"
        _check_name(name, model, measured, where)
        units, sums, unit = _declare(name, signal, model, last, where)
        populations += [*units, unit]
        projections += sums
    return attrs.evolve(model, populations=populations, projections=projections)


def belongs(owner: str, names: Iterable[str]) -> bool:
    """Whether a population or projection is one that `attached` made for one of these signals."""
    return any(
        owner == name or owner.startswith((f"{name}{UNITS}", f"{name}{SUMS}")) for name in names
    )


def recorded(protocol: Protocol, dt: Quantity) -> Protocol:
    """The protocol with a probe, in every block, of each signal that none of its own probes records:
    every 1 ms, or dt if that is no multiple of it.
    """
    probed = {probe.population for block in protocol.blocks for probe in block.probes}
    steps = float(1 * ms) / float(dt)
    interval = 1 * ms if steps > 0.5 and abs(steps - round(steps)) < 1e-6 else dt
    added = [
        Probe(name, VALUE, interval=interval)
        for name in sorted(protocol.measured)
        if name not in probed
    ]
    if not added:
        return protocol
    blocks = [attrs.evolve(block, probes=[*block.probes, *added]) for block in protocol.blocks]
    return attrs.evolve(protocol, blocks=blocks)


def _check_name(name, model, measured, where):
    members = [*RESERVED, *(m.name for m in (*model.populations, *model.projections))]
    members += [other for other in measured if other != name]
    taken = [member for member in members if belongs(member, [name])]
    if taken:
        raise ProtocolError(
            f"the name is taken by {taken[0]!r} of model {model.name!r} or of its signals",
            where=where,
            fix=f"give the signal another name, e.g. {name + '_measured'!r}",
        )


def _declare(name, signal, model, order, where):
    """(populations of the units, projections, the population of the signal)."""
    found, weight = sources(signal, model, where), weight_of(signal, model, where)
    dimension = dimensions_of(signal, model, where)
    squared = signal.norm != SUM
    of_sum = _unit(dimension**2 if squared else dimension)
    count = sum(source.size for source in found)
    sent = f"activity_pre**2/{count}" if squared else "activity_pre"
    threshold = {} if signal.part == SIGNED else {"threshold": _threshold(signal, model, found[0])}
    units, sums = [], []
    for k, source in enumerate(found):
        of = f"{source.population}_{source.variable}"
        links = {"x": source.path} | ({"weight": weight.path} if weight else {})
        activity = f"{'weight*' if weight else ''}{_PARTS[signal.part]}"
        units.append(
            Population(
                name=f"{name}{UNITS}{of}",
                size=source.size,
                equations=f"activity = {activity} : {_unit(dimension)} (constant over dt)",
                parameters=threshold,
                links=links,
                order=order,
                role=f"{ROLE}: units",
            )
        )
        sums.append(
            Projection(
                name=f"{name}{SUMS}{of}",
                source=units[-1].name,
                target=name,
                equations=f"part_{k}_post = {sent} : {of_sum} (summed)",
            )
        )
    total = " + ".join(f"part_{k}" for k in range(len(found)))
    total = f"sqrt({total})" if signal.norm == RMS else total
    of_value = _unit(dimension**2 if signal.norm == MEAN_SQUARE else dimension)
    value = f"{VALUE} = {total} : {of_value}"
    if signal.lowpass is not None:
        value = f"d{VALUE}/dt = ({total} - {VALUE})/lowpass : {of_value}"
    unit = Population(
        name=name,
        size=1,
        equations="\n".join([value, *(f"part_{k} : {of_sum}" for k in range(len(found)))]),
        parameters={} if signal.lowpass is None else {"lowpass": signal.lowpass},
        # In one step the sum is constant, so that this method is exact, whatever the time constant.
        method="exponential_euler",
        order=order,
        role=ROLE,
    )
    return units, sums, unit


def _threshold(signal, model, source):
    """In units of the variable, also where it is 0."""
    return signal.threshold or Quantity(0.0, dim=model.dimensions_of(source.path, source.path))


def _unit(dimension: Dimension) -> str:
    """As equations write it."""
    return "1" if dimension.is_dimensionless else repr(dimension)

"""Hierarchy + probes -> one explicit Brian2 Network."""

from collections.abc import Sequence

import attrs
from brian2 import Clock, Network

from ..declare.model.hierarchy import Hierarchy
from ..declare.model.own_signals import own_signals
from ..declare.protocol.probe import Probe
from ..declare.stimulus.vocabulary import Vocabulary
from . import delay, pacemaker, population, projection, streams
from .monitors import make_monitors
from .shape import BlockShape


@attrs.define
class Built:
    """Brian2 objects of a network, by the names of the declarations.

    Attributes
    ----------
    network : Network
    groups : dict of NeuronGroup and Synapses, everything that carries state
    tables : dict of TimedArray, what is presented
    monitors : dict of Monitored -> Brian2 monitor
    clocks : list of Clock, the main one first
    """

    network: Network
    groups: dict
    tables: dict
    monitors: dict
    clocks: list


def build_network(
    hierarchy: Hierarchy,
    vocabulary: Vocabulary,
    shape: BlockShape,
    probes: Sequence[Probe] = (),
) -> Built:
    """Make the Brian2 objects of `hierarchy`, as `wiring.wire` returns it, on the device that is set.
    Returns Built.
    """
    clocks = _Clocks(hierarchy.dt)
    batch = hierarchy.batch
    dimensions = {name: s.dimension for name, s in own_signals(hierarchy.populations).items()}
    tables = pacemaker.make_tables(shape, batch, dimensions)
    codes = population.make_codes(vocabulary)
    of_others = {name: population.make_codes(v, f"_of_{name}") for name, v in shape.others}
    groups, links = {}, {}
    spiked = {p.source for p in hierarchy.projections if p.delay is not None and p.spiking}
    for declared in hierarchy.populations:
        clock = clocks[declared.clock]
        group, names = population.make_group(
            hierarchy,
            declared,
            clock,
            of_others.get(declared.name, codes),
            shape,
            tables,
            fired=declared.name in spiked,
        )
        groups[declared.name], links[declared.name] = group, names
        if declared.name in spiked:
            delay.lower_flags(group, clock)
    pace = pacemaker.make_pacemaker(hierarchy, tables, shape, clocks[None])
    judging = pacemaker.make_settling_synapses(hierarchy, groups, pace, clocks[None])
    if batch > 1:
        groups[streams.NAME], more = streams.make_streams(
            hierarchy, groups, tables, pace, clocks[None]
        )
        judging += more
    for declared in hierarchy.populations:
        other = declared.name in of_others
        population.link(
            groups[declared.name], declared, links[declared.name], groups, pace, batch, other
        )
    objects = [pace, *groups.values(), *judging]
    groups[pacemaker.NAME] = pace
    for declared in hierarchy.projections:
        source = groups[declared.source]
        joined = None
        if declared.delay is not None:
            steps = delay.steps_of(declared, hierarchy)
            start, end = (hierarchy.population(n) for n in (declared.source, declared.target))
            if declared.several_delays:
                joined = projection.pairs(declared, start.size, end.size)
            line, source, joined = delay.make_line(
                declared, start, source, end, steps, clocks[None], joined
            )
            groups |= {line.name: line, source.name: source}
            objects += [line, source]
        rule = declared.plasticity
        learning = clocks[
            rule.clock if rule and rule.clock_driven else None
        ]  # a clock nobody uses does not compile
        synapses = projection.make_synapses(
            declared, source, groups[declared.target], clocks[None], learning, batch, joined
        )
        groups[declared.name] = synapses
        objects.append(synapses)
    monitors = make_monitors(hierarchy, probes, groups, clocks)
    network = Network(*objects, *monitors.values(), name="fena_network")
    return Built(
        network=network, groups=groups, tables=tables, monitors=monitors, clocks=clocks.all
    )


class _Clocks:
    """One Clock for every distinct time step; the hierarchy's own comes first."""

    def __init__(self, dt):
        self.dt, self._by_steps = dt, {}
        self[None]

    def __getitem__(self, interval):
        interval = self.dt if interval is None else interval
        steps = round(float(interval) / float(self.dt))
        if steps not in self._by_steps:
            self._by_steps[steps] = Clock(dt=interval, name=f"clock_{steps}")
        return self._by_steps[steps]

    @property
    def all(self) -> list[Clock]:
        return list(self._by_steps.values())

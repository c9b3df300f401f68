"""Hierarchy + probes -> one explicit Brian2 Network."""

import attrs
import numpy as np
from brian2 import Clock, EventMonitor, Network, SpikeMonitor, StateMonitor

from ..declare.protocol.probe import SPIKES
from . import delay, pacemaker, population, projection, streams


@attrs.define
class Built:
    """Brian2 objects of a network, by the names of the declarations.

    Attributes
    ----------
    network : Network
    groups : dict of NeuronGroup and Synapses, everything that carries state
    tables : dict of TimedArray, what is presented
    samples : dict of (probe index, population) -> StateMonitor
    spikes : dict of (probe index, population) -> SpikeMonitor
    readouts : dict of population -> EventMonitor at arrival / departure
    clocks : list of Clock, the main one first
    """

    network: object
    groups: dict
    tables: dict
    monitors: dict
    clocks: list


def build_network(hierarchy, vocabulary, shape, probes=()):
    """Make the Brian2 objects of `hierarchy` on the device that is set. Returns Built."""
    clocks = _Clocks(hierarchy.dt)
    batch = hierarchy.batch
    tables = pacemaker.make_tables(shape, batch)
    codes = population.make_codes(vocabulary)
    groups, links = {}, {}
    spiked = {p.source for p in hierarchy.projections if p.delay is not None and p.spiking}
    for declared in hierarchy.populations:
        clock = clocks[declared.clock]
        group, names = population.make_group(
            hierarchy, declared, clock, codes, fired=declared.name in spiked
        )
        groups[declared.name], links[declared.name] = group, names
        if declared.name in spiked:
            delay.lower_flags(group, clock)
    pace = pacemaker.make_pacemaker(hierarchy, tables, shape, clocks[None])
    watching = pacemaker.watch(hierarchy, groups, pace, clocks[None])
    if batch > 1:
        groups[streams.NAME], more = streams.make_streams(
            hierarchy, groups, tables, pace, clocks[None]
        )
        watching += more
    for declared in hierarchy.populations:
        population.link(groups[declared.name], declared, links[declared.name], groups, pace, batch)
    objects = [pace, *groups.values(), *watching]
    groups[pacemaker.NAME] = pace
    for declared in hierarchy.projections:
        source = groups[declared.source]
        if declared.delay is not None:
            steps = round(float(declared.delay) / float(hierarchy.dt))
            line, source = delay.make_line(
                declared,
                hierarchy.population(declared.source),
                source,
                hierarchy.population(declared.target),
                steps,
                clocks[None],
            )
            groups |= {line.name: line, source.name: source}
            objects += [line, source]
        rule = declared.plasticity
        learning = clocks[
            rule.clock if rule and rule.clock_driven else None
        ]  # a clock nobody uses does not compile
        synapses = projection.make_synapses(
            declared, source, groups[declared.target], clocks[None], learning, batch
        )
        groups[declared.name] = synapses
        objects.append(synapses)
    monitors = {
        **_readout_monitors(hierarchy, groups),
        **_probe_monitors(batch, probes, groups, clocks),
    }
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
    def all(self):
        return list(self._by_steps.values())


def _readout_monitors(hierarchy, groups):
    """EventMonitors that keep each readout once per token, at its arrival or departure."""
    wanted = {("departure", pacemaker.NAME): {"steps", "iterations"}}
    if hierarchy.batch > 1:
        wanted["departure", streams.NAME] = {"iterations"}
    for readout in hierarchy.readouts:
        event = "arrival" if readout.when == "arrival" else "departure"
        for path in readout.variables:
            name, _, variable = path.partition(".")
            wanted.setdefault((event, name), set()).add(population.kept(readout, variable))
    monitors = {}
    for (event, name), variables in wanted.items():
        slot = (
            {"when": "end", "order": pacemaker.RECORD}
            if event == "departure"
            else {"when": "start", "order": 1}
        )
        monitors[f"{event}_{name}"] = EventMonitor(
            groups[name], event, variables=sorted(variables), name=f"readout_{event}_{name}", **slot
        )
    return monitors


def _probe_monitors(batch, probes, groups, clocks):
    monitors = {}
    for number, probe in enumerate(probes):
        group = groups[probe.population]
        slot = {"when": "start", "order": -100}
        if probe.population == pacemaker.NAME:  # what was judged in this very step, by each stream
            group = groups[streams.NAME] if batch > 1 else group
            slot = {"when": "end", "order": pacemaker.RECORD}
        if probe.sampled:
            first = np.arange(0, len(group), len(group) // batch)  # of every stream
            units = True if probe.units is None else np.add.outer(first, probe.units).ravel()
            monitors[f"samples_{number}"] = StateMonitor(
                group,
                list(probe.sampled),
                record=units,
                clock=clocks[probe.interval],
                **slot,
                name=f"samples_{number}_{probe.population}",
            )
        if SPIKES in probe.variables:
            monitors[f"spikes_{number}"] = SpikeMonitor(
                group, name=f"spikes_{number}_{probe.population}"
            )
    return monitors

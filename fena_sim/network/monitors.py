"""Monitors: what a network keeps while it runs, for every token and for the probes of a block (but
for those that are read where it pauses).
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs
import numpy as np
from brian2 import Clock, EventMonitor, NeuronGroup, Quantity, SpikeMonitor, StateMonitor

from ..declare.measured.attach import ROLE as MEASURED
from ..declare.model.hierarchy import Hierarchy
from ..declare.model.readouts import Readout
from ..declare.protocol.probe import SPIKES as SPIKES_OF_PROBE
from ..declare.protocol.probe import Probe
from . import pacemaker, population, streams

#: When a monitor records: at the onset or the departure of a token, at the interval of a probe, at spikes.
ONSET, DEPARTURE, SAMPLES, SPIKES = "onset", "departure", "samples", "spikes"


@attrs.frozen
class Monitored:
    """What one monitor records. Its object in Brian2 and its place in recordings follow from it.

    Attributes
    ----------
    moment : str
        ONSET or DEPARTURE: once per token. SAMPLES: at every interval of a probe. SPIKES: at the
        spikes that a probe records.
    owner : str
        A population, or "pacemaker" or "streams"; of what a probe records, the probe's name.
    variables : tuple of str
        Empty for spikes.
    units : int
        Values of a variable per token or per sample; with a batch, those of all streams.
    """

    moment: str
    owner: str
    variables: tuple = attrs.field(converter=tuple)
    units: int

    @property
    def name(self) -> str:
        """Of the monitor in Brian2."""
        return f"recorded_{self.moment}_{self.owner}"


def moment_of(readout: Readout) -> str:
    """When what a Readout keeps is recorded: ONSET or DEPARTURE."""
    return ONSET if readout.when == "before_onset" else DEPARTURE


class _Clocks(Protocol):
    """The clock of a time step, the hierarchy's own for None; `build` has it and imports this module."""

    def __getitem__(self, interval: Quantity | None) -> Clock: ...


def make_monitors(
    hierarchy: Hierarchy,
    probes: Sequence[Probe],
    groups: Mapping[str, NeuronGroup],
    clocks: _Clocks,
) -> dict[Monitored, EventMonitor | StateMonitor]:
    """The monitors of a network: {Monitored: Brian2 monitor}."""
    return {
        **_token_monitors(hierarchy, groups),
        **_probe_monitors(hierarchy, probes, groups, clocks),
    }


def _token_monitors(hierarchy, groups):
    """EventMonitors that keep each readout once per token, at its onset or departure."""
    wanted = {(DEPARTURE, pacemaker.NAME): {"steps", "iterations"}}
    if hierarchy.batch > 1:
        wanted[DEPARTURE, streams.NAME] = {"iterations"}
    for readout in hierarchy.readouts:
        for path in readout.variables:
            name, _, variable = path.partition(".")
            kept = population.kept(readout, variable)
            wanted.setdefault((moment_of(readout), name), set()).add(kept)
    monitors = {}
    for (moment, owner), variables in wanted.items():
        slot = (
            {"when": "end", "order": pacemaker.RECORD}
            if moment == DEPARTURE
            else {"when": "start", "order": 1}
        )
        what = Monitored(moment, owner, sorted(variables), len(groups[owner]))
        monitors[what] = EventMonitor(
            groups[owner], moment, variables=list(what.variables), name=what.name, **slot
        )
    return monitors


def _probe_monitors(hierarchy, probes, groups, clocks):
    batch, monitors = hierarchy.batch, {}
    for probe in probes:
        if probe.paused(hierarchy):
            continue
        group = groups[probe.population]
        slot = {"when": "start", "order": -100}
        if probe.population == pacemaker.NAME:  # what was judged in this very step, by each stream
            group = groups[streams.NAME] if batch > 1 else group
        if probe.population == pacemaker.NAME or probe.owner(hierarchy).role == MEASURED:
            slot = {"when": "end", "order": pacemaker.RECORD}
        if probe.sampled:
            first = np.arange(0, len(group), len(group) // batch)  # of every stream
            chosen = probe.recorded_units(hierarchy)
            units = True if probe.units is None else np.add.outer(first, chosen).ravel()
            count = len(group) if probe.units is None else len(units)
            what = Monitored(SAMPLES, probe.key, probe.sampled, count)
            monitors[what] = StateMonitor(
                group,
                list(probe.sampled),
                record=units,
                clock=clocks[probe.period],
                **slot,
                name=what.name,
            )
        if SPIKES_OF_PROBE in probe.variables:
            what = Monitored(SPIKES, probe.key, (), len(group))
            monitors[what] = SpikeMonitor(group, name=what.name)
    return monitors

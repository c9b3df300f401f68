"""What probes read where the network pauses: weights, and whatever is recorded every so many tokens.

A monitor of all synapses would hold every sample in the network, and would need code of its own on
each device. A pause needs neither: the network stops after a step, its state comes back as after a
chunk, and it goes on from there. Every device has that, and where it stops leaves no trace.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import cast

import attrs
import numpy as np
from brian2 import Quantity

from ..declare.model.hierarchy import Hierarchy
from ..declare.model.projection import ALL
from ..declare.protocol.probe import Probe
from ..declare.protocol.summary import HISTOGRAM, NORM, SOURCE_NORM, TARGET_NORM
from ..declare.protocol.timeline import Timeline
from ..device.recordings import Series
from ..network.projection import pairs, synapse_count

#: Bytes of a recorded number, at most.
NUMBER = 8


def synapses_of(model: Hierarchy, probe: Probe) -> int | None:
    """How many synapses the projection of a probe has; None if it is of a population."""
    projection = probe.projection(model)
    if projection is None:
        return None
    return synapse_count(
        projection,
        model.population(projection.source).size,
        model.population(projection.target).size,
    )


@attrs.frozen(eq=False, slots=False)
class Reader:
    """What one probe reads from a state.

    Parameters
    ----------
    model : Hierarchy
    probe : Probe
        One that is `paused`.

    Raises
    ------
    ProtocolError
        If it selects synapses that are not there.
    """

    model: Hierarchy
    probe: Probe

    def __attrs_post_init__(self):
        if self._selects:
            self.numbers  # noqa: B018  # raises, before anything is built

    @property
    def _selects(self):
        return any(p is not None for p in (self.probe.units, self.probe.source, self.probe.target))

    @cached_property
    def _all_pairs(self):
        """Indices (i, j) of all synapses of the projection."""
        projection = self.probe.projection(self.model)
        return pairs(projection, *self._sizes)

    @property
    def _sizes(self):
        projection = self.probe.projection(self.model)
        return [self.model.population(name).size for name in (projection.source, projection.target)]

    @cached_property
    def numbers(self) -> np.ndarray:
        """Numbers of what is read, in one stream: of units, or of synapses; int64 (n,)."""
        if self.probe.projection(self.model) is None:
            return self.probe.recorded_units(self.model)
        if not self._selects:
            return np.arange(synapses_of(self.model, self.probe))
        return self.probe.recorded_synapses(self.model, *self._all_pairs)

    @cached_property
    def _ends(self):
        """Units (i, j) that the recorded synapses join."""
        i, j = self._all_pairs
        return i[self.numbers], j[self.numbers]

    @cached_property
    def _groups(self):
        """(units, place of each recorded synapse's unit among them), for the norm of each unit."""
        i, j = self._ends
        return np.unique(i if self.probe.summary == SOURCE_NORM else j, return_inverse=True)

    @property
    def width(self) -> int:
        """Numbers of a sample of one variable."""
        summary = self.probe.summary
        if summary == NORM:
            return 1
        if summary == HISTOGRAM:
            return len(np.asarray(self.probe.bins)) - 1
        if summary is not None:
            every = self._sizes[0 if summary == SOURCE_NORM else 1]
            return len(self._groups[0]) if self._selects else every
        if self.probe.projection(self.model) is None:
            return len(self.numbers) * self.model.batch
        return (
            len(self.numbers) if self._selects else cast(int, synapses_of(self.model, self.probe))
        )

    @property
    def bytes(self) -> int:
        """Of a sample of all variables."""
        return NUMBER * self.width * len(self.probe.sampled)

    def name(self, variable: str) -> str:
        """What a variable is called in traces: "W_1.w", of a summary "W_1.w_norm"."""
        summary = "" if self.probe.summary is None else f"_{self.probe.summary}"
        return f"{self.probe.key}.{variable}{summary}"

    @property
    def dimension(self) -> str:
        """The dimension of a sample, e.g. "W_1_synapse"."""
        kinds = {NORM: "norm", HISTOGRAM: "bin", SOURCE_NORM: "source", TARGET_NORM: "target"}
        synapses = self.probe.projection(self.model) is not None
        kind = (
            kinds[self.probe.summary] if self.probe.summary else "synapse" if synapses else "unit"
        )
        return f"{self.probe.key}_{kind}"

    def coordinates(self) -> dict[str, np.ndarray]:
        """What numbers the values of a sample, along its dimension: {name: (n,)}."""
        key, summary = self.probe.key, self.probe.summary
        if summary == NORM:
            return {self.dimension: np.zeros(1, dtype=np.int64)}
        if summary == HISTOGRAM:
            edges = np.asarray(self.probe.bins, dtype=float)
            return {self.dimension: edges[:-1], f"{key}_bin_stop": edges[1:]}
        if summary is not None:
            return {self.dimension: self._groups[0]}
        if self.probe.projection(self.model) is None:
            return {self.dimension: self.numbers}
        i, j = self._ends
        return {self.dimension: self.numbers, f"{key}_source": i, f"{key}_target": j}

    def dtype(self, variable: str, state: Mapping[str, np.ndarray]) -> np.dtype:
        """Type of the values of a variable: the network's own, if they are no summary."""
        if self.probe.summary is not None:
            return np.dtype(np.int64 if self.probe.summary == HISTOGRAM else np.float64)
        return state[f"{self.probe.population}.{variable}"].dtype

    def read(self, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The values in a state: {variable: (width,)}."""
        return {
            variable: self._summary(self._values(state[f"{self.probe.population}.{variable}"]))
            for variable in self.probe.sampled
        }

    def _values(self, values):
        if self.probe.projection(self.model) is None:
            return values.reshape(self.model.batch, -1)[:, self.numbers].ravel()
        return values[self.numbers] if self._selects else values.copy()

    def _summary(self, values):
        summary = self.probe.summary
        if summary is None:
            return values
        if summary == HISTOGRAM:
            return np.histogram(values, np.asarray(self.probe.bins, dtype=float))[0]
        squares = np.square(values, dtype=np.float64)
        if summary == NORM:
            return np.sqrt(squares.sum(keepdims=True))
        projection = self.probe.projection(self.model)
        if projection.connect == ALL and not self._selects:  # a matrix, without an index of each
            return np.sqrt(squares.reshape(self._sizes).sum(axis=int(summary == SOURCE_NORM)))
        units, place = self._groups
        return np.sqrt(np.bincount(place, squares, len(units)))


class Pauses:
    """Where a block pauses, and what its probes read there.

    Parameters
    ----------
    model : Hierarchy
    probes : sequence of Probe
        All of the block's; those that are not `paused` are left out.
    """

    def __init__(self, model: Hierarchy, probes: Sequence[Probe]) -> None:
        self.dt = float(model.dt)
        self.readers = [Reader(model, probe) for probe in probes if probe.paused(model)]

    def due(self, done: int, origin: int, start: int, stop: int, ends: np.ndarray) -> dict:
        """Who reads when, between two steps of a block.

        Parameters
        ----------
        done : int
            Tokens that were finished at step `start`.
        origin : int
            Step at which the block begins. A state there belongs to what follows, any other to what
            it ends.
        start, stop : int
        ends : int64 (tokens,)
            Steps at which tokens were finished in between.

        Returns
        -------
        dict
            {step: readers}, in the order of steps.
        """
        found: dict[int, list[Reader]] = {}
        for reader in self.readers:
            if reader.probe.every is not None:
                number = done + 1 + np.arange(len(ends))
                steps = ends[number % reader.probe.every == 0].tolist()
            else:
                each = round(float(cast(Quantity, reader.probe.period)) / self.dt)
                first = start - (start - origin) % each + each
                steps = list(range(first, stop + 1, each))
            for step in [origin] * (start == origin) + steps:
                found.setdefault(step, []).append(reader)
        return dict(sorted(found.items()))

    def series(
        self, samples: Sequence[tuple[int, Reader, Mapping]], state: Mapping[str, np.ndarray]
    ) -> dict[str, Series]:
        """Samples (step, reader, values), in the order of steps, as {name of the probe: Series}. Of
        `state`, any of the network, are the types of numbers where there is no sample.
        """
        found = {}
        for reader in self.readers:
            mine = [(step, values) for step, by, values in samples if by is reader]
            found[reader.probe.key] = Series(
                np.array([step * self.dt for step, _ in mine]),
                {
                    variable: np.array(
                        [values[variable] for _, values in mine], reader.dtype(variable, state)
                    ).reshape(len(mine), reader.width)
                    for variable in reader.probe.sampled
                },
            )
        return found


def most_samples(model: Hierarchy, probe: Probe, line: Timeline) -> int:
    """Samples that a probe reads in a block, at most."""
    if probe.every is not None:
        return 1 + len(line) // probe.every
    each = round(float(cast(Quantity, probe.period)) / float(model.dt))
    return 1 + (int(line.most_steps.sum()) + line.pause) // each

"""The probes' recordings on disk: labelled arrays (xarray on Zarr), written part by part."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import xarray as xr
from brian2 import Quantity

from ...declare.model.hierarchy import Hierarchy
from ...declare.protocol.block import Block
from ...declare.protocol.probe import SPIKES, Probe
from ...declare.protocol.summary import HISTOGRAM
from ...device.recordings import Recordings
from ..pauses import NUMBER, Reader
from .files import appearing
from .tokens import by_stream
from .units import unit_name

#: Samples per Zarr chunk along time: fixed, so that the length of a run's chunks leaves no trace.
#: Fewer, if so many of all variables that share a time take more than so many bytes.
TIME_CHUNK, CHUNK_BYTES = 4096, 64 * 2**20


def time_dimensions(model: Hierarchy, probes: Sequence[Probe]) -> dict[str, list[int]]:
    """The time dimension of every sampled probe: {name: [probe number]}.

    Probes that are sampled at the same moments share "time"; otherwise each has
    "time_<name of the probe>".
    """
    sampled = [k for k, probe in enumerate(probes) if probe.sampled]
    moments = {
        (
            probes[k].paused(model),
            probes[k].every or float(cast(Quantity, probes[k].period)),
            str(probes[k].window),
        )
        for k in sampled
    }
    if len(moments) > 1:
        return {f"time_{probes[k].key}": [k] for k in sampled}
    return {"time": sampled} if sampled else {}


def _rows(model, probes):
    """Samples per Zarr chunk of probes that share a time."""
    each = sum(
        Reader(model, probe).bytes
        if probe.paused(model)
        else NUMBER * len(probe.sampled) * len(probe.recorded_units(model)) * model.batch
        for probe in probes
    )
    return max(1, min(TIME_CHUNK, CHUNK_BYTES // each))


def write_traces(
    path: Path,
    model: Hierarchy,
    block: Block,
    parts: Iterable[Callable[[], Recordings]],
    table: pd.DataFrame,
    joined: Recordings,
    start_step: int,
) -> None:
    """Stream the sampled probes of a block to Zarr at `path`, part by part.

    `parts`: functions that give the Recordings of one chunk each; `joined`: the Recordings of the
    whole block, without samples.
    """
    start = start_step * float(model.dt)
    dimensions = time_dimensions(model, block.probes)
    rows = {
        time: _rows(model, [block.probes[k] for k in numbers])
        for time, numbers in dimensions.items()
    }
    ends = joined.ends.last_step(float(model.dt)) + 1 - start_step
    onsets = table["onset"].to_numpy()
    pending: dict[str, list[xr.Dataset]] = {time: [] for time in dimensions}
    with appearing(path) as fresh:
        _spikes(block.probes, joined, start).to_zarr(
            fresh, mode="w", consolidated=False, zarr_format=3
        )
        for part in [*parts, None]:  # None flushes what is left
            recordings = part() if part is not None else None
            for time, numbers in dimensions.items():
                if part is not None:
                    probes = [block.probes[k] for k in numbers]
                    make = _pauses if probes[0].paused(model) else _samples
                    moments = ends if probes[0].paused(model) else onsets
                    pending[time].append(make(model, probes, time, recordings, start, moments))
                count = sum(piece.sizes[time] for piece in pending[time])
                take = count - count % rows[time] if part is not None else count
                if take:
                    ready = xr.concat(
                        pending[time],
                        dim=time,
                        data_vars="minimal",
                        coords="minimal",
                        compat="override",
                    )
                    _append(fresh, ready.isel({time: slice(take)}), time, rows[time])
                    pending[time] = [ready.isel({time: slice(take, None)})]


def _samples(model, probes, time, recordings, start, onsets):
    """The samples of the probes that share a time dimension, from the recordings of one chunk."""
    t = recordings.samples(probes[0].key).t - start
    keep = np.ones(len(t), dtype=bool)
    window = probes[0].window
    if window is not None:
        low, high = (float(edge) - 1e-9 for edge in window)
        # The token whose window could hold t is the last one that begins its window before it.
        latest = np.searchsorted(onsets + low, t, side="right") - 1
        keep = (latest >= 0) & (t < onsets[np.maximum(latest, 0)] + high)
    data, coords = {}, {time: (time, t[keep], {"units": "s"})}
    for probe in probes:
        unit = f"{probe.key}_unit"
        coords[unit] = probe.recorded_units(model)
        for variable in probe.sampled:
            path = f"{probe.key}.{variable}"
            sampled = recordings.samples(probe.key).values[variable][keep]
            values = by_stream(sampled, len(coords[unit]), model.batch)
            data[path] = (
                (time, unit) if model.batch == 1 else (time, "stream", unit),
                values,
                {"units": unit_name(probe.dimensions(model, variable))},
            )
    return xr.Dataset(data, coords=coords)


def _pauses(model, probes, time, recordings, start, ends):
    """What the probes that share a time dimension read in one chunk, where the network paused.
    `ends`: steps from the block's beginning at which tokens were finished.
    """
    t = recordings.samples(probes[0].key).t - start
    steps = np.rint(t / float(model.dt)).astype(np.int64)
    finished = np.searchsorted(ends, steps, side="right")
    data = {}
    coords = {time: (time, t, {"units": "s"}), f"{time}_tokens": (time, finished)}
    for probe in probes:
        reader = Reader(model, probe)
        coords |= {
            name: (reader.dimension, numbers) for name, numbers in reader.coordinates().items()
        }
        synapses = probe.projection(model) is not None
        for variable in probe.sampled:
            values = recordings.samples(probe.key).values[variable]
            if not synapses:
                values = by_stream(values, len(coords[reader.dimension][1]), model.batch)
            unit = unit_name(probe.dimensions(model, variable))
            data[reader.name(variable)] = (
                (time, reader.dimension)
                if values.ndim == 2
                else (time, "stream", reader.dimension),
                values,
                {"units": "1" if probe.summary == HISTOGRAM else unit},
            )
    return xr.Dataset(data, coords=coords)


def _spikes(probes, joined, start):
    """The spikes of all probes that record them (they are few)."""
    data = {}
    for probe in probes:
        if SPIKES in probe.variables:
            spikes = joined.spikes(probe.key)
            mine = (
                np.ones(len(spikes.unit), bool)
                if probe.units is None
                else np.isin(spikes.unit, probe.units)
            )
            dim = f"{probe.key}_spike"
            data[f"{probe.key}.spike_time"] = (
                dim,
                spikes.t[mine] - start,
                {"units": "s"},
            )
            data[f"{probe.key}.spike_unit"] = (dim, spikes.unit[mine].astype(np.int32))
    return xr.Dataset(data)


def _append(path, samples, time, rows):
    existing = xr.open_zarr(path, consolidated=False, chunks=None)
    first = next(iter(samples.data_vars))
    if first in existing:
        samples.drop_vars(
            [c for c, along in samples.coords.items() if time not in along.dims]
        ).to_zarr(path, mode="a", append_dim=time, consolidated=False)
        return
    encoding = {name: {"chunks": (rows, *samples[name].shape[1:])} for name in samples.data_vars}
    for name in (time, f"{time}_tokens"):
        if name in samples.coords and name not in existing:
            encoding[name] = {"chunks": (rows,)}
    samples.to_zarr(path, mode="a", consolidated=False, encoding=encoding)

"""The probes' recordings on disk: labelled arrays (xarray on Zarr), written part by part."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from ...declare.model.hierarchy import Hierarchy
from ...declare.protocol.block import Block
from ...declare.protocol.probe import SPIKES, Probe
from ...device.recordings import Recordings
from .files import appearing
from .tokens import by_stream
from .units import unit_name

#: Samples per Zarr chunk along time: fixed, so that the length of a run's chunks leaves no trace.
TIME_CHUNK = 4096


def time_dimensions(probes: Sequence[Probe]) -> dict[str, list[int]]:
    """The time dimension of every sampled probe: {name: [probe number]}.

    Probes that are sampled at the same moments share "time"; otherwise each has
    "time_<population>".
    """
    sampled = [k for k, probe in enumerate(probes) if probe.sampled]
    moments = {(float(probes[k].interval), str(probes[k].window)) for k in sampled}
    if len(moments) > 1:
        return {f"time_{probes[k].population}": [k] for k in sampled}
    return {"time": sampled} if sampled else {}


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
    dimensions = time_dimensions(block.probes)
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
                    pending[time].append(
                        _samples(model, block.probes, numbers, time, recordings, start, onsets)
                    )
                count = sum(piece.sizes[time] for piece in pending[time])
                take = count - count % TIME_CHUNK if part is not None else count
                if take:
                    ready = xr.concat(pending[time], dim=time)
                    _append(fresh, ready.isel({time: slice(take)}), time)
                    pending[time] = [ready.isel({time: slice(take, None)})]


def _samples(model, probes, numbers, time, recordings, start, onsets):
    """The samples of the probes that share a time dimension, from the recordings of one chunk."""
    t = recordings.samples(probes[numbers[0]].population).t - start
    keep = np.ones(len(t), dtype=bool)
    window = probes[numbers[0]].window
    if window is not None:
        low, high = (float(edge) - 1e-9 for edge in window)
        # The token whose window could hold t is the last one that begins its window before it.
        latest = np.searchsorted(onsets + low, t, side="right") - 1
        keep = (latest >= 0) & (t < onsets[np.maximum(latest, 0)] + high)
    data, coords = {}, {time: (time, t[keep], {"units": "s"})}
    for number in numbers:
        probe = probes[number]
        unit = f"{probe.population}_unit"
        coords[unit] = probe.recorded_units(model)
        for variable in probe.sampled:
            path = f"{probe.population}.{variable}"
            sampled = recordings.samples(probe.population).values[variable][keep]
            values = by_stream(sampled, len(coords[unit]), model.batch)
            data[path] = (
                (time, unit) if model.batch == 1 else (time, "stream", unit),
                values,
                {"units": unit_name(probe.dimensions(model, variable))},
            )
    return xr.Dataset(data, coords=coords)


def _spikes(probes, joined, start):
    """The spikes of all probes that record them (they are few)."""
    data = {}
    for probe in probes:
        if SPIKES in probe.variables:
            spikes = joined.spikes(probe.population)
            mine = (
                np.ones(len(spikes.unit), bool)
                if probe.units is None
                else np.isin(spikes.unit, probe.units)
            )
            dim = f"{probe.population}_spike"
            data[f"{probe.population}.spike_time"] = (
                dim,
                spikes.t[mine] - start,
                {"units": "s"},
            )
            data[f"{probe.population}.spike_unit"] = (dim, spikes.unit[mine].astype(np.int32))
    return xr.Dataset(data)


def _append(path, samples, time):
    existing = xr.open_zarr(path, consolidated=False, chunks=None)
    first = next(iter(samples.data_vars))
    if first in existing:
        samples.drop_vars([c for c in samples.coords if c != time]).to_zarr(
            path, mode="a", append_dim=time, consolidated=False
        )
        return
    encoding = {
        name: {"chunks": (TIME_CHUNK, *samples[name].shape[1:])} for name in samples.data_vars
    }
    if time not in existing:
        encoding[time] = {"chunks": (TIME_CHUNK,)}
    samples.to_zarr(path, mode="a", consolidated=False, encoding=encoding)

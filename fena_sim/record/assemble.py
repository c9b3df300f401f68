"""From the recordings of single chunks to labelled arrays on disk (xarray on Zarr)."""

import shutil
from contextlib import contextmanager

import numpy as np
import pandas as pd
import xarray as xr

from ..build.pacemaker import NAME as PACEMAKER
from ..build.population import kept
from ..protocol.probe import SPIKES
from ..protocol.timeline import event_table
from .files import disk_errors, unfinished, write_atomically

#: Samples per Zarr chunk along time: fixed, so that the length of a run's chunks leaves no trace.
TIME_CHUNK = 4096


def token_data(model, block, line, events, start_step):
    """The block's readouts per token, and its event table.

    Parameters
    ----------
    model : Hierarchy
    block : Block
    line : Timeline
    events : dict
        {monitor: {"t": (n,), variable: (n,)}} of the event monitors, over the whole block.
    start_step : int
        Step at which the block began.

    Returns
    -------
    tokens : xarray.Dataset, dims event, level, unit
    table : pandas.DataFrame
    """
    pace = events[f"departure_{PACEMAKER}"]
    n = len(pace["t"])
    leaving = np.rint(pace["t"] / float(model.dt)).astype(np.int64) - start_step
    starts = np.concatenate([[0], leaving[:-1] + 1])
    variables = {"iterations": ("event", pace["iterations"].astype(np.int32)),
                 "steps": ("event", pace["steps"].astype(np.int32))}
    for readout in model.readouts:
        columns = []
        for path in readout.variables:
            name, _, variable = path.partition(".")
            event = "arrival" if readout.when == "arrival" else "departure"
            values = events[f"{event}_{name}"][kept(readout, variable)].reshape(-1, model.population(name).size)[:n]
            if readout.when == "mean":
                values = values / pace["steps"][:, None]
            columns.append(values * readout.scale)
        by_level = len(columns) > 1 or columns[0].shape[1] == 1
        stacked = np.concatenate(columns, axis=1) if by_level else columns[0]
        variables[readout.name] = (("event", "level" if by_level else "unit"), stacked)
    sizes = [max(p.size for p in model.populations if p.level == level) for level in model.levels]
    tokens = xr.Dataset(variables, coords={"event": np.arange(n)},
                        attrs={"block": block.name, "level_sizes": sizes, "dt_s": float(model.dt),
                               "start_step": int(start_step)})
    return tokens, event_table(block, line, starts, pace["steps"], model.dt)


def read_parts(parts):
    """Event recordings of all parts, joined: {monitor: {"t": ..., variable: ...}}."""
    joined = {}
    for part in parts:
        for key, values in part().items():
            monitor, _, variable = key.partition("/")
            if not monitor.startswith("samples_"):
                joined.setdefault(monitor, {}).setdefault(variable, []).append(values)
    return {m: {v: np.concatenate(pieces) for v, pieces in vs.items()} for m, vs in joined.items()}


def trace_variables(model, probes):
    """Names of the time dimension of every probe: "time", or "time_2ms" etc. where intervals differ."""
    intervals = {float(p.interval) for p in probes if p.sampled}
    return {k: "time" if len(intervals) == 1 else f"time_{float(p.interval) * 1e3:g}ms" for k, p in enumerate(probes)}


def write_traces(path, model, block, parts, table, joined, start_step):
    """Stream the sampled probes of a block to Zarr at `path`, part by part; spikes from `joined`."""
    start = start_step * float(model.dt)
    times = trace_variables(model, block.probes)
    arrivals = table["arrival"].to_numpy()
    pending = {}
    with _appearing(path) as fresh:
        _empty(model, block.probes, joined, start).to_zarr(fresh, mode="w", consolidated=False, zarr_format=3)
        for part in [*parts, None]:  # None flushes what is left
            arrays = part() if part is not None else {}
            for number, probe in enumerate(block.probes):
                if not probe.sampled:
                    continue
                rows = pending.setdefault(number, [])
                if part is not None:
                    rows.append(_samples(model, probe, number, times[number], arrays, start, arrivals))
                count = sum(r.sizes[times[number]] for r in rows)
                take = count - count % TIME_CHUNK if part is not None else count
                if take:
                    ready = xr.concat(rows, dim=times[number])
                    _append(fresh, ready.isel({times[number]: slice(take)}), times[number])
                    pending[number] = [ready.isel({times[number]: slice(take, None)})]


@contextmanager
def _appearing(path):
    """A folder to write into that takes the name `path` once everything is in it. ResourceError if the disk is full."""
    fresh = unfinished(path)
    with disk_errors(path.parent):
        try:
            yield fresh
            shutil.rmtree(path, ignore_errors=True)
            fresh.rename(path)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def _samples(model, probe, number, time, arrays, start, arrivals):
    t = arrays[f"samples_{number}/t"] - start
    keep = np.ones(len(t), dtype=bool)
    if probe.window is not None:
        low, high = (float(edge) - 1e-9 for edge in probe.window)
        keep = np.searchsorted(arrivals, t - low, "right") > np.searchsorted(arrivals, t - high, "right")
    unit = f"{probe.population}_unit"
    data = {f"{probe.population}.{v}": ((time, unit), arrays[f"samples_{number}/{v}"][keep]) for v in probe.sampled}
    return xr.Dataset(data, coords={time: t[keep], unit: probe.recorded_units(model)})


def _empty(model, probes, joined, start):
    """The dataset before any sample is in it: the spikes, which are few."""
    data = {}
    for number, probe in enumerate(probes):
        if SPIKES in probe.variables:
            spikes = joined.get(f"spikes_{number}", {"t": np.zeros(0), "i": np.zeros(0)})
            mine = np.isin(spikes["i"], probe.recorded_units(model))
            dim = f"{probe.population}_spike"
            data[f"{probe.population}.spike_time"] = (dim, spikes["t"][mine] - start, {"units": "s"})
            data[f"{probe.population}.spike_unit"] = (dim, spikes["i"][mine].astype(np.int32))
    return xr.Dataset(data)


def _append(path, samples, time):
    existing = xr.open_zarr(path, consolidated=False, chunks=None)
    first = next(iter(samples.data_vars))
    if first in existing:
        samples.drop_vars([c for c in samples.coords if c != time]).to_zarr(
            path, mode="a", append_dim=time, consolidated=False)
        return
    encoding = {name: {"chunks": (TIME_CHUNK, samples[name].shape[1])} for name in samples.data_vars}
    if time not in existing:
        encoding[time] = {"chunks": (TIME_CHUNK,)}
    samples[time].attrs["units"] = "s"
    samples.to_zarr(path, mode="a", consolidated=False, encoding=encoding)


def save_tokens(path, tokens):
    """Write a small dataset to Zarr in one go, appearing under its name only when complete."""
    with _appearing(path) as fresh:
        tokens.to_zarr(fresh, mode="w", consolidated=False, zarr_format=3)


def save_events(path, table):
    write_atomically(path, table.to_csv(sep="\t", index=False, float_format="%.12g").encode())


def load_events(path):
    return pd.read_csv(path, sep="\t", keep_default_na=False, dtype={"symbol": str})

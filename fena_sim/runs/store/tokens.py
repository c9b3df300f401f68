"""From the recordings of single chunks to labelled arrays on disk (xarray on Zarr)."""

import json
import shutil
from contextlib import contextmanager

import numpy as np
import pandas as pd
import xarray as xr

from ...network.pacemaker import NAME as PACEMAKER
from ...network.population import kept
from ...network.streams import NAME as STREAMS
from ...declare.protocol.probe import SPIKES
from ...declare.protocol.timeline import event_table
from .files import disk_errors, unfinished, write_atomically, write_json

#: Samples per Zarr chunk along time: fixed, so that the length of a run's chunks leaves no trace.
TIME_CHUNK = 4096
#: Digits of numbers in event tables.
NUMBER = "%.12g"
#: Types of columns by their kind; integers are read as such without being told.
READ_AS = {"number": float, "boolean": bool, "string": str}


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
    tokens : xarray.Dataset, dims event, level, unit; with a batch also stream, after event. Readouts of a population
        of another size than the first such one have the dimension "population_unit".
    table : pandas.DataFrame
    """
    pace = events[f"departure_{PACEMAKER}"]
    n = len(pace["t"])
    leaving = np.rint(pace["t"] / float(model.dt)).astype(np.int64) - start_step
    starts = np.concatenate([[0], leaving[:-1] + 1])
    batch = model.batch
    iterations = (
        pace["iterations"]
        if batch == 1
        else events[f"departure_{STREAMS}"]["iterations"].reshape(-1, batch)[:n]
    )
    first = ("event",) if batch == 1 else ("event", "stream")
    variables = {
        "iterations": (first, iterations.astype(np.int32)),
        "steps": ("event", pace["steps"].astype(np.int32)),
    }
    dimensions = {}
    for readout in model.readouts:
        columns = []
        for path in readout.variables:
            name, _, variable = path.partition(".")
            event = "arrival" if readout.when == "arrival" else "departure"
            values = by_stream(
                events[f"{event}_{name}"][kept(readout, variable)],
                model.population(name).size,
                batch,
            )[:n]
            if readout.when == "mean":
                values = values / pace["steps"].reshape(-1, *[1] * (values.ndim - 1))
            columns.append(values * readout.scale)
        by_level = len(columns) > 1 or columns[0].shape[-1] == 1
        stacked = np.concatenate(columns, axis=-1) if by_level else columns[0]
        kind, owner = ("level", readout.name) if by_level else ("unit", name)
        # Readouts of one size share a dimension; those of another size than the first have one of
        # their own.
        own = dimensions.setdefault(kind, stacked.shape[-1]) != stacked.shape[-1]
        variables[readout.name] = ((*first, f"{owner}_{kind}" if own else kind), stacked)
    sizes = [max(p.size for p in model.populations if p.level == level) for level in model.levels]
    tokens = xr.Dataset(
        variables,
        coords={"event": np.arange(n)},
        attrs={
            "block": block.name,
            "level_sizes": sizes,
            "dt_s": float(model.dt),
            "start_step": int(start_step),
        },
    )
    return tokens, event_table(block, line, starts, pace["steps"], model.dt)


def by_stream(values, size, batch):
    """Recorded values of `size` units as (time or event, unit), or (time or event, stream, unit)
    with a batch.
    """
    return values.reshape(-1, size) if batch == 1 else values.reshape(-1, batch, size)


def read_parts(parts):
    """Event recordings of all parts, joined: {monitor: {"t": ..., variable: ...}}."""
    joined = {}
    for part in parts:
        for key, values in part().items():
            monitor, _, variable = key.partition("/")
            if not monitor.startswith("samples_"):
                joined.setdefault(monitor, {}).setdefault(variable, []).append(values)
    return {m: {v: np.concatenate(pieces) for v, pieces in vs.items()} for m, vs in joined.items()}


def time_dimensions(probes):
    """The time dimension of every sampled probe: {name: [probe number]}.

    Probes that are sampled at the same moments share "time"; otherwise each has
    "time_<population>".
    """
    sampled = [k for k, probe in enumerate(probes) if probe.sampled]
    moments = {(float(probes[k].interval), str(probes[k].window)) for k in sampled}
    if len(moments) > 1:
        return {f"time_{probes[k].population}": [k] for k in sampled}
    return {"time": sampled} if sampled else {}


def write_traces(path, model, block, parts, table, joined, start_step):
    """Stream the sampled probes of a block to Zarr at `path`, part by part; spikes from `joined`."""
    start = start_step * float(model.dt)
    dimensions = time_dimensions(block.probes)
    arrivals = table["arrival"].to_numpy()
    pending = {time: [] for time in dimensions}
    with _appearing(path) as fresh:
        _spikes(block.probes, joined, start).to_zarr(
            fresh, mode="w", consolidated=False, zarr_format=3
        )
        for part in [*parts, None]:  # None flushes what is left
            arrays = part() if part is not None else None
            for time, numbers in dimensions.items():
                if part is not None:
                    pending[time].append(
                        _samples(model, block.probes, numbers, time, arrays, start, arrivals)
                    )
                count = sum(piece.sizes[time] for piece in pending[time])
                take = count - count % TIME_CHUNK if part is not None else count
                if take:
                    ready = xr.concat(pending[time], dim=time)
                    _append(fresh, ready.isel({time: slice(take)}), time)
                    pending[time] = [ready.isel({time: slice(take, None)})]


def _samples(model, probes, numbers, time, arrays, start, arrivals):
    """The samples of the probes that share a time dimension, from the recordings of one chunk."""
    t = arrays[f"samples_{numbers[0]}/t"] - start
    keep = np.ones(len(t), dtype=bool)
    window = probes[numbers[0]].window
    if window is not None:
        low, high = (float(edge) - 1e-9 for edge in window)
        # The token whose window could hold t is the last one that begins its window before it.
        latest = np.searchsorted(arrivals + low, t, side="right") - 1
        keep = (latest >= 0) & (t < arrivals[np.maximum(latest, 0)] + high)
    data, coords = {}, {time: (time, t[keep], {"units": "s"})}
    for number in numbers:
        probe = probes[number]
        unit = f"{probe.population}_unit"
        coords[unit] = probe.recorded_units(model)
        for variable in probe.sampled:
            path = f"{probe.population}.{variable}"
            values = by_stream(
                arrays[f"samples_{number}/{variable}"][keep], len(coords[unit]), model.batch
            )
            data[path] = (
                (time, unit) if model.batch == 1 else (time, "stream", unit),
                values,
                {"units": unit_name(probe.dimensions(model, variable))},
            )
    return xr.Dataset(data, coords=coords)


def unit_name(dimensions):
    """SI units of recorded values as text, "1" for none."""
    return "1" if dimensions.is_dimensionless else repr(dimensions)


def _spikes(probes, joined, start):
    """The spikes of all probes that record them (they are few)."""
    data = {}
    for number, probe in enumerate(probes):
        if SPIKES in probe.variables:
            spikes = joined.get(f"spikes_{number}", {"t": np.zeros(0), "i": np.zeros(0)})
            mine = (
                np.ones(len(spikes["i"]), bool)
                if probe.units is None
                else np.isin(spikes["i"], probe.units)
            )
            dim = f"{probe.population}_spike"
            data[f"{probe.population}.spike_time"] = (
                dim,
                spikes["t"][mine] - start,
                {"units": "s"},
            )
            data[f"{probe.population}.spike_unit"] = (dim, spikes["i"][mine].astype(np.int32))
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


@contextmanager
def _appearing(path):
    """A folder to write into, which appears as `path` only when complete."""
    fresh = unfinished(path)
    shutil.rmtree(fresh, ignore_errors=True)
    with disk_errors(path):
        try:
            yield fresh
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        shutil.rmtree(path, ignore_errors=True)
        fresh.rename(path)


def save_tokens(path, tokens):
    """Write a small dataset to Zarr in one go, appearing under its name only when complete."""
    with _appearing(path) as fresh:
        tokens.to_zarr(fresh, mode="w", consolidated=False, zarr_format=3)


def save_events(path, table):
    """Write an event table as TSV, and beside it (.json) what its columns hold, which the text
    alone does not tell.
    """
    kinds = {str(name): _kind(column) for name, column in table.items()}
    write_json(path.with_suffix(".json"), kinds)  # first: the block is done when its table is there
    write_atomically(path, table.to_csv(sep="\t", index=False, float_format=NUMBER).encode())


def load_events(path):
    """The table that `save_events` wrote: int64, float64 (NaN where empty), bool or text (empty
    where nothing was given).

    Runs of earlier versions have no kinds: the columns hold what their text looks like.
    """
    about = path.with_suffix(".json")
    kinds = json.loads(about.read_text()) if about.exists() else {"symbol": "string"}
    return pd.read_csv(
        path,
        sep="\t",
        dtype={name: READ_AS[kind] for name, kind in kinds.items() if kind in READ_AS},
        keep_default_na=False,
        na_values={name: [""] for name, kind in kinds.items() if kind == "number"},
    )


def as_text(column):
    """The values of an event table's column as they stand in its file: list of str, "" where there
    is none.
    """
    if column.dtype.kind == "f":
        return ["" if value != value else NUMBER % value for value in column]
    return column.astype(object).where(column.notna(), "").astype(str).tolist()


def _kind(column):
    """ "integer", "number", "boolean" or "string"."""
    kind, gaps = (
        column.dtype.kind,
        column.isna().any(),
    )  # only pandas' own types have integers and truth values with gaps
    if kind in "iuf":
        return "number" if gaps or kind == "f" else "integer"
    return "boolean" if kind == "b" and not gaps else "string"

"""The readouts of every token: from the recordings of chunks to labelled arrays on disk (xarray
on Zarr).
"""

import numpy as np
import xarray as xr

from ...declare.protocol.timeline import event_table
from ...network.pacemaker import NAME as PACEMAKER
from ...network.population import kept
from ...network.streams import NAME as STREAMS
from .files import appearing


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


def save_tokens(path, tokens):
    """Write a small dataset to Zarr in one go, appearing under its name only when complete."""
    with appearing(path) as fresh:
        tokens.to_zarr(fresh, mode="w", consolidated=False, zarr_format=3)

"""The readouts of every token: from the recordings of chunks to labelled arrays on disk (xarray
on Zarr).
"""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from ...declare.model.hierarchy import Hierarchy
from ...declare.protocol.block import Block
from ...declare.protocol.timeline import Timeline, event_table
from ...device.recordings import Recordings
from .files import appearing


def token_data(
    model: Hierarchy, block: Block, line: Timeline, recordings: Recordings, start_step: int
) -> tuple[xr.Dataset, pd.DataFrame]:
    """The block's readouts per token, and its event table.

    Parameters
    ----------
    model : Hierarchy
    block : Block
    line : Timeline
    recordings : Recordings
        Of the whole block; samples may be left out.
    start_step : int
        Step at which the block began.

    Returns
    -------
    tokens : xarray.Dataset, dims event, level, unit; with a batch also stream, after event. Readouts of a population
        of another size than the first such one have the dimension "population_unit".
    table : pandas.DataFrame
    """
    ends, batch = recordings.ends, model.batch
    n = len(ends)
    leaving = ends.last_step(float(model.dt)) - start_step
    starts = np.concatenate([[0], leaving[:-1] + 1])
    first = ("event",) if batch == 1 else ("event", "stream")
    variables = {
        "iterations": (first, ends.iterations.astype(np.int32)),
        "steps": ("event", ends.steps.astype(np.int32)),
    }
    dimensions: dict[str, int] = {}
    for readout in model.readouts:
        columns = []
        for path in readout.variables:
            name = path.partition(".")[0]
            values = recordings.readout(readout, path)[:n]
            columns.append(by_stream(values, model.population(name).size, batch))
        by_level = len(columns) > 1 or columns[0].shape[-1] == 1
        stacked = np.concatenate(columns, axis=-1) if by_level else columns[0]
        kind, owner = ("level", readout.name) if by_level else ("unit", name)
        # Readouts of one size share a dimension; those of another size than the first have one of
        # their own.
        own = dimensions.setdefault(kind, stacked.shape[-1]) != stacked.shape[-1]
        variables[readout.name] = ((*first, f"{owner}_{kind}" if own else kind), stacked)
    tokens = xr.Dataset(
        variables,
        coords={"event": np.arange(n)},
        attrs={
            "block": block.name,
            "level_sizes": model.level_sizes,
            "dt_s": float(model.dt),
            "start_step": int(start_step),
        },
    )
    return tokens, event_table(block, line, starts, ends.steps, model.dt)


def by_stream(values: np.ndarray, size: int, batch: int) -> np.ndarray:
    """Recorded values of `size` units as (time or event, unit), or (time or event, stream, unit)
    with a batch.
    """
    return values.reshape(-1, size) if batch == 1 else values.reshape(-1, batch, size)


def save_tokens(path: Path, tokens: xr.Dataset) -> None:
    """Write a small dataset to Zarr in one go, appearing under its name only when complete."""
    with appearing(path) as fresh:
        tokens.to_zarr(fresh, mode="w", consolidated=False, zarr_format=3)

"""What can be told of the files of a run without checksums: of an earlier version, or one that goes
on. Numbers that were altered within a file cannot be told from others.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from ...errors import FenaError, RunFolderError
from .manifest import interpreting

if TYPE_CHECKING:
    from .run import Run

FIX = "the run has no checksums, and a file of it was lost, cut or altered: copy it again, or run it again"
#: Samples read at a time, so that long recordings need not fit the memory.
ROWS = 4096


def check_rows(table: pd.DataFrame, manifest: dict, block: str, folder: str) -> None:
    """Raise RunFolderError unless an event table has a row for every token of the manifest."""
    entry = next(entry for entry in manifest["blocks"] if entry["name"] == block)
    expected = entry["tokens"] * manifest["model"].get("batch", 1)
    if len(table) != expected:
        raise RunFolderError(
            f"events/{block}.tsv has {len(table):,} rows, the manifest {expected:,} tokens",
            where=folder,
            fix=FIX,
        )


def check_arrays(data: xr.Dataset, manifest: dict, block: str, name: str, folder: str) -> None:
    """Raise RunFolderError unless the arrays of a block are of the sizes that the manifest tells,
    and what numbers their rows and columns is in order: a lost chunk reads as zeros.

    Parameters
    ----------
    data : Dataset
    manifest : dict
    block : str
    name : str
        Place of the arrays in the run folder.
    folder : str
    """
    for what in (*_wrong_sizes(data, manifest, block), *_wrong_numbers(data)):
        raise RunFolderError(f"{name}: {what}", where=folder, fix=FIX)


def _wrong_sizes(data, manifest, block) -> Iterator[str]:
    entry = next(entry for entry in manifest["blocks"] if entry["name"] == block)
    expected = {"event": entry["tokens"], "stream": manifest["model"].get("batch", 1)}
    for dimension, size in expected.items():
        if data.sizes.get(dimension, size) != size:
            kind = "tokens" if dimension == "event" else "streams"
            yield f"{data.sizes[dimension]:,} {kind}, the manifest has {size:,}"
    sizes = {p["name"]: p["size"] for p in manifest["inputs"]["model"]["populations"]}
    declared = manifest["inputs"]["protocol"]["blocks"]
    for probe in next((b["probes"] for b in declared if b["name"] == block), []):
        population, units = probe["population"], probe["units"]
        if (dimension := f"{population}_unit") not in data.coords:
            continue
        found = data[dimension].to_numpy().tolist()
        if found != (list(range(sizes.get(population, 0))) if units is None else units):
            yield f"the units of {population!r} are not those of the manifest"


def _wrong_numbers(data) -> Iterator[str]:
    for name, coordinate in data.coords.items():
        if not is_number_of(str(name)) or str(name).endswith("_unit"):
            continue
        if not (np.diff(coordinate.to_numpy()) > 0).all():
            yield f"{name!r} does not grow, as where a chunk of it is missing"


def is_number_of(array: str) -> bool:
    """Whether an array numbers the rows or columns of others: events, times, units."""
    return array == "event" or array.startswith("time") or array.endswith("_unit")


def problems(run: "Run") -> list[str]:
    """Read all that a run without checksums holds of its blocks.

    Returns
    -------
    list of str
        A line for whatever cannot be read, or is not what the manifest tells.
    """
    found = []
    for entry in run.manifest["blocks"]:
        for kind in ("events", "tokens", *(["traces"] if entry["probes"] else []), "states"):
            try:
                with interpreting(run.folder):
                    _read(run, kind, entry["name"])
            except FenaError as error:
                found.append(error.what)
    return found


def _read(run, kind, block):
    if kind in ("events", "states"):
        run.events(block) if kind == "events" else run.state(block)
        return
    data = run.tokens(block) if kind == "tokens" else run.traces(block)
    for variable in data.variables.values():
        for first in range(0, variable.shape[0] if variable.ndim else 1, ROWS):
            (variable[first : first + ROWS] if variable.ndim else variable).to_numpy()

"""What can be told of the files of a run without checksums: of an earlier version, or one that goes
on. Numbers that were altered within a file cannot be told from others.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from ...declare.measured.attach import belongs
from ...errors import RunFolderError
from .arrays import COLUMNS, is_number_of

FIX = "the run has no checksums, and a file of it was lost, cut or altered: copy it again, or run it again"


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


def _wrong_sizes(data: xr.Dataset, manifest: dict, block: str) -> Iterator[str]:
    entry = next(entry for entry in manifest["blocks"] if entry["name"] == block)
    expected = {"event": entry["tokens"], "stream": manifest["model"].get("batch", 1)}
    for dimension, size in expected.items():
        if data.sizes.get(dimension, size) != size:
            kind = "tokens" if dimension == "event" else "streams"
            yield f"{data.sizes[dimension]:,} {kind}, the manifest has {size:,}"
    sizes = {p["name"]: p["size"] for p in manifest["inputs"]["model"]["populations"]}
    protocol = manifest["inputs"]["protocol"]
    declared, measured = protocol["blocks"], protocol.get("measured", {})
    sizes |= dict.fromkeys(measured, 1)
    for probe in next((b["probes"] for b in declared if b["name"] == block), []):
        population, units = probe["population"], probe["units"]
        if (dimension := f"{probe.get('name') or population}_unit") not in data.coords:
            continue
        if population not in sizes and belongs(population, measured):
            continue
        found = data[dimension].to_numpy().tolist()
        if found != (list(range(sizes.get(population, 0))) if units is None else units):
            yield f"the units of {population!r} are not those of the manifest"


def _wrong_numbers(data: xr.Dataset) -> Iterator[str]:
    for name, coordinate in data.coords.items():
        if not is_number_of(str(name)) or str(name).endswith(COLUMNS):
            continue
        if not (np.diff(coordinate.to_numpy()) > 0).all():
            yield f"{name!r} does not grow, as where a chunk of it is missing"

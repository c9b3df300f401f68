"""The result of a sweep: one labelled dataset over the grid, beside its runs."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from ...runs.store.files import write_atomically
from .points import Sweep
from .work import ABOUT_RUNS, Outcome

RESULT, LISTING = "result.nc", "sweep.json"


def collect(sweep: Sweep, outcomes: Mapping[int, Outcome]) -> xr.Dataset:
    """The numbers of all points as one dataset.

    Parameters
    ----------
    sweep : Sweep
    outcomes : {int: Outcome}
        By the point's number.

    Returns
    -------
    xarray.Dataset
        Dims: the keys of the grid, in their order, with their values (attribute ``units``), then
        ``seed``. One variable per entry of the protocol file's summary; lists and dictionaries have
        a last dimension "<name>_item". NaN where a point failed. ``run_folder`` holds the names of
        the runs, ``failure`` what went wrong ("" if nothing did).
    """
    dims = [axis.key for axis in sweep.axes] + ["seed"]
    shape = [len(axis.texts) for axis in sweep.axes] + [len(sweep.seeds)]
    coords: dict[str, object] = {"seed": sweep.seeds}
    for axis in sweep.axes:
        values, units = axis.coordinate()
        coords[axis.key] = (axis.key, values, {} if units is None else {"units": units})
    variables = {}
    for name, items in _items(outcomes).items():
        of_point = [
            [outcomes[p.number].numbers.get(name, {}).get(item, math.nan) for item in items]
            for p in sweep.points
        ]
        array = _over_grid(np.array(of_point, dtype=float), shape)
        if items == [""]:
            variables[name] = (dims, array[..., 0])
        else:
            variables[name] = ([*dims, f"{name}_item"], array)
            coords[f"{name}_item"] = items
    for name, texts in zip(
        ABOUT_RUNS,
        (
            [outcomes[p.number].run or "" for p in sweep.points],
            [(outcomes[p.number].error or {}).get("what", "") for p in sweep.points],
        ),
        strict=True,
    ):
        variables[name] = (dims, _over_grid(np.array(texts), shape))
    return xr.Dataset(variables, coords=coords, attrs={"sweep": sweep.name, "device": sweep.device})


def save_sweep(
    folder: str | Path, sweep: Sweep, outcomes: Mapping[int, Outcome], command: list[str]
) -> tuple[dict, xr.Dataset]:
    """Write `sweep.json` (the points with their settings, runs, numbers and errors) and `result.nc`
    into a folder.

    Returns (listing, dataset): what stands in the two files. The dataset is netCDF 3, which
    everything reads.
    """
    folder = Path(folder)
    listing = listing_of(folder, sweep, outcomes, command)
    write_atomically(
        folder / LISTING, dump(listing)
    )  # first: it holds everything, whatever becomes of the dataset
    dataset = collect(sweep, outcomes)
    write_atomically(folder / RESULT, bytes(dataset.to_netcdf(engine="scipy")))
    return listing, dataset


def listing_of(
    folder: str | Path, sweep: Sweep, outcomes: Mapping[int, Outcome], command: list[str]
) -> dict:
    """The sweep as plain data."""
    points = []
    for point in sweep.points:
        outcome = outcomes[point.number]
        numbers = {
            name: {item: v if math.isfinite(v) else None for item, v in items.items()}
            for name, items in outcome.numbers.items()
        }
        points.append(
            {
                "settings": list(point.settings),
                "seed": point.seed,
                "run": outcome.run,
                "status": "failed" if outcome.error else "finished",
                "error": outcome.error,
                "numbers": numbers,
            }
        )
    failed = sum(entry["status"] == "failed" for entry in points)
    return {
        "sweep": str(folder),
        "protocol": sweep.points[0].protocol,
        "model": sweep.points[0].model,
        "device": sweep.device,
        "grid": {axis.key: list(axis.texts) for axis in sweep.axes},
        "seeds": sweep.seeds,
        "command": command,
        "finished": len(points) - failed,
        "failed": failed,
        "points": points,
    }


def dump(listing: dict) -> bytes:
    return (json.dumps(listing, indent=1, allow_nan=False) + "\n").encode()


def _items(outcomes):
    """{name: [item, ...]} of all outcomes, in the order in which they appear."""
    found = {}
    for number in sorted(outcomes):
        for name, items in outcomes[number].numbers.items():
            found.setdefault(name, {}).update(dict.fromkeys(items))
    return {name: list(items) for name, items in found.items()}


def _over_grid(array, shape):
    """Points come seed by seed; the dataset has the seed last."""
    array = array.reshape(shape[-1], *shape[:-1], *array.shape[1:])
    return np.moveaxis(array, 0, len(shape) - 1)

"""Run folders written by hand, so that what is read from them is known in closed form."""

import json

import numpy as np
import pandas as pd
import xarray as xr
import zarr

import fena_sim as fs
from fena_sim.runs.store.checksums import other_checksums, write_checksums
from fena_sim.runs.store.events import save_events
from fena_sim.runs.store.manifest import write_manifest

VOLT = "metre ** 2 * kilogram * second ** -3 * amp ** -1"


def population(name, level, variable, size=3, unit="1"):
    return {
        "name": name,
        "level": level,
        "role": "state",
        "size": size,
        "equations": f"{variable} : {unit}",
        "links": {},
        "parameters": {"tau": {"value": "0.014", "dimensions": "second"}},
        "on": {},
        "threshold": None,
        "reset": None,
    }


def events(onsets, tokens, blank=0.01, shown=0.04, **labels):
    """An event table with tokens at `onsets` (s); -1 is an omitted token."""
    onsets = np.asarray(onsets, dtype=float)
    return pd.DataFrame(
        {
            "onset": onsets,
            "duration": shown,
            "blank_onset": onsets - blank,
            "token": tokens,
            "symbol": ["" if t < 0 else "abcd"[t] for t in tokens],
            **labels,
            "gate": 1,
        }
    )


def traces(step, start=0.0, **variables):
    """A Dataset as probes leave it: {"population__variable": (time, unit) or (time, stream, unit)},
    units "1".
    """
    data, coords = {}, {}
    for name, values in variables.items():
        name, _, variable = name.partition("__")
        values = np.asarray(values)
        dims = ("time", "stream", f"{name}_unit")
        data[f"{name}.{variable}"] = (
            dims if values.ndim == 3 else (dims[0], dims[2]),
            values,
            {"units": "1"},
        )
        coords[f"{name}_unit"] = np.arange(values.shape[-1])
    coords["time"] = ("time", start + np.arange(len(values)) * step, {"units": "s"})
    return xr.Dataset(data, coords=coords)


def seconds(text):
    return {"value": text, "dimensions": "second"}


def edit(folder, change=lambda manifest: None, **entries):
    """Change the manifest of a run folder as somebody does who knows how its checksum is reckoned."""
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    write_manifest(folder, {**manifest, **entries})


def finish(folder):
    """Give a run folder the checksums that a run gets at its end; returns the run opened."""
    blocks = fs.open_run(folder).blocks
    for block in blocks:
        write_checksums(folder, block)
    edit(folder, checksums=other_checksums(folder, blocks))
    return fs.open_run(folder)


def kept(n, streams=None):
    """Readouts: one value, one per level, one per unit."""
    rng = np.random.default_rng(n)
    shape, first = ((n,), ("event",)) if streams is None else ((n, streams), ("event", "stream"))
    return xr.Dataset(
        {
            "iterations": (first, rng.integers(0, 40, shape).astype("int32")),
            "error": ((*first, "level"), rng.random((*shape, 2)).astype("float32")),
            "state": ((*first, "unit"), rng.random((*shape, 3))),
        },
        coords={"event": np.arange(n)},
    )


def _units(recorded, population):
    """The units that a probe names, so that any number of them may have been recorded."""
    name = f"{population}_unit"
    return None if recorded is None or name not in recorded else recorded[name].values.tolist()


def write(folder, blocks, populations=(), batch=1, seed=0, chunk=64, readouts=()):
    """A finished run with {block: (events, traces or None, tokens or None)}; returns it opened."""
    folder.mkdir(parents=True)
    for name, (table, recorded, kept) in blocks.items():
        for kind in ("events", "traces", "tokens", "states"):
            (folder / kind).mkdir(exist_ok=True)
        save_events(folder / "events" / f"{name}.tsv", table)
        if recorded is not None:
            encoding = {v: {"chunks": (chunk, *recorded[v].shape[1:])} for v in recorded.data_vars}
            recorded.to_zarr(
                folder / "traces" / f"{name}.zarr",
                consolidated=False,
                zarr_format=3,
                encoding=encoding,
            )
        kept = xr.Dataset() if kept is None else kept
        kept = kept.assign_attrs({"dt_s": 1e-3, "start_step": 0, **kept.attrs})
        kept.to_zarr(folder / "tokens" / f"{name}.zarr", consolidated=False, zarr_format=3)
    populations = list(populations) or [population("state_1", 1, "r")]
    model = {
        "name": "handmade",
        "description": "made by hand",
        "levels": [0, 1],
        "dt": "1. ms",
        "batch": batch,
        "populations": [p["name"] for p in populations],
        "parameters": {"state_1.tau": "14. ms"},
    }
    declared = {
        **model,
        "populations": populations,
        "projections": [],
        "readouts": list(readouts),
        "reference": "",
        "settling": None,
        "dt": seconds("0.001"),
    }
    (folder / "manifest.json").write_text(
        json.dumps(
            {
                "status": "finished",
                "inputs_hash": "0",
                "seed": seed,
                "device": "dense64",
                "started": "2026-11-23T10:00:00",
                "sessions": 1,
                "model": model,
                "protocol": {"name": "hand", "description": "A protocol", "measured_signal": "r"},
                "inputs": {
                    "engine": 1,
                    "controls": {},
                    "model": declared,
                    "seed": seed,
                    "protocol": {
                        "blocks": [
                            {
                                "name": name,
                                "probes": [
                                    {
                                        "population": p["name"],
                                        "units": _units(recorded, p["name"]),
                                        "variables": ["r"],
                                        "interval": seconds("0.001"),
                                        "window": None,
                                    }
                                    for p in populations
                                ],
                                "pace": {
                                    "type": "FixedPace",
                                    "duration": seconds("0.04"),
                                    "blank": seconds("0.01"),
                                },
                                "controls": {},
                                "omission_gate": "0.0",
                            }
                            for name, (_, recorded, _) in blocks.items()
                        ]
                    },
                },
                "blocks": [
                    {
                        "name": name,
                        "tokens": len(table) // batch,
                        "start_from": "initial",
                        "self_paced": False,
                        "probes": [] if recorded is None else [p["name"] for p in populations],
                    }
                    for name, (table, recorded, _) in blocks.items()
                ],
                "vocabulary": {
                    "symbols": list("abcd"),
                    "codes": np.eye(4).tolist(),
                    "kind": "one_hot",
                },
                "start": None,
                "versions": {"fena_sim": fs.__version__, "zarr": zarr.__version__},
                "git": None,
                "command": ["fena", "run", "hand.py"],
                "machine": "Linux x86_64",
                "wall_time_s": 1.0,
                "tokens_per_second": 10.0,
            }
        )
    )
    return fs.open_run(folder)

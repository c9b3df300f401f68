"""A run of three blocks made by hand: what is written to other formats is known."""

from types import SimpleNamespace

import handmade
import numpy as np
import pytest
import whole

import fena_sim as fs
from fena_sim.runs.store.events import save_events

#: A block begins with the blank before its first token (s).
BLANK = 0.01
READOUTS = [
    {"name": "error", "variables": ["cell.v", "rate.r"]},
    {"name": "state", "variables": ["cell.v"]},
]
POPULATIONS = [
    handmade.population("rate", 1, "r", 5),
    handmade.population("cell", 0, "v", 3, "volt"),
]


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A namespace: `run`; `sampled` (rates float32, volts float64), `windowed` (every fourth ms
    lacking), spikes, readouts.
    """
    rng = np.random.default_rng(0)
    rates, volts = (
        rng.standard_normal((300, 5)).astype("float32"),
        rng.standard_normal((300, 3)) * 1e-3,
    )
    sampled = handmade.traces(1e-3, rate__r=rates, cell__v=volts)
    sampled["cell.v"].attrs["units"] = handmade.VOLT
    times, units = np.array([0.01, 0.03, 0.03, 0.2]), np.array([0, 2, 0, 0], dtype="int32")
    sampled = sampled.assign(
        {
            "cell.spike_time": ("cell_spike", times, {"units": "s"}),
            "cell.spike_unit": ("cell_spike", units),
        }
    )
    windowed = handmade.traces(1e-3, rate__r=rates[:100]).isel(
        time=np.flatnonzero(np.arange(100) % 4)
    )
    windowed = windowed.assign(
        {
            "cell.spike_time": ("cell_spike", [0.07], {"units": "s"}),
            "cell.spike_unit": ("cell_spike", np.array([2], dtype="int32")),
        }
    )
    tables = {
        "first": handmade.events(
            BLANK + np.arange(6) * 0.05, [0, 1, -1, 2, 0, 1], role=list("sdxsds")
        ),
        "silent": handmade.events(
            BLANK + np.arange(4) * 0.05,
            [0, 1, 2, 3],
            novel=[True, False, True, False],
            position=[1, 2, 3, 4],
        ),
        "second": handmade.events(
            BLANK + np.arange(2) * 0.05, [3, 2], role=["s", 'a "quoted",\nlabel']
        ),
    }
    tokens = {name: handmade.kept(len(table)) for name, table in tables.items()}
    recorded = {"first": sampled, "silent": None, "second": windowed}
    run = handmade.write(
        tmp_path_factory.mktemp("made") / "run",
        {name: (tables[name], recorded[name], tokens[name]) for name in tables},
        POPULATIONS,
        readouts=READOUTS,
    )
    return SimpleNamespace(
        run=run,
        rates=rates,
        volts=volts,
        windowed=windowed,
        times=times,
        units=units,
        tables=tables,
        tokens=tokens,
    )


@pytest.fixture(scope="session")
def two_streams(tmp_path_factory):
    table = handmade.events(BLANK + np.array([0, 0.05, 0, 0.05]), [0, 1, 2, 3])
    table.insert(0, "stream", [0, 0, 1, 1])
    values = np.random.default_rng(0).standard_normal((100, 2, 5))
    tokens = handmade.kept(2, streams=2)
    run = handmade.write(
        tmp_path_factory.mktemp("streams") / "run",
        {"b": (table, handmade.traces(1e-3, rate__r=values), tokens)},
        POPULATIONS,
        batch=2,
        readouts=READOUTS,
    )
    return SimpleNamespace(run=run, values=values, table=table, tokens=tokens)


@pytest.fixture(scope="session")
def awkward(tmp_path_factory):
    """Modalities "sound" and "s_ound" beside "picture" in a block "b", and a block "b_sound"."""
    tables = {
        name: handmade.events([0.01, 0.06], [0, token])
        for token, name in enumerate(("b", "b_sound", "sound", "s_ound"))
    }
    folder = tmp_path_factory.mktemp("awkward") / "run"
    blocks = {name: (tables[name], None, None) for name in ("b", "b_sound")}
    handmade.write(folder, blocks, POPULATIONS)

    def several(manifest):
        streams = dict.fromkeys(("picture", "sound", "s_ound"))
        manifest["inputs"]["protocol"]["blocks"][0].update(streams=streams, paced_by="picture")

    handmade.edit(folder, several)
    for name in ("sound", "s_ound"):
        save_events(folder / "events" / f"b.{name}.tsv", tables[name])
    return SimpleNamespace(run=fs.open_run(folder), tables=tables)


@pytest.fixture(scope="session")
def everything(tmp_path_factory):
    """A run that holds everything a run of one network can hold."""
    out = tmp_path_factory.mktemp("everything")
    return fs.run(whole.model(), whole.protocol(), device="runtime", out=out)


@pytest.fixture(scope="session")
def beside(tmp_path_factory):
    """A run of two streams side by side, with weights."""
    model, protocol = whole.side_by_side()
    return fs.run(model, protocol, device="dense64", out=tmp_path_factory.mktemp("beside"))

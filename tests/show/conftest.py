"""Networks with smooth made-up data, and every figure script, by name."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import fena_sim as fs

SIZES = (4, 6, 5)
BLANK, SHOWN, STEP = 0.010, 0.048, 0.001
FIGURES = Path(__file__).parents[2] / "figures"


class Vocabulary(SimpleNamespace):
    def __len__(self):
        return len(self.symbols)


def events_of(tokens, start):
    blank = start + np.arange(len(tokens)) * (BLANK + SHOWN)
    position = np.arange(len(tokens)) % 4
    return pd.DataFrame(
        {
            "token": tokens,
            "symbol": ["abcd"[t] if t >= 0 else "" for t in tokens],
            "position": position,
            "novel": (np.arange(len(tokens)) // 4) % 2 == 1,
            "onset": blank + BLANK,
            "blank_onset": blank,
            "duration": SHOWN,
            "gate": (tokens >= 0).astype(int),
        }
    )


def tokens_of(tokens, rng, states):
    n, levels = len(tokens), len(SIZES)
    fall = np.exp(-np.arange(n) / 150)[:, None] + 0.05
    errors = fall * rng.gamma(4, 0.25, (n, levels)) * np.array([1.0, 0.1, 0.03])
    prediction = np.eye(4)[tokens % 4] * 0.7 + rng.normal(0, 0.25, (n, 4))
    level_0 = (
        np.exp(prediction) / np.exp(prediction).sum(axis=1, keepdims=True)
        if states == "probability"
        else prediction
    )
    return xr.Dataset(
        {
            states: (("event", "unit"), level_0),
            "iterations": ("event", rng.poisson(4 + 30 * fall[:, 0])),
            "steps": ("event", np.full(n, 48)),
            "onset_error": (("event", "level"), errors),
            "error": (("event", "level"), errors),
            "settled_error": (("event", "level"), errors * 0.6),
            "precision": (("event", "level"), 1 / fall + np.arange(levels)),
            "events": (
                ("event", "events_level"),
                rng.beta(1 + 9 * (np.arange(n) % 4 == 0), 2)[:, None],
            ),
            "onset_probability": (("event", "unit"), rng.dirichlet(np.ones(4), n)),
        },
        attrs={"level_sizes": list(SIZES)},
    )


def traces_of(events, rng):
    time = np.arange(
        events["blank_onset"].iloc[0], events["blank_onset"].iloc[-1] + BLANK + SHOWN, STEP
    )
    names = {f"error_{level}.error": size for level, size in enumerate(SIZES)}
    names |= {f"state_{level}.r": size for level, size in enumerate(SIZES) if level}
    data = {
        name: (("time", name.split(".")[0] + "_unit"), rng.normal(size=(len(time), size)))
        for name, size in names.items()
    }
    return xr.Dataset(data, coords={"time": time})


def network(seed, states="prediction"):
    rng = np.random.default_rng(seed)
    lengths = {"training": 400, "familiar": 80, "held_out": 80, "without_2": 80}
    tokens = {name: rng.integers(0, 4, n) for name, n in lengths.items()}
    tokens["traces_before"] = tokens["traces_after"] = np.array([0, 1, -1, 2, 3])
    tokens["oddball"] = np.tile([0, 0, 0, 1], 10)
    events = {name: events_of(ids, 7.0 * i) for i, (name, ids) in enumerate(tokens.items())}
    events["oddball"]["role"] = np.where(tokens["oddball"] == 1, "deviant", "standard")
    measured = {name: tokens_of(ids, rng, states) for name, ids in tokens.items()}
    probes = {
        name: traces_of(events[name], rng) for name in ("traces_before", "traces_after", "oddball")
    }
    return SimpleNamespace(
        id=f"network-{seed}",
        likelihood=fs.Gaussian(),
        folder=Path(f"network-{seed}"),
        blocks=list(tokens),
        events=events.__getitem__,
        tokens=measured.__getitem__,
        traces=probes.__getitem__,
        vocabulary=Vocabulary(symbols=tuple("abcd"), codes=np.eye(4), size=4),
    )


@pytest.fixture(scope="session")
def networks():
    return [network(seed) for seed in range(3)]


@pytest.fixture(scope="session")
def softmax_networks():
    """The same, but that level 0 states probabilities."""
    return [network(seed, "probability") for seed in range(3)]


#: The blocks of these networks that have what each figure needs.
GIVEN = {
    "training": {"training": ["training"]},
    "settling_dashboard": {
        "training": ["training"],
        "traced": ["traces_before", "traces_after"],
    },
    "token_traces": {"traced": ["traces_before", "traces_after"]},
    "generalisation": {},
    "oddball": {"oddball": ["oddball"]},
    "story": {},
}


@pytest.fixture(scope="session", params=GIVEN)
def script(request):
    """A figure file: `figure` takes runs alone, and is given the blocks that all of these have."""
    spec = spec_from_file_location(f"figure_{request.param}", FIGURES / f"{request.param}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)

    def figure(runs):
        given = {
            name: [block for block in blocks if all(block in run.blocks for run in runs)]
            for name, blocks in GIVEN[request.param].items()
        }
        return module.figure(runs, **{name: blocks for name, blocks in given.items() if blocks})

    given = [block for blocks in GIVEN[request.param].values() for block in blocks]
    return SimpleNamespace(figure=figure, needs=module.NEEDS, given=given)

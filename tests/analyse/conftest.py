"""A run made by hand: only what measures read."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import fena_sim as fs


def block(tokens, prediction=None, probability=None, dims=("event", "unit"), **arrays):
    """(events, tokens, traces) of one block; two-dimensional arrays are (event, level), traces are
    (dims, values).
    """
    traces = xr.Dataset(arrays.pop("traces", {}))
    columns = {
        k: arrays.pop(k)
        for k in ("position", "novel", "novel_phrase", "motif", "onset", "duration", "role")
        if k in arrays
    }
    events = pd.DataFrame({"token": np.asarray(tokens), **columns})
    data = {
        name: (("event", "level")[: np.ndim(values)], np.asarray(values))
        for name, values in arrays.items()
    }
    for name, values in (("prediction", prediction), ("probability", probability)):
        if values is not None:
            data[name] = (dims, np.asarray(values, dtype=float))
    return events, xr.Dataset(data, attrs={"dt_s": 1e-3}), traces


@pytest.fixture
def make_run():
    def make(codes=None, level_sizes=None, likelihood=None, measured=None, **blocks):
        made = {name: block(**arrays) for name, arrays in blocks.items()}
        for _, tokens, _ in made.values():
            tokens.attrs["level_sizes"] = level_sizes
        codes = np.eye(2) if codes is None else np.asarray(codes, dtype=float)
        symbols = tuple("abcdefgh"[: len(codes)])
        return SimpleNamespace(
            id="handmade",
            likelihood=likelihood or fs.Gaussian(),
            measured=measured or {},
            blocks=list(made),
            events=lambda name, population=None: made[name][0],
            tokens=lambda name: made[name][1],
            traces=lambda name: made[name][2],
            vocabulary=SimpleNamespace(symbols=symbols, codes=codes),
        )

    return make

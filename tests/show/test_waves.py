"""The oddball figure and its panels. Oracles: responses that are exponentials, whose squares and
differences are known in closed form; the documented refusals.
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from fena_sim.errors import StimulusError
from fena_sim.plot import new_figure, waves

ROOT = Path(__file__).parents[2]
PERIOD, BLANK, TAU, UNITS = 0.150, 0.075, 0.020, 4
AMPLITUDE = {"standard": 1.0, "deviant": 3.0}


def oddball_figure():
    spec = spec_from_file_location("figure_oddball", ROOT / "figures" / "oddball.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def network(scale=1.0, blocks=("oddball",), tokens=24, mean_square=False, step=0.001, window=None):
    """Every fourth token is a deviant; each token evokes scale * AMPLITUDE * exp(-t/TAU) in all
    units of level 0, half at 1.
    """
    roles = np.where(np.arange(tokens) % 4 == 3, "deviant", "standard")
    blank = np.arange(tokens) * PERIOD
    events = pd.DataFrame(
        {
            "role": roles,
            "token": (roles == "deviant") * 1,
            "onset": blank + BLANK,
            "blank_onset": blank,
        }
    )
    time = np.arange(0, tokens * PERIOD - step / 2, step)
    token = np.floor((time - BLANK) / PERIOD + 1e-9).astype(int)
    since = time - BLANK - token * PERIOD
    evoked = (
        np.where(
            token >= 0, np.array([AMPLITUDE[r] for r in roles])[token] * np.exp(-since / TAU), 0.0
        )
        * scale
    )
    if window is not None:
        inside = (token >= 0) & (since < window)
        time, evoked = time[inside], evoked[inside]
    probes = {}
    for level, share in enumerate((1.0, 0.5)):
        values = np.repeat(share * evoked[:, None], UNITS, axis=1)
        name, data = (
            (f"precision_{level}", (values**2)[:, :1])
            if mean_square
            else (f"error_{level}", values)
        )
        variable = "mean_square" if mean_square else "error"
        probes[f"{name}.{variable}"] = (("time", f"{name}_unit"), data)
    traces = xr.Dataset(probes, coords={"time": time})
    return SimpleNamespace(
        id=f"closed-{scale}",
        blocks=list(blocks),
        events=lambda block: events,
        traces=lambda block: traces,
    )


def closed_form(role, level, time):
    return (AMPLITUDE[role] * (1.0, 0.5)[level]) ** 2 * np.exp(-2 * time / TAU)


@pytest.mark.parametrize("mean_square", [False, True])
def test_responses_are_mean_squares_from_onset_to_onset(mean_square):
    found = oddball_figure().response(network(mean_square=mean_square), ["oddball"])
    time = found["time"].to_numpy()
    np.testing.assert_allclose(time, np.arange(150) * 0.001, atol=1e-9)
    for role in AMPLITUDE:
        for level in (0, 1):
            np.testing.assert_allclose(
                found.sel(role=role, level=level), closed_form(role, level, time), rtol=1e-6
            )


def test_a_flip_flop_counts_half():
    run = network(blocks=("oddball", "flip_flop"))
    silent = run.traces("oddball") * 0
    both = SimpleNamespace(
        **{**vars(run), "traces": lambda block: run.traces(block) if block == "oddball" else silent}
    )
    module = oddball_figure()
    np.testing.assert_allclose(
        module.response(both, ["oddball", "flip_flop"]), module.response(run, ["oddball"]) / 2
    )


def test_the_figure_draws_the_difference_and_its_range():
    figure = oddball_figure().figure([network(1.0), network(2.0)], ["oddball"])
    lower = figure.axes[2]
    assert lower.get_ylabel() == "deviant minus standard"
    time = np.arange(150) * 0.001
    one = closed_form("deviant", 0, time) - closed_form("standard", 0, time)
    wave = lower.get_lines()[-1]
    np.testing.assert_allclose(wave.get_xdata(), 1000 * time, atol=1e-6)
    np.testing.assert_allclose(wave.get_ydata(), (one + 4 * one) / 2, rtol=1e-6)
    (band,) = lower.collections
    edges = band.get_paths()[0].vertices[:, 1]
    assert edges.max() == pytest.approx(4 * one[0], rel=1e-6)


@pytest.mark.parametrize("options", [dict(window=0.05), dict(tokens=2)])
def test_what_cannot_be_averaged_is_named(options):
    with pytest.raises(StimulusError, match="deviant|standard") as error:
        oddball_figure().response(network(**options), ["oddball"])
    assert "window" in str(error.value)


def test_one_network_has_no_interval():
    ax = new_figure().subplots()
    time = np.arange(5) / 1000
    waves.difference(
        ax, xr.DataArray(np.ones((1, 5)), dims=("network", "time"), coords={"time": time}), "black"
    )
    assert not ax.collections

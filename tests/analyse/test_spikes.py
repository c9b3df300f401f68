"""Oracles: clocks, independent Poisson processes, and a common rhythm, whose measures are known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from brian2 import ms, second

from fena_sim.errors import ProtocolError, StimulusError, UnitError, UnknownNameError
from fena_sim.measure import spiking

SECONDS, NEURONS = 8.0, 200


def run_of(time, unit, neurons=NEURONS, **others):
    """A run with the spikes of population E, and of others {name: (time, unit, neurons)}."""
    parts = dict(E=(time, unit, neurons)) | others
    data = {}
    for name, (t, u, _) in parts.items():
        data[f"{name}.spike_time"] = (f"{name}_spike", np.asarray(t, dtype=float))
        data[f"{name}.spike_unit"] = (f"{name}_spike", np.asarray(u, dtype=np.int32))
    populations = [dict(name=name, size=n) for name, (*_, n) in parts.items()]
    populations.append(dict(name="silent", size=3))
    return SimpleNamespace(
        id="made",
        manifest={"inputs": {"model": {"populations": populations}}},
        traces=lambda block: xr.Dataset(data),
        events=lambda block: pd.DataFrame(dict(onset=[0.0], duration=[SECONDS])),
    )


def poisson(rate, rng, neurons=NEURONS):
    """Spikes of independent neurons at a rate (Hz), or at a rate by 0.5 ms."""
    bins = int(SECONDS / 0.5e-3)
    chance = np.broadcast_to(np.asarray(rate, dtype=float) * 0.5e-3, bins)
    when, unit = np.nonzero(rng.random((bins, neurons)) < chance[:, None])
    return when * 0.5e-3 + rng.uniform(0, 0.5e-3, len(when)), unit


def test_clocks_of_all_phases():
    """50 Hz, evenly spread: regular, and the numbers of spikes are the same in every bin."""
    start = np.arange(NEURONS) / NEURONS * 0.02
    time = (start[:, None] + np.arange(0, SECONDS - 0.02, 0.02) + 1e-5).ravel()
    found = spiking(
        run_of(time, np.repeat(np.arange(NEURONS), len(time) // NEURONS)), "b", None, 1 * second
    )
    assert found.rate == pytest.approx(50, rel=5e-3)
    assert found.cv == pytest.approx(0, abs=1e-6)
    assert found.fluctuation < 0.05


def test_independent_poisson_neurons():
    found = spiking(run_of(*poisson(20, np.random.default_rng(0))), "b")
    assert found.rate == pytest.approx(20, rel=0.02)
    assert found.cv == pytest.approx(1, abs=0.05)  # of 160 intervals each, slightly below 1
    assert found.fluctuation < 0.15 and found.periodicity < 0.1


def test_a_common_rhythm():
    """rate*(1 + 0.8 sin): fluctuation 0.8/sqrt(2) beyond Poisson counts, at 40 Hz."""
    t = np.arange(int(SECONDS / 0.5e-3)) * 0.5e-3
    rate = 30 * (1 + 0.8 * np.sin(2 * np.pi * 40 * t))
    found = spiking(run_of(*poisson(rate, np.random.default_rng(1))), "b")
    assert found.fluctuation == pytest.approx(0.8 / np.sqrt(2), rel=0.05)
    assert found.frequency == pytest.approx(40, abs=5)
    # the rhythm's share of the variance of counts, of mean 30*200*0.5e-3 = 3
    signal = (3 * 0.8) ** 2 / 2
    assert found.periodicity == pytest.approx(signal / (signal + 3), abs=0.05)


def test_populations_are_taken_together_or_alone():
    run = run_of([0.1, 0.2], [0, 1], 2, I=([0.3], [0], 1))
    assert spiking(run, "b").rate == pytest.approx(3 / 3 / SECONDS)
    assert spiking(run, "b", ["I"]).rate == pytest.approx(1 / SECONDS)
    assert spiking(run, "b", ["E"], 150 * ms).rate == pytest.approx(1 / 2 / (SECONDS - 0.15))
    assert np.isnan(spiking(run, "b").cv)


def test_without_spikes():
    found = spiking(run_of([], [], 5), "b")
    assert (found.rate, found.fluctuation, found.frequency, found.periodicity) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    "options, error, says",
    [
        (dict(populations=["silent"]), UnknownNameError, "'silent' were not recorded"),
        (dict(first=9 * second), StimulusError, "nothing is left"),
        (dict(bin=0 * ms), ProtocolError, "bin"),
        (dict(first=3.0), UnitError, "first"),
    ],
)
def test_what_cannot_be_measured_is_refused(options, error, says):
    with pytest.raises(error, match=says):
        spiking(run_of([0.1], [0]), "b", **options)

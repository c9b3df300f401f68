"""Oracles: the iteration of the paper from spike to spike, and its steady state in closed form;
hand-counted spikes; synaptic depression of a bank of channels (`fena_sim.measure.depression`).
"""

from pathlib import Path

import numpy as np
import pytest
from brian2 import ms, second

import fena_sim as fs
from fena_sim.load.user_file import load_file
from fena_sim.measure import depression, mismatch

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "models" / "tsodyks_markram.py"
TRAINS = load_file(ROOT / "protocols" / "tsodyks_markram.py", "protocol")
FIGURE = load_file(ROOT / "figures" / "tsodyks_markram.py", "figure")
STANDARDS = load_file(ROOT / "protocols" / "many_standards.py", "protocol")


@pytest.fixture(scope="module")
def trains(tmp_path_factory):
    protocol = TRAINS.protocol(rates=(20, 100), duration=0.5 * second, blank=50 * ms)
    model = fs.load_model(MODEL, 1)
    return fs.run(model, protocol, device="runtime", out=tmp_path_factory.mktemp("runs"))


def test_spikes_come_at_whole_periods_from_the_onset(trains):
    spikes = trains.traces("trains")["afferent.spike_time"].to_numpy()
    expected = np.concatenate([0.05 + np.arange(10) * 0.05, 0.6 + np.arange(50) * 0.01])
    np.testing.assert_allclose(spikes, expected, atol=1e-9)


def test_potentials_are_those_of_the_iteration_from_spike_to_spike(trains):
    (rate, time, values, added), _ = FIGURE.trains(trains)
    assert rate == 20
    released, before = [], 1.0
    for _ in range(10):
        released.append(25 * 0.5 * before)
        before = 1 - (1 - 0.5 * before) * np.exp(-0.05 / 0.8)
    assert added == pytest.approx(10 * released[-1], rel=1e-9)  # 100 Mohm
    since = time[:, None] - np.arange(10) * 0.05
    with np.errstate(over="ignore"):
        evoked = np.where(since >= -1e-9, np.exp(-since / 0.04) - np.exp(-since / 3e-3), 0)
    np.testing.assert_allclose(values, evoked @ released * 3 / 37, rtol=1e-9, atol=1e-12)


def test_the_summary_gives_what_the_last_spike_adds(trains):
    added = [train[3] for train in FIGURE.trains(trains)]
    found = TRAINS.summary([trains])
    assert [found["pA_at_20_Hz"], found["pA_at_100_Hz"]] == pytest.approx(added, rel=1e-9)
    assert found["pA_times_Hz_at_20_Hz"] == pytest.approx(20 * added[0], rel=1e-9)


def test_the_figure_shows_the_train_nearest_to_20_hz(trains):
    train, evoked, mean = FIGURE.figure([trains]).axes
    assert train.get_title() == "train of 20 Hz"
    assert evoked.get_xlabel() == mean.get_xlabel() == "rate (Hz)"


def test_the_steady_state_is_the_limit_of_the_iteration():
    for rate in (1.0, 20.0, 100.0):
        assert FIGURE.resources(5000, 1 / rate)[-1] == pytest.approx(
            FIGURE.steady_resources(1 / rate), rel=1e-12
        )
        late = FIGURE.potential(10 + np.linspace(0, 1, 4001)[:-1], rate)
        cycle = FIGURE.steady_cycle(rate, 200001)
        assert cycle.mean() == pytest.approx(late.mean(), rel=2e-3)


def test_steady_amplitudes_fall_as_one_over_the_rate():
    """A product with the rate that stays: R tends to T/(U tau_rec), and the jumps to A T/tau_rec."""
    steady = [rate * FIGURE.steady_resources(1 / rate) for rate in (1e3, 1e4)]
    np.testing.assert_allclose(steady, 1 / (0.5 * 0.8), rtol=2e-3)


@pytest.mark.slow
def test_depression_makes_mismatch_without_prediction(tmp_path):
    """A deviant is answered by more than a standard, but not by more than where it is as rare: as in
    the bank of channels that do not overlap.
    """
    protocol = STANDARDS.protocol(tokens=200, familiarisation=0, levels=0)
    model = fs.load_model(MODEL, protocol.vocabulary.size)
    run = fs.run(model, protocol, device="dense64", out=tmp_path)
    found = STANDARDS.deviance(run)
    bank = mismatch(
        run,
        response=lambda run, block: depression(run, block, 0.8 * second, 0.8, overlap=0.01),
        first=50,
    )
    for table in (found, bank):
        assert float(table["repetition_suppression"][0]) > 0.2
        assert abs(float(table["prediction_error"][0])) < 0.1
    assert float(found["mismatch"][0]) > 0

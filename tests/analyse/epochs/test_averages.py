"""Oracles: networks whose responses are known functions of condition and time, scipy and NumPy on
the whole recording, AR(1).
"""

import handmade
import numpy as np
import pytest
import xarray as xr
from brian2 import Hz, ms
from scipy import signal

from fena_sim import measure
from fena_sim.epochs import (
    autocorrelation,
    average,
    difference,
    epochs,
    evoked,
    over_networks,
    spectrum,
)
from fena_sim.errors import DeclarationError, StimulusError, UnitError, UnknownNameError

ONSETS, TOKENS = np.arange(10) * 0.05 + 0.02, np.arange(10) % 2
ROLES = np.array(["standard", "deviant"])[TOKENS]


def network(folder, gain, roles=ROLES):
    """Units +1 and -1 times gain*(t/ms)*(2 for deviants), t since the onset; 5 before it."""
    values = np.full((540, 2), 5.0)
    for onset, token in zip(np.rint(ONSETS * 1e3).astype(int), TOKENS, strict=True):
        values[onset : onset + 40] = gain * np.arange(40)[:, None] * (1 + token) * np.array([1, -1])
    return handmade.write(
        folder,
        {
            "b": (
                handmade.events(ONSETS, TOKENS, role=roles),
                handmade.traces(1e-3, state_1__r=values),
                None,
            )
        },
    )


@pytest.fixture
def networks(tmp_path):
    return [network(tmp_path / f"n{gain}", gain) for gain in (1, 2, 4, 8)]


def test_responses_of_one_network(networks):
    cut = epochs(networks[1], "b", "state_1.r", (-5 * ms, 10 * ms), by="role")
    time = np.arange(10.0)
    units = average(cut, "units").sel(condition="deviant")
    np.testing.assert_allclose(units[5:], 2 * 2 * time[:, None] * [1, -1])
    np.testing.assert_allclose(average(cut).sel(condition="deviant")[5:], 0)  # the units cancel
    square = average(cut, "mean square").sel(condition="standard")
    np.testing.assert_allclose(square[5:], (2 * time) ** 2)
    based = average(cut, "mean square", baseline=(-5 * ms, 0 * ms)).sel(condition="standard")
    np.testing.assert_allclose(based[5:], (2 * time) ** 2 - 25)
    assert average(cut)["tokens"].values.tolist() == [5, 5] and average(cut)[
        "condition"
    ].values.tolist() == ["deviant", "standard"]


def test_many_pieces_give_the_mean_of_all(networks, monkeypatch):
    cut = epochs(networks[0], "b", "state_1.r", (0 * ms, 10 * ms), by="role")
    whole = cut.values.mean(axis=2)
    monkeypatch.setattr("fena_sim.analyse.epochs.averages.AT_ONCE", 50)  # two tokens at a time
    for k, role in enumerate(("deviant", "standard")):
        np.testing.assert_allclose(
            average(cut)[k], whole[cut["condition"].values == role].mean(axis=0)
        )


def test_median_and_interval_over_networks(networks):
    response = evoked(
        networks, "b", "state_1.r", (0 * ms, 10 * ms), by="role", signal="mean square"
    )
    gains, time = np.array([1.0, 2, 4, 8]), np.arange(10.0)
    each = (gains[:, None] * time) ** 2  # of standards
    np.testing.assert_allclose(response["network"].sel(condition="standard"), each)
    for k in range(10):
        summary = measure.summarise(each[:, k])
        at = response.sel(condition="standard").isel(time=k)
        assert (float(at["median"]), float(at["low"]), float(at["high"])) == pytest.approx(
            (summary.median, summary.low, summary.high)
        )
    assert (
        "BCa" in response.attrs["method"] and "min-max" in response.attrs["method"]
    )  # at time 0 nothing varies
    assert response["median"].attrs["units"] == "1" and (response["tokens"] == 5).all()


def test_responses_over_networks_know_their_lock_and_their_baseline(networks):
    """In the 5 ms before its end a standard is at 35 to 39, and 5 before its onset."""
    wanted = dict(by="role", signal="mean square")
    ending = evoked(networks, "b", "state_1.r", (-5 * ms, 0 * ms), lock="offset", **wanted)
    gains = np.array([1.0, 2, 4, 8])[:, None]
    standard = ending["network"].sel(condition="standard")
    np.testing.assert_allclose(standard, (gains * np.arange(35, 40)) ** 2)
    based = evoked(
        networks, "b", "state_1.r", (-5 * ms, 5 * ms), baseline=(-5 * ms, 0 * ms), **wanted
    )
    standard = based["network"].sel(condition="standard")
    np.testing.assert_allclose(standard[:, 5:], (gains * np.arange(5)) ** 2 - 25)


def test_difference_is_paired_within_networks(networks):
    response = evoked(
        networks, "b", "state_1.r", (0 * ms, 10 * ms), by="role", signal="mean square"
    )
    wave = difference(response, "deviant", "standard")
    each = 3 * (np.array([1.0, 2, 4, 8])[:, None] * np.arange(10.0)) ** 2  # (2g)^2 - g^2
    for k in (3, 9):
        summary = measure.paired(each[:, k], 0 * each[:, k])
        assert float(wave["median"][k]) == pytest.approx(summary.median) and float(
            wave["high"][k]
        ) == pytest.approx(summary.high)
    assert wave.attrs["difference"] == "deviant - standard"
    with pytest.raises(UnknownNameError, match="no condition 'devant'"):
        difference(response, "devant", "standard")


def test_units_of_volts_and_their_square(tmp_path):
    recorded = handmade.traces(1e-3, state_1__r=np.ones((540, 2)))
    recorded["state_1.r"].attrs["units"] = handmade.VOLT
    run = handmade.write(tmp_path / "v", {"b": (handmade.events(ONSETS, TOKENS), recorded, None)})
    response = evoked([run], "b", "state_1.r", (0 * ms, 5 * ms), signal="mean square")
    squared = "metre ** 4 * kilogram ** 2 * second ** -6 * amp ** -2"
    assert (
        response["median"].attrs["units"] == squared and response.attrs["method"] == "min-max range"
    )
    assert spectrum(run, "b", "state_1.r").attrs["units"] == squared.replace("-6", "-5")  # V^2/Hz


def test_networks_that_cannot_be_averaged(networks, tmp_path):
    lacking = network(tmp_path / "lacking", 3, roles=np.full(10, "standard"))
    with pytest.raises(StimulusError, match="no epoch of condition 'deviant'"):
        evoked([*networks, lacking], "b", "state_1.r", (0 * ms, 10 * ms), by="role")
    with pytest.raises(DeclarationError, match="2 runs of 1 networks"):
        evoked([networks[0], networks[0]], "b", "state_1.r")
    slow = handmade.write(
        tmp_path / "slow",
        {
            "b": (
                handmade.events(ONSETS, TOKENS, role=ROLES),
                handmade.traces(2e-3, state_1__r=np.zeros((270, 2))),
                None,
            )
        },
    )
    with pytest.raises(DeclarationError, match="sampling interval is 0.002 s"):
        evoked([networks[0], slow], "b", "state_1.r", (0 * ms, 10 * ms), by="role")
    with pytest.raises(UnknownNameError, match="no signal 'power'"):
        evoked(networks, "b", "state_1.r", (0 * ms, 10 * ms), signal="power")


@pytest.fixture
def noise(tmp_path):
    """Three AR(1) series of 50 s with memory 0.9, 0 and -0.5, and a constant; offset 3."""
    white = np.random.default_rng(1).standard_normal((50_000, 4))
    values = np.stack(
        [signal.lfilter([1], [1, -memory], white[:, k]) for k, memory in enumerate((0.9, 0, -0.5))],
        axis=1,
    )
    values = np.column_stack([values, np.full(50_000, 0.1)]) + 3
    return values, handmade.write(
        tmp_path / "noise",
        {"b": (handmade.events([0], [0]), handmade.traces(1e-3, state_1__r=values), None)},
        chunk=4096,
    )


@pytest.mark.parametrize("segment", [256, 101])
def test_spectrum_is_welch_of_the_whole(noise, segment):
    values, run = noise
    result = spectrum(run, "b", "state_1.r", segment=segment * ms)
    frequency, power = signal.welch(values, fs=1000, nperseg=segment, axis=0)
    np.testing.assert_allclose(result["frequency"], frequency)
    np.testing.assert_allclose(result.values, power, rtol=1e-9, atol=1e-20)
    assert result.dims == ("frequency", "unit") and result["frequency"].attrs["units"] == "Hz"


def test_autocorrelation(noise):
    """NumPy on the whole recording, and rho^k of an AR(1) process, with its standard error below
    0.02.
    """
    values, run = noise
    result = autocorrelation(run, "b", "state_1.r", longest=20 * ms)
    flat = values - values.mean(axis=0)
    whole = np.array(
        [
            [
                (flat[: 50_000 - k, u] * flat[k:, u]).sum() / (flat[:, u] ** 2).sum()
                for u in range(3)
            ]
            for k in range(21)
        ]
    )
    np.testing.assert_allclose(result[:, :3], whole, atol=1e-9)
    np.testing.assert_allclose(result[:, 0], 0.9 ** np.arange(21), atol=0.06)
    np.testing.assert_allclose(result[:, 2], (-0.5) ** np.arange(21), atol=0.03)
    assert np.isnan(result[:, 3]).all()


def test_spectra_over_networks(noise):
    _, run = noise
    power = spectrum(run, "b", "state_1.r").isel(unit=1)
    result = over_networks(
        xr.concat([power, 2 * power, 4 * power], "run", combine_attrs="override")
    )
    np.testing.assert_allclose(result["median"], 2 * power.values)
    assert result["low"].dims == ("frequency",)


def test_what_has_no_spectrum(noise, tmp_path):
    _, run = noise
    with pytest.raises(DeclarationError, match="does not fit 50000 samples"):
        spectrum(run, "b", "state_1.r", segment=60_000 * ms)
    with pytest.raises(UnitError, match="not a time"):
        spectrum(run, "b", "state_1.r", segment=3 * Hz)
    with pytest.raises(DeclarationError, match="lag of 50000"):
        autocorrelation(run, "b", "state_1.r", longest=50_000 * ms)
    gaps = handmade.traces(1e-3, state_1__r=np.zeros((100, 1))).isel(
        time=[*range(20), *range(50, 80)]
    )
    with pytest.raises(DeclarationError, match="has gaps"):
        spectrum(
            handmade.write(tmp_path / "gaps", {"b": (handmade.events([0], [0]), gaps, None)}),
            "b",
            "state_1.r",
        )

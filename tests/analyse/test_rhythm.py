"""Rhythms. Oracles: free energy of the run's own readouts; curves with known turns, delays and
powers; red noise, which has no rhythm.
"""

import numpy as np
import pandas as pd
import pytest
import tiny
import xarray as xr
from scipy import signal

import fena_sim as fs
from fena_sim import measure
from fena_sim.errors import DeclarationError, StimulusError


@pytest.mark.parametrize("recorded", [["precision", "mean_square"], ["precision"]])
def test_free_energy_at_the_ends_of_a_presentation(recorded, tiny_fena, tmp_path):
    """What step n leaves is sampled at step n + 1; learning is off, so that precision is the same
    throughout.
    """
    probes = [fs.Probe(f"precision_{level}", recorded) for level in range(4)]
    errors = ["error"] if len(recorded) == 1 else []
    probes += [fs.Probe(f"error_{level}", errors) for level in range(1, 4) if errors]
    probes += [fs.Probe("error_0", [*errors, "probability"])]
    block = tiny.block(n=5, probes=probes, controls=dict(plasticity_gain=0.0))
    run = fs.run(
        tiny_fena, fs.Protocol(name="energy", blocks=[block]), device="runtime", out=tmp_path
    )
    trace, kept = measure.free_energy_trace(run, "learning"), measure.free_energy(run, "learning")
    onset = np.arange(5) * 60 + 12
    np.testing.assert_allclose(trace.values[onset + 1], kept.sel(moment="first"), rtol=1e-9)
    np.testing.assert_allclose(
        trace.values[onset[:-1] + 48], kept.sel(moment="last")[:-1], rtol=1e-9
    )
    assert measure.reversals(trace, run.events("learning")) >= 0


def recording(sizes=(2,), **traces):
    def make(make_run):
        return make_run(level_sizes=list(sizes), test={"tokens": [0], "traces": traces})

    return make


def test_a_categorical_level_0_needs_its_probabilities(make_run):
    """-2 ln p(token) in the step that a sample follows; nothing in the blank, or if none comes."""

    def run(**probability):
        rows = np.array([[0.25, 0.75], [0.25, 0.75], [0.5, 0.5], [0.5, 0.5], [0.1, 0.9]])
        traces = {
            "precision_0.precision": samples(*[[2.0]] * 5, unit="b"),
            "precision_0.mean_square": samples(*[[9.0]] * 5, unit="b"),
            **{name: samples(*rows[:, :n], unit="a") for name, n in probability.items()},
        }
        times = np.arange(5) * 1e-3
        traces = {name: v.assign_coords(time=times) for name, v in traces.items()}
        block = {"tokens": [1, -1], "onset": [1e-3, 3e-3], "duration": [1e-3, 1e-3]}
        given = dict(level_sizes=[2], likelihood=fs.Categorical())
        return make_run(**given, test={**block, "traces": traces})

    energy = measure.free_energy_trace(run(**{"error_0.probability": 2}), "test")
    np.testing.assert_allclose(energy, [0, 0, 2 * np.log(2), 0, 0])
    for given in ({}, {"error_0.probability": 1}):
        with pytest.raises(DeclarationError, match="probabilities of level 0") as caught:
            measure.free_energy_trace(run(**given), "test")
        assert 'Probe("error_0", "probability")' in caught.value.fix


def samples(*values, dim="time", unit="unit", times=None):
    return xr.DataArray(
        np.array(values),
        dims=(dim, unit),
        coords={dim: np.arange(len(values)) if times is None else times},
    )


def test_free_energy_by_hand(make_run):
    """2/2*(.5*(3^2 + 1^2)/2 - ln .5), and at the second sample 2/2*(e*2 - 1)."""
    run = recording(
        **{
            "error_0.error": samples([3.0, 1.0], [2.0, 0.0], unit="a"),
            "precision_0.precision": samples([0.5], [np.e], unit="b"),
        }
    )(make_run)
    np.testing.assert_allclose(
        measure.free_energy_trace(run, "test"), [2.5 + np.log(2), 2 * np.e - 1]
    )


@pytest.mark.parametrize(
    "traces, message",
    [
        ({}, "level 0 was not recorded"),
        ({"precision_0.precision": samples([1.0], unit="b")}, "level 0 was not recorded"),
        (
            {
                "precision_0.precision": samples([1.0], unit="b"),
                "error_0.error": samples([1.0], unit="a"),
            },
            "1 of the 2 error units",
        ),
        (
            {
                "precision_0.precision": samples([1.0], unit="b", dim="time_b", times=[3]),
                "error_0.error": samples([1.0, 1], unit="a"),
            },
            "at other times",
        ),
    ],
)
def test_unrecorded_energy_is_refused(make_run, traces, message):
    with pytest.raises(DeclarationError, match=message) as caught:
        measure.free_energy_trace(recording(**traces)(make_run), "test")
    assert "Probe" in caught.value.fix


def energies(*curves, blank=4, omitted=()):
    """A trace of tokens that leave these free energies after every step, with blanks before; and
    its events.
    """
    values, onset, duration = [0.0], [], []
    for curve in curves:
        values += [0.0] * blank
        onset.append((len(values) - 1) * 1e-3)
        duration.append(len(curve) * 1e-3)
        values += list(curve)
    trace = xr.DataArray(
        np.array(values, dtype=float), dims="time", coords={"time": np.arange(len(values)) * 1e-3}
    )
    tokens = [-1 if k in omitted else 0 for k in range(len(curves))]
    return trace, pd.DataFrame({"token": tokens, "onset": onset, "duration": duration})


ZIGZAG = [6, 10, 0, 3, 1, 1.6, 1.2]  # range 10: falls, rises by 3, falls, rises by .6


@pytest.mark.parametrize("tolerance, turns", [(0.05, 2), (0.07, 1), (0.2, 1), (0.31, 0)])
def test_turns_beyond_the_hysteresis_by_hand(tolerance, turns):
    assert measure.reversals(*energies(ZIGZAG), tolerance=tolerance) == turns


def test_settling_has_no_reversal_and_ringing_one_per_cycle():
    """exp(-t/30)*(1 + cos(2 pi t/12)/2) over 60 steps: minima at about t = 6, 18, 30, ...; the last
    swings are too small.
    """
    t = np.arange(61.0)
    smooth, ringing = np.exp(-t / 10), 1 + np.cos(2 * np.pi * t / 12)
    assert measure.reversals(*energies(smooth)) == 0
    assert measure.reversals(*energies(smooth + 1e-6 * np.cos(3 * t))) == 0
    assert measure.reversals(*energies(1e-6 * ringing)) == 0, (
        "rounding is no rhythm, whatever its share of the range"
    )
    assert measure.reversals(*energies(ringing)) == 5
    swings = 2 * np.exp(-6 / 20) ** np.arange(
        1, 11
    )  # of a cosine with envelope exp(-t/20), every half cycle
    expected = (swings[1::2] > 0.2 * swings[0]).sum()
    damped = np.exp(-t / 20) * np.cos(2 * np.pi * t / 12)
    assert measure.reversals(*energies(damped), tolerance=0.2) == expected


def test_median_over_presented_tokens():
    """Turns 2, 0 and 1, and an omitted token of many; the fall back to the blank's level is no part
    of any presentation.
    """
    one, none, many = [0, 9, 1, 4, 4], [9, 5, 3, 2, 1], [0, 9] * 10
    assert measure.reversals(*energies(ZIGZAG, none, many, one, omitted=[2])) == 1
    with pytest.raises(StimulusError, match="fewer than 3 samples"):
        measure.reversals(*energies(ZIGZAG, [1, 2]))
    with pytest.raises(StimulusError, match="no event"):
        measure.reversals(*energies(ZIGZAG, omitted=[0]))


def test_phase_of_a_delayed_rhythm():
    """A rhythm of 31.25 Hz that arrives 5 ms later lags by 2 pi*31.25*.005; it leads in the other
    direction.
    """
    rng, t = np.random.default_rng(0), np.arange(4000) * 1e-3
    a, b = (
        np.sin(2 * np.pi * 31.25 * (t - delay)) + 0.5 * rng.normal(size=4000)
        for delay in (0, 0.005)
    )
    found, back = measure.phase_lag(a, b, 1e-3), measure.phase_lag(b, a, 1e-3)
    assert found.frequency == pytest.approx(31.25, abs=1e-9)
    assert found.phase == pytest.approx(
        2 * np.pi * 31.25 * 0.005, abs=0.05
    ) and back.phase == pytest.approx(-found.phase)
    assert found.coherence > 0.9
    assert abs(measure.phase_lag(a, -a, 1e-3).phase) == pytest.approx(np.pi)


def test_a_band_leaves_out_the_stronger_rhythm():
    rng, t = np.random.default_rng(1), np.arange(4000) * 1e-3
    a, b = (
        3 * np.sin(2 * np.pi * 15.625 * t)
        + np.sin(2 * np.pi * 62.5 * (t - delay))
        + 0.1 * rng.normal(size=4000)
        for delay in (0, 0.004)
    )
    assert measure.phase_lag(a, b, 1e-3).frequency == 15.625
    found = measure.phase_lag(a, b, 1e-3, band=(30, 100))
    assert found.frequency == 62.5 and found.phase == pytest.approx(np.pi / 2, abs=0.05)


def test_noise_has_no_phase():
    a, b = np.random.default_rng(2).normal(size=(2, 20_000))
    assert measure.phase_lag(a, b, 1e-3).coherence < 0.2


@pytest.mark.parametrize(
    "a, b, options",
    [
        (np.ones(600), np.arange(600.0), {}),
        (np.arange(600.0), np.arange(599.0), {}),
        (np.arange(500.0), np.arange(500.0), {}),
        (np.arange(600.0), np.arange(600.0), {"band": (600, 700)}),
    ],
)
def test_signals_without_a_phase_are_refused(a, b, options):
    with pytest.raises(DeclarationError) as caught:
        measure.phase_lag(a, b, 1e-3, **options)
    assert caught.value.fix


def learning(series, tokens=None, **labels):
    """A block whose level-0 log error is `series`, and whose level 1 is silent but constant."""
    errors = np.column_stack([np.exp(series), np.ones(len(series))])
    return {
        "tokens": np.zeros(len(series), int) if tokens is None else tokens,
        "onset_error": errors,
        "error": errors,
        **labels,
    }


def test_what_the_tokens_bring_about_is_taken_out(make_run):
    """Log error = an effect of motif and position + .5 at even repetitions, -.5 at odd ones; the
    third is omitted.
    """
    motif, position = np.tile([0, 0, 1, 1], 6), np.tile([0, 1, 0, 1], 6)
    own = np.repeat([0.5, -0.5], 4)[np.arange(24) % 8]
    effect = np.array([[1.0, -3.0], [2.0, 7.0]])[motif, position]
    labels = dict(motif=motif, position=position)
    whole = measure.error_series(make_run(training=learning(own + effect, **labels)))
    np.testing.assert_allclose(whole.sel(level=0), own, atol=1e-12)
    np.testing.assert_allclose(whole.sel(level=1), 0, atol=1e-12)
    raw = measure.error_series(
        make_run(training=learning(own + effect, tokens=np.where(np.arange(24) == 2, -1, 0))),
        given=(),
    )
    np.testing.assert_allclose(
        raw.sel(level=0)[[1, 2, 3]], [own[1] - 3, (own[1] - 3 + own[3] + 7) / 2, own[3] + 7]
    )
    with pytest.raises(StimulusError, match="no column motif, position"):
        measure.error_series(make_run(training=learning(own)))


def test_spectrum_finds_the_rhythm_and_its_power(make_run):
    """Variance of a sinusoid of amplitude A is A^2/2, whatever the trend."""
    t = np.arange(2048)
    run = make_run(training=learning(0.6 * np.sin(2 * np.pi * t / 8) - t / 500))
    spectrum = measure.across_token_spectrum(run, given=())
    assert spectrum.dims == ("frequency", "level")
    assert spectrum.sel(level=0).idxmax("frequency") == 1 / 8
    assert float(spectrum.sel(level=0).sum() / 256) == pytest.approx(0.6**2 / 2, rel=0.02)
    with pytest.raises(StimulusError, match="100 tokens"):
        measure.across_token_spectrum(make_run(training=learning(np.sin(t[:100]))), given=())


@pytest.mark.parametrize("frequency", [0.1, 0.25, 0.3217, 0.49])
def test_share_of_a_sinusoid_in_white_noise(frequency):
    """A^2/2 in the peak; of the noise, 1 - 1/32 in the band, of which 3 of its 125 bins under the
    peak.
    """
    t = np.arange(4000)
    found = measure.oscillation_index(
        np.sin(2 * np.pi * frequency * t) + np.random.default_rng(4).normal(size=4000)
    )
    noise = 1 - 1 / 32
    assert found.index == pytest.approx((0.5 + noise * 3 / 125) / (0.5 + noise), abs=0.03)
    assert abs(found.frequency - frequency) < 1 / 256
    assert found.oscillates and found.threshold < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("memory", [0, 0.5, 0.9, 0.97])
def test_red_noise_does_not_oscillate(memory):
    """At most 10 % of draws do, also where the spectrum is so red that half of it lies in its
    largest peak.
    """
    noise = np.random.default_rng(5).normal(size=(60, 1300))
    series = signal.lfilter([1], [1, -memory], noise)[:, 300:]
    found = [measure.oscillation_index(one) for one in series]
    assert np.mean([one.oscillates for one in found]) <= 0.1
    assert np.mean([one.index > one.threshold for one in found]) <= 0.1


def test_a_rhythm_in_red_noise_is_found():
    rng, t = np.random.default_rng(6), np.arange(2000)
    red = signal.lfilter([1], [1, -0.8], rng.normal(size=2000))
    assert measure.oscillation_index(red + 2 * np.sin(2 * np.pi * t / 5)).oscillates


def test_learning_is_no_oscillation():
    rng, t = np.random.default_rng(7), np.arange(4000)
    assert not measure.oscillation_index(
        -5 * (1 - np.exp(-t / 300)) + 0.2 * rng.normal(size=4000)
    ).oscillates


@pytest.mark.parametrize("series", [np.ones(1000), np.arange(255.0), np.full(1000, np.nan)])
def test_series_without_a_spectrum_are_refused(series):
    with pytest.raises(StimulusError) as caught:
        measure.oscillation_index(series)
    assert caught.value.fix

"""Oracles: the published known-answer vectors of Philox4x32-10 (Random123's kat_vectors), moments
of the normal distribution, and the closed-form variance of an Ornstein-Uhlenbeck process.
"""

import numpy as np
import pytest
from brian2 import ms
from scipy import stats

import fena_sim as fs
from fena_sim.network.noise import counter_normal, counter_normal_ahead, philox
from fena_sim.stimulus import TokenStream, one_hot

PI_DIGITS = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0)


@pytest.mark.parametrize(
    "counter, key, expected",
    [
        ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (*PI_DIGITS, (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
    ],
)
def test_philox_known_answers(counter, key, expected):
    assert tuple(int(word) for word in philox(counter, key)) == expected


def test_deviates_are_standard_normal_and_independent():
    x = counter_normal(7, 3, np.arange(200)[:, None], np.arange(1000)[None, :])
    assert stats.kstest(x.ravel(), "norm").pvalue > 1e-3
    assert abs(np.corrcoef(x[0], x[1])[0, 1]) < 4 / np.sqrt(1000)
    assert abs(np.corrcoef(x[0, 1:], x[0, :-1])[0, 1]) < 4 / np.sqrt(1000)


def test_every_part_of_the_key_matters():
    base = counter_normal(1, 1, np.array([1]), np.array([1]))
    for other in ((2, 1, 1, 1), (1, 2, 1, 1), (1, 1, 2, 1), (1, 1, 1, 2), (1, 1, 1, 1 + 2**32)):
        assert (
            counter_normal(other[0], other[1], np.array([other[2]]), np.array([other[3]])) != base
        )


def test_steps_computed_ahead_are_the_same():
    """Oracle: every step by itself; backwards, with other seeds, streams and units in between."""
    units = [np.arange(5, dtype=np.int32), np.arange(2, 9, dtype=np.int32)]
    for step in [*range(130), 5, 2**32 + 7, 6]:
        for seed, stream, unit in (
            (1.0, 3, units[0]),
            (2.0, 3, units[0]),
            (1.0, 4, units[0]),
            (1.0, 3, units[1]),
        ):
            expected = counter_normal(seed, stream, unit, np.int64(step))
            np.testing.assert_array_equal(
                counter_normal_ahead(seed, stream, unit, np.int64(step)), expected
            )


@pytest.fixture(scope="module")
def noisy():
    """A leaky unit driven by its noise alone, on both devices."""
    unit = fs.Population(
        name="unit",
        size=50,
        parameters=dict(tau=10 * ms, sigma=0.5),
        equations="dx/dt = -x/tau + sigma*sqrt(2/tau)*noise : 1",
    )
    model = fs.Hierarchy(name="noisy", populations=[unit], dt=0.5 * ms)
    stream = TokenStream.from_list(list("ab") * 40, one_hot("ab"))
    block = fs.Block(
        name="rest",
        stream=stream,
        pace=fs.FixedPace(duration=90 * ms, blank=10 * ms),
        probes=[fs.Probe("unit", "x", interval=5 * ms)],
    )
    return model, fs.Protocol(name="rest", blocks=[block])


@pytest.mark.compile
def test_ornstein_uhlenbeck_variance_and_devices(noisy, tmp_path):
    runs = {
        device: fs.run(*noisy, seed=3, device=device, out=tmp_path) for device in ("cpp", "runtime")
    }
    x = {device: run.traces("rest")["unit.x"].values for device, run in runs.items()}
    np.testing.assert_allclose(x["cpp"], x["runtime"], rtol=0, atol=1e-12)
    settled = x["cpp"][20:]
    step = (
        0.5 / 10
    )  # Euler-Maruyama: variance sigma^2 2a/(1-(1-a)^2) = sigma^2/(1 - a/2), a = dt/tau
    expected = 0.5**2 / (1 - step / 2)
    # samples 5 ms apart are correlated: about tau/dt_sample independent ones per 2 samples
    independent = settled.size * 5 / 20
    assert abs(settled.var() / expected - 1) < 5 * np.sqrt(2 / independent)


def test_every_population_has_noise_of_its_own(tmp_path):
    """Two populations that differ by their names alone take 10,000 uncorrelated steps each."""
    equations = "dx/dt = sqrt(2/tau)*noise : 1"
    both = [
        fs.Population(name=name, size=50, parameters=dict(tau=10 * ms), equations=equations)
        for name in ("one", "other")
    ]
    model = fs.Hierarchy(name="both", populations=both, dt=0.5 * ms)
    block = fs.Block(
        name="rest",
        stream=TokenStream.from_list(["a"], one_hot("ab")),
        pace=fs.FixedPace(duration=90 * ms, blank=10.5 * ms),
        probes=[fs.Probe(name, "x", interval=0.5 * ms) for name in ("one", "other")],
    )
    run = fs.run(
        model, fs.Protocol(name="rest", blocks=[block]), device="runtime", out=tmp_path
    ).traces("rest")
    steps = [np.diff(run[f"{name}.x"].values, axis=0).ravel() for name in ("one", "other")]
    assert len(steps[0]) == 10_000 and abs(np.corrcoef(steps)[0, 1]) < 5 / np.sqrt(10_000)


@pytest.mark.compile
def test_seeds_differ(noisy, tmp_path):
    a, b = (fs.run(*noisy, seed=seed, out=tmp_path).state("rest")["unit.x"] for seed in (1, 2))
    assert not np.array_equal(a, b)

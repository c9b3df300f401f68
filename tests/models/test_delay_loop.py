"""Oracles: the closed form with the Lambert function, and a direct Euler integration of the delay
equation in NumPy.
"""

from pathlib import Path

import numpy as np
import pytest
from brian2 import ms

from fena_sim import load_model
from fena_sim.errors import DeclarationError
from fena_sim.load.user_file import load_file
from fena_sim.measure import damped_frequency, delay_loop_eigenvalue, dominant_mode
from fena_sim.runs.execute import run

ROOT = Path(__file__).parents[2]
LOOP = load_file(ROOT / "protocols" / "delay_loop.py", "protocol")
FINE = 0.05
pytestmark = pytest.mark.xdist_group("delay_loop")  # the tests share runs


def euler(delay, taus, dt=FINE, total=1003):
    """x and y (step, tau) of the delay equation by Euler steps; a 1 ms pulse after 1 ms; times in
    ms.
    """
    d, n = round(delay / dt), round(total / dt)
    s = np.zeros(n)
    s[round(1 / dt) : round(2 / dt)] = 1
    x, y = np.zeros((2, n + 1, len(taus)))
    for k in range(n):
        x[k] = s[k] - (y[k - d] if k >= d else 0)
        y[k + 1] = y[k] + dt / np.array(taus) * (x[k - d] if k >= d else 0)
    return s, x[:n], y[:n]


@pytest.fixture(scope="module")
def rings(tmp_path_factory):
    """The runs at a few delays, by (delay, tau) in ms."""
    out = tmp_path_factory.mktemp("runs")
    points = {4: (17, 10), 12: (17, 10, 50), 20: (34, 25)}
    return {
        (delay, tau): ring
        for delay, taus in points.items()
        for tau, ring in zip(taus, LOOP.grid([delay], taus, out=out, device="dense64"))
    }


@pytest.mark.compile
def test_the_simulation_is_the_delay_equation(rings):
    for (delay, tau), ring in rings.items():
        s, _, y = euler(delay, [tau])
        traces, every = ring.traces("ringing"), round(1 / FINE)
        close = dict(rtol=1e-12, atol=1e-14 * np.abs(y).max())
        np.testing.assert_allclose(traces["state_1.y"][:, 0], y[::every, 0], **close)
        # A sample is taken at a step's start: the error then holds the prediction of the step
        # before.
        held = np.concatenate([np.zeros(1 + round(delay / FINE)), y[:, 0]])[: len(s)]
        np.testing.assert_allclose(traces["error_0.x"][:, 0], (s - held)[::every], **close)


@pytest.mark.compile
def test_frequency_and_stability_of_the_runs(rings):
    table = LOOP.summary(list(rings.values()))
    np.testing.assert_allclose(table["frequency_ratio"], 1, atol=0.005)
    assert len(table["frequency_ratio"]) == 5
    assert table["label_agrees"] == 1
    at = list(rings).index((12, 17))
    assert table["frequency"][at] == pytest.approx(10.1, abs=0.05)  # the article's 10 Hz
    assert np.exp(table["growth"][at] / table["frequency"][at]) == pytest.approx(0.73, abs=0.01)


@pytest.mark.slow
def test_the_whole_grid_in_numpy():
    for delay in LOOP.DELAYS:
        y = euler(delay, LOOP.TAUS)[2]
        for tau, trace in zip(LOOP.TAUS, y.T):
            free = trace[round((2 + 2 * delay) / FINE) :: round(1 / FINE)]
            mode, closed = dominant_mode(free, 1 * ms), delay_loop_eigenvalue(delay * ms, tau * ms)
            loop = 2 * delay / tau
            assert (mode.real > 0) == (loop > np.pi / 2) == (closed.real > 0)
            assert (closed.imag > 0) == (loop > 1 / np.e)
            if LOOP.LOWEST < loop < LOOP.HIGHEST:
                assert mode.imag == pytest.approx(closed.imag, rel=0.005)


@pytest.mark.compile
def test_half_the_step_leaves_the_frequency(tmp_path, rings):
    (fine,) = LOOP.grid(
        [4], [17], dt=FINE / 2 * ms, out=tmp_path
    )  # the point that the step changes most
    coarse = rings[4, 17]
    assert LOOP.measure(fine)[0].imag == pytest.approx(LOOP.measure(coarse)[0].imag, rel=0.005)


@pytest.mark.compile
def test_without_delay_nothing_oscillates(tmp_path):
    (ring,) = LOOP.grid([0], [17], out=tmp_path)
    measured, closed = LOOP.measure(ring)
    assert measured.imag == closed.imag == 0
    assert measured.real == pytest.approx(closed.real, rel=0.005)


@pytest.mark.compile
def test_devices_and_chunks_agree(tmp_path):
    model = load_model(ROOT / "models" / "delay_loop.py", delay=4 * ms, dt=0.5 * ms)
    protocol = LOOP.protocol(silence=50 * ms)
    runs = [
        run(model, protocol, device=device, chunk_tokens=chunk, out=tmp_path / device / str(chunk))
        for device, chunk in (("runtime", 1), ("runtime", 2), ("cpp", 1), ("cpp", 2))
    ]
    traces = [r.traces("ringing").load() for r in runs]
    for chunked, whole in (traces[:2], traces[2:]):
        assert chunked.identical(whole)
    np.testing.assert_allclose(traces[0]["state_1.y"], traces[2]["state_1.y"], rtol=1e-13)


@pytest.mark.parametrize(
    "decay, frequency", [(-3.0, 10.0), (4.0, 7.0), (-80.0, 10.0), (-20.0, 0.0)]
)
def test_modes_of_known_signals(decay, frequency):
    t = np.arange(800) * 1e-3
    trace = np.exp(decay * t) * np.cos(2 * np.pi * frequency * t - 0.3) + 0.1 * np.exp(-300 * t)
    assert damped_frequency(trace, 1 * ms) == pytest.approx(frequency, rel=1e-6, abs=1e-6)
    assert dominant_mode(trace, 1e-3).real == pytest.approx(decay, rel=1e-6)


@pytest.mark.parametrize("delay, tau", [(4, 17), (12, 17), (16, 10)])
def test_the_eigenvalue_solves_the_characteristic_equation(delay, tau):
    mode = delay_loop_eigenvalue(delay * ms, tau * ms)
    assert 1e-3 * tau * mode == pytest.approx(-np.exp(-2e-3 * delay * mode), rel=1e-12)


def test_a_silent_trace_has_no_mode():
    with pytest.raises(DeclarationError, match="free response"):
        dominant_mode(np.zeros(100), 1 * ms)

"""Oracles: Euler steps of the published equations in NumPy; the curve of steady states in closed
form; an integration by SciPy.
"""

from pathlib import Path

import numpy as np
import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim.load.user_file import load_file

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "models" / "wilson_cowan.py"
STAIRCASE = load_file(ROOT / "protocols" / "wilson_cowan.py", "protocol")
FIGURE = load_file(ROOT / "figures" / "wilson_cowan.py", "figure")
#: c1 to c4, a and theta of either population: Figure 11 and Figure 4 of the paper.
PAPER = {
    "cycle": (16.0, 12.0, 15.0, 3.0, 1.3, 4.0, 2.0, 3.7),
    "hysteresis": (12.0, 4.0, 13.0, 11.0, 1.2, 2.8, 1.0, 4.0),
}


def slope(e, i, p, values):
    """dE/dt and dI/dt per ms."""
    c1, c2, c3, c4, a_e, t_e, a_i, t_i = values

    def s(x, a, t):
        return 1 / (1 + np.exp(-a * (x - t))) - 1 / (1 + np.exp(a * t))

    def k(a, t):
        return 1 - 1 / (1 + np.exp(a * t))

    return (
        (-e + (k(a_e, t_e) - e) * s(c1 * e - c2 * i + p, a_e, t_e)) / 10,
        (-i + (k(a_i, t_i) - i) * s(c3 * e - c4 * i, a_i, t_i)) / 10,
    )


@pytest.fixture(scope="module")
def staircase(tmp_path_factory):
    """P = 0, 0.75 and 1.5, up and down, 60 ms each, in steps of 0.5 ms."""
    out = tmp_path_factory.mktemp("runs")
    protocol = STAIRCASE.protocol(lowest=0.0, highest=1.5, step=0.75, duration=60 * ms)
    model = fs.load_model(MODEL, 1, dt=0.5 * ms)
    return fs.run(model, protocol, device="runtime", out=out)


@pytest.mark.parametrize("kind", PAPER)
def test_the_network_takes_the_steps_of_the_equations(staircase, kind):
    recorded = staircase.traces("staircase")
    e, i, found = 0.0, 0.0, []
    for p in np.repeat([0, 0.75, 1.5, 1.5, 0.75, 0], 120):
        found.append((e, i))
        de, di = slope(e, i, p, PAPER[kind])
        e, i = e + 0.5 * de, i + 0.5 * di
    for cells, values in zip("EI", np.array(found)[::2].T, strict=True):
        trace = recorded[f"{cells}_{kind}.activity"].to_numpy()[:, 0]
        np.testing.assert_allclose(trace, values[: len(trace)], rtol=0, atol=1e-12)


def test_what_was_high_stays_high_where_two_states_are_stable(staircase):
    table = STAIRCASE.steps(staircase, STAIRCASE.HYSTERESIS)
    rest, after = table.iloc[0], table.iloc[-1]
    assert rest["input"] == after["input"] == 0
    assert rest["mean"] < 0.05 < 0.4 < after["mean"]
    p, e = FIGURE.steady()
    upper = e[np.flatnonzero((p[:-1] - 0) * (p[1:] - 0) < 0)[-1]]
    assert abs(after["mean"] - upper) < 0.01


def test_steady_states_in_closed_form_stand_still():
    p, e = FIGURE.steady()
    for value, x in zip(p[::40], e[::40], strict=True):
        c1, c2, *_ = FIGURE.HYSTERESIS
        i = np.interp(0, *_by_i(x))
        assert np.abs(FIGURE.rates((x, i), value, FIGURE.HYSTERESIS)).max() < 0.1


def _by_i(e):
    """dI/dt against I, which falls with I; in rising order."""
    i = np.linspace(-0.2, 0.6, 40001)
    slopes = slope(e, i, 0.0, PAPER["hysteresis"])[1]
    return slopes[::-1], i[::-1]


def test_small_steps_approach_the_independent_limit_cycle():
    """Frequencies of Euler steps of 0.05 ms, the model's own, at two inputs."""
    assert fs.load_model(MODEL).dt == 0.05 * ms
    for p in (1.25, 2.0):
        e = i = 0.1
        values = np.empty(12000)
        for k in range(len(values)):
            values[k] = e
            de, di = slope(e, i, p, PAPER["cycle"])
            e, i = e + 0.05 * de, i + 0.05 * di
        euler = STAIRCASE.frequency(values[4000:], 0.05e-3)
        exact = FIGURE.period_rate(*FIGURE.orbit(p)[:2])
        assert euler == pytest.approx(exact, rel=0.05)


def test_a_resting_trace_has_no_frequency():
    t = np.arange(0, 0.5, 1e-3)
    assert STAIRCASE.frequency(np.full(500, 0.3), 1e-3) == 0
    assert STAIRCASE.frequency(0.3 + 0.1 * np.sin(2 * np.pi * 20 * t), 1e-3) == pytest.approx(20)


@pytest.mark.slow
def test_the_figure_has_three_labelled_panels(staircase):
    axes = FIGURE.figure([staircase]).axes
    assert [ax.get_xlabel() for ax in axes] == ["E", "input P", "input P"]
    assert all(ax.get_ylabel() for ax in axes)

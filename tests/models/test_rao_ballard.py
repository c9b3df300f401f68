"""Oracles: a NumPy integration written from the published equations; numerical derivatives of the
function E that states descend; what the paper found of bars.
"""

from pathlib import Path

import numpy as np
import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim.load.user_file import load_file
from fena_sim.network.initial_state import initial_state
from fena_sim.stimulus import TokenStream, Vocabulary

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "models" / "rao_ballard.py"
FIGURE = load_file(ROOT / "figures" / "rao_ballard.py", "figure")
BARS = load_file(ROOT / "protocols" / "rao_ballard.py", "protocol")
PIXELS, STATES, HIGHER = 12, 2, 3
OWN = np.kron(np.eye(3), np.ones((STATES, PIXELS // 3)))  # which state sees which pixel


@pytest.fixture(scope="module")
def presented(tmp_path_factory):
    """Four random images with learning, and two with level 2 knocked out."""
    codes = np.random.default_rng(0).standard_normal((4, PIXELS))
    vocabulary = Vocabulary(list("abcd"), codes, "patches")
    pace = fs.FixedPace(duration=40 * ms, blank=8 * ms)
    everything = [fs.Probe(f"state_{k}", "r", interval=1 * ms) for k in (1, 2)]
    blocks = [
        fs.Block(
            name=name,
            stream=TokenStream.from_list(list(symbols), vocabulary),
            pace=pace,
            probes=everything,
            controls=dict(knocked_out=out, plasticity_gain=1.0 - out / 2),
        )
        for name, symbols, out in (("learning", "abcd", 0), ("alone", "ba", 2))
    ]
    model = fs.load_model(MODEL, PIXELS, states=STATES, higher=HIGHER)
    out = tmp_path_factory.mktemp("runs")
    protocol = fs.Protocol(name="patches", blocks=blocks)
    run = fs.run(model, protocol, device="runtime", out=out, seed=3)
    return model, codes, run


def test_states_and_weights_are_those_of_the_equations(presented):
    """Errors first, then states; weights every 4 ms, after the states."""
    model, codes, run = presented
    start = initial_state(model, 3)
    u, v = np.zeros_like(OWN), start["W_2.w"].reshape(HIGHER, 3 * STATES)
    u[OWN > 0] = start["W_1.w"]
    r, h = np.zeros(3 * STATES), np.zeros(HIGHER)
    step = 0
    for block, tokens, fed, gain in (("learning", (0, 1, 2, 3), 1, 1), ("alone", (1, 0), 0, 0)):
        seen = {"r": [], "h": []}
        for token in tokens:
            for k in range(48):
                seen["r"].append(r)
                seen["h"].append(h)
                on = k >= 8
                sent, told = r.copy(), fed * h
                e0 = on * codes[token] - sent @ u
                e1 = r - told @ v
                change_r = u @ e0 - e1 / 4 - 0.1 * r / (1 + r**2)
                change_h = fed * (v @ e1) / 4 - 0.02 * h / (1 + h**2)
                r, h = r + change_r / 10, h + change_h / 10
                if step % 4 == 0 and gain and on:  # after the states
                    du = OWN * (np.outer(r, e0) - 0.03 * u)
                    dv = np.outer(h, e1) / 4 - 0.002 * v
                    u, v = u + 4 * 0.0005 * du, v + 4 * 0.0005 * dv
                step += 1
        traces = run.traces(block)
        np.testing.assert_allclose(traces["state_1.r"].to_numpy(), seen["r"], rtol=0, atol=1e-10)
        np.testing.assert_allclose(traces["state_2.r"].to_numpy(), seen["h"], rtol=0, atol=1e-10)


def test_states_descend_the_function_of_the_paper():
    """Numerical derivatives of E; a state moves by -tau dE/dr / 2."""
    rng = np.random.default_rng(1)
    image, u, v = rng.standard_normal(5), rng.standard_normal((3, 5)), rng.standard_normal((2, 3))
    r, h = rng.standard_normal(3), rng.standard_normal(2)

    def energy(r, h):
        g = 0.1 * np.log(1 + r**2).sum() + 0.02 * np.log(1 + h**2).sum()
        return ((image - r @ u) ** 2).sum() + ((r - h @ v) ** 2).sum() / 4 + g

    moved_r = u @ (image - r @ u) - (r - h @ v) / 4 - 0.1 * r / (1 + r**2)
    moved_h = v @ (r - h @ v) / 4 - 0.02 * h / (1 + h**2)
    for k, moved in enumerate([*moved_r, *moved_h]):
        step = np.zeros(5)
        step[k] = 1e-6
        ahead, back = energy(r + step[:3], h + step[3:]), energy(r - step[:3], h - step[3:])
        assert moved == pytest.approx(-(ahead - back) / 2e-6 / 2, rel=1e-6)


def test_images_and_bars():
    codes = BARS.images(3, seed=5)
    assert codes.shape == (3, 3 * 64) and (codes == BARS.images(3, seed=5)).all()
    image = np.zeros((8, 16))
    image[2, 6] = 1
    first, second, third = (np.argwhere(p) for p in BARS.patches(image).reshape(3, 8, 8))
    assert first.tolist() == [[2, 6]] and second.tolist() == [[2, 2]] and not len(third)
    bar = BARS.bar(4)
    assert bar[3, 6:10] == pytest.approx(np.exp(-0.125)) and (bar[:, [4, 11]] == 0).all()
    assert bar == pytest.approx(BARS.bar(4, angle=np.pi))
    assert BARS.end_stopping(np.array([1.0, 4.0, 3.0])) == 0.25


@pytest.mark.slow
def test_error_units_are_end_stopped_by_feedback_alone(tmp_path):
    """Figure 5 of the paper: with feedback a long bar is answered by less than a short one; without
    it, by as much as any.
    """
    protocol = BARS.protocol(different=200, tokens=800)
    model = fs.load_model(MODEL, protocol.vocabulary.size)
    run = fs.run(model, protocol, device="dense64", out=tmp_path)
    found = BARS.summary([run])
    assert found["end_stopping_feedback"] > 0.2
    assert found["end_stopping_no_feedback"] < 0.05
    assert found["error_last"] < found["error_first"] / 2
    whole, single, _ = FIGURE.figure([run]).axes
    assert whole.get_xlabel() == single.get_xlabel() == "length of the bar (pixels)"
    drawn = {line.get_label(): line.get_ydata() for line in single.get_lines()}
    unit = int(single.get_title().removeprefix("unit "))
    response = abs(BARS.residuals(run, "feedback")[:, unit])
    assert drawn["feedback"] == pytest.approx(response)

"""Oracles: a NumPy integration written from the published equations; numerical derivatives of the
function E that states descend; what the paper found of bars.
"""

from pathlib import Path

import numpy as np
import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim.load.user_file import load_file
from fena_sim.stimulus import TokenStream, Vocabulary

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "models" / "rao_ballard.py"
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


def first_weights(model):
    from fena_sim.network.initial_state import initial_values

    return initial_values(model, 3)


def test_states_and_weights_are_those_of_the_equations(presented):
    """Errors first, then states; weights every 4 ms, from what they find then."""
    model, codes, run = presented
    start = run_start(model)
    u, v = start["W_1.w"], start["W_2.w"].reshape(HIGHER, 3 * STATES)
    u = np.where(OWN > 0, _spread(u), 0.0)
    r, h = np.zeros(3 * STATES), np.zeros(HIGHER)
    e0, e1 = np.zeros(PIXELS), np.zeros(3 * STATES)
    step = 0
    for block, tokens, fed, gain in (("learning", (0, 1, 2, 3), 1, 1), ("alone", (1, 0), 0, 0)):
        seen = {"r": [], "h": []}
        for token in tokens:
            for k in range(48):
                seen["r"].append(r)
                seen["h"].append(h)
                on = k >= 8
                sent, told = r.copy(), fed * h
                e0_before, e1_before = e0, e1
                e0 = on * codes[token] - sent @ u
                e1 = r - told @ v
                change_r = u @ e0 - e1 / 4 - 0.1 * r / (1 + r**2)
                change_h = fed * (v @ e1) / 4 - 0.02 * h / (1 + h**2)
                if step % 4 == 0 and gain and on:
                    du = OWN * (np.outer(r, e0_before) - 0.03 * u)
                    dv = np.outer(h, e1_before) / 4 - 0.002 * v
                    u, v = u + 4 * 0.0005 * du, v + 4 * 0.0005 * dv
                r, h = r + change_r / 10, h + change_h / 10
                step += 1
        traces = run.traces(block)
        np.testing.assert_allclose(traces["state_1.r"].to_numpy(), seen["r"], rtol=0, atol=1e-10)
        np.testing.assert_allclose(traces["state_2.r"].to_numpy(), seen["h"], rtol=0, atol=1e-10)

"""Oracle: an independent plain-NumPy integration of FENA's equations (`fena_numpy.py`).

200 tokens with learning on, some of them omitted, on every device: states, weights and what was kept for
every token agree to 1e-9 relative in float64.
"""

import numpy as np
import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim.build.network import initial_state
from fena_sim.stimulus import MotifGrammar, omissions

from .fena_numpy import FenaNumpy

RELATIVE = 1e-9
SIZES = (16, 24, 16, 12)


def relative(a, b):
    """Largest difference, relative to the largest magnitude of the variable."""
    return np.max(np.abs(np.asarray(a) - np.asarray(b)), initial=0) / max(np.max(np.abs(b), initial=0), 1e-12)


@pytest.mark.parametrize("device", ["dense64", "cpp", "runtime"])
@pytest.mark.parametrize("name, ascending", [("fena", True), ("fena_errors_only", False)])
def test_device_agrees_with_numpy(device, name, ascending, tmp_path, models):
    model = fs.load_model(models / f"{name}.py", 16, sizes=SIZES[1:])
    stream = omissions(MotifGrammar().training(200, seed=3), p=0.05, seed=4)
    block = fs.Block(name="learning", stream=stream, pace=fs.FixedPace(duration=48 * ms, blank=12 * ms))
    run = fs.run(model, fs.Protocol(name="agreement", blocks=[block]), seed=5, device=device, out=tmp_path)

    start = initial_state(model, seed=5)
    given = {k: v for k, v in start.items() if k.split(".")[1] in ("w", "w_recent", "w_older", "r", "log_precision")}
    oracle = FenaNumpy(given, sizes=SIZES, ascending_traces=ascending)
    expected = oracle.run(stream.events["token"].to_numpy())

    state, tokens = run.state("learning"), run.tokens("learning")
    compared = [name for name in oracle.values if name in state]
    assert {"W_1.w", "A_3_own.w_older", "state_3.r", "error_0.error", "prior_2.bias"} <= set(compared)
    for variable in compared:
        assert relative(state[variable], oracle.values[variable]) < RELATIVE, variable
    for kept in ("prediction", "onset_error", "error", "settled_error", "precision"):
        assert relative(tokens[kept], expected[kept]) < RELATIVE, kept
    np.testing.assert_array_equal(tokens["iterations"], expected["iterations"])
    moved = relative(state["W_1.w"], start["W_1.w"])
    assert moved > 1e-3, "learning must have changed the weights for the comparison to mean anything"

"""The free energy that a model's likelihood declares.

Oracle: calculus. What the states of a level do in one step of the compiled equations is compared
with the gradient of the declared free energy, taken by finite differences of hierarchies written in
NumPy: tau dr/dt = -dF/dr at every hidden level, whatever the precisions are.
"""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

import fena_sim as fs
from fena_sim.declare.model.likelihood import free_energy, squared_errors
from fena_sim.declare.protocol.timeline import timeline
from fena_sim.device.runtime import RuntimeDevice
from fena_sim.errors import DeclarationError
from fena_sim.network.initial_state import initial_state
from fena_sim.network.pacemaker import table_values
from fena_sim.network.shape import BlockShape
from fena_sim.stimulus import TokenStream, one_hot

MODELS = Path(__file__).resolve().parents[2] / "models"
SIZES = (6, 5, 4, 3)
LOG_PRECISION = (0.9, -0.6, 0.3, -0.2)
VOCABULARY = one_hot("abcdef")
#: Steps from the beginning: in the presentation of the third token.
MOMENT = 2 * 60 + 12 + 20
LAST = len(SIZES) - 1


def stepped(model):
    """States before and after one step, in the middle of a presentation, without learning."""
    block = fs.Block(
        name="shown",
        stream=TokenStream.from_ids([0, 3, 2, 1], VOCABULARY),
        controls=dict(plasticity_gain=0.0),
    )
    line = timeline(block, model.dt)
    shape = BlockShape.of(line, len(line) + 1)
    program = RuntimeDevice().build(model, VOCABULARY, shape)
    tables, state = table_values(line, 0, shape), program.complete(initial_state(model, 3))
    state["pacemaker.hold"][:] = line.hold
    for level, value in enumerate(LOG_PRECISION):
        names = (f"precision_{level}.{name}" for name in ("log_precision", "trust"))
        (held,) = (name for name in names if name in state)
        state[held][:] = value
    random = np.random.default_rng(0)
    for level in range(1, len(SIZES)):  # levels that have something to predict
        state[f"prior_{level}.bias"] = random.normal(size=SIZES[level])
    before, _ = program.run(state, tables, 0, MOMENT)
    return before, program.run(before, tables, MOMENT, 1)[0]


def energy(model, state, r):
    """Free energy with the states `r` ({level: (unit,)}) and all else as in `state`."""
    f = {level: np.tanh(values) for level, values in r.items()}

    def predicted(level):  # by the level above, as far as an expectation opens the gate
        w = state[f"W_{level + 1}.w"].reshape(SIZES[level + 1], SIZES[level])
        return state.get(f"expectation_{level}.opened", 1) * (f[level + 1] @ w)

    squares = np.zeros(len(SIZES))
    for level in range(1, len(SIZES)):
        prior = sum(state[f"prior_{level}.{part}"] for part in ("bias", "from_own", "from_below"))
        error = r[level] - prior - (predicted(level) if level < LAST else 0)
        squares[level] = np.mean(error**2)
    x, given = state["sensory.x"], {}
    if isinstance(model.likelihood, fs.Categorical):
        probability = softmax(predicted(0) + state["prediction_0.bias"])
        squares[0] = np.mean((x - probability) ** 2)
        given = dict(probability=probability, presented=x)
    else:
        squares[0] = np.mean((x - predicted(0)) ** 2)
    return free_energy(model.likelihood, SIZES, np.exp(LOG_PRECISION), squares, **given)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fena", "fena_flat_memory", "fena_gaussian"])
def test_states_descend_the_declared_free_energy(name):
    model = fs.load_model(MODELS / f"{name}.py", SIZES[0], sizes=SIZES[1:])
    before, after = stepped(model)
    r = {level: before[f"state_{level}.r"] for level in range(1, len(SIZES))}
    for level in r:
        drift = (after[f"state_{level}.r"] - r[level]) / float(model.dt)
        gradient = np.zeros(SIZES[level])
        for unit in range(SIZES[level]):
            step = 1e-5 * np.eye(SIZES[level])[unit]
            up, down = (
                energy(model, after, {**r, level: r[level] + sign * step}) for sign in (1, -1)
            )
            gradient[unit] = (up - down) / 2e-5
        tau = float(model.parameters()[f"state_{level}.tau"])
        assert np.abs(gradient).max() > 1e-3  # 100,000 times what may differ
        np.testing.assert_allclose(tau * drift, -gradient, rtol=1e-6, atol=1e-8)


def test_terms_by_hand():
    """Level 0 of 2 units, level 1 of 4."""
    precision, square = np.array([2.0, np.e]), np.array([3.0, 0.5])
    hidden = 4 / 2 * (np.e * 0.5 - 1)
    assert free_energy(fs.Gaussian(), [2, 4], precision, square) == pytest.approx(
        2 / 2 * (2 * 3 - np.log(2)) + hidden
    )
    seen = dict(probability=np.array([[0.25, 0.75], [0.5, 0.5]]), presented=np.eye(2))
    np.testing.assert_allclose(
        free_energy(
            fs.Categorical(), [2, 4], np.stack([precision] * 2), np.stack([square] * 2), **seen
        ),
        [2 * np.log(4) + hidden, 2 * np.log(2) + hidden],
    )


def test_a_token_that_does_not_come_costs_nothing():
    """Nor does a probability of 0 for a token that is not presented."""
    seen = dict(probability=np.array([1.0, 0.0]), presented=np.zeros(2))
    assert free_energy(fs.Categorical(), [2], np.array([5.0]), np.array([1.0]), **seen) == 0
    seen["presented"] = np.array([1.0, 0.0])
    assert free_energy(fs.Categorical(), [2], np.array([5.0]), np.array([1.0]), **seen) == 0


def test_level_0_is_judged_by_its_first_error():
    onset, mean = np.array([[7.0, 8.0]]), np.array([[1.0, 2.0]])
    np.testing.assert_array_equal(squared_errors(onset, mean), [[7.0, 2.0]])
    np.testing.assert_array_equal(mean, [[1.0, 2.0]])


def test_another_likelihood_is_refused():
    with pytest.raises(DeclarationError, match="likelihood is 'gaussian', of type str") as caught:
        fs.Hierarchy(name="model", populations=[], likelihood="gaussian")
    assert "a Gaussian or a Categorical" in caught.value.fix

"""The NumPy oracle of FENA with events against closed forms: softmax, single steps worked out by
hand. Its events, traces, gates and precisions are those of the network (`test_agreement.py`),
which `models/test_fena.py` checks in closed form.
"""

import numpy as np
import pytest
from scipy.special import softmax

from .fena_numpy import FenaNumpy, shapes

SIZES = (5, 4, 3)


def initial(seed=1, scale=0.4):
    """Random weights, biases and states of unit order."""
    rng = np.random.default_rng(seed)
    return {
        name: scale * rng.standard_normal(shape).ravel()
        for name, shape in shapes(SIZES).items()
        if name.partition(".")[2] in ("w", "w_recent", "w_older", "v", "r", "bias")
    }


@pytest.mark.parametrize("n_input", [2, 16])
def test_without_weights_all_tokens_are_equally_probable(n_input):
    out = FenaNumpy({}, sizes=(n_input, 3)).run([1, 0, -1], plasticity_gain=0)
    for name in ("probability", "onset_probability", "settled_probability"):
        np.testing.assert_allclose(out[name], np.full((3, n_input), 1 / n_input), rtol=1e-14)
    square = (1 - 1 / n_input) / n_input  # ((1 - 1/n)^2 + (n - 1)/n^2)/n
    np.testing.assert_allclose(out["onset_error"], [[square, 0], [square, 0], [0, 0]], rtol=1e-13)
    np.testing.assert_allclose(out["precision"], [[8, 0.3]] * 3)
    assert not out["events"].any(), "nothing was unforeseen"


def test_anticipation_is_part_of_the_softmax_until_the_token_has_arrived():
    values = initial()
    network = FenaNumpy(values, sizes=SIZES)
    network.run([2], plasticity_gain=0)
    for steps, scale in ((1, 1), (2, 0)):  # the onset alone; one step more
        out = network.run([3], blank_steps=1, presentation_steps=steps, plasticity_gain=0)
        both = values["W_1.w"].reshape(4, 5) + scale * values["V_1.v"].reshape(4, 5)
        said = network.f[1] @ both + values["prediction_0.bias"]
        np.testing.assert_allclose(out["settled_probability"][0], softmax(said), rtol=1e-13)


def test_one_token_by_hand():
    """V, W_2 and the traces of level 2 in the step in which the second token arrives, without a
    blank before it.
    """
    network = FenaNumpy(initial(), sizes=SIZES, usual_event=(1.0,))
    network.run([2])
    before, x = network.values, network.values["sensory.x"]
    novelty = before["event_1.total"] / 48
    happened = novelty**4 / (novelty**4 + 1.5**4)
    assert 0.05 < happened < 0.95
    opened = 1 / (
        1 + np.exp(-sum(before[f"expectation_1.{p}"] for p in ("bias", "from_own", "from_below")))
    )
    network.run([1], blank_steps=0, presentation_steps=1)
    after = network.values
    f1, f2 = np.tanh(before["state_1.r"]), np.tanh(before["state_2.r"])
    np.testing.assert_allclose(after["memory_2.trace_recent"], happened * f1, rtol=1e-12)
    np.testing.assert_allclose(after["state_1.trace_recent"], (1 - happened) * f1, rtol=1e-12)
    np.testing.assert_allclose(after["state_2.trace_recent"], happened * f2, rtol=1e-12)
    np.testing.assert_array_equal(after["memory_1.trace_recent"], x)
    np.testing.assert_allclose(after["event_1.usual"], 1 + 0.005 * (novelty - 1), rtol=1e-12)
    change = np.outer(f1, after["error_0.error"]).ravel()
    wanted = before["V_1.v"] + 0.6 * change / np.sqrt(before["V_1.spent"])
    np.testing.assert_allclose(after["V_1.v"], wanted, rtol=1e-12)
    change = network.weight[1] * opened * np.outer(f2, after["error_1.error"]).ravel()
    rate = 0.06 * network.rate[1]
    wanted = before["W_2.w"] + 4 * rate * change / np.sqrt(before["W_2.spent"])
    np.testing.assert_allclose(after["W_2.w"], wanted, rtol=1e-12)


def test_an_omitted_token_teaches_neither_anticipation_nor_the_first_level():
    network = FenaNumpy(initial(), sizes=SIZES)
    network.run([2])
    before = network.values
    out = network.run([-1])
    assert out["onset_error"][0, 0] == out["settled_error"][0, 0] == 0
    for name in ("V_1.v", "V_1.spent", "prediction_0.bias", "precision_0.trust"):
        np.testing.assert_array_equal(network.values[name], before[name])
    assert network.values["precision_1.trust"] != before["precision_1.trust"]


def test_nothing_is_learned_without_plasticity():
    network = FenaNumpy(initial(), sizes=SIZES)
    network.run([0, 3])
    before = network.values
    lasting = (".bias", ".trust", ".recent", ".usual", ".watched")
    names = [n for n in before if n[0] in "WAVG" or ".spent" in n or n.endswith(lasting)]
    network.run([0, 3, -1, 2], plasticity_gain=0)
    for name in names:
        np.testing.assert_array_equal(network.values[name], before[name], err_msg=name)
    network.run([1, 2], plasticity_gain=[0, 1])
    for name in names:
        assert np.any(network.values[name] != before[name]), name


def test_a_settled_network_moves_on():
    """Once its states have been settled for `hold_steps`, after the shortest presentation."""
    network = FenaNumpy({}, sizes=SIZES)
    out = network.run([0, 1], shortest_steps=[4, 9], hold_steps=3, plasticity_gain=0)
    assert out["steps"].tolist() == [4, 9] and out["iterations"].tolist() == [0, 0]
    restless = FenaNumpy(initial(), sizes=SIZES, tolerance=1e-9)
    assert restless.run([0], presentation_steps=20, shortest_steps=4)["steps"] == [20]


def test_misspelt_values_are_refused():
    with pytest.raises(ValueError, match="F_1.w"):
        FenaNumpy({"F_1.w": 0}, sizes=SIZES)
    with pytest.raises(ValueError, match="tau_x"):
        FenaNumpy({}, sizes=SIZES, tau_x=1.0)
    with pytest.raises(ValueError, match="tokens"):
        FenaNumpy({}, sizes=SIZES).run([5])

"""The NumPy oracle of the categorical FENA against closed forms: softmax, fixed points, single
steps worked out by hand.
"""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import softmax

from .fena_flat_memory_numpy import FenaFlatMemoryNumpy, shapes

SIZES = (5, 4, 3)


def initial(feedback_synapses=False, seed=1, scale=0.4):
    """Random weights, biases and states of unit order; something is pooled, so that a network may
    begin without a blank.
    """
    rng = np.random.default_rng(seed)
    return {"inhibition_0.pooled": 1.0} | {
        name: scale * rng.standard_normal(shape).ravel()
        for name, shape in shapes(SIZES, feedback_synapses).items()
        if name.rpartition(".")[2].startswith("w") or name.endswith((".r", ".bias"))
    }


@pytest.mark.parametrize("n_input", [2, 16])
def test_without_weights_all_tokens_are_equally_probable(n_input):
    out = FenaFlatMemoryNumpy({}, sizes=(n_input, 3)).run([1, 0, -1], plasticity_gain=0)
    np.testing.assert_allclose(out["probability"], np.full((3, n_input), 1 / n_input), rtol=1e-14)
    square = (1 - 1 / n_input) / n_input  # ((1 - 1/n)^2 + (n - 1)/n^2)/n
    np.testing.assert_allclose(out["onset_error"], [[square, 0], [square, 0], [0, 0]], rtol=1e-13)
    np.testing.assert_allclose(out["precision"], [[8, 0.3]] * 3)


def test_probabilities_are_the_softmax_of_what_level_1_says():
    values = initial()
    network = FenaFlatMemoryNumpy(values, sizes=SIZES)
    out = network.run([3, -1], blank_steps=1, presentation_steps=1, plasticity_gain=0)
    said = (
        np.tanh(values["state_1.r"]) @ values["W_1.w"].reshape(4, 5) + values["prediction_0.bias"]
    )
    np.testing.assert_allclose(out["probability"][0], softmax(said), rtol=1e-14)
    np.testing.assert_allclose(network.run([0] * 20)["probability"].sum(axis=1), 1, rtol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("kappa, preferred", [(1.0, 4.0), (0.45, 0.5)])
def test_precision_goes_to_its_fixed_point(kappa, preferred):
    """That of level 0 sees the onset alone: errors of an unlearned uniform prediction, ten times as
    often or not.
    """
    n, fixed = 4, []
    for steps in (1, 10):
        network = FenaFlatMemoryNumpy(
            {},
            sizes=(n, 2),
            eta=0,
            kappa=(kappa, 0.45),
            preferred=(preferred, 0.5),
            tau_precision=(20.0, 20.0),
        )
        out = network.run([2] * 1500, blank_steps=1, presentation_steps=steps)
        fixed.append(out["precision"][-1])
    square, expected = (1 - 1 / n) / n, 1.5 / n
    wanted = brentq(lambda p: 1 - p * square / expected - kappa * np.log(p / preferred), 1e-3, 50)
    np.testing.assert_allclose(fixed, [[wanted, 0.5 * np.exp(1 / 0.45)]] * 2, rtol=1e-10)


def test_an_omitted_token_teaches_the_first_precision_nothing():
    network = FenaFlatMemoryNumpy(initial(), sizes=SIZES)
    network.run([2])
    before = network.values
    out = network.run([-1])
    after = network.values
    assert out["onset_error"][0, 0] == out["settled_error"][0, 0] == 0
    np.testing.assert_array_equal(after["sensory.x"], 0)
    for name in ("precision_0.log_precision", "prediction_0.bias"):
        np.testing.assert_array_equal(after[name], before[name])
    assert after["precision_1.log_precision"] != before["precision_1.log_precision"]


@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_one_step_by_hand(gain):
    values = initial()
    values["W_1.spent"], values["A_1_own.spent_recent"] = np.arange(1.0, 21), np.arange(2.0, 18)
    network = FenaFlatMemoryNumpy(values, sizes=SIZES, share=0.2, expected=(0.9, 1.0))
    network.run([3], blank_steps=0, presentation_steps=1, plasticity_gain=gain)
    after = network.values
    f1, f2 = np.tanh(values["state_1.r"]), np.tanh(values["state_2.r"])
    w1, w2 = values["W_1.w"].reshape(4, 5), values["W_2.w"].reshape(3, 4)
    own, older = values["A_1_own.w_recent"].reshape(4, 4), values["A_1_own.w_older"].reshape(4, 4)
    e0 = np.eye(5)[3] - softmax(w1.T @ f1 + values["prediction_0.bias"])
    e1 = values["state_1.r"] - values["prior_1.bias"] - own.T @ f1 - older.T @ (f1 / 2) - w2.T @ f2
    # Without errors in the step before, the rate is eta = 0.01/ms; the weights take a step of 4 ms.
    change, spent = 8 * np.outer(f1, e0), values["W_1.spent"].reshape(4, 5)
    np.testing.assert_allclose(
        after["W_1.w"], (w1 + 4 * gain * 0.2 * 0.01 * change / np.sqrt(spent)).ravel(), rtol=1e-12
    )
    np.testing.assert_allclose(
        after["W_1.spent"], (spent + 4 * gain * change**2).ravel(), rtol=1e-12
    )
    change, spent = 0.3 * np.outer(f1, e1), values["A_1_own.spent_recent"].reshape(4, 4)
    np.testing.assert_allclose(
        after["A_1_own.w_recent"],
        (own + 4 * gain * 0.3 * 0.01 * change / np.sqrt(spent)).ravel(),
        rtol=1e-12,
    )
    change = 0.3 * np.outer(f1 / 2, e1)
    np.testing.assert_allclose(
        after["A_1_own.spent_older"], (10 + 4 * gain * change**2).ravel(), rtol=1e-12
    )
    np.testing.assert_array_equal(
        after["prediction_0.bias"], values["prediction_0.bias"]
    )  # by the error before, zero
    drift = (-0.3 * e1 + (1 - f1**2) * 8 * (w1 @ e0)) / 14
    np.testing.assert_allclose(after["state_1.r"], values["state_1.r"] + drift, rtol=1e-12)
    surprise = 1 - 8 * np.mean(e0**2) / 0.9 - np.log(8 / 4)
    assert abs(surprise) < 5, "not clipped"
    assert after["precision_0.log_precision"][0] == pytest.approx(
        np.log(8) + gain * surprise / 4000, rel=1e-14
    )


def test_biases_learn_from_the_error_before_at_a_rate_that_it_slows():
    network = FenaFlatMemoryNumpy(initial(), sizes=SIZES)
    network.run([3], blank_steps=0, presentation_steps=4)
    before = network.values
    network.run([3], blank_steps=0, presentation_steps=1)  # step 4: the slow clock's next
    after = network.values
    rates = []
    for level in (0, 1):
        precision, error = (
            np.exp(before[f"precision_{level}.log_precision"]),
            before[f"error_{level}.error"],
        )
        rates.append(0.01 / (1 + 0.01 * precision * np.sqrt(np.mean(error**2)) / 0.05))
    assert rates[0] < 0.008, "the error must slow the rate for the comparison to mean anything"
    np.testing.assert_allclose(
        after["prediction_0.bias"],
        before["prediction_0.bias"] + 0.1 * rates[0] * before["error_0.error"],
        rtol=1e-12,
    )
    change = precision * before["error_1.error"]
    np.testing.assert_allclose(
        after["prior_1.bias"],
        before["prior_1.bias"] + 4 * rates[1] * change / np.sqrt(before["prior_1.spent"]),
        rtol=1e-12,
    )
    np.testing.assert_allclose(
        after["prior_1.spent"], before["prior_1.spent"] + 4 * change**2, rtol=1e-12
    )


def test_traces_hold_tokens_and_activities():
    network = FenaFlatMemoryNumpy(initial(), sizes=SIZES)
    network.run([0, 1], plasticity_gain=0)
    before = network.values
    next(network.period(-1, 1.0, 1, 1))
    after = network.values
    np.testing.assert_array_equal(after["sensory.trace_recent"], np.eye(5)[1])
    np.testing.assert_array_equal(after["sensory.trace_older"], [0.25, 0.5, 0, 0, 0])
    sample = np.tanh(before["state_2.r"])
    np.testing.assert_array_equal(
        after["state_2.trace_recent"],
        before["state_2.trace_recent"] + (sample - before["state_2.trace_recent"]),
    )
    np.testing.assert_allclose(
        after["state_2.trace_older"],
        0.75 * before["state_2.trace_older"] + 0.25 * sample,
        rtol=1e-14,
    )


def test_feedback_over_transposed_weights_is_feedback_over_the_same_synapses():
    values = initial()
    transposed = {
        f"F_{level}.w": values[f"W_{level}.w"].reshape(SIZES[level], -1).T for level in (1, 2)
    }
    one = FenaFlatMemoryNumpy(values, sizes=SIZES)
    two = FenaFlatMemoryNumpy(values | transposed, sizes=SIZES, feedback_synapses=True)
    outs = [network.run([0, 3, -1, 2], plasticity_gain=0) for network in (one, two)]
    for name in outs[0]:
        np.testing.assert_allclose(outs[0][name], outs[1][name], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("feedback_synapses", [False, True])
def test_nothing_is_learned_without_plasticity(feedback_synapses):
    values = initial(feedback_synapses)
    network = FenaFlatMemoryNumpy(values, sizes=SIZES, feedback_synapses=feedback_synapses)
    before = network.values
    learned = [
        name
        for name in before
        if name[0] in "WAF" or name.endswith((".bias", ".spent", ".log_precision"))
    ]
    network.run([0, 3, -1, 2], plasticity_gain=0)
    for name in learned:
        np.testing.assert_array_equal(network.values[name], before[name])
    network.run([1, 2], plasticity_gain=[0, 1])
    for name in learned:
        assert np.any(network.values[name] != before[name]), name


@pytest.mark.parametrize("other", [4, -1])
def test_a_probability_does_not_know_the_coming_token(other):
    tokens, k = [0, 3, 1, 2, 0, 1], 3
    changed = [*tokens[:k], other, *tokens[k + 1 :]]
    one, two = (
        FenaFlatMemoryNumpy(initial(), sizes=SIZES).run(sequence)["probability"]
        for sequence in (tokens, changed)
    )
    np.testing.assert_array_equal(one[: k + 1], two[: k + 1])
    assert np.all(np.any(one[k + 1 :] != two[k + 1 :], axis=1))


def test_misspelt_values_are_refused():
    with pytest.raises(ValueError, match="F_1.w"):
        FenaFlatMemoryNumpy({"F_1.w": 0}, sizes=SIZES)
    with pytest.raises(ValueError, match="tau_x"):
        FenaFlatMemoryNumpy({}, sizes=SIZES, tau_x=1.0)
    with pytest.raises(ValueError, match="tokens"):
        FenaFlatMemoryNumpy({}, sizes=SIZES).run([5])

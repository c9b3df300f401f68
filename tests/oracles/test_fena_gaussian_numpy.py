"""The NumPy oracle against closed forms: fixed points, matrix powers, single steps worked out by
hand.
"""

import numpy as np
import pytest
from scipy.optimize import brentq

from .fena_gaussian_numpy import FenaGaussianNumpy, shapes

SIZES = (5, 4, 3)
START = np.log(0.3)


def initial(sizes=SIZES, ascending_traces=True, seed=1, scale=0.4):
    """Random weights and states of unit order."""
    rng = np.random.default_rng(seed)
    slots = ("own", "below") if ascending_traces else ("own",)
    values = {}
    for name, shape in shapes(sizes, slots).items():
        if name.endswith("log_precision"):
            values[name] = [START]
        elif name[0] in "WA" or name.endswith(".r"):
            values[name] = scale * rng.standard_normal(shape).ravel()
    return values


def only_precision(value, levels):
    return {f"precision_{level}.log_precision": [np.log(value)] for level in range(levels)}


@pytest.mark.parametrize("n_input", [2, 16])
def test_without_weights_the_onset_error_is_one(n_input):
    out = FenaGaussianNumpy(only_precision(0.3, 2), sizes=(n_input, 3)).run(
        [1, 0, -1], plasticity_gain=0
    )
    np.testing.assert_allclose(out["onset_error"], [[1, 0], [1, 0], [0, 0]], rtol=1e-14)
    np.testing.assert_array_equal(out["prediction"], np.zeros((3, n_input)))
    np.testing.assert_allclose(out["precision"], 0.3)
    np.testing.assert_array_equal(out["iterations"], 0)


@pytest.mark.parametrize("square", [0.25, 1.0, 3.0])
def test_precision_goes_to_its_fixed_point(square):
    kappa, preferred = 0.45, 0.5
    network = FenaGaussianNumpy(
        only_precision(0.3, 2),
        sizes=(4, 2),
        amplitude=2 * np.sqrt(square),
        tau_precision=20.0,
        eta=0,
    )
    out = network.run([2], blank_steps=0, presentation_steps=3000)
    fixed = [
        brentq(lambda p: 1 - p * s - kappa * np.log(p / preferred), 1e-3, 50) for s in (square, 0.0)
    ]
    np.testing.assert_allclose(out["precision"][0], fixed, rtol=1e-10)
    assert fixed[1] == pytest.approx(preferred * np.exp(1 / kappa))


def test_precision_stays_at_its_floor():
    network = FenaGaussianNumpy(
        only_precision(0.3, 2), sizes=(4, 2), amplitude=20.0, tau_precision=100.0, eta=0.0
    )
    out = network.run([2], blank_steps=0, presentation_steps=500)
    # Each step first removes what lies outside, then adds the clipped drive, -5 dt/tau.
    np.testing.assert_allclose(np.log(out["precision"][0, 0]), np.log(0.1) - 5 / 100, rtol=1e-12)


@pytest.mark.parametrize("tau_e", [1.0, 3.0])
def test_small_states_relax_by_a_matrix_power(tau_e):
    """One step is linear in z = (e0, e1, e2, r1, r2, 1) when tanh(r) = r."""
    (n0, n1, n2), tau, tiny, steps = SIZES, 14.0, 1e-6, 30
    values = initial() | {
        f"prior_{level}.bias": tiny * np.arange(1.0, SIZES[level] + 1) for level in (1, 2)
    }
    for level, precision in enumerate([0.7, 1.3, 2.1]):
        values[f"precision_{level}.log_precision"] = [np.log(precision)]
    for name in values:
        if name[0] == "A":
            values[name] = 0 * values[name]
        if name.endswith(".r"):
            values[name] = tiny * values[name]
    network = FenaGaussianNumpy(values, sizes=SIZES, tau_e=tau_e, amplitude=tiny)
    network.run([3], blank_steps=0, presentation_steps=steps, plasticity_gain=0)

    w1, w2 = values["W_1.w"].reshape(n1, n0), values["W_2.w"].reshape(n2, n1)
    ends = np.cumsum([n0, n1, n2, n1, n2, 1])
    e0, e1, e2, r1, r2, one = (slice(a, b) for a, b in zip([0, *ends], ends))
    errors, states = np.eye(ends[-1]), np.eye(ends[-1])
    a = 1 / tau_e
    for e, n in ((e0, n0), (e1, n1), (e2, n2)):
        errors[e, e] = (1 - a) * np.eye(n)
    errors[e0, r1], errors[e0, one] = -a * w1.T, a * tiny * np.eye(n0)[:, [3]]
    errors[e1, r1], errors[e1, r2] = a * np.eye(n1), -a * w2.T
    errors[e1, one] = -a * values["prior_1.bias"][:, None]
    errors[e2, r2], errors[e2, one] = a * np.eye(n2), -a * values["prior_2.bias"][:, None]
    states[r1, e1], states[r1, e0] = -1.3 / tau * np.eye(n1), 0.7 / tau * w1
    states[r2, e2], states[r2, e1] = -2.1 / tau * np.eye(n2), 1.3 / tau * w2
    start = np.concatenate([np.zeros(n0 + n1 + n2), values["state_1.r"], values["state_2.r"], [1]])
    final = np.linalg.matrix_power(states @ errors, steps) @ start
    for name, where in {
        "error_0.error": e0,
        "error_1.error": e1,
        "error_2.error": e2,
        "state_1.r": r1,
        "state_2.r": r2,
    }.items():
        np.testing.assert_allclose(network.values[name], final[where], rtol=1e-8, atol=1e-16)


@pytest.mark.parametrize("tolerance", [0.02, 0.004, 1e-4])
def test_iterations_of_an_exponential_decay(tolerance):
    """Without weights r shrinks by 1 - Pi dt/tau a step; the drift is Pi r/tau."""
    rate = 0.3 / 14
    network = FenaGaussianNumpy(
        only_precision(0.3, 2) | {"state_1.r": [1.0, -1.0]}, sizes=(3, 2), tolerance=tolerance
    )
    out = network.run([0], blank_steps=7, presentation_steps=400, plasticity_gain=0)
    decays = np.log(tolerance / rate) / np.log(
        1 - rate
    )  # steps after which the drift equals the tolerance
    assert out["iterations"][0] == max(0, np.floor(decays) + 1 - 7)


@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_one_step_by_hand(gain):
    values, cap = initial(), 0.7
    values["precision_1.log_precision"] = [np.log(0.9)]
    norms = np.array(
        [[0.5], [0.65], [0.8], [1.2]]
    )  # below the cap twice, above it, and where the excess is clipped
    w1 = values["W_1.w"].reshape(4, 5)
    values["W_1.w"] = (w1 * norms / np.linalg.norm(w1, axis=1, keepdims=True)).ravel()
    network = FenaGaussianNumpy(values, sizes=SIZES, eta=0.01)
    network.run([3], blank_steps=0, presentation_steps=1, plasticity_gain=gain)
    after = network.values
    f1, f2 = np.tanh(values["state_1.r"]), np.tanh(values["state_2.r"])
    w1, w2 = values["W_1.w"].reshape(4, 5), values["W_2.w"].reshape(3, 4)
    own, below = (
        values["A_1_own.w_recent"].reshape(4, 4),
        values["A_1_below.w_recent"].reshape(5, 4),
    )
    older = values["A_1_own.w_older"].reshape(4, 4)
    e0 = np.sqrt(5) * np.eye(5)[3] - w1.T @ f1
    e1 = (
        values["state_1.r"] - own.T @ f1 - older.T @ (f1 / 2) - w2.T @ f2
    )  # the sensory traces are still empty
    excess = np.array([0, 0, 0.8**2 / cap**2 - 1, 1])
    expected = w1 + 4 * gain * (0.01 * 0.3 * np.outer(f1, e0) - excess[:, None] * w1 / 120)
    np.testing.assert_allclose(after["W_1.w"], expected.ravel(), rtol=1e-12)
    np.testing.assert_allclose(
        after["A_1_own.w_recent"],
        (own + 4 * gain * 0.03 * 0.9 * np.outer(f1, e1)).ravel(),
        rtol=1e-12,
    )
    np.testing.assert_allclose(
        after["A_1_own.w_older"],
        (older + 4 * gain * 0.03 * 0.9 * np.outer(f1 / 2, e1)).ravel(),
        rtol=1e-12,
    )
    np.testing.assert_array_equal(after["A_1_below.w_recent"], below.ravel())
    np.testing.assert_array_equal(
        after["prior_1.bias"], 0
    )  # learns from the error of the previous step, zero
    drift = (-0.9 * e1 + (1 - f1**2) * 0.3 * (w1 @ e0)) / 14
    np.testing.assert_allclose(after["state_1.r"], values["state_1.r"] + drift, rtol=1e-12)
    surprise = 1 - 0.3 * np.mean(e0**2) - 0.45 * np.log(0.3 / 0.5)
    assert after["precision_0.log_precision"][0] == pytest.approx(
        START + gain * surprise / 24000, rel=1e-14
    )


def test_bias_learns_every_fourth_step_from_the_error_before():
    network = FenaGaussianNumpy(initial(), sizes=SIZES)
    network.run([3], blank_steps=0, presentation_steps=4)
    before = network.values
    np.testing.assert_array_equal(before["prior_1.bias"], 0)
    network.run([3], blank_steps=0, presentation_steps=1)
    precision = np.exp(before["precision_1.log_precision"])
    expected = 4 * 9e-5 * precision * before["error_1.error"]
    np.testing.assert_allclose(network.values["prior_1.bias"], expected, rtol=1e-12)


def test_priors_see_new_traces_on_the_slow_clock_only():
    values = initial()
    network = FenaGaussianNumpy(values, sizes=SIZES)
    network.run([0], blank_steps=1, presentation_steps=1, plasticity_gain=0)  # steps 0, 1
    first = network.values["prior_2.from_own"]
    network.run(
        [1], blank_steps=1, presentation_steps=1, plasticity_gain=0
    )  # onset at step 2: held until step 4
    np.testing.assert_array_equal(network.values["prior_2.from_own"], first)
    traces = network.values
    network.run([-1], blank_steps=0, presentation_steps=1, plasticity_gain=0)
    sample = np.tanh(traces["state_2.r"])
    older = (traces["state_2.trace_older"] + sample) / 2
    recent_w, older_w = (
        values[f"A_2_own.w_{trace}"].reshape(3, 3) for trace in ("recent", "older")
    )
    np.testing.assert_allclose(
        network.values["prior_2.from_own"], recent_w.T @ sample + older_w.T @ older, rtol=1e-12
    )
    np.testing.assert_allclose(network.values["sensory.trace_recent"], np.eye(5)[1], atol=1e-15)
    np.testing.assert_allclose(
        network.values["sensory.trace_older"], [0.25, 0.5, 0, 0, 0], atol=1e-15
    )


@pytest.mark.parametrize("ascending_traces", [True, False])
def test_nothing_is_learned_without_plasticity(ascending_traces):
    values = initial(ascending_traces=ascending_traces)
    network = FenaGaussianNumpy(values, sizes=SIZES, ascending_traces=ascending_traces)
    learned = [name for name in values if name[0] in "WA" or name.startswith("precision")]
    network.run([0, 3, -1, 2], plasticity_gain=0)
    for name in learned:
        np.testing.assert_array_equal(network.values[name], values[name])
    np.testing.assert_array_equal(network.values["prior_1.bias"], 0)
    network.run([1, 2], plasticity_gain=[0, 1])
    for name in learned:
        assert np.any(network.values[name] != values[name]), name


@pytest.mark.parametrize("ascending_traces", [True, False])
@pytest.mark.parametrize("other", [4, -1])
def test_a_prediction_does_not_know_the_coming_token(ascending_traces, other):
    tokens, k = [0, 3, 1, 2, 0, 1], 3
    changed = [*tokens[:k], other, *tokens[k + 1 :]]
    one, two = (
        FenaGaussianNumpy(
            initial(ascending_traces=ascending_traces),
            sizes=SIZES,
            ascending_traces=ascending_traces,
        ).run(sequence)["prediction"]
        for sequence in (tokens, changed)
    )
    np.testing.assert_array_equal(one[: k + 1], two[: k + 1])
    assert np.all(np.any(one[k + 1 :] != two[k + 1 :], axis=1))


def test_nothing_is_learned_in_a_blank():
    blanks = {0: {}, 40: {}}
    for steps, after in blanks.items():
        network = FenaGaussianNumpy(
            only_precision(0.3, 2) | {"W_1.w": 2 * np.ones(6), "state_1.r": [1, 2]}, sizes=(3, 2)
        )
        network.run([0], blank_steps=steps, presentation_steps=1, plasticity_gain=[1])
        after.update(network.values)
    once = 2 - 4 * 2 / (2 * 60)  # the one plastic step at the onset: the norm is far above the cap
    for after in blanks.values():
        np.testing.assert_allclose(after["W_1.w"], once, rtol=1e-3)


def test_an_omitted_token_leaves_no_input():
    network = FenaGaussianNumpy(initial(), sizes=SIZES)
    out = network.run([2, -1])
    assert out["onset_error"][1, 0] == out["settled_error"][1, 0] == 0
    np.testing.assert_array_equal(network.values["sensory.x"], 0)
    assert np.any(out["prediction"][1] != 0)


def test_two_runs_equal_one():
    tokens, steps = (
        [0, 3, 1, 2, 4],
        dict(blank_steps=4, presentation_steps=7),
    )  # 11: not a multiple of 4
    whole, parts = (FenaGaussianNumpy(initial(), sizes=SIZES) for _ in range(2))
    out = whole.run(tokens, **steps)
    outs = [parts.run(tokens[:2], **steps), parts.run(tokens[2:], **steps)]
    for name in out:
        np.testing.assert_array_equal(out[name], np.concatenate([o[name] for o in outs]))
    for name, value in whole.values.items():
        np.testing.assert_array_equal(value, parts.values[name])


def test_misspelt_values_are_refused():
    with pytest.raises(ValueError, match="A_1_below"):
        FenaGaussianNumpy(initial(), sizes=SIZES, ascending_traces=False)
    with pytest.raises(ValueError, match="tau_x"):
        FenaGaussianNumpy(initial(), sizes=SIZES, tau_x=1.0)
    with pytest.raises(ValueError, match="tokens"):
        FenaGaussianNumpy(initial(), sizes=SIZES).run([5])

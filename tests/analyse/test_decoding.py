"""What states hold. Oracles: states made of known parts, whose shares of variance, decodability and
memory follow in closed form; states of a block that drifts, on which anything that peeks over the
guard gap would shine.
"""

import time

import attrs
import numpy as np
import pandas as pd
import pytest
import tiny
from scipy.signal import lfilter

import fena_sim as fs
from fena_sim import measure
from fena_sim.analyse.decoding import _folds
from fena_sim.errors import DeclarationError, StimulusError


def one_hot(labels, scale=1.0):
    return scale * np.eye(max(labels) + 1)[labels]


def test_what_is_there_is_decoded_and_what_is_not_is_chance():
    rng = np.random.default_rng(0)
    there, absent = rng.integers(0, 4, 2000), rng.choice(3, 2000, p=[0.6, 0.3, 0.1])
    states = one_hot(there) @ rng.normal(size=(4, 10)) + 0.01 * rng.normal(size=(2000, 10))
    assert measure.decode(states, there).accuracy == 1
    nothing = measure.decode(states, absent)
    assert nothing.chance == (absent == 0).mean()
    assert abs(nothing.accuracy - 0.6) < 0.03


def test_accuracy_is_that_of_the_best_linear_boundary():
    """Two Gaussians at distance 2 in units of their width: the best classifier is right with
    probability Phi(1).
    """
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], 3000)[rng.permutation(6000)]
    states = np.column_stack([2.0 * labels, np.zeros(6000)]) + rng.normal(size=(6000, 2))
    error = np.sqrt(0.8413 * 0.1587 / 6000)
    assert measure.decode(states, labels).accuracy == pytest.approx(0.8413, abs=4 * error)


def test_three_classes_on_a_line_do_not_mask_each_other():
    labels = np.random.default_rng(2).integers(0, 3, 600)
    assert measure.decode(labels[:, None] + 0.0, labels).accuracy > 0.99


def test_the_guard_keeps_neighbours_out():
    """Episodes of 20 tokens, each with a state and a random label of its own: only its own tokens
    give a label away.
    """
    rng = np.random.default_rng(3)
    labels = np.repeat(rng.integers(0, 4, 40), 20)
    states = np.repeat(rng.normal(size=(40, 60)), 20, axis=0)
    known, place = np.ones(800, bool), np.arange(800)
    for train, test in _folds(known, 5, 20, "here"):
        assert test.tolist() == list(range(test[0], test[0] + 160))
        assert np.abs(place[train][:, None] - test).min() == 21
    peeking, guarded = (
        measure.decode(states, labels, folds=80, guard=guard).accuracy for guard in (0, 20)
    )
    assert peeking == 1 and guarded < 0.5


def test_unknown_labels_take_no_part():
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, 500)
    states = one_hot(labels) + 0.01 * rng.normal(size=(500, 3))
    hidden = labels.copy()
    hidden[::7] = -1
    states[::7] = 100.0
    found = measure.decode(states, hidden)
    assert found.accuracy == 1 and 0.2 < found.chance < 0.5


def test_decoding_takes_less_than_half_a_second():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 9, 1500)
    states = one_hot(labels) @ rng.normal(size=(9, 64)) + 3 * rng.normal(size=(1500, 64))
    measure.decode(states[:200], labels[:200])  # imports

    def seconds():
        start = time.process_time()
        measure.decode(states, labels)
        return time.process_time() - start

    assert any(seconds() < 0.5 for _ in range(20))  # a busy machine makes some of them longer


def table(n, rng, **columns):
    return pd.DataFrame({name: rng.integers(0, size, n) for name, size in columns.items()})


def test_shares_of_independent_factors_add_up_in_closed_form():
    """Every unit is a sum of a token part, a motif part and noise with variances in the ratio 5 : 3
    : 2.
    """
    rng, n = np.random.default_rng(6), 8000
    events = table(n, rng, token=8, motif=4, position=3)

    def part(name, variance):
        values = rng.normal(size=(events[name].max() + 1, 30))[events[name]]
        values -= values.mean(axis=0)
        return values * np.sqrt(variance / values.var())

    states = part("token", 5) + part("motif", 3) + rng.normal(size=(n, 30)) * np.sqrt(2)
    shares = measure.variance_explained(states, events, ("token", "motif", "position"))
    np.testing.assert_allclose(shares["alone"], [0.5, 0.3, 0], atol=0.015)
    np.testing.assert_allclose(shares["unique"], [0.5, 0.3, 0], atol=0.015)
    assert float(shares["full"]) == pytest.approx(0.8, abs=0.01)
    assert shares["alone"].sel(factor="position") < 0, (
        "cross-validated, so that nothing is worse than the mean"
    )


def test_what_follows_from_another_factor_explains_alone_but_not_more():
    rng, n = np.random.default_rng(7), 3000
    events = table(n, rng, motif=9)
    events["motif_class"] = events["motif"] // 3
    states = rng.normal(size=(3, 20))[events["motif_class"]] + 0.1 * rng.normal(size=(n, 20))
    shares = measure.variance_explained(states, events, ("motif", "motif_class"))
    assert (shares["alone"] > 0.95).all()
    assert (abs(shares["unique"]) < 0.01).all()


def test_events_without_a_factor_take_no_part():
    rng = np.random.default_rng(8)
    events = table(1000, rng, token=4, previous_motif=3)
    states = one_hot(events["token"].to_numpy()) + 0.01 * rng.normal(size=(1000, 4))
    states[:50], events.loc[:49, "previous_motif"] = 100.0, -1
    shares = measure.variance_explained(states, events, ("token", "previous_motif"))
    assert shares["unique"].sel(factor="token") > 0.99


@pytest.mark.parametrize("rho", [0.3, 0.8, 0.95])
def test_memory_of_a_first_order_process(rho):
    """rho^lag falls below 1/e between two whole lags; there it is interpolated linearly."""
    rng, n = np.random.default_rng(9), 40_000
    states = lfilter([1], [1, -rho], rng.normal(size=(n, 20)), axis=0)
    lag = int(np.ceil(-1 / np.log(rho)))
    expected = lag - 1 + (rho ** (lag - 1) - 1 / np.e) / (rho ** (lag - 1) - rho**lag)
    assert measure.autocorrelation_time(states) == pytest.approx(expected, rel=0.03)


def test_memory_by_hand():
    """Mean 0, squares sum to 8; products at lag 1: 1+1+1-1+1+1+1 = 5, at lag 2: 1+1-1-1+1+1 = 2."""
    unit = np.array([1.0, 1, 1, 1, -1, -1, -1, -1])
    states = np.column_stack(
        [unit, 3 * unit, np.full(8, 7.0)]
    )  # a unit that never varies is left out
    assert measure.autocorrelation_time(states) == pytest.approx(
        1 + (5 / 8 - 1 / np.e) / (5 / 8 - 2 / 8)
    )
    # Half the time 0, half the time 1: rho(lag) = 1 - 3*lag/n.
    assert measure.autocorrelation_time(np.repeat([[0.0], [1.0]], 500, axis=0)) == pytest.approx(
        1000 * (1 - 1 / np.e) / 3, rel=0.01
    )


def test_centre_of_gravity():
    assert measure.level_centre([1, 2, 1]) == 2
    assert measure.level_centre([0.0, -5, 3]) == 3
    np.testing.assert_allclose(measure.level_centre([[1, 0.0], [3, 0.0]]), [1.75, np.nan])


BAD = {
    "shapes": lambda: measure.decode(np.zeros((5, 2)), np.zeros(4, int)),
    "a state that is no number": lambda: measure.decode(
        np.full((50, 2), np.nan), np.arange(50) % 2
    ),
    "too short": lambda: measure.decode(np.zeros((30, 2)), np.arange(30) % 2),
    "no labels": lambda: measure.decode(np.zeros((30, 2)), np.full(30, -1)),
    "one label": lambda: measure.decode(np.zeros((300, 2)), np.ones(300, int)),
    "no column": lambda: measure.variance_explained(
        np.ones((300, 2)), pd.DataFrame({"token": np.arange(300) % 2})
    ),
    "silent level": lambda: measure.variance_explained(
        np.ones((300, 2)), pd.DataFrame({"token": np.arange(300) % 2}), ("token",)
    ),
    "memory of silence": lambda: measure.autocorrelation_time(np.ones((300, 2))),
}


@pytest.mark.parametrize("case", BAD)
def test_refused(case):
    with pytest.raises(StimulusError) as caught:
        BAD[case]()
    assert caught.value.fix


def test_states_of_every_level_are_kept_side_by_side(tiny_fena, tmp_path):
    """Levels of 8, 6 and 5 units and probabilities of 16 tokens in one dataset; the values are
    those a probe recorded.
    """
    model = attrs.evolve(
        tiny_fena,
        readouts=[
            *tiny_fena.readouts,
            fs.Readout(name="top", variables=["precision_3.precision"], when="last"),
        ],
    )
    probes = [fs.Probe(f"state_{level}", "f") for level in (1, 2, 3)]
    run = fs.run(model, tiny.one_block(5, probes=probes), device="runtime", out=tmp_path)
    tokens, last = run.tokens("learning"), np.arange(5) * 60 + 59
    assert tokens["probability"].dims == ("event", "unit") and tokens["error"].dims == (
        "event",
        "level",
    )
    assert tokens["state_2"].dims == ("event", "state_2_unit") and tokens["top"].dims == (
        "event",
        "top_level",
    )
    for level, size in ((1, 8), (2, 6), (3, 5)):
        states = measure.token_states(run, "learning", level)
        assert states.dims == ("event", "unit") and states.shape == (5, size)
        np.testing.assert_array_equal(
            states, run.traces("learning")[f"state_{level}.f"].values[last]
        )
    with pytest.raises(DeclarationError, match="'state_4'") as caught:
        measure.token_states(run, "learning", 4)
    assert 'Readout(name="state_4"' in caught.value.fix

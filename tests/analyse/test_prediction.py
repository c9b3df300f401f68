"""Prediction scores. Oracles: arrays worked out by hand; the entropy of a known distribution."""

import numpy as np
import pytest

from fena_sim import measure
from fena_sim.analyse.prediction import FIT_TOKENS
from fena_sim.errors import StimulusError


def test_first_and_omitted_tokens_are_never_scored(make_run):
    prediction = [[1, 0], [0.2, 0.4], [0, 1], [0.6, 0.5], [0.9, 0]]
    run = make_run(test={"tokens": [0, 1, -1, 1, 0], "prediction": prediction})
    scores = measure.token_scores(run, "test")
    assert scores["scored"].to_numpy().tolist() == [False, True, False, True, True]
    assert scores["choice"].to_numpy().tolist() == [0, 1, 1, 0, 0]
    assert scores["distance"].sel(symbol="b")[1] == pytest.approx(0.2**2 + 0.6**2)
    assert measure.accuracy(run, "test") == pytest.approx(2 / 3)
    assert measure.accuracy(run, "test", [True, True, True, False, True]) == 1


def test_nearest_code_is_not_the_largest_projection(make_run):
    """For codes of unequal length the nearest differs from the largest dot product."""
    run = make_run(codes=[[1, 0], [3, 0]], test={"tokens": [0, 0], "prediction": [[1.2, 0]] * 2})
    assert measure.accuracy(run, "test") == 1


def test_one_hot_choice_is_argmax(make_run):
    rng = np.random.default_rng(4)
    prediction = rng.normal(size=(200, 5))
    run = make_run(codes=np.eye(5), test={"tokens": np.zeros(200, int), "prediction": prediction})
    choice = measure.token_scores(run, "test")["choice"]
    np.testing.assert_array_equal(choice, prediction.argmax(axis=1))


def coin(n, share, seed):
    """Tokens that are 0 with probability ``share``, under the constant prediction (0.8, 0.2)."""
    tokens = (np.random.default_rng(seed).random(n) >= share).astype(int)
    return {"tokens": tokens, "prediction": np.tile([0.8, 0.2], (n, 1))}


def exact_coin(n, share):
    tokens = np.zeros(n, int)
    tokens[: round(n * (1 - share))] = 1
    return {"tokens": tokens, "prediction": np.tile([0.8, 0.2], (n, 1))}


def test_width_is_fitted_in_closed_form(make_run):
    """Distances differ by 1.2, so p(0) = 1/(1 + exp(-0.6/s^2)), and at the maximum of the
    likelihood p(0) is the share of token 0 in the last FIT_TOKENS of training."""
    share = 0.9
    early = {"tokens": np.ones(500, int), "prediction": np.tile([0.8, 0.2], (500, 1))}
    late = exact_coin(FIT_TOKENS, share)
    training = {k: np.concatenate([early[k], late[k]]) for k in late}
    run = make_run(training=training, test=exact_coin(101, 0.5))
    surprisal = measure.surprisal(run, "test")
    assert surprisal.attrs["s2"] == pytest.approx(0.6 / np.log(share / (1 - share)), rel=1e-4)
    zero, one = -np.log2(share), -np.log2(1 - share)
    tokens = run.events("test")["token"].to_numpy()
    np.testing.assert_allclose(surprisal[1:], np.where(tokens == 0, zero, one)[1:], rtol=1e-4)
    assert np.isnan(surprisal[0])
    assert measure.bits(run, "test", mask=tokens == 0) == pytest.approx(zero, rel=1e-4)


def test_bits_of_a_calibrated_coin_are_its_entropy(make_run):
    run = make_run(training=coin(4000, 0.9, 1), test=coin(40000, 0.9, 2))
    entropy = -0.9 * np.log2(0.9) - 0.1 * np.log2(0.1)
    assert measure.bits(run, "test") == pytest.approx(entropy, abs=0.02)


@pytest.mark.parametrize("name", ["alone", "training"])
def test_without_training_the_first_half_is_fitted_and_the_second_scored(make_run, name):
    first, second = exact_coin(1001, 0.8), exact_coin(1001, 0.3)
    first["tokens"] = first["tokens"][::-1]  # the unscored first token is then a 0
    both = {k: np.concatenate([first[k], second[k]]) for k in first}
    run = make_run(**{name: both})
    surprisal = measure.surprisal(run, name)
    assert np.isnan(surprisal[:1001]).all() and not np.isnan(surprisal[1001:]).any()
    share = 1 - first["tokens"][1:].mean()
    assert surprisal.attrs["s2"] == pytest.approx(0.6 / np.log(share / (1 - share)), rel=1e-4)
    assert "first half" in surprisal.attrs["fitted_on"]


STATED = [
    [0.5, 0.25, 0.25],
    [0.5, 0.25, 0.25],
    [0.125, 0.125, 0.75],
    [0.5, 0.375, 0.125],
    [1.0, 0.0, 0.0],
]


def test_a_stated_probability_is_scored_as_it_stands(make_run):
    """No width is fitted, so short blocks and those without training are scored whole. Token 0 has
    no surprisal.
    """
    run = make_run(
        codes=np.eye(3),
        training={"tokens": [0, 0], "probability": STATED[:2]},
        test={"tokens": [0, 1, -1, 2, 0], "probability": STATED},
    )
    surprisal = measure.surprisal(run, "test")
    np.testing.assert_array_equal(surprisal, [np.nan, 2, np.nan, 3, 0])
    assert surprisal.dims == ("event",) and surprisal.attrs == {"units": "bit", "block": "test"}
    assert measure.bits(run, "test") == pytest.approx(5 / 3)
    assert measure.bits(run, "test", mask=[True, True, True, True, False]) == 2.5
    assert measure.bits(run, "training") == 1


def test_the_choice_is_the_most_probable_token(make_run):
    run = make_run(codes=np.eye(3), test={"tokens": [0, 0, 2, 0, 0], "probability": STATED})
    assert measure.token_scores(run, "test")["choice"].to_numpy().tolist() == [0, 0, 2, 0, 0]
    assert measure.accuracy(run, "test") == 1


def test_a_stated_probability_does_not_depend_on_the_order_of_its_dimensions(make_run):
    block = {
        "tokens": [0, 1, 1, 2],
        "probability": np.array(STATED[:4]).T,
        "dims": ("unit", "event"),
    }
    np.testing.assert_array_equal(
        measure.surprisal(make_run(codes=np.eye(3), test=block), "test"), [np.nan, 2, 3, 3]
    )


def test_perfect_predictions_do_not_overflow(make_run):
    tokens = np.array([0, 1] * 20)
    run = make_run(test={"tokens": tokens, "prediction": np.eye(2)[tokens]})
    assert measure.bits(run, "test") == pytest.approx(0, abs=1e-9)


def test_too_short_a_block_says_so(make_run):
    run = make_run(test={"tokens": [0], "prediction": [[1, 0]]})
    with pytest.raises(StimulusError, match="too few tokens"):
        measure.bits(run, "test")
    with pytest.raises(StimulusError, match="no event is left"):
        measure.accuracy(run, "test")


def motif_block(**changes):
    made = {
        "tokens": [0, 1, 0, 1, 0, 1],
        "position": [0, 1, 0, 1, 0, 1],
        "novel": [False, False, True, True, False, False],
        "prediction": np.eye(2)[[0, 1, 1, 0, 1, 1]],
        "onset_error": np.array([[9.0], [2.0], [9.0], [6.0], [9.0], [4.0]]),
        "error": np.full((6, 1), 50.0),
    }
    return {**made, **changes}


def test_inside_motif_leaves_out_junctions(make_run):
    events = make_run(a=motif_block()).events("a")
    assert np.flatnonzero(measure.inside_motif(events, novel=True)).tolist() == [3]
    assert np.flatnonzero(measure.inside_motif(events, novel=False)).tolist() == [1, 5]
    with pytest.raises(StimulusError, match="novel"):
        measure.inside_motif(events[["token", "position"]], novel=True)


def test_another_label_tells_what_is_novel(make_run):
    """Novel phrases where the junctions are not novel, and the reverse."""
    novel_phrase = [False, False, False, False, True, True]
    run = make_run(familiar=motif_block(), held_out=motif_block(novel_phrase=novel_phrase))
    events = run.events("held_out")
    inside = measure.inside_motif(events, novel=True, label="novel_phrase")
    assert np.flatnonzero(inside).tolist() == [5]
    with pytest.raises(StimulusError, match="novel_phrase"):
        measure.generalisation(run, label="novel_phrase")  # "familiar" lacks it
    run = make_run(
        familiar=motif_block(novel_phrase=[False] * 6),
        held_out=motif_block(novel_phrase=novel_phrase),
    )
    table = measure.generalisation(run, label="novel_phrase")
    assert table["error"].to_dict() == {"familiar": 4.0, "novel": 4.0}
    assert table["accuracy"].to_dict() == {"familiar": 2 / 3, "novel": 1.0}


def test_generalisation(make_run):
    run = make_run(familiar=motif_block(), held_out=motif_block())
    table = measure.generalisation(run)
    assert table["accuracy"].to_dict() == {"familiar": 1.0, "novel": 0.0}
    assert table["error"].to_dict() == {"familiar": 3.0, "novel": 6.0}
    assert table["relative_error"].to_dict() == {"familiar": 1.0, "novel": 2.0}

"""Failures. Oracles: the closed form of a precision rule without its log-determinant; arrays worked
out by hand.
"""

import numpy as np
import pytest

from fena_sim import measure
from fena_sim.errors import StimulusError


def training(precision, error, tokens=None):
    precision, error = np.atleast_2d(precision).T, np.atleast_2d(error).T
    return {
        "tokens": np.zeros(len(precision), int) if tokens is None else tokens,
        "precision": precision,
        "error": error,
    }


def test_precision_without_a_log_determinant_collapses(make_run):
    """d ln Pi/dt = -Pi*s for ever has the solution Pi = Pi_0/(1 + Pi_0*s*t), so Pi*s -> 1/t; with
    it, Pi*s -> 1.
    """
    t, s, start = np.arange(600.0), 0.5, 0.3
    without = start / (1 + start * s * t)
    warranted = 1 / (s + (1 / start - s) * np.exp(-t / 20))  # d ln Pi/dt = (1 - Pi*s)/20
    found = measure.collapsed_levels(
        make_run(training=training([without, warranted], np.full((2, 600), s)))
    )
    assert found["collapsed"].values.tolist() == [True, False]
    np.testing.assert_allclose(
        found["calibration"], [start * s / (1 + start * s * 599), 1], rtol=1e-6
    )


def test_a_level_that_predicts_everything_is_not_muted(make_run):
    """Precision rose and is held at 4.6 by its prior, at an error that would warrant 10,000."""
    rising, error = np.linspace(0.3, 4.6, 400), np.geomspace(1, 1e-4, 400)
    found = measure.collapsed_levels(make_run(training=training(rising, error)))
    assert found["calibration"] < 0.1 and not found["collapsed"]


def test_a_level_that_trusts_itself_less_because_it_errs_more_is_not_muted(make_run):
    falling = np.linspace(4, 0.5, 400)
    assert not measure.collapsed_levels(make_run(training=training(falling, 1 / falling)))[
        "collapsed"
    ]


def test_window_share_and_omissions(make_run):
    """The last two presented tokens have the errors 2 and 4: Pi*s = .1*3."""
    tokens = np.array([0, 1, 0, -1, 0, -1])
    run = make_run(training=training([1, 1, 1, 1, 0.1, 0.1], [9, 9, 2, 77, 4, 77], tokens))
    found = measure.collapsed_levels(run, share=0.31, window=2)
    assert found["calibration"].item() == pytest.approx(0.3) and found["collapsed"]
    assert not measure.collapsed_levels(run, share=0.29, window=2)["collapsed"]
    with pytest.raises(StimulusError, match="no event"):
        measure.collapsed_levels(make_run(training=training([1, 1], [1, 1], np.array([-1, -1]))))


@pytest.mark.parametrize("right, stuck", [(2, True), (3, False), (5, False)])
def test_trapped_below_the_bigram(make_run, right, stuck):
    """After 0 the table says 1 and after 1 it says 0: right 3 times in the 5 scored tokens of 0 1 1
    0 1 1.
    """
    tokens = np.array([0, 1, 1, 0, 1, 1])
    assert measure.NGram(2, 2).fit([0, 1] * 20).accuracy(tokens) == 3 / 5
    prediction = np.eye(2)[np.where(np.arange(6) <= right, tokens, 1 - tokens)]
    run = make_run(
        training={"tokens": [0, 1] * 20}, familiar={"tokens": tokens, "prediction": prediction}
    )
    assert measure.accuracy(run, "familiar") == right / 5
    assert measure.trapped(run) is stuck

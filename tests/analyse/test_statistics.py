"""Summaries over networks. Oracles: coverage of a known median; documented fall-backs; closed forms
of the exact binomial interval where all, none or one of the networks succeed.
"""

import numpy as np
import pytest

from fena_sim.analyse.statistics import intervals
from fena_sim.errors import DeclarationError
from fena_sim.measure import paired, rank_correlation, share, summarise


def test_interval_covers_the_true_median():
    """A 95 % interval of n = 25 exponential samples covers the median ln 2 nearly that often."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(60):
        summary = summarise(rng.exponential(size=25))
        hits += summary.low <= np.log(2) <= summary.high
    assert hits >= 0.85 * 60


def test_the_same_networks_give_the_same_interval():
    values = [0.8, 0.85, 0.9, 0.95, 0.7]
    assert summarise(values) == summarise(values)
    assert summarise(values).median == 0.85


@pytest.mark.parametrize("values", [[3.0], [3.0, 5.0], [2.0, 2.0, 2.0, 2.0]])
def test_few_or_equal_networks_fall_back_to_the_range(values):
    summary = summarise(values)
    assert (summary.low, summary.high) == (min(values), max(values))
    assert summary.method == "min-max range" and "min-max range" in str(summary)
    assert f"n = {len(values)}" in str(summary)


def test_a_degenerate_bootstrap_falls_back_without_a_warning(recwarn):
    summary = summarise([1.0, 1.0, 1.0, 2.0])
    assert (summary.low, summary.high, summary.method) == (1, 2, "min-max range")
    assert not recwarn.list


def test_intervals_of_points_are_those_of_summaries():
    """Also where networks do not differ, and where the bootstrap is degenerate."""
    values = np.random.default_rng(2).normal(size=(7, 4, 20))
    values[:, 1, 3] = 5.0
    values[:, 2, 0] = [1, 1, 1, 1, 1, 1, 2]
    low, high, bootstrapped = intervals(values)
    assert low.shape == high.shape == bootstrapped.shape == (4, 20)
    assert not bootstrapped[1, 3] and not bootstrapped[2, 0] and bootstrapped[0].all()
    for point in [(0, 0), (3, 19), (1, 3), (2, 0)]:
        summary = summarise(values[(slice(None), *point)])
        assert (summary.low, summary.high) == (low[point], high[point])


def test_intervals_of_few_networks_are_their_range():
    low, high, bootstrapped = intervals([[1.0, 5.0], [3.0, 2.0]])
    assert low.tolist() == [1, 2] and high.tolist() == [3, 5] and not bootstrapped.any()


def test_intervals_cover_the_median_as_often_as_they_say():
    """Of 300 samples of 15 normal values each, some 95 % of intervals hold the true median."""
    low, high, _ = intervals(np.random.default_rng(5).normal(size=(15, 300)))
    assert 0.90 <= np.mean((low <= 0) & (high >= 0)) <= 0.99


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [[1.0, 2.0]]])
def test_missing_values_are_refused(values):
    with pytest.raises(DeclarationError, match="one finite number per network"):
        summarise(values)


def test_pairs_are_compared_within_networks():
    """Networks differ by 100, conditions by 1 within each: the difference of medians would drown."""
    rng = np.random.default_rng(1)
    networks = 100 * rng.normal(size=20)
    difference = 1 + 0.1 * rng.normal(size=20)
    found = paired(networks + difference, networks)
    assert found.median == pytest.approx(np.median(difference)) and found.n == 20
    assert 0.9 < found.low < 1 < found.high < 1.1 and found.method == "BCa bootstrap, 95 %"
    with pytest.raises(DeclarationError, match="cannot pair"):
        paired([1, 2], [1, 2, 3])


def test_pairs_are_of_the_same_network():
    """By hand: the differences are -4, 1, -1, 2 and 2; those of the sorted values are all 0."""
    assert paired([1, 2, 3, 4, 5], [5, 1, 4, 2, 3]).median == 1


@pytest.mark.parametrize("n", [1, 8, 20])
def test_exact_interval_in_closed_form(n):
    """All of n: the lower end p solves p^n = .025. None: by symmetry. One: P(at least 1) and P(at
    most 1) are .025.
    """
    every, none = share([True] * n), share([False] * n)
    assert (every.median, every.high, none.median, none.low) == (1, 1, 0, 0)
    assert every.low == pytest.approx(0.025 ** (1 / n)) and none.high == pytest.approx(
        1 - 0.025 ** (1 / n)
    )
    one = share([True] + [False] * n)
    assert one.median == 1 / (n + 1) and one.n == n + 1 and "Clopper-Pearson" in str(one)
    assert 1 - (1 - one.low) ** (n + 1) == pytest.approx(0.025)
    q = one.high
    assert (1 - q) ** (n + 1) + (n + 1) * q * (1 - q) ** n == pytest.approx(0.025)


@pytest.mark.parametrize("successes", [[], [0.5], [[True]], [np.nan]])
def test_shares_are_of_yes_and_no(successes):
    with pytest.raises(DeclarationError, match="True or False"):
        share(successes)


def test_rank_correlation_in_closed_form():
    """Without ties it is 1 - 6*sum(d^2)/(n*(n^2 - 1)), d the differences of the ranks: here 8."""
    assert rank_correlation([1, 10, 2, 30], [7, 1, 6, 9]) == pytest.approx(1 - 6 * 8 / 60)
    assert rank_correlation([1, 2, 3], [9, 4, -1]) == pytest.approx(-1)
    # Equal values share their mean rank: ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4.
    assert rank_correlation([0, 5, 5, 6], [1, 2, 3, 4]) == pytest.approx(4.5 / np.sqrt(4.5 * 5))


def test_what_does_not_vary_correlates_with_nothing():
    assert rank_correlation([3, 3, 3], [1, 2, 3]) == rank_correlation([1, 2, 3], [0, 0, 0]) == 0


@pytest.mark.parametrize(("a", "b"), [([1, 2], [1]), ([1], [1]), ([1, np.nan], [1, 2])])
def test_rank_correlation_needs_pairs(a, b):
    with pytest.raises(DeclarationError, match="no rank correlation"):
        rank_correlation(a, b)

"""Summaries over networks. Oracle: coverage of a known median; documented fall-backs."""

import numpy as np
import pytest

from fena_sim.errors import DeclarationError
from fena_sim.measure import summarise


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


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [[1.0, 2.0]]])
def test_missing_values_are_refused(values):
    with pytest.raises(DeclarationError, match="one finite number per network"):
        summarise(values)

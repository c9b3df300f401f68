"""Initial values. Contract: a seed, an owner, a variable and a stream give the same numbers always,
and others else.
"""

import numpy as np
import pytest
from scipy import stats

from fena_sim import Normal, Uniform
from fena_sim.declare.model.initial import draw

KEY = dict(seed=3, owner="state_1", variable="r", shape=(20,), stream=0)


@pytest.mark.parametrize("value", [Normal(sd=2.0), Uniform(-1, 1)])
@pytest.mark.parametrize(
    "changed", [dict(seed=4), dict(owner="state_2"), dict(variable="v"), dict(stream=1)]
)
def test_every_part_of_the_key_matters(value, changed):
    first = draw(value, **KEY)
    np.testing.assert_array_equal(draw(value, **KEY), first)
    assert not np.isin(draw(value, **{**KEY, **changed}), first).any()


def test_distributions():
    """Kolmogorov-Smirnov against the declared ones."""
    many = {**KEY, "shape": (100, 100)}
    normal, uniform = stats.norm(5, 2).cdf, stats.uniform(-3, 4).cdf
    assert stats.kstest(draw(Normal(sd=2.0, mean=5.0), **many).ravel(), normal).pvalue > 1e-3
    assert stats.kstest(draw(Uniform(-3, 1), **many).ravel(), uniform).pvalue > 1e-3


def test_numbers_and_arrays_are_taken_as_they_are():
    assert draw(0.25, **KEY).tolist() == [0.25] * 20
    given = np.arange(20.0)
    taken = draw(given, **KEY)
    taken += 1  # a copy: the declaration stays as it is
    np.testing.assert_array_equal(given, np.arange(20))

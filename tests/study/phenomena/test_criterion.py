"""Declared criteria. Contract: their docstrings; a wrong one is refused with what, where and fix."""

import numpy as np
import pytest

from fena_sim.errors import DeclarationError
from fena_sim.study.phenomena.criterion import (
    Equivalence,
    Negative,
    Ordering,
    Positive,
    Published,
    Range,
    Report,
    Trend,
)
from fena_sim.study.phenomena.phenomenon import Phenomenon

COMMON = dict(id="c1", metric="deviant minus standard", required=True, basis="chosen")
SOURCED = COMMON | dict(
    basis="published", source="Parras et al 2017, doi 10.1038/s41467-017-02038-6"
)


@pytest.mark.parametrize(
    "criterion, bar",
    [
        (Positive(**COMMON, floor=0), "> 0"),
        (Positive(**COMMON, floor=50, unit="ms"), "> 50 ms"),
        (Negative(**COMMON, floor=0), "< 0"),
        (Negative(**COMMON, floor=0.1), "< -0.1"),
        (Range(**COMMON, low=1.2, high=4), "in 1.2 to 4"),
        (Equivalence(**COMMON, low=-5, high=5, unit="%"), "equivalent within -5 to 5 %"),
        (Trend(**COMMON, along=(1, 2, 3), floor=0.5), "rises, rho > 0.5"),
        (Trend(**COMMON, along=(1, 2, 3), floor=0, direction="falls"), "falls, rho < 0"),
        (Ordering(**COMMON, conditions=("a", "b"), floor=0, unit="mV"), "a < b, each step > 0 mV"),
        (Report(**COMMON | dict(required=False)), "reported"),
    ],
)
def test_a_bar_is_said_in_the_unit_of_its_metric(criterion, bar):
    assert criterion.bar == bar


def test_a_basis_says_what_is_published_and_what_was_chosen():
    source = SOURCED["source"]
    chosen_bar = Positive(**SOURCED, floor=0.1)
    assert chosen_bar.basis_text == f"direction published, bar chosen: {source}"
    both = Positive(**SOURCED, floor=0.1, bar_basis="published")
    assert both.basis_text == f"published: {source}"
    assert Positive(**COMMON, floor=0).basis_text == "chosen"


def test_cases_steps_and_levels_have_names():
    assert Positive(**COMMON, floor=0, each=["narrow", "broad"]).parts == ("narrow", "broad")
    steps = Ordering(**COMMON, conditions=("a", "b", "c"), floor=0)
    assert steps.parts == ("a < b", "b < c")
    assert steps.tested(np.array([[1.0, 3.0, 7.0]])).tolist() == [[2.0, 4.0]]


def test_a_trend_is_the_correlation_of_ranks_in_every_network():
    """By the ranks, without ties: rho = 1 - 6 sum d^2/(n (n^2 - 1))."""
    along = (0.1, 0.5, 0.7, 2.0, 3.0)
    values = np.random.default_rng(0).normal(size=(6, 5))
    ranks = np.argsort(np.argsort(values, axis=1), axis=1)
    expected = 1 - 6 * np.sum((ranks - np.arange(5)) ** 2, axis=1) / (5 * 24)
    found = Trend(**COMMON, along=along, floor=0).tested(values)
    assert found[:, 0] == pytest.approx(expected)


def test_a_metric_that_does_not_vary_has_no_trend_and_one_that_is_not_finite_has_none():
    values = np.array([[1.0, 1.0, 1.0], [1.0, np.nan, 2.0], [1.0, 2.0, 3.0]])
    found = Trend(**COMMON, along=(1, 2, 3), floor=0).tested(values)[:, 0]
    np.testing.assert_array_equal(found, [0.0, np.nan, 1.0])


@pytest.mark.parametrize(
    "make, what",
    [
        (lambda: Positive(**COMMON), "floor"),
        (lambda: Positive(**COMMON, floor=-0.1), "the floor is -0.1"),
        (lambda: Positive(**COMMON, floor=np.nan), "the floor is nan"),
        (lambda: Positive(**COMMON, floor="0.1"), "floor is '0.1'"),
        (lambda: Positive(**COMMON | dict(id="c 1"), floor=0), "'c 1'"),
        (lambda: Positive(**COMMON | dict(id=""), floor=0), "cannot be called"),
        (lambda: Positive(**COMMON | dict(metric=" "), floor=0), "metric is empty"),
        (lambda: Positive(**COMMON | dict(basis="known"), floor=0), "basis is 'known'"),
        (lambda: Positive(**COMMON | dict(basis="memory"), floor=0), "has no source"),
        (lambda: Positive(**COMMON, floor=0, each=("a", "a")), "one twice"),
        (lambda: Positive(**COMMON, floor=0, levels=(2, 2)), "one twice"),
        (lambda: Range(**COMMON, low=2, high=1), "2 to 1 is no interval"),
        (lambda: Range(**COMMON, low=0, high=np.inf), "no interval"),
        (lambda: Equivalence(**COMMON, low=np.nan, high=1), "no interval"),
        (lambda: Trend(**COMMON, along=(1, 2), floor=0), "at least three"),
        (lambda: Trend(**COMMON, along=(1, 2, 2), floor=0), "each with its own value"),
        (lambda: Trend(**COMMON, along=(1, 2, np.nan), floor=0), "finite"),
        (lambda: Trend(**COMMON, along=(1, 2, 3), floor=1), "no correlation exceeds 1"),
        (lambda: Trend(**COMMON, along=(1, 2, 3), floor=0, direction="up"), "'rises' or 'falls'"),
        (lambda: Ordering(**COMMON, conditions=("a",), floor=0), "no order"),
        (lambda: Report(**COMMON), "cannot be required"),
        (lambda: Published(1.0, 0.0, "doi"), "no z"),
        (lambda: Published(np.nan, 1.0, "doi"), "no z"),
        (lambda: Phenomenon(id="P 1", name="n", criteria=()), "cannot be called"),
        (lambda: Phenomenon(id="P01", name="n", criteria=()), "no criterion is required"),
        (
            lambda: Phenomenon(id="P01", name="n", criteria=[Range(**COMMON, low=0, high=1)] * 2),
            "share",
        ),
        (lambda: Phenomenon(id="P01", name="n", criteria=["c1"]), "criteria[0] is 'c1'"),
    ],
)
def test_a_wrong_declaration_is_refused(make, what):
    with pytest.raises(DeclarationError) as raised:
        make()
    assert what in str(raised.value) and raised.value.where and raised.value.fix

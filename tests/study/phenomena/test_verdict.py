"""The verdict on one criterion. Oracle: the definitions of docs/phenomena.md on planted values, whose
intervals and shares are known: all networks alike, or one constant away from a bar.
"""

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
from fena_sim.study.phenomena.verdict import standardised, weigh

COMMON = dict(id="c1", metric="deviant minus standard", required=True, basis="chosen")
POSITIVE = Positive(**COMMON, floor=0.1)
#: Mean 0, standard deviation 1 to a few percent, symmetric.
SPREAD = np.linspace(-1.7, 1.7, 20)
RISES = np.arange(4.0) + np.zeros((20, 1))


def around(mean, sd=0.05):
    return mean + sd * SPREAD


@pytest.mark.parametrize(
    "criterion, values, verdict",
    [
        (POSITIVE, around(0.3), "pass"),
        (POSITIVE, around(-0.3), "fail"),  # a large effect of the wrong sign
        (POSITIVE, around(0.05, 0.01), "fail"),  # beyond 0, not beyond the floor
        (POSITIVE, around(0.1), "fail"),  # at the floor
        (POSITIVE, around(0.3, 1.0), "fail"),  # the interval reaches the floor
        (POSITIVE, np.zeros(20), "fail"),  # a network that does not respond
        (POSITIVE, np.full(20, 0.3), "pass"),
        (POSITIVE, np.r_[np.full(16, 1.0), np.full(4, 0.0)], "pass"),  # 80 % of networks
        (POSITIVE, np.r_[np.full(15, 1.0), np.full(5, 0.0)], "fail"),  # 75 %
        (POSITIVE, np.r_[np.full(5, 9.0), np.full(15, 0.15), 0.0], "pass"),
        (Negative(**COMMON, floor=0.1), around(-0.3), "pass"),
        (Negative(**COMMON, floor=0.1), around(0.3), "fail"),
        (Negative(**COMMON, floor=0.1), around(-0.05, 0.01), "fail"),
        (Range(**COMMON, low=1.2, high=4), around(2.0), "pass"),
        (Range(**COMMON, low=1.2, high=4), around(1.2, 0.5), "pass"),  # the mean is at the end
        (Range(**COMMON, low=1.2, high=4), around(1.15, 0.5), "fail"),  # its interval overlaps
        (Range(**COMMON, low=1.2, high=4), around(4.1), "fail"),
        (Range(**COMMON, low=0, high=0.5), np.zeros(20), "pass"),
        (Equivalence(**COMMON, low=0.9, high=1.15), around(1.0), "pass"),
        (Equivalence(**COMMON, low=0.9, high=1.15), around(1.0, 0.5), "fail"),  # not shown
        (Equivalence(**COMMON, low=0.9, high=1.15), around(1.3), "fail"),
        (Equivalence(**COMMON, low=0.9, high=1.15), around(0.7), "fail"),
        (Equivalence(**COMMON, low=-0.2, high=0.2), np.zeros(20), "pass"),
        (Report(**COMMON | dict(required=False)), around(0.3), "reported"),
        (Trend(**COMMON, along=(1, 2, 3, 4), floor=0.5), RISES, "pass"),
        (Trend(**COMMON, along=(1, 2, 3, 4), floor=0.5), RISES[:, ::-1], "fail"),
        (Trend(**COMMON, along=(4, 3, 2, 1), floor=0.5), RISES[:, ::-1], "pass"),
        (Trend(**COMMON, along=(1, 2, 3, 4), floor=0.5, direction="falls"), -RISES, "pass"),
        (Trend(**COMMON, along=(1, 2, 3, 4), floor=0.5), 0 * RISES, "fail"),
        # A rise from 0, 2, 1 to 3 has rho = .8 in every network.
        (Trend(**COMMON, along=(1, 2, 3, 4), floor=0.7), RISES[:, [0, 2, 1, 3]], "pass"),
        (Trend(**COMMON, along=(1, 2, 3, 4), floor=0.9), RISES[:, [0, 2, 1, 3]], "fail"),
        (Ordering(**COMMON, conditions=tuple("abcd"), floor=0.5), RISES, "pass"),
        (Ordering(**COMMON, conditions=tuple("abcd"), floor=1), RISES, "fail"),
        (Ordering(**COMMON, conditions=tuple("abcd"), floor=0), RISES[:, [0, 2, 1, 3]], "fail"),
    ],
)
def test_planted_values_have_their_verdict(criterion, values, verdict):
    found = weigh(criterion, values)
    assert found.verdict == verdict
    assert (found.reason == "") == (verdict in ("pass", "reported"))
    assert found.networks == len(values) and not found.provisional


def test_the_worst_case_decides_and_is_named():
    """It is the third of four, and the row has its value and share."""
    criterion = Positive(**COMMON, floor=0.1, each=("1/60", "1/30", "1/15", "1/7.5"))
    values = np.stack([around(m) for m in (0.9, 0.6, 0.0, 0.3)], axis=1)
    found = weigh(criterion, values)
    assert (found.verdict, found.part) == ("fail", "1/15")
    assert found.value == pytest.approx(0.0, abs=1e-12) and found.share == 0.0
    good = weigh(criterion, values + 1.0)
    assert (good.verdict, good.part) == ("pass", "1/15")
    assert good.value == pytest.approx(1.0)


@pytest.mark.parametrize(
    "criterion, values, share",
    [
        (POSITIVE, np.arange(10) / 10, 0.8),  # .1 itself is not beyond the floor
        (Negative(**COMMON, floor=0), np.arange(-3.0, 7.0), 0.3),
        (Range(**COMMON, low=2, high=5), np.arange(10.0), 0.4),  # ends belong to it
        (Equivalence(**COMMON, low=2, high=5), np.arange(10.0), 0.2),
        (Report(**COMMON | dict(required=False)), np.arange(10.0), None),
    ],
)
def test_the_share_is_of_networks_beyond_the_bar(criterion, values, share):
    assert weigh(criterion, values).share == share


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_networks_are_provisional_and_must_all_be_beyond_the_bar(n):
    found = weigh(POSITIVE, np.linspace(0.2, 0.4, n))
    assert (found.verdict, found.p, found.low, found.high) == ("pass", None, 0.2, 0.4)
    assert found.provisional
    assert weigh(POSITIVE, np.linspace(0.09, 5.0, n)).verdict == "fail"


@pytest.mark.parametrize(
    "criterion",
    [POSITIVE, Range(**COMMON, low=0, high=1), Equivalence(**COMMON, low=0, high=1)],
)
def test_a_single_network_decides_nothing(criterion):
    found = weigh(criterion, np.array([0.5]))
    assert (found.verdict, found.value, found.p) == ("undecided", 0.5, None)
    assert "single network" in found.reason


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize(
    "criterion", [POSITIVE, Range(**COMMON, low=0, high=9), Equivalence(**COMMON, low=0, high=9)]
)
def test_a_network_without_a_value_is_not_left_out(criterion, bad):
    values = around(0.5)
    assert weigh(criterion, values).verdict == "pass"
    values[7] = bad
    found = weigh(criterion, values)
    assert found.verdict == "fail" and np.isnan(found.value)
    assert found.reason == "no finite value in 1 of 20 networks"


def test_a_level_that_does_not_respond_voids_what_is_said_about_it():
    about_2 = Positive(**COMMON, floor=0, levels=(2,))
    first, alive, dead = np.full(20, 5.0), np.full(20, 0.05), np.full(20, 0.049)
    assert weigh(about_2, around(0.3), {1: first, 2: alive}).verdict == "pass"
    found = weigh(about_2, around(0.3), {1: first, 2: dead})
    assert (found.verdict, found.reason) == ("void", "level 2 is alive in 0% of networks only")
    # The size of a response counts, not its sign; and a level that is not asked about does not.
    assert weigh(about_2, around(0.3), {1: -first, 2: alive, 3: dead}).verdict == "pass"
    in_most = np.r_[alive[:16], dead[:4]]
    assert weigh(about_2, around(0.3), {1: first, 2: in_most}).verdict == "pass"
    in_few = np.r_[alive[:15], dead[:5]]
    assert weigh(about_2, around(0.3), {1: first, 2: in_few}).verdict == "void"


@pytest.mark.parametrize("nothing", [0.0, np.nan])
def test_in_a_dead_network_every_level_is_dead(nothing):
    criterion = Range(**COMMON, low=0, high=0.5, levels=(1, 2))
    silence = np.full(20, nothing)
    assert weigh(criterion, np.zeros(20), {1: silence, 2: silence}).verdict == "void"
    assert weigh(criterion, np.full(20, np.nan), {1: silence, 2: silence}).verdict == "void"


@pytest.mark.parametrize(
    "mean, z, score",
    [(2.0, 0.0, 1.0), (3.0, 2.0, 0.0455), (1.0, -2.0, 0.0455), (2.5, 1.0, 0.3173)],
)
def test_z_and_its_score(mean, z, score):
    """1 - 2 |Phi(z) - 1/2| is the two-sided tail of the normal distribution: .0455 beyond 2."""
    criterion = Range(**COMMON, low=0, high=9, published=Published(2.0, 0.5, "doi"))
    found = standardised(criterion, weigh(criterion, around(mean)))
    assert found == pytest.approx((z, score), abs=1e-4)


def test_without_a_published_mean_there_is_no_z():
    assert standardised(POSITIVE, weigh(POSITIVE, around(0.3))) is None
    published = Positive(**COMMON, floor=0, published=Published(2.0, 0.5, "doi"))
    assert standardised(published, weigh(published, np.full(20, np.nan))) is None


@pytest.mark.parametrize(
    "criterion, values, responses, what",
    [
        (POSITIVE, np.zeros((20, 2)), None, "shape (20, 2)"),
        (POSITIVE, np.zeros(0), None, "shape (0,)"),
        (POSITIVE, 0.3, None, "shape ()"),
        (Trend(**COMMON, along=(1, 2, 3), floor=0), np.zeros((20, 4)), None, "shape (20, 4)"),
        (Positive(**COMMON, floor=0, each=("a",)), np.zeros(20), None, "shape (20,)"),
        (Positive(**COMMON, floor=0, levels=(2,)), np.zeros(20), None, "no response of level 2"),
        (
            Positive(**COMMON, floor=0, levels=(2,)),
            np.zeros(20),
            {1: np.ones(20), 2: np.ones(3)},
            "of each of 20 networks of level 2",
        ),
    ],
)
def test_values_of_another_shape_are_refused(criterion, values, responses, what):
    with pytest.raises(DeclarationError) as raised:
        weigh(criterion, values, responses, "P01 c1, the model")
    assert what in str(raised.value) and raised.value.where == "P01 c1, the model"
    assert raised.value.fix

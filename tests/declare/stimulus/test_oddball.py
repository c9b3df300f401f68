"""Oddball designs. Oracles: renewal theory (rate, gaps), equiprobability, and the documented
constraints.
"""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fena_sim.errors import StimulusError, UnknownNameError
from fena_sim.stimulus import (
    OMITTED,
    TokenStream,
    cascade,
    flip_flop,
    graded,
    many_standards,
    oddball,
    omissions,
    one_hot,
)

LINE = graded([f"f{i}" for i in range(1, 11)], 10, 1.0)
TONES = LINE.symbols
seeds = st.integers(0, 2**32)


def gaps(mask):
    """Number of common events before the first and between rare events."""
    return np.diff(np.flatnonzero(mask), prepend=-1) - 1


@st.composite
def attainable(draw):
    gap = draw(st.integers(0, 6))
    return gap, draw(st.floats(0.001, 1 / (gap + 1), exclude_max=gap == 0))


@given(attainable(), st.integers(1, 400), seeds)
def test_oddball_keeps_its_promises(attainable, n, seed):
    gap, p = attainable
    stream = oddball("f5", "f6", n, p, seed, LINE, min_standards=gap)
    events = stream.events
    deviant = (events["symbol"] == "f6").to_numpy()
    assert len(stream) == n
    assert set(events["symbol"]) <= {"f5", "f6"}
    assert events["role"].tolist() == ["deviant" if d else "standard" for d in deviant]
    assert set(events["condition"]) == {"oddball"}
    assert (gaps(deviant) >= gap).all()


@pytest.mark.parametrize(
    "gap, p", [(2, 1 / 60), (2, 1 / 30), (2, 1 / 15), (2, 1 / 7.5), (0, 0.3), (5, 0.1)]
)
def test_deviant_rate_and_gaps_follow_renewal_theory(gap, p):
    n = 200_000
    deviant = (
        oddball("f5", "f6", n, p, 1, LINE, min_standards=gap).events["role"] == "deviant"
    ).to_numpy()
    # Gap beyond the minimum: geometric from 0 with hazard q, mean (1-q)/q, variance (1-q)/q^2.
    q = p / (1 - gap * p)
    extra = gaps(deviant) - gap
    variance = (1 - q) / q**2
    # Renewal central limit: var(count) = n * var / mean^3, and the mean of the intervals is 1/p.
    assert abs(deviant.sum() - n * p) < 5 * np.sqrt(n * variance * p**3) + 1
    assert extra.mean() == pytest.approx((1 - q) / q, abs=5 * np.sqrt(variance / len(extra)))
    # The hazard does not depend on the wait: of the gaps that reached j, a fraction q ends there.
    for j in (0, 1, 3):
        reached = (extra >= j).sum()
        assert abs((extra == j).sum() / reached - q) < 5 * np.sqrt(q * (1 - q) / reached)


def test_the_largest_rate_is_periodic():
    stream = oddball("f5", "f6", 9, 1 / 3, 1, LINE)
    assert stream.events["symbol"].tolist() == ["f5", "f5", "f6"] * 3


def test_flip_flop_swaps_the_tokens_and_nothing_else():
    plain = oddball("f5", "f6", 500, 0.1, 3, LINE).events
    swapped = flip_flop("f5", "f6", 500, 0.1, 3, LINE).events
    assert swapped["role"].tolist() == plain["role"].tolist()
    assert swapped["symbol"].tolist() == [{"f5": "f6", "f6": "f5"}[s] for s in plain["symbol"]]
    assert set(swapped["condition"]) == {"flip_flop"}


@given(st.integers(2, 10), st.integers(1, 300), seeds)
def test_many_standards_never_repeats_at_once(k, n, seed):
    events = many_standards(TONES[:k], n, seed, LINE).events
    assert len(events) == n and set(events["symbol"]) <= set(TONES[:k])
    assert all(a != b for a, b in pairwise(events["token"]))
    assert set(events["role"]) == {"control"} and set(events["condition"]) == {"many_standards"}


def test_many_standards_are_equiprobable_with_equiprobable_transitions():
    token = many_standards(TONES, 50_000, 2, LINE).events["token"].to_numpy()
    counts = np.bincount(token, minlength=10)
    assert (abs(counts / len(token) - 0.1) < 5 * np.sqrt(0.1 * 0.9 / len(token))).all()
    table = np.zeros((10, 10))
    np.add.at(table, (token[:-1], token[1:]), 1)
    rates = table / table.sum(axis=1, keepdims=True)
    expected = (1 - np.eye(10)) / 9
    assert (
        abs(rates - expected) <= 5 * np.sqrt(expected * (1 - expected) / table.sum(axis=1)[:, None])
    ).all()


def test_many_standards_start_anywhere():
    starts = [many_standards(TONES[:3], 1, seed, LINE).events["token"][0] for seed in range(600)]
    assert (abs(np.bincount(starts, minlength=3) / 600 - 1 / 3) < 5 * np.sqrt(2 / 9 / 600)).all()


def test_cascade_runs_through_the_tokens_in_order():
    up = cascade(TONES, 25, LINE).events
    down = cascade(TONES, 25, LINE, descending=True).events
    assert up["symbol"].tolist() == [TONES[i % 10] for i in range(25)]
    assert down["symbol"].tolist() == [TONES[9 - i % 10] for i in range(25)]
    assert set(up["role"]) | set(down["role"]) == {"control"}
    assert (up["condition"][0], down["condition"][0]) == ("cascade", "cascade_descending")


@given(attainable(), st.integers(1, 300), seeds)
def test_omissions_keep_the_gap_and_know_what_was_due(attainable, n, seed):
    gap, p = attainable
    stream = many_standards(TONES, n, 0, LINE)
    events = omissions(stream, p, seed, min_gap=gap).events
    omitted = events["omitted"].to_numpy()
    assert omitted.dtype == bool
    assert (gaps(omitted) >= gap).all()
    assert events["expected"].tolist() == stream.events["token"].tolist()
    assert events["token"].tolist() == [
        -1 if o else t for o, t in zip(omitted, stream.events["token"])
    ]
    assert events["symbol"].tolist() == [
        "" if o else s for o, s in zip(omitted, stream.events["symbol"])
    ]
    assert events["role"].equals(stream.events["role"])


def test_omission_rate_is_p():
    stream = TokenStream.from_list(["a"] * 100_000, one_hot("a"))
    rate = omissions(stream, 0.1, 4).events["omitted"].mean()
    q = 0.1 / (1 - 0.4)
    assert abs(rate - 0.1) < 5 * np.sqrt((1 - q) / q**2 * 0.1**3 / len(stream))


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: oddball("f5", "f6", 300, 0.1, seed, LINE),
        lambda seed: flip_flop("f5", "f6", 300, 0.1, seed, LINE),
        lambda seed: many_standards(TONES, 300, seed, LINE),
        lambda seed: omissions(cascade(TONES, 300, LINE), 0.1, seed),
    ],
)
def test_seeds_repeat_and_differ(make):
    assert make(1) == make(1)
    assert make(1) != make(2)


def test_a_vanishing_probability_gives_no_rare_events():
    assert set(oddball("f5", "f6", 1000, 1e-300, 1, LINE).events["role"]) == {"standard"}


ONCE = omissions(cascade(TONES, 20, LINE), 0.1, 0)


@pytest.mark.parametrize(
    "build, words",
    [
        (lambda: oddball("f5", "f5", 10, 0.1, 0, LINE), "both 'f5'"),
        (lambda: oddball("f5", "f6", 0, 0.1, 0, LINE), "n must be"),
        (lambda: oddball("f5", "f6", 10, 0, 0, LINE), "p_deviant must be"),
        (lambda: oddball("f5", "f6", 10, 1.0, 0, LINE), "p_deviant must be"),
        (lambda: oddball("f5", "f6", 10, float("nan"), 0, LINE), "p_deviant must be"),
        (lambda: oddball("f5", "f6", 10, "0.1", 0, LINE), "p_deviant is '0.1'"),
        (lambda: oddball("f5", "f6", 10, 0.34, 0, LINE), "cannot be reached with min_standards=2"),
        (lambda: oddball("f5", "f6", 10, 0.1, 0, LINE, min_standards=-1), "min_standards"),
        (lambda: oddball("f5", "f6", 10, 0.1, -1, LINE), "seed"),
        (lambda: oddball("f5", "f6", 10, 0.1, 0, TONES), "vocabulary"),
        (lambda: flip_flop("f5", "f6", 10, 0.5, 0, LINE), "cannot be reached"),
        (lambda: many_standards(["f1"], 10, 0, LINE), "two or more"),
        (lambda: many_standards([], 10, 0, LINE), "two or more"),
        (lambda: many_standards(["f1", "f2", "f1"], 10, 0, LINE), "two or more"),
        (lambda: many_standards(TONES, 0, 0, LINE), "n must be"),
        (lambda: many_standards(TONES, 10, 1.5, LINE), "seed"),
        (lambda: cascade(["f1", "f1"], 10, LINE), "two or more"),
        (lambda: cascade(TONES, 0, LINE), "n must be"),
        (lambda: cascade(TONES, 10, "f1"), "vocabulary"),
        (lambda: omissions(ONCE, 0.1, 0), "omissions already"),
        (
            lambda: omissions(TokenStream.from_list(["f1", OMITTED], LINE), 0.1, 0),
            "omissions already",
        ),
        (lambda: omissions(cascade(TONES, 20, LINE), 0.21, 0), "cannot be reached with min_gap=4"),
        (lambda: omissions(cascade(TONES, 20, LINE), 1.5, 0), "p must be"),
        (lambda: omissions(cascade(TONES, 20, LINE), 0.1, 0, min_gap=1.5), "min_gap"),
    ],
)
def test_refusals_say_what_where_and_how_to_fix(build, words):
    with pytest.raises(StimulusError) as caught:
        build()
    assert words in caught.value.what
    assert caught.value.where and caught.value.fix


@pytest.mark.parametrize(
    "build",
    [
        lambda: oddball("f5", "f66", 10, 0.1, 0, LINE),
        lambda: flip_flop("f55", "f6", 10, 0.1, 0, LINE),
        lambda: many_standards(["f1", "f22"], 10, 0, LINE),
        lambda: cascade(["f1", "f22"], 10, LINE),
    ],
)
def test_unknown_tokens_name_the_nearest(build):
    with pytest.raises(UnknownNameError, match="did you mean 'f[0-9]'"):
        build()

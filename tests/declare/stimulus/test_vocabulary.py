"""Vocabularies. Oracles: closed forms of the codes and the documented refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fena_sim.errors import FenaError, StimulusError, UnknownNameError
from fena_sim.stimulus import Vocabulary, dense_random, graded, one_hot


def test_one_hot_is_the_identity():
    vocabulary = one_hot("abc")
    assert vocabulary.symbols == ("a", "b", "c")
    assert vocabulary.kind == "one_hot"
    assert (len(vocabulary), vocabulary.size) == (3, 3)
    np.testing.assert_array_equal(vocabulary.codes, np.eye(3))
    assert [vocabulary.index(s) for s in "cab"] == [2, 0, 1]


@given(units=st.integers(2, 40), seed=st.integers(0, 2**32))
def test_dense_random_rows_have_unit_norm_and_follow_the_seed(units, seed):
    vocabulary = dense_random("abcd", units, seed)
    assert vocabulary.codes.shape == (4, units)
    np.testing.assert_allclose(np.sum(vocabulary.codes**2, axis=1), 1)
    assert vocabulary == dense_random("abcd", units, seed)
    assert vocabulary != dense_random("abcd", units, seed + 1)


def test_dense_random_directions_are_isotropic():
    # The mean of N random unit vectors has squared length 1/N, each unit variance 1/units.
    codes = dense_random([f"s{i}" for i in range(4000)], 20, 0).codes
    assert np.sum(codes.mean(axis=0) ** 2) == pytest.approx(1 / 4000, rel=2)
    np.testing.assert_allclose(codes.var(axis=0), 1 / 20, rtol=0.15)


def test_graded_with_as_many_symbols_as_bins_is_a_gaussian_on_each_bin():
    vocabulary = graded([f"f{i}" for i in range(41)], 41, 1.0)
    for i, code in enumerate(vocabulary.codes):
        assert code.argmax() == i
        assert np.sum(code**2) == pytest.approx(1)
        for distance in (1, 2, 3):
            if i + distance < 41:
                assert code[i + distance] / code[i] == pytest.approx(np.exp(-(distance**2) / 2))


def test_graded_overlap_is_that_of_two_gaussians():
    # Far from the ends the inner product of unit bumps at distance D is exp(-D^2 / (4 sd^2)).
    codes = graded([str(i) for i in range(61)], 61, 2.5).codes
    for distance in (1, 3, 6):
        assert codes[30] @ codes[30 + distance] == pytest.approx(
            np.exp(-(distance**2) / (4 * 2.5**2)), rel=1e-6
        )


def test_graded_centres_are_even_and_symmetric_with_fewer_symbols_than_bins():
    codes = graded("abcd", 41, 1.0).codes
    # A squared Gaussian has the same mean; sampling it at whole bins shifts that by about 2e-4.
    centres = codes**2 @ np.arange(41)
    np.testing.assert_allclose(np.diff(centres), 41 / 4, atol=1e-3)
    np.testing.assert_allclose(codes, codes[::-1, ::-1])


@pytest.mark.parametrize("sd", [1e-200, 1e-9])
def test_graded_bumps_much_narrower_than_a_bin_are_one_hot(sd):
    np.testing.assert_array_equal(graded("abcde", 5, sd).codes, np.eye(5))


@pytest.mark.parametrize(
    "build, words",
    [
        (lambda: one_hot(""), "no symbols"),
        (lambda: one_hot("abca"), "'a' is given twice"),
        (lambda: one_hot(["a", ""]), "symbol 1"),
        (lambda: one_hot(["a", 3]), "symbols[1] is 3"),
        (lambda: one_hot(["a", []]), "symbols[1]"),
        (lambda: one_hot(7), "symbols"),
        (lambda: one_hot(["a", "b\ud800"]), "half of a surrogate pair"),
        (lambda: dense_random("ab", 0, 1), "units"),
        (lambda: dense_random("ab", 2.5, 1), "units"),
        (lambda: dense_random("ab", True, 1), "units"),
        (lambda: dense_random("ab", 4, -1), "seed"),
        (lambda: dense_random("ab", 4, None), "seed"),
        (lambda: dense_random("", 4, 1), "no symbols"),
        (lambda: dense_random("abc", 1, 1), "same code"),
        (lambda: graded("ab", 0, 1), "units"),
        (lambda: graded("", 4, 1), "no symbols"),
        (lambda: graded("ab", 4, 0), "sd"),
        (lambda: graded("ab", 4, -1.0), "sd"),
        (lambda: graded("ab", 4, float("nan")), "sd"),
        (lambda: graded("ab", 4, float("inf")), "sd"),
        (lambda: graded("ab", 4, "1"), "sd"),
        (lambda: graded("ab", 1, 1), "same code"),
        (lambda: Vocabulary("ab", [[1, 0], [np.nan, 1]]), "'b' is not finite"),
        (lambda: Vocabulary("ab", [[1, 0], [np.inf, 1]]), "'b' is not finite"),
        (lambda: Vocabulary("ab", [[1, 0]]), "shape (1, 2)"),
        (lambda: Vocabulary("ab", [1, 0]), "shape (2,)"),
        (lambda: Vocabulary("ab", np.zeros((2, 0))), "shape (2, 0)"),
        (lambda: Vocabulary("ab", [[1, 0], [1]]), "rectangular"),
        (lambda: Vocabulary("ab", [[1, 0], [1, 0]]), "same code"),
    ],
)
def test_refusals_say_what_where_and_how_to_fix(build, words):
    with pytest.raises(StimulusError) as caught:
        build()
    assert words in caught.value.what
    assert caught.value.where and caught.value.fix


def test_unknown_symbol_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'tone'"):
        one_hot(["tone", "noise"]).index("tome")
    with pytest.raises(FenaError):
        one_hot("ab").index(["a"])


def test_codes_cannot_be_changed_and_the_callers_array_is_not_kept():
    mine = np.eye(2)
    vocabulary = Vocabulary("ab", mine)
    mine[0, 0] = 5
    assert vocabulary.codes[0, 0] == 1
    with pytest.raises(ValueError):
        vocabulary.codes[0, 0] = 2


def test_equality_needs_symbols_and_codes():
    assert one_hot("ab") == one_hot("ab") and hash(one_hot("ab")) == hash(one_hot("ab"))
    assert one_hot("ab") != one_hot("ba")
    assert Vocabulary("ab", np.eye(2), "x") != Vocabulary("ab", 2 * np.eye(2), "x")

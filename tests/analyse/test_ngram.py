"""n-gram tables. Oracles: an independent recursion over raw text positions, and the closed-form
entropy rate of a Markov chain."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fena_sim.errors import StimulusError
from fena_sim.measure import NGram, ngram_table


def brute_force(train, context, symbol, n_symbols):
    """p(symbol | context) by the documented recursion, counting in the training text anew."""
    if context is None:
        return 1 / n_symbols
    n = len(context)
    followers = [
        train[t] for t in range(n, len(train)) if train[t] >= 0 and train[t - n : t] == context
    ]
    shorter = brute_force(train, context[1:] if n else None, symbol, n_symbols)
    return (followers.count(symbol) + shorter) / (len(followers) + 1)


streams = st.lists(st.integers(-1, 2), min_size=1, max_size=25)


@settings(max_examples=60, deadline=None)
@given(train=streams, test=streams, order=st.integers(1, 4))
def test_probabilities_agree_with_brute_force(train, test, order):
    p = NGram(order, 3).fit(train).probabilities(test)
    for t in range(len(test)):
        context = test[max(0, t - order + 1) : t]
        expected = [brute_force(train, context, symbol, 3) for symbol in range(3)]
        np.testing.assert_allclose(p[t], expected, rtol=1e-12)
    np.testing.assert_allclose(p.sum(axis=1), 1)


@settings(max_examples=30, deadline=None)
@given(train=streams, test=streams, order=st.integers(1, 3))
def test_online_is_a_fresh_fit_before_every_token(train, test, order):
    """Without earlier counts, prequential = fitting on everything before the token."""
    p = NGram(order, 3).probabilities(test, online=True)
    for t in range(len(test)):
        context = test[max(0, t - order + 1) : t]
        expected = [brute_force(test[:t], context, symbol, 3) for symbol in range(3)]
        np.testing.assert_allclose(p[t], expected, rtol=1e-12)


def test_online_leaves_the_counts_as_they_were():
    table = NGram(2, 2).fit([0, 1, 0, 1, 1])
    before = table.probabilities([0, 1, 1])
    table.probabilities([1, 1, 1, 1, 0], online=True)
    np.testing.assert_array_equal(table.probabilities([0, 1, 1]), before)


def markov(n, seed):
    """A chain over 3 symbols: stationary distribution uniform, entropy rate known."""
    rng = np.random.default_rng(seed)
    steps = rng.choice(3, size=n, p=[0.1, 0.7, 0.2])
    return np.cumsum(steps) % 3


@pytest.mark.slow
def test_markov_chain_entropy_rate():
    train, test = markov(20000, 1), markov(20000, 2)
    entropy = -sum(p * np.log2(p) for p in (0.1, 0.7, 0.2))
    table = ngram_table(train, test, 3)
    assert list(table.index) == ["unigram", "bigram", "trigram", "4-gram", "5-gram"]
    assert table.loc["unigram", "bits"] == pytest.approx(np.log2(3), abs=0.01)
    for name in ("bigram", "trigram"):
        assert table.loc[name, "bits"] == pytest.approx(entropy, abs=0.02)
        assert table.loc[name, "accuracy"] == pytest.approx(0.7, abs=0.02)


def test_scores_by_hand():
    """Counts 3 and 1: p = (3.5/5, 1.5/5); the first token and the omission do not count."""
    table = NGram(1, 2).fit([0, 0, 0, 1])
    test = [1, 0, -1, 1]
    assert table.accuracy(test) == 0.5
    assert table.bits(test) == pytest.approx(-(np.log2(0.7) + np.log2(0.3)) / 2)
    assert table.bits(test, mask=[True, False, True, True]) == pytest.approx(-np.log2(0.3))


@pytest.mark.parametrize("tokens", [[0, 3], [-2, 0], [[0, 1], [1, 0]]])
def test_foreign_tokens_are_refused(tokens):
    with pytest.raises(StimulusError, match="indices"):
        NGram(2, 3).fit(tokens)


def test_impossible_tables_are_refused():
    with pytest.raises(StimulusError, match="order is 0"):
        NGram(0, 3)
    with pytest.raises(StimulusError, match="no event is left"):
        NGram(1, 3).fit([0]).bits([0])


def test_the_table_of_a_whole_run_takes_under_a_second():
    train, test = markov(16000, 1), markov(1500, 2)

    def seconds():
        start = time.process_time()
        ngram_table(train, test, 16)
        return time.process_time() - start

    assert any(seconds() < 1 for _ in range(20))  # a busy machine makes some of them longer

"""Hidden states of grammars. Oracle: small chains written out by hand."""

import numpy as np
import pytest

from fena_sim.errors import StimulusError
from fena_sim.stimulus import AgreementGrammar, Grammar, HiddenStates, MotifGrammar, NestedGrammar


def test_words_become_one_state_per_token():
    states = HiddenStates.of_words([[5], [6, 7]], [0.25, 0.75], [[0.5, 0.5], [1, 0]])
    np.testing.assert_array_equal(states.token, [5, 6, 7])
    np.testing.assert_array_equal(states.start, [0.25, 0.75, 0])
    expected = [[0.5, 0.5, 0], [0, 0, 1], [1, 0, 0]]
    np.testing.assert_array_equal(states.chances.toarray(), expected)


@pytest.mark.parametrize("grammar", [MotifGrammar(), NestedGrammar(), AgreementGrammar()])
@pytest.mark.parametrize("held_out", [False, True])
def test_every_state_that_is_reached_goes_on(grammar, held_out):
    states = grammar.hidden_states(held_out)
    assert isinstance(grammar, Grammar) and states.chances.nnz < 5 * len(states.token)
    reached = states.start > 0
    while True:
        further = reached | (reached @ states.chances > 0)
        if (further == reached).all():
            break
        reached = further
    np.testing.assert_allclose(states.chances.sum(axis=1)[reached], 1)
    assert set(states.token[reached]) == set(range(16))


@pytest.mark.parametrize(
    "start, chances, token, words",
    [
        ([1.0], [[1.0]], [0, 1], "shapes"),
        ([0.5, 0.5], [[1.0, 0]], [0, 1], "shapes"),
        ([0.5, 0.5], [[1.0, 0], [0, 1]], [0.0, 1.0], "float64"),
        ([0.5, 0.6], [[1.0, 0], [0, 1]], [0, 1], "not probabilities"),
        ([1.5, -0.5], [[1.0, 0], [0, 1]], [0, 1], "not probabilities"),
        ([1, 0], [[1.5, -0.5], [0, 1]], [0, 1], "not probabilities"),
        ([1, np.nan], [[1, 0], [0, 1]], [0, 1], "not probabilities"),
        ([1, 0], [[np.nan, 0], [0, 1]], [0, 1], "not probabilities"),
        ([1, 0], [[0.5, 0.4], [0, 1]], [0, 1], "after state 0 sum to 0.9"),
    ],
)
def test_refusals(start, chances, token, words):
    with pytest.raises(StimulusError) as caught:
        HiddenStates(start, chances, token)
    assert words in caught.value.what and caught.value.where == "HiddenStates" and caught.value.fix

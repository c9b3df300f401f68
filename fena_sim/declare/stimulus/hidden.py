"""What a grammar tells an ideal observer: its hidden states, and how one follows another."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import attrs
import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from ...errors import StimulusError
from .vocabulary import Vocabulary


def _numbers(values: ArrayLike) -> np.ndarray:
    return np.asarray(values, dtype=np.float64)


def _sparse(chances: ArrayLike | sparse.sparray) -> sparse.csr_array:
    return sparse.csr_array(chances, dtype=np.float64)


@attrs.frozen(eq=False)
class HiddenStates:
    """A Markov chain whose states each emit one token, always the same.

    Parameters
    ----------
    start : array of float, shape (n_states,)
        Probability of the first state of a stream; sums to one.
    chances : sparse or dense array of float, shape (n_states, n_states)
        Probability of the next state (column) given a state (row), kept as a sparse array. Rows sum
        to one, or are zero for states that no stream reaches.
    token : array of int, shape (n_states,)
        The token that a state emits, as an index in the vocabulary.

    Raises
    ------
    StimulusError
        Shapes that do not fit, a number that is no probability, or rows with another sum.
    """

    start: np.ndarray = attrs.field(converter=_numbers)
    chances: sparse.csr_array = attrs.field(converter=_sparse)
    token: np.ndarray = attrs.field(converter=np.asarray)

    def __attrs_post_init__(self):
        n, where = len(self.token), "HiddenStates"
        shapes = self.start.shape, self.chances.shape, self.token.shape
        if shapes != ((n,), (n, n), (n,)) or self.token.dtype.kind not in "iu":
            raise StimulusError(
                f"start, chances and token have the shapes {shapes}, and tokens are {self.token.dtype}",
                where=where,
                fix="give shapes (n,), (n, n) and (n,) for n states, and whole numbers as tokens",
            )
        rows = self.chances.sum(axis=1)
        # Written so that a NaN fails each of them.
        possible = self.start.min() >= 0 and (not self.chances.nnz or self.chances.data.min() >= 0)
        if not (possible and np.isclose(self.start.sum(), 1)):
            raise StimulusError(
                "start or chances are not probabilities",
                where=where,
                fix="give numbers from 0 on, and a start that sums to one",
            )
        wrong = ~(np.isclose(rows, 1) | (rows == 0))
        if wrong.any():
            state = int(np.argmax(wrong))
            raise StimulusError(
                f"the chances after state {state} sum to {rows[state]:g}",
                where=where,
                fix="let every row sum to one, or to zero where no stream gets",
            )

    @classmethod
    def of_words(
        cls, words: Sequence[Sequence[int]], start: ArrayLike, following: ArrayLike | sparse.sparray
    ) -> "HiddenStates":
        """States of a chain of words: one for each token of each word.

        Parameters
        ----------
        words : sequence of sequences of int
            Tokens of each word, at least one; a word that is met in two contexts is given twice.
        start : array of float, shape (n_words,)
            Probability of the first word.
        following : sparse or dense array of float, shape (n_words, n_words)
            Probability of the next word (column) given a word (row).

        Raises StimulusError as the class does.
        """
        ends = np.cumsum([len(word) for word in words])
        first, last, n = np.array([0, *ends[:-1]]), ends - 1, int(ends[-1])
        inside = np.setdiff1d(np.arange(n), last)
        junctions = sparse.coo_array(following)
        rows = np.concatenate([inside, last[junctions.coords[0]]])
        columns = np.concatenate([inside + 1, first[junctions.coords[1]]])
        values = np.concatenate([np.ones(len(inside)), junctions.data])
        begin = np.zeros(n)
        begin[first] = start
        return cls(
            begin,
            sparse.csr_array((values, (rows, columns)), shape=(n, n)),
            np.concatenate([np.asarray(word) for word in words]),
        )


@runtime_checkable
class Grammar(Protocol):
    """What :class:`fena_sim.measure.IdealObserver` asks of a grammar; MotifGrammar, NestedGrammar
    and AgreementGrammar have it, and so may a class of your own.
    """

    @property
    def vocabulary(self) -> Vocabulary:
        """What the tokens of the hidden states are indices of."""
        ...

    def hidden_states(self, held_out: bool = False) -> HiddenStates:
        """The chain from which training streams are drawn, or those with held-out combinations."""
        ...

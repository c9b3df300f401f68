"""n-gram count tables: a network that beats them has learned more than local statistics.

An n-gram predicts a token from the n - 1 tokens before it, so a bigram knows one token of context.
"""

from collections.abc import Sequence

import attrs
import numpy as np
import pandas as pd

from ..declare.arguments import checked
from ..errors import DeclarationError, StimulusError, clipped
from .select import narrow

# Weight of the shorter context, in pseudo-counts. Fixed before any comparison was made.
BACK_OFF = 1.0

NAMES = ("unigram", "bigram", "trigram", "4-gram", "5-gram")


#: Tokens of context, and symbols, of which no table can be counted.
MOST = 10**6


@checked(DeclarationError)
@attrs.define
class NGram:
    """An interpolated n-gram table.

    Formula, from the uniform distribution ``p_0 = 1/n_symbols`` up to ``p_order``::

        p_n(x | h_n) = (c(h_n, x) + a*p_{n-1}(x | h_{n-1})) / (N(h_n) + a),    a = 1

    with ``h_n`` the n - 1 preceding tokens, ``c`` the count of x after ``h_n`` and ``N`` the count
    of ``h_n``. An unseen context, or one that reaches back beyond the first token, backs off to
    the shorter one. Source: MacKay & Peto 1995, Nat. Lang. Eng. 1:289 (hierarchical Dirichlet
    language model, here with a fixed a).

    An omitted token (-1) is part of the context like a symbol of its own, but is never counted or
    scored as a target. The first token is not scored, as for the network.

    Parameters
    ----------
    order : int
        1 for a unigram, 2 for a bigram, and so on.
    n_symbols : int
        Size of the vocabulary; tokens are 0 to n_symbols - 1.

    Raises
    ------
    StimulusError
        If order or n_symbols is below 1, or a token lies outside the vocabulary.
    """

    order: int = attrs.field()
    n_symbols: int = attrs.field()
    _tables: list = attrs.field(init=False, repr=False)  # per context length: context -> counts

    @order.validator
    @n_symbols.validator
    def _positive(self, attribute, value):
        if not 1 <= value <= MOST:
            raise StimulusError(
                f"{attribute.name} is {clipped(value)}",
                where=f"NGram({attribute.name}=...)",
                fix=f"use 1 to {MOST}",
            )

    def __attrs_post_init__(self):
        self._tables = [{} for _ in range(self.order)]

    @checked(DeclarationError)
    def fit(self, tokens: np.ndarray | Sequence[int]) -> "NGram":
        """Count ``tokens`` (int, shape ``(event,)``) afresh, and return the table itself."""
        self._tables = [{} for _ in range(self.order)]
        tokens = self._checked(tokens)
        for t in range(len(tokens)):
            self._count(self._tables, tokens, t)
        return self

    @checked(DeclarationError)
    def probabilities(self, tokens: np.ndarray | Sequence[int], online: bool = False) -> np.ndarray:
        """Distribution over symbols before each token: shape ``(event, n_symbols)``, rows sum to 1.

        With ``online`` each token is counted after it was predicted (prequential scoring, Dawid
        1984, J. R. Stat. Soc. A 147:278); the counts of :meth:`fit` are where it starts and are
        left as they were.
        """
        tokens = self._checked(tokens)
        tables = self._tables
        if online:
            tables = [{h: counts.copy() for h, counts in table.items()} for table in tables]
        result = np.empty((len(tokens), self.n_symbols))
        for t in range(len(tokens)):
            p = np.full(self.n_symbols, 1 / self.n_symbols)
            for context, table in zip(self._contexts(tokens, t), tables, strict=False):
                counts = table.get(context)
                if counts is None:  # then no longer context was seen either
                    break
                p = (counts + BACK_OFF * p) / (counts.sum() + BACK_OFF)
            result[t] = p
            if online:
                self._count(tables, tokens, t)
        return result

    @checked(DeclarationError)
    def accuracy(
        self,
        tokens: np.ndarray | Sequence[int],
        mask: np.ndarray | None = None,
        online: bool = False,
    ) -> float:
        """Share of scored tokens that were the most probable one (ties go to the lower index)."""
        p, targets = self._scored(tokens, mask, online)
        return float((p.argmax(axis=1) == targets).mean())

    @checked(DeclarationError)
    def bits(
        self,
        tokens: np.ndarray | Sequence[int],
        mask: np.ndarray | None = None,
        online: bool = False,
    ) -> float:
        """Mean of ``-log2 p(token)`` over scored tokens, in bits per token."""
        p, targets = self._scored(tokens, mask, online)
        return float(-np.log2(p[np.arange(len(targets)), targets]).mean())

    def _scored(self, tokens, mask, online):
        targets = np.asarray(tokens)
        allowed = targets >= 0
        allowed[:1] = False
        keep = narrow(allowed, mask, where=f"n-gram table of order {self.order}")
        return self.probabilities(tokens, online)[keep], targets[keep]

    def _contexts(self, tokens, t):
        """The contexts of token t, shortest first, as far back as the stream and order reach."""
        return (tuple(tokens[t - n : t]) for n in range(min(self.order, t + 1)))

    def _count(self, tables, tokens, t):
        if tokens[t] < 0:
            return
        for context, table in zip(self._contexts(tokens, t), tables, strict=False):
            if context not in table:
                table[context] = np.zeros(self.n_symbols)
            table[context][tokens[t]] += 1

    def _checked(self, tokens):
        tokens = np.asarray(tokens)
        if tokens.ndim != 1 or ((tokens < -1) | (tokens >= self.n_symbols)).any():
            raise StimulusError(
                f"tokens must be one row of indices from -1 (omitted) to {self.n_symbols - 1}",
                where=f"NGram(order={self.order}, n_symbols={self.n_symbols})",
                fix="use the `token` column of an event table and the size of its vocabulary",
            )
        return tokens.tolist()  # tuples of plain ints hash several times faster


@checked(DeclarationError)
def ngram_table(
    train_tokens: np.ndarray | Sequence[int],
    test_tokens: np.ndarray | Sequence[int],
    n_symbols: int,
    mask: np.ndarray | None = None,
) -> pd.DataFrame:
    """Score unigram to 5-gram tables, counted on one stream, on another one (claim C13).

    Parameters
    ----------
    train_tokens, test_tokens : array of int, shape (event,)
        Vocabulary indices, -1 = omitted. The tables are frozen while they are tested.
    n_symbols : int
        Size of the vocabulary.
    mask : array of bool, shape (event of the test,), optional
        Test events to score; contexts still run over all of them.

    Returns
    -------
    pandas.DataFrame
        Rows unigram, bigram, trigram, 4-gram, 5-gram (0 to 4 tokens of context); columns
        ``accuracy`` and ``bits`` (per token).

    Raises
    ------
    StimulusError
        If a token lies outside the vocabulary, or none is left to score.
    """
    rows = {}
    for order, name in enumerate(NAMES, start=1):
        table = NGram(order, n_symbols).fit(train_tokens)
        rows[name] = {
            "accuracy": table.accuracy(test_tokens, mask),
            "bits": table.bits(test_tokens, mask),
        }
    return pd.DataFrame.from_dict(rows, orient="index")

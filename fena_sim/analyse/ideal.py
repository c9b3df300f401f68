"""The ideal observer of a grammar, and the bounds that it sets for every model."""

from collections.abc import Sequence

import attrs
import numpy as np

from ..declare.arguments import checked
from ..declare.stimulus.hidden import Grammar
from ..errors import DeclarationError, StimulusError, clipped
from .select import narrow


def _require_grammar(instance, attribute, value):
    if isinstance(value, type) or not isinstance(value, Grammar):
        raise StimulusError(
            f"the grammar is {clipped(value)}",
            where="IdealObserver.grammar",
            fix="give a MotifGrammar, a NestedGrammar, an AgreementGrammar, or an object with "
            "vocabulary and hidden_states(held_out)",
        )


@checked(DeclarationError)
@attrs.frozen
class IdealObserver:
    """The Bayes-optimal observer of a grammar: it knows the rule, and nothing but the tokens so far.

    Formula: the forward algorithm (Rabiner 1989, Proc. IEEE 77:257) over the hidden states z of the
    grammar (of the motif grammar: class before the motif's, motif, position), each of which emits
    its token with certainty::

        p_t(k) = sum_z p(z_t = z | x_1..x_{t-1}) [token(z) = k]

    so that motifs which begin alike, or which may be cut in several ways, stay open until the
    tokens decide. An omitted token (-1) moves the states on and tells nothing. The chances are those
    from which the grammar draws its streams (:meth:`fena_sim.stimulus.MotifGrammar.hidden_states`).

    Parameters
    ----------
    grammar : MotifGrammar, NestedGrammar, AgreementGrammar or other Grammar
        Anything with the two members of :class:`fena_sim.stimulus.Grammar`.
    held_out : bool
        False: the stream is one of ``grammar.training``, in which no held-out combination occurs.
        True: it is one of ``grammar.held_out``, and the observer expects such combinations as often
        as they occur there, unlike a network that never met one.

    Raises
    ------
    StimulusError
        If `grammar` has no vocabulary or no hidden states.
    """

    grammar: Grammar = attrs.field(validator=_require_grammar)
    held_out: bool = False

    @checked(DeclarationError)
    def probabilities(self, tokens: np.ndarray | Sequence[int]) -> np.ndarray:
        """Distribution over symbols before each token: shape ``(event, symbol)``, rows sum to 1.

        Parameters
        ----------
        tokens : array of int, shape (event,)
            A stream from its first token on; -1 = omitted.

        Raises
        ------
        StimulusError
            At a token that the grammar cannot produce there.
        """
        states = self.grammar.hidden_states(self.held_out)
        # Sparse: nearly every state has one successor. Transposed once, so that a step is a product.
        token, onwards = states.token, states.chances.T.tocsr()
        n_symbols = len(self.grammar.vocabulary)
        belief, found = states.start, []
        for t, seen in enumerate(np.asarray(tokens).tolist()):
            found.append(np.bincount(token, weights=belief, minlength=n_symbols))
            if seen >= 0:
                belief = belief * (token == seen)
                if not belief.any():
                    raise StimulusError(
                        f"the grammar cannot produce token {seen} here",
                        where=f"token {t} of the stream, held_out={self.held_out}",
                        fix="give a whole stream of this grammar, and held_out=True if it comes from held_out()",
                    )
            belief = onwards @ belief
            belief = belief / belief.sum()
        return np.array(found)

    @checked(DeclarationError)
    def accuracy(self, tokens: np.ndarray | Sequence[int], mask: np.ndarray | None = None) -> float:
        """Share of scored tokens that were the most probable one (ties go to the lower index)."""
        p, targets = self._scored(tokens, mask)
        return float((p.argmax(axis=1) == targets).mean())

    @checked(DeclarationError)
    def bits(self, tokens: np.ndarray | Sequence[int], mask: np.ndarray | None = None) -> float:
        """Mean of ``-log2 p(token)`` over scored tokens, in bits per token."""
        p, targets = self._scored(tokens, mask)
        return float(-np.log2(p[np.arange(len(targets)), targets]).mean())

    def _scored(self, tokens, mask):
        """Distributions before, and tokens of, the events that count: not the first, and no omitted
        ones.
        """
        targets = np.asarray(tokens)
        allowed = targets >= 0
        allowed[:1] = False
        keep = narrow(allowed, mask, where=f"ideal observer of {type(self.grammar).__name__}")
        return self.probabilities(targets)[keep], targets[keep]


@attrs.frozen
class Floor:
    """What the best possible model of a stream reaches: `bits` per token, `accuracy`, squared onset
    `error` per unit.
    """

    bits: float
    accuracy: float
    error: float


@checked(DeclarationError)
def entropy_floor(
    grammar: Grammar,
    tokens: np.ndarray | Sequence[int],
    mask: np.ndarray | None = None,
    held_out: bool = False,
    amplitude: float = 1.0,
) -> Floor:
    """The best that any model can expect on a stream of the grammar (claims C06, C12, C13).

    Formulas, with p_t the distribution of :class:`IdealObserver` before token t and c_k the code of
    symbol k::

        bits     = mean_t sum_k -p_t(k) log2 p_t(k)
        accuracy = mean_t max_k p_t(k)
        error    = mean_t sum_k p_t(k) |a c_k - a sum_j p_t(j) c_j|^2 / n_units

    All are expectations given the tokens before t, so they do not depend on how the dice fell at t.
    The squared error is least where the prediction is the mean of what may come; ``error`` is in
    the units of :func:`fena_sim.measure.level_errors` if a is the amplitude that the model gives to
    its codes (FENA: sqrt(n_units)). Window: presented tokens of the stream but the first.

    Parameters
    ----------
    grammar : MotifGrammar, NestedGrammar, AgreementGrammar or other Grammar
    tokens : array of int, shape (event,)
        The stream that the model is tested on, from its first token on; -1 = omitted.
    mask : array of bool, shape (event,), optional
        Events to keep, for example :func:`fena_sim.measure.inside_motif`.
    held_out : bool
        Whether the stream comes from ``grammar.held_out``.
    amplitude : float
        a.

    Returns
    -------
    Floor

    Raises
    ------
    StimulusError
        If the grammar cannot produce the tokens, or none is left to score.
    """
    p, _ = IdealObserver(grammar, held_out)._scored(tokens, mask)
    codes = amplitude * grammar.vocabulary.codes
    error = p @ (codes**2).sum(axis=1) - ((p @ codes) ** 2).sum(axis=1)
    bits = -(p * np.log2(p, out=np.zeros_like(p), where=p > 0)).sum(axis=1)
    return Floor(
        float(bits.mean()), float(p.max(axis=1).mean()), float(error.mean() / codes.shape[1])
    )

"""The motif grammar: words of shared tokens under a second-order rule, with combinations held out."""

from collections.abc import Collection, Iterable

import attrs
import numpy as np

from ...errors import StimulusError, clipped
from ..arguments import checked
from ..sequence import check_order, sequence
from ._check import generator, probability, whole
from .stream import TokenStream
from .vocabulary import Vocabulary, one_hot

_CLASSES = 3
#: Share of the junctions, after motifs that begin a held-out pair, that `held_out` sends through
#: one.
_P_NOVEL = 0.5


def _motifs(motifs: Iterable) -> tuple:
    where = "MotifGrammar.motifs"
    return tuple(
        sequence(motif, "the symbols of one of the motifs", where, StimulusError)
        for motif in sequence(motifs, "motifs", where, StimulusError)
    )


def _pairs(pairs: Collection) -> frozenset:
    where = "MotifGrammar.held_out_pairs"
    try:
        pairs = list(pairs)
        for pair in pairs:
            check_order(pair, "the two of a held-out pair", where, StimulusError)
        return frozenset((first, second) for first, second in pairs)
    except StimulusError:
        raise
    except Exception:  # whatever an object's own iterator raises
        raise StimulusError(
            f"held-out pairs must be pairs of motif numbers, but are {clipped(pairs)}",
            where=where,
            fix="give for instance {(0, 4), (1, 8)}",
        ) from None


@checked(StimulusError)
@attrs.frozen(kw_only=True)
class MotifGrammar:
    """Motifs in 3 classes of k, chained by a rule on the last two classes.

    Motif m has class m // k and index m % k. After a motif of class c1, and another class c2 before
    it, the next class is the third one with probability `p_class` and c2 again otherwise; the index
    stays with probability `p_index` and is drawn uniformly from all k otherwise. A stream starts as
    if after the classes 0, 1 and a random index. The default motifs share tokens across classes, so
    that a token is predicted well only from the motif it is in, and the first token of a motif only
    from the two motifs before it.

    Parameters
    ----------
    vocabulary : Vocabulary
        Default: one-hot 'a' to 'p'.
    motifs : sequence of motifs
        3 * k motifs, each a string of single-character symbols or a sequence of symbols.
    held_out_pairs : set of (int, int)
        Pairs of motif numbers that never follow each other in training.
    p_class, p_index : float in [0, 1]

    Raises
    ------
    StimulusError
        Number of motifs not 3 * k, an empty motif, a held-out pair of motifs that do not exist, or
        a number outside [0, 1].
    UnknownNameError
        A motif with a symbol that is not in the vocabulary.
    """

    vocabulary: Vocabulary = attrs.field(factory=lambda: one_hot("abcdefghijklmnop"))
    motifs: tuple = attrs.field(
        default=("aef", "begh", "cefid", "jka", "klmf", "dlmni", "ope", "pnkg", "moljh"),
        converter=_motifs,
    )
    held_out_pairs: frozenset = attrs.field(
        default=((0, 4), (1, 8), (2, 3), (3, 7), (4, 2), (5, 6), (6, 1), (7, 5), (8, 0)),
        converter=_pairs,
    )
    p_class: float = attrs.field(default=0.9)
    p_index: float = attrs.field(default=0.8)

    @motifs.validator
    def _check_motifs(self, attribute, motifs):
        if not motifs or len(motifs) % _CLASSES:
            raise StimulusError(
                f"{len(motifs)} motifs do not make {_CLASSES} classes of equal size",
                where="MotifGrammar.motifs",
                fix=f"give {_CLASSES}, {2 * _CLASSES}, {3 * _CLASSES}, ... motifs",
            )
        for m, motif in enumerate(motifs):
            where = f"MotifGrammar.motifs[{m}]"
            if not motif:
                raise StimulusError(
                    "the motif is empty", where=where, fix="give at least one token"
                )
            for symbol in motif:
                self.vocabulary.index(symbol, where=where)

    @held_out_pairs.validator
    def _check_pairs(self, attribute, pairs):
        for pair in pairs:
            for m in pair:
                if (
                    isinstance(m, bool)
                    or not isinstance(m, (int, np.integer))
                    or not 0 <= m < len(self.motifs)
                ):
                    raise StimulusError(
                        f"held-out pair {pair} names motif {m!r}, which does not exist",
                        where="MotifGrammar.held_out_pairs",
                        fix=f"use motif numbers from 0 to {len(self.motifs) - 1}",
                    )

    @p_class.validator
    @p_index.validator
    def _check_probability(self, attribute, value):
        probability(attribute.name, value, f"MotifGrammar.{attribute.name}", ends=True)

    @property
    def class_size(self) -> int:
        """Number k of motifs per class."""
        return len(self.motifs) // _CLASSES

    @checked(StimulusError)
    def training(self, n: int, seed: int) -> TokenStream:
        """Stream of `n` tokens in which no held-out pair occurs.

        Label columns: `position` (0-based in the motif), `motif` (number), `previous_motif` (-1 at
        the start), `motif_class` and `novel` (bool: entered through a held-out pair). The last
        motif may be cut.

        Raises StimulusError for `n` < 1, a bad seed, or if the held-out pairs leave some motif that
        training can reach without any continuation.
        """
        allowed = self._chances()
        for first, second in self.held_out_pairs:
            allowed[:, first, second] = 0
        self._check_no_dead_end(allowed)
        return self._generate(n, generator(seed, "MotifGrammar.training"), allowed, p_novel=0)

    @checked(StimulusError)
    def held_out(self, n: int, seed: int) -> TokenStream:
        """Stream of `n` tokens with the label columns of `training` that visits held-out pairs.

        Half of the junctions, after motifs that begin a held-out pair, are sent through such a
        pair. The others follow the rule of the grammar with nothing forbidden, and so take one now
        and then.

        Raises StimulusError for `n` < 1, a bad seed, or a grammar without held-out pairs.
        """
        if not self.held_out_pairs:
            raise StimulusError(
                "the grammar has no held-out pairs",
                where="MotifGrammar.held_out",
                fix="declare held_out_pairs, or use training() with another seed",
            )
        return self._generate(
            n, generator(seed, "MotifGrammar.held_out"), self._chances(), p_novel=_P_NOVEL
        )

    @checked(StimulusError)
    def transitions(self, held_out: bool = False) -> np.ndarray:
        """Probability of the next motif as `training` draws it, or `held_out`.

        Array of shape (3, n_motifs, n_motifs): given the class before that of the last motif, and
        the last motif. Rows sum to one, or are zero where no stream gets.
        """
        chances = self._chances()
        if not held_out:
            for first, second in self.held_out_pairs:
                chances[:, first, second] = 0
            total = chances.sum(axis=2, keepdims=True)
            return np.divide(chances, total, out=np.zeros_like(chances), where=total > 0)
        for first in {first for first, _ in self.held_out_pairs}:
            novel = [second for begin, second in self.held_out_pairs if begin == first]
            chances[:, first] *= 1 - _P_NOVEL
            chances[:, first, novel] += _P_NOVEL / len(novel)
        return chances

    def start(self) -> np.ndarray:
        """Probability of a stream's first motif, which follows class 1: array of shape (n_motifs,)."""
        return self._chances()[0, self.class_size : 2 * self.class_size].mean(axis=0)

    def _chances(self):
        """Probability of the next motif given the class before the last motif and the last motif.

        Array of shape (3, n_motifs, n_motifs); zero where the class before is that of the last
        motif, which the rule never asks for.
        """
        k = self.class_size
        stay = np.full((k, k), (1 - self.p_index) / k) + self.p_index * np.eye(k)
        chances = np.zeros((_CLASSES, _CLASSES, k, _CLASSES, k))
        for before in range(_CLASSES):
            for last in {0, 1, 2} - {before}:
                chances[before, last, :, 3 - last - before, :] = self.p_class * stay
                chances[before, last, :, before, :] = (1 - self.p_class) * stay
        return chances.reshape(_CLASSES, len(self.motifs), len(self.motifs))

    def _check_no_dead_end(self, allowed):
        k = self.class_size
        # The motifs before the stream are imagined, so their continuations are not restricted.
        first = np.flatnonzero(self._chances()[0, k : 2 * k].any(axis=0))
        to_visit = [(1, int(m)) for m in first]
        seen = set(to_visit)
        while to_visit:
            before, last = to_visit.pop()
            following = np.flatnonzero(allowed[before, last])
            if not len(following):
                raise StimulusError(
                    f"every continuation of motif {last} is held out, so training could not go on after it",
                    where="MotifGrammar.held_out_pairs",
                    fix=f"hold out fewer of the pairs ({last}, ...)",
                )
            new = {(last // k, int(m)) for m in following} - seen
            seen |= new
            to_visit.extend(new)

    def _generate(self, n, rng, chances, p_novel):
        n = whole("n", n, 1, "MotifGrammar")
        k = self.class_size
        cumulative = chances.cumsum(axis=2)
        novel_after = {
            first: sorted(b for a, b in self.held_out_pairs if a == first)
            for first, _ in self.held_out_pairs
        }

        def follow(row):
            return int(row.searchsorted(rng.random() * row[-1], side="right"))

        before = 1
        motif = follow(self._chances()[0, k + rng.integers(k)].cumsum())
        chain, length = [motif], len(self.motifs[motif])
        while length < n:
            if motif in novel_after and rng.random() < p_novel:
                following = novel_after[motif][rng.integers(len(novel_after[motif]))]
            else:
                following = follow(cumulative[before, motif])
            if following // k != motif // k:  # a held-out pair may stay in its class
                before = motif // k
            motif = following
            chain.append(motif)
            length += len(self.motifs[motif])
        return self._stream(n, chain)

    def _stream(self, n, chain):
        motifs = [self.motifs[m] for m in chain]
        lengths = [len(motif) for motif in motifs]
        previous = [-1, *chain[:-1]]
        novel = [pair in self.held_out_pairs for pair in zip(previous, chain, strict=True)]
        motif = np.repeat(chain, lengths)[:n]
        return TokenStream.from_list(
            [symbol for motif in motifs for symbol in motif][:n],
            self.vocabulary,
            position=np.concatenate([np.arange(length) for length in lengths])[:n],
            motif=motif,
            previous_motif=np.repeat(previous, lengths)[:n],
            motif_class=motif // self.class_size,
            novel=np.repeat(novel, lengths)[:n],
        )

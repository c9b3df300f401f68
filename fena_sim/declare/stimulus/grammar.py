"""The motif grammar: words of shared tokens under a second-order rule, with combinations held out."""

from collections.abc import Collection, Iterable

import attrs
import numpy as np

from ...errors import StimulusError
from ..arguments import checked
from ..sequence import sequence
from ._check import generator, probability, whole
from .hidden import HiddenStates
from .order import ClassOrder, check_classes, check_number, pairs_of
from .stream import TokenStream
from .vocabulary import Vocabulary, one_hot

#: Nine motifs of eight tokens, for `MotifGrammar(motifs=LONG_MOTIFS)`: the first token of a motif
#: depends on what was heard 8 to 16 tokens ago.
LONG_MOTIFS = (
    "aefghiln",
    "beghfnil",
    "cefidglh",
    "jkaghnef",
    "klmfhgie",
    "dlmnifeh",
    "opeihfgn",
    "pnkgelfi",
    "moljhnge",
)


def _motifs(motifs: Iterable) -> tuple:
    where = "MotifGrammar.motifs"
    return tuple(
        sequence(motif, "the symbols of one of the motifs", where, StimulusError)
        for motif in sequence(motifs, "motifs", where, StimulusError)
    )


def _pairs(pairs: Collection) -> frozenset:
    return pairs_of(pairs, "motif numbers", "MotifGrammar.held_out_pairs")


@checked(StimulusError)
@attrs.frozen(kw_only=True)
class MotifGrammar:
    """Motifs in 3 classes of k, chained by a rule on the last two classes.

    Motif m has class m // k and index m % k. After a motif of class c1, and another class c2 before
    it, the next class is the third one with probability `p_class` and c2 again otherwise; the index
    stays with probability `p_index` and is drawn uniformly from all k otherwise. A stream starts as
    if after the classes 0, 1 and a random index. The default motifs share tokens across classes, so
    that a token is predicted well only from the motif it is in, and the first token of a motif only
    from the two motifs before it. `LONG_MOTIFS` are nine motifs of eight tokens that share tokens in
    the same way: `MotifGrammar(motifs=LONG_MOTIFS)`.

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
        check_classes(motifs, "motifs", "MotifGrammar.motifs")
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
                check_number(
                    m,
                    len(self.motifs),
                    "motif",
                    f"held-out pair {pair}",
                    "MotifGrammar.held_out_pairs",
                )

    @p_class.validator
    @p_index.validator
    def _check_probability(self, attribute, value):
        probability(attribute.name, value, f"MotifGrammar.{attribute.name}", ends=True)

    @property
    def class_size(self) -> int:
        """Number k of motifs per class."""
        return self._order.class_size

    @checked(StimulusError)
    def training(self, n: int, seed: int) -> TokenStream:
        """Stream of `n` tokens in which no held-out pair occurs.

        Label columns: `position` (0-based in the motif), `motif` (number), `previous_motif` (-1 at
        the start), `motif_class` and `novel` (bool: entered through a held-out pair). The last
        motif may be cut.

        Raises StimulusError for `n` < 1, a bad seed, or if the held-out pairs leave some motif that
        training can reach without any continuation.
        """
        self._order.check_no_dead_end()
        return self._generate(n, generator(seed, "MotifGrammar.training"), held_out=False)

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
        return self._generate(n, generator(seed, "MotifGrammar.held_out"), held_out=True)

    @checked(StimulusError)
    def transitions(self, held_out: bool = False) -> np.ndarray:
        """Probability of the next motif as `training` draws it, or `held_out`.

        Array of shape (3, n_motifs, n_motifs): given the class before that of the last motif, and
        the last motif. Rows sum to one, or are zero where no stream gets.
        """
        return self._order.transitions(held_out)

    def start(self) -> np.ndarray:
        """Probability of a stream's first motif, which follows class 1: array of shape (n_motifs,)."""
        return self._order.start()

    def hidden_states(self, held_out: bool = False) -> HiddenStates:
        """The states (class before the motif's, motif, position) behind `training`, or `held_out`."""
        start, following, motif = self._order.chain(held_out)
        spelled = [[self.vocabulary.index(symbol) for symbol in word] for word in self.motifs]
        return HiddenStates.of_words([spelled[m] for m in motif], start, following)

    @property
    def _order(self):
        return ClassOrder(
            len(self.motifs),
            self.held_out_pairs,
            self.p_class,
            self.p_index,
            item="motif",
            owner="MotifGrammar",
        )

    def _generate(self, n, rng, held_out):
        n = whole("n", n, 1, "MotifGrammar")
        chain, length = [], 0
        for motif in self._order.walk(rng, held_out):
            chain.append(motif)
            length += len(self.motifs[motif])
            if length >= n:
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

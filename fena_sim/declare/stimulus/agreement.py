"""The agreement grammar: the first word of a sentence decides its last one, some 30 tokens later."""

from collections.abc import Collection, Iterable

import attrs
import numpy as np
from scipy import sparse

from ...errors import StimulusError
from ..sequence import sequence
from ._check import generator, probability, whole, words
from .hidden import HiddenStates
from .order import P_NOVEL, check_number, pairs_of
from .stream import TokenStream
from .vocabulary import Vocabulary, one_hot, require_vocabulary


def _openings(values: Iterable) -> tuple:
    return words(values, "openings", "symbols", "AgreementGrammar.openings")


def _endings(values: Iterable) -> tuple:
    return words(values, "endings", "symbols", "AgreementGrammar.endings")


def _motifs(values: Iterable) -> tuple:
    return words(values, "motifs", "symbols", "AgreementGrammar.motifs")


def _held_out_pairs(pairs: Collection) -> frozenset:
    return pairs_of(pairs, "an opening and a motif", "AgreementGrammar.held_out_pairs")


def _lengths(lengths: Iterable) -> tuple:
    where = "AgreementGrammar.lengths"
    lengths = sequence(lengths, "lengths", where, StimulusError)
    if not lengths:
        raise StimulusError(
            "there are no lengths", where=where, fix="give at least one number of motifs"
        )
    return tuple(whole("a length", length, 1, where) for length in lengths)


@attrs.frozen(kw_only=True)
class AgreementGrammar:
    """Sentences whose opening decides their ending, with distracting motifs between.

    A sentence is opening i, a number of motifs, and ending i. i is drawn uniformly, the number of
    motifs uniformly from `lengths`, and the first motif uniformly. After motif m comes the next
    one, (m + 1) modulo the number of motifs, with probability `p_order`, and one drawn uniformly
    from all otherwise. Neither the motifs nor their number tell anything of the opening (but for
    the held-out pairs, whose first motif rules an opening out).

    All default endings begin with 'p', which stands nowhere else. So the time of the token that
    agrees is known, and only memory tells which token it is: the one that opened the sentence 26,
    30 or 34 tokens ago. The default motifs contain the tokens of the openings too; there they decide
    nothing.

    Parameters
    ----------
    vocabulary : Vocabulary
        Default: one-hot 'a' to 'p'.
    openings, endings : sequence of words
        As many endings as openings; each word a string of single-character symbols or a sequence of
        symbols.
    motifs : sequence of motifs
        Each a string of single-character symbols or a sequence of symbols.
    lengths : sequence of int
        Numbers of motifs between opening and ending.
    held_out_pairs : set of (int, int)
        Pairs of an opening and a motif that never follows it in training.
    p_order : float in [0, 1]

    Raises
    ------
    StimulusError
        No openings, motifs or lengths, not as many endings as openings, an empty word, a length
        below 1, a held-out pair that does not exist, or a number outside [0, 1].
    UnknownNameError
        A word with a symbol that is not in the vocabulary.
    """

    vocabulary: Vocabulary = attrs.field(
        factory=lambda: one_hot("abcdefghijklmnop"),
        validator=lambda self, attribute, value: require_vocabulary(
            value, "AgreementGrammar.vocabulary"
        ),
    )
    openings: tuple = attrs.field(default=("a", "b", "c", "d"), converter=_openings)
    endings: tuple = attrs.field(default=("pa", "pb", "pc", "pd"), converter=_endings)
    motifs: tuple = attrs.field(
        default=("efam", "fobk", "gicn", "hkdo", "iebh", "jgco", "kmag", "ljdf"),
        converter=_motifs,
    )
    lengths: tuple = attrs.field(default=(6, 7, 8), converter=_lengths)
    held_out_pairs: frozenset = attrs.field(
        default=((0, 0), (0, 1), (1, 2), (1, 3), (2, 4), (2, 5), (3, 6), (3, 7)),
        converter=_held_out_pairs,
    )
    p_order: float = attrs.field(default=0.8)

    @openings.validator
    @endings.validator
    @motifs.validator
    def _check_words(self, attribute, found):
        where = f"AgreementGrammar.{attribute.name}"
        if not found:
            raise StimulusError(f"there are no {attribute.name}", where=where, fix="give some")
        for number, word in enumerate(found):
            if not word:
                raise StimulusError(
                    "the word is empty", where=f"{where}[{number}]", fix="give at least one token"
                )
            for symbol in word:
                self.vocabulary.index(symbol, where=f"{where}[{number}]")

    @endings.validator
    def _check_number_of_endings(self, attribute, endings):
        if len(endings) != len(self.openings):
            raise StimulusError(
                f"there are {len(endings)} endings for {len(self.openings)} openings",
                where="AgreementGrammar.endings",
                fix="give one ending per opening",
            )

    @held_out_pairs.validator
    def _check_pairs(self, attribute, pairs):
        where = "AgreementGrammar.held_out_pairs"
        for pair in pairs:
            what = f"held-out pair {pair}"
            check_number(pair[0], len(self.openings), "opening", what, where)
            check_number(pair[1], len(self.motifs), "motif", what, where)

    @p_order.validator
    def _check_probability(self, attribute, value):
        probability("p_order", value, "AgreementGrammar.p_order", ends=True)

    def training(self, n: int, seed: int) -> TokenStream:
        """Stream of `n` tokens in which no held-out pair occurs.

        Label columns: `position` (0-based in the motif), `motif` (number) and `previous_motif`
        (number of the motif before in the same sentence), all three -1 outside motifs and the last
        also in the first motif; `opening` (number), `position_in_sentence` (in tokens, 0-based),
        `ending` (bool: a token of the ending), `agrees` (bool: a token of the ending that is not
        the same in all endings, which the opening decides) and `novel` (bool: the sentence has a
        held-out pair). The last sentence may be cut.

        Raises StimulusError for `n` < 1, a bad seed, or an opening with which every motif makes a
        held-out pair.
        """
        self._check_no_dead_end()
        return self._generate(n, generator(seed, "AgreementGrammar.training"), held_out=False)

    def held_out(self, n: int, seed: int) -> TokenStream:
        """Stream of `n` tokens with the label columns of `training` that visits held-out pairs.

        Half of the sentences, of openings that have held-out pairs, begin with such a pair. The
        others follow the rule of the grammar with nothing forbidden.

        Raises StimulusError for `n` < 1, a bad seed, or a grammar without held-out pairs.
        """
        if not self.held_out_pairs:
            raise StimulusError(
                "the grammar has no held-out pairs",
                where="AgreementGrammar.held_out",
                fix="declare held_out_pairs, or use training() with another seed",
            )
        return self._generate(n, generator(seed, "AgreementGrammar.held_out"), held_out=True)

    def first_motif(self, held_out: bool = False) -> np.ndarray:
        """Probability of the first motif (column) after an opening (row) in `training`, or `held_out`.

        Array of shape (n_openings, n_motifs). Rows sum to one.
        Raises StimulusError as `training` does.
        """
        n = len(self.motifs)
        if not held_out:
            self._check_no_dead_end()
        found = np.empty((len(self.openings), n))
        for opening, row in enumerate(found):
            novel = self._novel_after(opening)
            if held_out:
                row[:] = (1 - P_NOVEL if novel else 1) / n
                row[novel] += P_NOVEL / max(len(novel), 1)
            else:
                row[:] = 1 / (n - len(novel))
                row[novel] = 0
        return found

    def next_motif(self) -> np.ndarray:
        """Probability of the next motif (column) after a motif (row): shape (n_motifs, n_motifs)."""
        n = len(self.motifs)
        return self.p_order * np.roll(np.eye(n), 1, axis=1) + (1 - self.p_order) / n

    def hidden_states(self, held_out: bool = False) -> HiddenStates:
        """The states (opening, motifs still to come, motif, position) behind `training`, or `held_out`.

        Openings and endings have states of their own.
        """
        n_openings, n, most = len(self.openings), len(self.motifs), max(self.lengths)
        first, following = self.first_motif(held_out), self.next_motif()
        # Words of one opening: itself, its ending, then each motif for each number still to come.
        size = 2 + most * n
        p_length = np.bincount(self.lengths, minlength=most + 1)[1:] / len(self.lengths)
        parts, texts = [], []
        for opening in range(n_openings):
            block = sparse.lil_array((size, size))
            block[0, 2:] = np.outer(p_length, first[opening]).ravel()
            block[2 : 2 + n, 1] = 1  # the last motif has none to come
            block[2 + n :, 2:-n] = np.kron(np.eye(most - 1), following)
            parts.append(block)
            texts += [self.openings[opening], self.endings[opening], *self.motifs * most]
        chain = sparse.block_diag(parts, format="lil")
        openings = np.arange(n_openings) * size
        chain[np.ix_(openings + 1, openings)] = 1 / n_openings
        start = np.zeros(len(texts))
        start[openings] = 1 / n_openings
        return HiddenStates.of_words([self._ids(word) for word in texts], start, chain)

    def _ids(self, word):
        return [self.vocabulary.index(symbol) for symbol in word]

    def _novel_after(self, opening):
        return sorted(motif for first, motif in self.held_out_pairs if first == opening)

    def _check_no_dead_end(self):
        for opening in range(len(self.openings)):
            if len(self._novel_after(opening)) == len(self.motifs):
                raise StimulusError(
                    f"every motif is held out after opening {opening}, so training could not go on after it",
                    where="AgreementGrammar.held_out_pairs",
                    fix=f"hold out fewer of the pairs ({opening}, ...)",
                )

    def _generate(self, n, rng, held_out):
        n = whole("n", n, 1, "AgreementGrammar")
        first = self.first_motif(held_out).cumsum(axis=1)
        following = self.next_motif().cumsum(axis=1)

        def follow(row):
            return int(row.searchsorted(rng.random() * row[-1], side="right"))

        sentences, length = [], 0
        while length < n:
            opening = int(rng.integers(len(self.openings)))
            to_come = self.lengths[rng.integers(len(self.lengths))]
            motifs = [follow(first[opening])]
            while len(motifs) < to_come:
                motifs.append(follow(following[motifs[-1]]))
            sentences.append(self._sentence(opening, motifs))
            length += len(sentences[-1]["token"])
        labels = {
            name: np.concatenate([labels[name] for labels in sentences])[:n]
            for name in sentences[0]
        }
        return TokenStream.from_ids(labels.pop("token"), self.vocabulary, **labels)

    def _sentence(self, opening, motifs):
        """The tokens of a sentence and what they are, one array each."""
        parts = [self.openings[opening], *(self.motifs[m] for m in motifs), self.endings[opening]]
        lengths = [len(part) for part in parts]
        first, last, n = lengths[0], lengths[-1], sum(lengths)
        token = np.array([self.vocabulary.index(symbol) for part in parts for symbol in part])
        position = np.concatenate([np.arange(length) for length in lengths])
        position[:first] = position[n - last :] = -1
        at = np.arange(n)
        return dict(
            token=token,
            position=position,
            motif=np.repeat([-1, *motifs, -1], lengths),
            previous_motif=np.repeat([-1, -1, *motifs[:-1], -1], lengths),
            opening=np.full(n, opening),
            position_in_sentence=at,
            ending=at >= n - last,
            agrees=at >= n - last + self._common,
            novel=np.full(n, (opening, motifs[0]) in self.held_out_pairs),
        )

    @property
    def _common(self):
        """Number of tokens with which all endings begin."""
        return next(
            (i for i, found in enumerate(zip(*self.endings)) if len(set(found)) > 1),
            min(map(len, self.endings)),
        )

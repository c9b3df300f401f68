"""The nested grammar: phrases of motifs under a second-order rule, with combinations held out."""

from collections.abc import Collection, Iterable, Mapping

import attrs
import numpy as np
from scipy import sparse

from ...errors import StimulusError
from ._check import generator, probability, whole, words
from .hidden import HiddenStates
from .order import P_NOVEL, ClassOrder, check_classes, check_number, pairs_of
from .stream import TokenStream
from .vocabulary import Vocabulary, one_hot, require_vocabulary


def _motifs(motifs: Iterable) -> tuple:
    return words(motifs, "motifs", "symbols", "NestedGrammar.motifs")


def _phrases(phrases: Iterable) -> tuple:
    return words(phrases, "phrases", "motif numbers", "NestedGrammar.phrases")


def _held_out_pairs(pairs: Collection) -> frozenset:
    return pairs_of(pairs, "phrase numbers", "NestedGrammar.held_out_pairs")


def _held_out_phrases(phrases: Mapping | Collection) -> tuple:
    """((phrase number, motif numbers), ...), in the order of the numbers."""
    where = "NestedGrammar.held_out_phrases"
    try:
        by_number = dict(phrases)
        places = sorted(by_number)
    except (TypeError, ValueError):
        raise StimulusError(
            f"held-out phrases must be given by the number of a phrase, but are {phrases!r}",
            where=where,
            fix="give for instance {0: (0, 7, 5)}: (0, 7, 5) in the place of phrase 0",
        ) from None
    motifs = words([by_number[p] for p in places], "held-out phrases", "motif numbers", where)
    return tuple(zip(places, motifs, strict=True))


@attrs.frozen(kw_only=True)
class NestedGrammar:
    """Tokens in motifs, motifs in phrases, and phrases in 3 classes of k, chained by a rule on the
    last two classes.

    Phrase p has class p // k and index p % k. The order over phrases is that of the motifs of
    :class:`MotifGrammar`: after a phrase of class c1, and another class c2 before it, the next
    class is the third one with probability `p_class` and c2 again otherwise; the index stays with
    probability `p_index` and is drawn uniformly from all k otherwise.

    The default motifs share tokens. A default phrase (c, i) begins with a motif that no other one
    begins with; its second motif is that of its class and its third that of its index, and each of
    these also stands elsewhere in other phrases. So a token follows from the motif that it is in,
    the next motif from the phrase so far, and the next phrase from the two phrases before it: some
    24 tokens, of which the last motif tells the index alone.

    Parameters
    ----------
    vocabulary : Vocabulary
        Default: one-hot 'a' to 'p'.
    motifs : sequence of motifs
        Each a string of single-character symbols or a sequence of symbols.
    phrases : sequence of phrases
        3 * k phrases, each a sequence of motif numbers.
    held_out_pairs : set of (int, int)
        Pairs of phrase numbers that never follow each other in training.
    held_out_phrases : dict of int to sequence of int
        Phrases, as motif numbers, that training never visits. Each takes the place of the phrase of
        that number in half of its visits in `held_out`. Kept as pairs in the order of the numbers.
    p_class, p_index : float in [0, 1]

    Raises
    ------
    StimulusError
        Number of phrases not 3 * k, an empty motif or phrase, a motif or phrase that does not
        exist, a held-out phrase that is also one of `phrases`, or a number outside [0, 1].
    UnknownNameError
        A motif with a symbol that is not in the vocabulary.
    """

    vocabulary: Vocabulary = attrs.field(
        factory=lambda: one_hot("abcdefghijklmnop"),
        validator=lambda self, attribute, value: require_vocabulary(
            value, "NestedGrammar.vocabulary"
        ),
    )
    motifs: tuple = attrs.field(
        default=("aef", "begh", "cefid", "jka", "klmf", "dlmni", "ope", "pnkg", "moljh"),
        converter=_motifs,
    )
    phrases: tuple = attrs.field(
        default=(
            *((0, 3, 1), (1, 3, 5), (2, 3, 6)),
            *((3, 7, 1), (4, 7, 5), (5, 7, 6)),
            *((6, 2, 1), (7, 2, 5), (8, 2, 6)),
        ),
        converter=_phrases,
    )
    held_out_pairs: frozenset = attrs.field(
        default=((0, 4), (1, 8), (2, 3), (3, 7), (4, 2), (5, 6), (6, 1), (7, 5), (8, 0)),
        converter=_held_out_pairs,
    )
    held_out_phrases: tuple = attrs.field(
        default=((0, (0, 7, 5)), (4, (4, 2, 6)), (8, (8, 3, 1))), converter=_held_out_phrases
    )
    p_class: float = attrs.field(default=0.9)
    p_index: float = attrs.field(default=0.8)

    @motifs.validator
    def _check_motifs(self, attribute, motifs):
        if not motifs:
            raise StimulusError(
                "there are no motifs", where="NestedGrammar.motifs", fix="give at least one motif"
            )
        for m, motif in enumerate(motifs):
            where = f"NestedGrammar.motifs[{m}]"
            if not motif:
                raise StimulusError(
                    "the motif is empty", where=where, fix="give at least one token"
                )
            for symbol in motif:
                self.vocabulary.index(symbol, where=where)

    @phrases.validator
    def _check_phrases(self, attribute, phrases):
        check_classes(phrases, "phrases", "NestedGrammar.phrases")
        for p, phrase in enumerate(phrases):
            self._check_phrase(phrase, f"phrase {p}", f"NestedGrammar.phrases[{p}]")

    @held_out_pairs.validator
    def _check_pairs(self, attribute, pairs):
        where = "NestedGrammar.held_out_pairs"
        for pair in pairs:
            for p in pair:
                check_number(p, len(self.phrases), "phrase", f"held-out pair {pair}", where)

    @held_out_phrases.validator
    def _check_held_out_phrases(self, attribute, phrases):
        where = "NestedGrammar.held_out_phrases"
        for place, phrase in phrases:
            what = f"held-out phrase {phrase}"
            check_number(place, len(self.phrases), "phrase", what, where)
            self._check_phrase(phrase, what, where)
            if phrase in self.phrases:
                raise StimulusError(
                    f"{what} is phrase {self.phrases.index(phrase)}, which training visits",
                    where=where,
                    fix="combine the motifs in a way that no phrase does",
                )

    @p_class.validator
    @p_index.validator
    def _check_probability(self, attribute, value):
        probability(attribute.name, value, f"NestedGrammar.{attribute.name}", ends=True)

    def _check_phrase(self, phrase, what, where):
        if not phrase:
            raise StimulusError(
                "the phrase is empty", where=where, fix="give at least one motif number"
            )
        for motif in phrase:
            check_number(motif, len(self.motifs), "motif", what, where)

    @property
    def class_size(self) -> int:
        """Number k of phrases per class."""
        return self._order.class_size

    def training(self, n: int, seed: int) -> TokenStream:
        """Stream of `n` tokens in which no held-out pair and no held-out phrase occurs.

        Label columns: `position` (0-based in the motif), `motif` and `previous_motif` (numbers; -1
        at the start), `place` (of the motif in its phrase, 0-based), `position_in_phrase` (in
        tokens, 0-based), `phrase` and `previous_phrase` (numbers; -1 at the start), `phrase_class`,
        `novel` (bool: the phrase was entered through a held-out pair) and `novel_phrase` (bool: it
        is itself held out; its number is then 3 * k + its place in `held_out_phrases`, and its
        class that of the phrase in whose place it stands). The last phrase may be cut.

        Raises StimulusError for `n` < 1, a bad seed, or if the held-out pairs leave some phrase
        that training can reach without any continuation.
        """
        self._order.check_no_dead_end()
        return self._generate(n, generator(seed, "NestedGrammar.training"), held_out=False)

    def held_out(self, n: int, seed: int) -> TokenStream:
        """Stream of `n` tokens with the label columns of `training` that visits what is held out.

        Half of the junctions, after phrases that begin a held-out pair, are sent through such a
        pair. The others follow the rule of the grammar with nothing forbidden. A phrase for which
        there is a held-out one gives its place to it in half of the visits; the order over phrases
        goes on as if it had not.

        Raises StimulusError for `n` < 1, a bad seed, or a grammar that holds nothing out.
        """
        if not (self.held_out_pairs or self.held_out_phrases):
            raise StimulusError(
                "the grammar has no held-out pairs and no held-out phrases",
                where="NestedGrammar.held_out",
                fix="declare held_out_pairs or held_out_phrases, or use training() with another seed",
            )
        return self._generate(n, generator(seed, "NestedGrammar.held_out"), held_out=True)

    def transitions(self, held_out: bool = False) -> np.ndarray:
        """Probability of the next phrase as `training` draws it, or `held_out`.

        Array of shape (3, n_phrases, n_phrases): given the class before that of the last phrase,
        and the last phrase. Rows sum to one, or are zero where no stream gets. A held-out phrase
        counts as the phrase in whose place it stands.
        """
        return self._order.transitions(held_out)

    def start(self) -> np.ndarray:
        """Probability of the first phrase, which follows class 1: array of shape (n_phrases,)."""
        return self._order.start()

    def hidden_states(self, held_out: bool = False) -> HiddenStates:
        """The states (class before the phrase's, phrase, position) behind `training`, or `held_out`."""
        start, following, item = self._order.chain(held_out)
        spellings, shares = np.arange(len(self.phrases)), np.ones(len(self.phrases))
        if held_out and self.held_out_phrases:
            places = np.array([place for place, _ in self.held_out_phrases])
            spellings = np.concatenate([spellings, places])
            shares[places] -= P_NOVEL
            shares = np.concatenate([shares, np.full(len(places), P_NOVEL)])
        spelled = self._spelled()
        # One word for each node and each phrase that may stand there.
        word, node = np.nonzero(spellings[:, None] == item)
        share = shares[word]
        return HiddenStates.of_words(
            [spelled[w]["token"] for w in word],
            start[node] * share,
            sparse.csr_array(following)[node][:, node] * share,
        )

    @property
    def _order(self):
        return ClassOrder(
            len(self.phrases),
            self.held_out_pairs,
            self.p_class,
            self.p_index,
            item="phrase",
            owner="NestedGrammar",
        )

    def _spelled(self):
        """Per phrase, then per held-out phrase: its tokens and what they are, one array each."""
        ids = [[self.vocabulary.index(symbol) for symbol in motif] for motif in self.motifs]
        return [
            dict(
                token=np.concatenate([ids[m] for m in phrase]),
                position=np.concatenate([np.arange(len(ids[m])) for m in phrase]),
                motif=np.repeat(phrase, [len(ids[m]) for m in phrase]),
                place=np.repeat(np.arange(len(phrase)), [len(ids[m]) for m in phrase]),
            )
            for phrase in (*self.phrases, *(phrase for _, phrase in self.held_out_phrases))
        ]

    def _generate(self, n, rng, held_out):
        n = whole("n", n, 1, "NestedGrammar")
        spelled, k = self._spelled(), len(self.phrases)
        held = {place: k + i for i, (place, _) in enumerate(self.held_out_phrases)}
        order, chain, length = [], [], 0  # as the rule counts phrases, and as they are spelled
        for place in self._order.walk(rng, held_out):
            order.append(place)
            novel = held_out and place in held and rng.random() < P_NOVEL
            chain.append(held[place] if novel else place)
            length += len(spelled[chain[-1]]["token"])
            if length >= n:
                return self._stream(n, order, chain, spelled)

    def _stream(self, n, order, chain, spelled):
        lengths = [len(spelled[phrase]["token"]) for phrase in chain]

        def of_phrase(values):
            return np.repeat(values, lengths)[:n]

        def of_token(name):
            return np.concatenate([spelled[phrase][name] for phrase in chain])[:n]

        motif, position = of_token("motif"), of_token("position")
        begins = position == 0
        motifs = motif[begins]
        pairs = zip([-1, *order[:-1]], order, strict=True)
        return TokenStream.from_ids(
            of_token("token"),
            self.vocabulary,
            position=position,
            motif=motif,
            previous_motif=np.array([-1, *motifs[:-1]])[begins.cumsum() - 1],
            place=of_token("place"),
            position_in_phrase=np.concatenate([np.arange(length) for length in lengths])[:n],
            phrase=of_phrase(chain),
            previous_phrase=of_phrase([-1, *chain[:-1]]),
            phrase_class=of_phrase(order) // self.class_size,
            novel=of_phrase([pair in self.held_out_pairs for pair in pairs]),
            novel_phrase=of_phrase([phrase >= len(self.phrases) for phrase in chain]),
        )

"""The ideal observer. Oracles: closed forms of small grammars and of entropy rates; the sum over all
chains of motifs, phrases or sentences that could have made the tokens; calibration on long streams;
n-gram tables and tables of true labels, which cannot be better.
"""

from itertools import product

import numpy as np
import pytest

from fena_sim.errors import StimulusError
from fena_sim.measure import IdealObserver, NGram, entropy_floor
from fena_sim.stimulus import (
    LONG_MOTIFS,
    AgreementGrammar,
    HiddenStates,
    MotifGrammar,
    NestedGrammar,
    one_hot,
)


def grammar(motifs, **options):
    symbols = "".join(sorted(set("".join(motifs))))
    return MotifGrammar(
        vocabulary=one_hot(symbols), motifs=motifs, **{"held_out_pairs": (), **options}
    )


def test_single_tokens_follow_the_rule_in_closed_form():
    """One motif of one token per class: the third class follows with .9, the one before with .1."""
    toy = grammar(("a", "b", "c"))
    tokens = toy.training(400, seed=1).events["token"].to_numpy()
    p = IdealObserver(toy).probabilities(tokens)
    np.testing.assert_allclose(p[0], [0.1, 0, 0.9], atol=1e-12)  # as if after classes 0, 1
    before = np.concatenate([[0, 1], tokens])
    for t in range(400):
        expected = np.zeros(3)
        expected[3 - before[t] - before[t + 1]], expected[before[t]] = 0.9, 0.1
        np.testing.assert_allclose(p[t], expected, atol=1e-12)
    floor = entropy_floor(toy, tokens, amplitude=3.0)
    assert floor.bits == pytest.approx(-0.9 * np.log2(0.9) - 0.1 * np.log2(0.1))
    assert floor.accuracy == pytest.approx(0.9)
    assert floor.error == pytest.approx(9 * (1 - 0.9**2 - 0.1**2) / 3)


def test_the_index_is_a_first_order_chain_in_closed_form():
    """First token: the class. Second: the index, which stays with .8 + .2/2."""
    toy = grammar(("xa", "xb", "ya", "yb", "za", "zb"))
    tokens = toy.training(400, seed=2).events["token"].to_numpy()
    p = IdealObserver(toy).probabilities(tokens)
    np.testing.assert_allclose(p[1], [0.5, 0.5, 0, 0, 0], atol=1e-12)
    for t in range(3, 400, 2):
        expected = np.zeros(5)
        expected[tokens[t - 2]], expected[1 - tokens[t - 2]] = 0.9, 0.1
        np.testing.assert_allclose(p[t], expected, atol=1e-12)


def spellings(toy, item, held_out):
    """[(share, text)] of a motif, or of a phrase, which a held-out one replaces half of the time."""
    if isinstance(toy, MotifGrammar):
        return [(1, toy.motifs[item])]
    novel = dict(toy.held_out_phrases).get(item) if held_out else None
    phrases = (
        [(1, toy.phrases[item])] if novel is None else [(0.5, toy.phrases[item]), (0.5, novel)]
    )
    return [(share, sum((toy.motifs[m] for m in phrase), ())) for share, phrase in phrases]


def brute_force(toy, tokens, held_out):
    """Distribution of the token after `tokens`: all chains of motifs (or phrases) that fit, each as
    probable as the grammar's text says.
    """
    k, pairs = toy.class_size, toy.held_out_pairs
    mass = np.zeros(len(toy.vocabulary))

    def rule(before, last):
        """{motif: probability}: third class .9, class before .1; same index .8, else any."""
        found = {}
        for motif in range(3 * k):
            place = {3 - before - last // k: toy.p_class, before: 1 - toy.p_class}.get(
                motif // k, 0
            )
            found[motif] = place * ((1 - toy.p_index) / k + toy.p_index * (motif % k == last % k))
        return found

    def following(before, last):
        chances = rule(before, last)
        novel = [second for first, second in pairs if first == last]
        if held_out:
            share = 0.5 if novel else 0
            return {
                m: (1 - share) * p + share * (m in novel) / max(len(novel), 1)
                for m, p in chances.items()
            }
        allowed = {m: p for m, p in chances.items() if m not in novel}
        return {m: p / sum(allowed.values()) for m, p in allowed.items() if p}

    def grow(before, motif, p, begun):
        for share, spelled in spellings(toy, motif, held_out):
            extend(before, motif, p * share, begun + spelled)

    def extend(before, motif, p, text):
        fits = all(
            seen < 0 or toy.vocabulary.symbols[seen] == symbol for seen, symbol in zip(tokens, text)
        )
        if not p or not fits:
            return
        if len(text) > len(tokens):
            mass[toy.vocabulary.index(text[len(tokens)])] += p
            return
        for m, more in following(before, motif).items():
            grow(before if m // k == motif // k else motif // k, m, p * more, text)

    for index in range(k):
        for motif, p in rule(0, k + index).items():
            grow(1, motif, p / k, ())
    return mass / mass.sum()


AMBIGUOUS = grammar(
    ("a", "ab", "ba", "b", "abb", "aa"),
    held_out_pairs=((0, 2), (3, 0), (3, 2), (4, 5)),
    p_class=0.7,
    p_index=0.5,
)


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("omitted", [(), (2, 3)])
def test_all_chains_of_motifs_by_brute_force(held_out, omitted):
    """Motifs that cannot be told apart by their tokens, pairs held out also within a class, omitted
    tokens.
    """
    draw = AMBIGUOUS.held_out if held_out else AMBIGUOUS.training
    for seed in range(4):
        tokens = draw(8, seed=seed).events["token"].to_numpy().copy()
        tokens[list(omitted)] = -1
        p = IdealObserver(AMBIGUOUS, held_out).probabilities(tokens)
        for t in range(8):
            np.testing.assert_allclose(
                p[t], brute_force(AMBIGUOUS, tokens[:t], held_out), atol=1e-12
            )


#: Motifs and phrases that can be cut in many ways, one of each held out within and across classes.
NESTED = NestedGrammar(
    vocabulary=one_hot("ab"),
    motifs=["a", "ab", "b"],
    phrases=[(0,), (0, 1), (1, 2), (2,), (2, 0), (1,)],
    held_out_pairs=[(0, 1), (2, 4), (3, 0)],
    held_out_phrases={1: (2, 2), 3: (0, 0, 2)},
    p_class=0.7,
    p_index=0.5,
)


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("omitted", [(), (2, 3)])
def test_all_chains_of_phrases_by_brute_force(held_out, omitted):
    draw = NESTED.held_out if held_out else NESTED.training
    for seed in range(3):
        tokens = draw(7, seed=seed).events["token"].to_numpy().copy()
        tokens[list(omitted)] = -1
        p = IdealObserver(NESTED, held_out).probabilities(tokens)
        for t in range(7):
            expected = brute_force(NESTED, tokens[:t], held_out)
            np.testing.assert_allclose(p[t], expected, atol=1e-12)


AGREEMENT = AgreementGrammar(
    vocabulary=one_hot("ab"),
    openings=["a", "ab"],
    endings=["ba", "bb"],
    motifs=["a", "ab", "b"],
    lengths=(1, 3),
    held_out_pairs=[(0, 2)],
    p_order=0.6,
)


def all_sentences(toy, held_out):
    """[(probability, text)] of every sentence, as the grammar's text says."""
    found, n = [], len(toy.motifs)
    for opening in range(len(toy.openings)):
        novel = [m for o, m in toy.held_out_pairs if o == opening]
        for length in toy.lengths:
            for chain in product(range(n), repeat=length):
                if held_out:
                    p = (0.5 if novel else 1) / n + 0.5 * (chain[0] in novel) / max(len(novel), 1)
                else:
                    p = (chain[0] not in novel) / (n - len(novel))
                for a, b in zip(chain, chain[1:]):
                    p *= toy.p_order * (b == (a + 1) % n) + (1 - toy.p_order) / n
                words = [toy.openings[opening], *(toy.motifs[m] for m in chain)]
                text = sum(words, ()) + toy.endings[opening]
                found.append((p / len(toy.openings) / len(toy.lengths), "".join(text)))
    return found


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("omitted", [(), (2, 3)])
def test_all_sentences_by_brute_force(held_out, omitted):
    possible = all_sentences(AGREEMENT, held_out)
    assert sum(p for p, _ in possible) == pytest.approx(1)

    def mass(seen):
        """Probability that a stream begins with `seen`, in which "." is any symbol."""
        if not seen:
            return 1.0
        total = 0.0
        for p, text in possible:
            if all(a in (".", b) for a, b in zip(seen, text)):
                total += p * mass(seen[len(text) :])
        return total

    draw = AGREEMENT.held_out if held_out else AGREEMENT.training
    for seed in range(3):
        tokens = draw(12, seed=seed).events["token"].to_numpy().copy()
        tokens[list(omitted)] = -1
        seen = "".join("ab."[token] for token in tokens)
        p = IdealObserver(AGREEMENT, held_out).probabilities(tokens)
        for t in range(12):
            expected = np.array([mass(seen[:t] + symbol) for symbol in "ab"])
            np.testing.assert_allclose(p[t], expected / expected.sum(), atol=1e-12)


def entropy(*p):
    return -sum(x * np.log2(x) for x in p)


def test_entropy_of_nested_phrases_in_closed_form():
    """All surprise is at the first token of a phrase: that of its class, and that of its index."""
    toy = NestedGrammar(held_out_pairs=())
    events = toy.training(1500, seed=3).events
    first = (events["position_in_phrase"] == 0).to_numpy()
    junction = entropy_floor(toy, events["token"], mask=first)
    stay, move = 0.8 + 0.2 / 3, 0.2 / 3
    assert junction.bits == pytest.approx(entropy(0.9, 0.1) + entropy(stay, move, move))
    assert junction.accuracy == pytest.approx(0.9 * stay)
    inside = entropy_floor(toy, events["token"], mask=~first)
    assert (inside.bits, inside.accuracy) == (pytest.approx(0), pytest.approx(1))


def test_entropy_of_sentences_in_closed_form():
    """Surprise is at the opening, at the first motif and at every next one; none at the ending."""
    toy = AgreementGrammar(held_out_pairs=(), lengths=[7])
    events = toy.training(1500, seed=3).events
    place, position = events["position_in_sentence"], events["position"]
    follows = 0.8 + 0.2 / 8
    expected = [
        (place == 0, 2, 1 / 4),
        (place == 1, 3, 1 / 8),
        ((position == 0) & (place > 1), entropy(follows, *[0.2 / 8] * 7), follows),
        ((position > 0) | events["ending"], 0, 1),
    ]
    assert sum(mask.sum() for mask, *_ in expected) == 1500
    for mask, bits, accuracy in expected:
        floor = entropy_floor(toy, events["token"], mask=mask.to_numpy())
        assert (floor.bits, floor.accuracy) == (pytest.approx(bits), pytest.approx(accuracy))


class Coin:
    """A grammar from outside: heads with probability .7."""

    vocabulary = one_hot("ht")

    def hidden_states(self, held_out=False):
        p = 0.5 if held_out else 0.7
        return HiddenStates([p, 1 - p], [[p, 1 - p]] * 2, [0, 1])


def test_any_grammar_that_gives_its_hidden_states():
    np.testing.assert_allclose(IdealObserver(Coin()).probabilities([1, 0, 1]), [[0.7, 0.3]] * 3)
    assert IdealObserver(Coin(), held_out=True).bits([1, 0, 1]) == pytest.approx(1)
    assert entropy_floor(Coin(), [1, 0, 1]).accuracy == pytest.approx(0.7)


@pytest.mark.parametrize("wrong", ["abc", None, one_hot("ab"), MotifGrammar])
def test_what_is_no_grammar_is_refused(wrong):
    with pytest.raises(StimulusError, match="the grammar is") as caught:
        IdealObserver(wrong)
    assert caught.value.where == "IdealObserver.grammar" and "hidden_states" in caught.value.fix


@pytest.mark.slow
@pytest.mark.parametrize(
    "default",
    [MotifGrammar(), MotifGrammar(motifs=LONG_MOTIFS), NestedGrammar(), AgreementGrammar()],
    ids=["motifs", "long", "nested", "agreement"],
)
@pytest.mark.parametrize("held_out", [False, True])
def test_calibrated(default, held_out):
    """What is said to have probability p happens that often; all within 4 standard errors."""
    n = 30_000
    tokens = (
        (default.held_out if held_out else default.training)(n, seed=3).events["token"].to_numpy()
    )
    observer = IdealObserver(default, held_out)
    p = observer.probabilities(tokens)[1:]
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-9)
    happened = tokens[1:, None] == np.arange(16)
    assert not happened[p == 0].any()
    edges = np.array([0, 0.02, 0.05, 0.1, 0.3, 0.6, 0.8, 0.9, 0.999])
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (p > low) & (p <= high)
        if inside.sum() > 100:
            error = np.sqrt((p[inside] * (1 - p[inside])).sum())
            assert abs(happened[inside].sum() - p[inside].sum()) < 4 * error, (low, high)
    floor, best = entropy_floor(default, tokens, held_out=held_out), p.max(axis=1)
    assert (
        abs(observer.accuracy(tokens) - floor.accuracy) < 4 * np.sqrt((best * (1 - best)).sum()) / n
    )
    surprisal = -np.log2(p[happened])
    assert abs(observer.bits(tokens) - floor.bits) < 4 * surprisal.std() / np.sqrt(n)
    squared = ((p - happened) ** 2).mean(axis=1)
    assert abs(squared.mean() - floor.error) < 4 * squared.std() / np.sqrt(n)


@pytest.mark.slow
def test_no_table_is_better():
    default = MotifGrammar()
    train, test = (
        default.training(n, seed=s).events["token"].to_numpy()
        for n, s in ((40_000, 4), (10_000, 5))
    )
    observer = IdealObserver(default)
    for order in (2, 4, 6):
        table = NGram(order, 16).fit(train)
        assert observer.bits(test) < table.bits(test) - 0.02
        assert observer.accuracy(test) > table.accuracy(test)


@pytest.mark.slow
def test_on_nested_phrases_every_depth_pays():
    """Tables of 6 tokens < of two motifs < of the phrase < the ideal observer, which needs two
    phrases: each at least .02 better, and the last as good as a table that is told two phrases.
    """
    default = NestedGrammar()
    train, test = (default.training(n, seed=s).events for n, s in ((60_000, 4), (10_000, 5)))

    def told(*labels):
        follow = train[list(labels)].assign(token=train["token"].shift(-1)).iloc[:-1]
        best = follow.groupby(list(labels))["token"].agg(lambda token: token.mode()[0])
        guess = best.reindex(test.set_index(list(labels)).index[:-1]).to_numpy()
        return (guess == test["token"].to_numpy()[1:]).mean()

    found = [
        NGram(6, 16).fit(train["token"]).accuracy(test["token"]),
        told("previous_motif", "motif", "position"),
        told("phrase", "position_in_phrase"),
        IdealObserver(default).accuracy(test["token"]),
    ]
    assert (np.diff(found) > 0.02).all(), found
    assert told("previous_phrase", "phrase", "position_in_phrase") == pytest.approx(
        found[-1], abs=0.003
    )


@pytest.mark.slow
def test_an_agreement_is_beyond_tables_of_six_tokens():
    default = AgreementGrammar()
    train, test = (default.training(n, seed=s).events for n, s in ((40_000, 4), (10_000, 5)))
    agrees, tokens = test["agrees"].to_numpy(), test["token"]
    n, chance = agrees.sum(), 1 / 3  # the first motif rules out one opening of four
    table = NGram(6, 16).fit(train["token"]).accuracy(tokens, mask=agrees)
    assert table < chance + 4 * np.sqrt(chance * (1 - chance) / n)
    assert IdealObserver(default).accuracy(tokens, mask=agrees) == 1


def test_a_mask_chooses_events():
    default = MotifGrammar()
    stream = default.training(3000, seed=6)
    tokens, position = stream.events["token"].to_numpy(), stream.events["position"].to_numpy()
    inside, junctions = (
        entropy_floor(default, tokens, mask=mask) for mask in (position >= 1, position == 0)
    )
    both, share = entropy_floor(default, tokens), (position[1:] >= 1).mean()
    assert inside.bits < 0.5 < junctions.bits
    assert both.bits == pytest.approx(share * inside.bits + (1 - share) * junctions.bits)


def test_what_the_grammar_cannot_produce_is_refused():
    toy = grammar(("a", "b", "c"), held_out_pairs=((2, 1),))
    with pytest.raises(StimulusError, match="cannot produce token 1") as caught:
        IdealObserver(toy).probabilities([2, 1])
    assert "held_out=True" in caught.value.fix
    assert IdealObserver(toy, held_out=True).probabilities([2, 1])[1, 1] == pytest.approx(
        0.5 + 0.5 * 0.1
    )
    with pytest.raises(StimulusError, match="no event is left"):
        entropy_floor(toy, [2])

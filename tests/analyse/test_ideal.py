"""The ideal observer. Oracles: closed forms of small grammars; the sum over all chains of motifs
that could have made the tokens; calibration on long streams; n-gram tables, which cannot be better.
"""

import numpy as np
import pytest

from fena_sim.errors import StimulusError
from fena_sim.measure import IdealObserver, NGram, entropy_floor
from fena_sim.stimulus import MotifGrammar, one_hot


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


def brute_force(toy, tokens, held_out):
    """Distribution of the token after `tokens`: all chains of motifs that fit, each as probable as
    the grammar's text says.
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

    def grow(before, motif, p, text):
        text = text + toy.motifs[motif]
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


@pytest.mark.slow
@pytest.mark.parametrize("held_out", [False, True])
def test_calibrated(held_out):
    """What is said to have probability p happens that often; all within 4 standard errors."""
    n, default = 50_000, MotifGrammar()
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

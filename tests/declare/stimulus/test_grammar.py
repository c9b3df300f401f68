"""The motif grammar. Oracles: closed-form chances of its rule, and the motif strings that labels
spell.
"""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fena_sim.errors import StimulusError, UnknownNameError
from fena_sim.stimulus import LONG_MOTIFS, MotifGrammar, one_hot

LABELS = ["token", "symbol", "position", "motif", "previous_motif", "motif_class", "novel"]


def chain(stream):
    """Motif numbers in order, read off the position column."""
    events = stream.events
    return events["motif"][events["position"] == 0].tolist()


def assert_near(count, total, p):
    """`count` of `total` Bernoulli trials lies within 5 standard errors of p."""
    assert abs(count / total - p) < 5 * np.sqrt(p * (1 - p) / total)


def contexts(motifs, k):
    """(class before the last, last motif, next motif) for every junction of a training stream."""
    return [(a // k, b, c) for a, b, c in zip(motifs, motifs[1:], motifs[2:])]


def check_labels(grammar, stream):
    events = stream.events
    k = len(grammar.motifs) // 3
    assert events.columns.tolist()[:2] == ["token", "symbol"] and set(events.columns) == set(LABELS)
    assert events["novel"].dtype == bool
    previous, expected_previous = None, -1
    for row in events.itertuples():
        assert grammar.motifs[row.motif][row.position] == row.symbol
        assert grammar.vocabulary.symbols[row.token] == row.symbol
        assert row.motif_class == row.motif // k
        if row.position == 0:
            if previous is not None:
                assert previous.position == len(grammar.motifs[previous.motif]) - 1
                expected_previous = previous.motif
        else:
            assert (previous.motif, previous.position) == (row.motif, row.position - 1)
        assert row.previous_motif == expected_previous
        assert row.novel == ((row.previous_motif, row.motif) in grammar.held_out_pairs)
        previous = row


def test_default_motifs_share_tokens_across_three_classes_of_three():
    grammar = MotifGrammar()
    assert grammar.class_size == 3 and len(grammar.vocabulary) == 16
    assert {len(m) for m in grammar.motifs} == {3, 4, 5}
    assert set().union(*grammar.motifs) == set("abcdefghijklmnop")
    assert max(Counter(s for m in grammar.motifs for s in m).values()) > 1
    # Every motif begins one held-out pair and ends one, each a switch of class and of index.
    pairs = grammar.held_out_pairs
    assert {a for a, _ in pairs} == {b for _, b in pairs} == set(range(9)) and len(pairs) == 9
    assert all(a // 3 != b // 3 and a % 3 != b % 3 for a, b in pairs)


@given(n=st.integers(1, 60), seed=st.integers(0, 10**6))
@settings(deadline=None)
def test_labels_spell_the_motifs_and_length_is_exact(n, seed):
    grammar = MotifGrammar()
    for stream in (grammar.training(n, seed), grammar.held_out(n, seed)):
        assert len(stream) == n
        check_labels(grammar, stream)


def test_labels_of_a_grammar_of_one_motif_per_class_with_long_symbols():
    grammar = MotifGrammar(
        vocabulary=one_hot(["high", "low"]),
        motifs=[["high"], ["high", "low"], ["low", "low"]],
        held_out_pairs=[(0, 0)],
    )
    check_labels(grammar, grammar.training(200, 0))
    check_labels(grammar, grammar.held_out(200, 0))


@pytest.mark.parametrize("seed", range(5))
def test_training_never_visits_a_held_out_pair(seed):
    grammar = MotifGrammar()
    stream = grammar.training(16000, seed)
    motifs = chain(stream)
    assert not set(zip(motifs, motifs[1:])) & grammar.held_out_pairs
    assert not stream.events["novel"].any()
    # ... while every other pair of motifs of different classes does occur.
    assert len(set(zip(motifs, motifs[1:]))) == 9 * 6 - 9


def test_without_held_out_pairs_class_and_index_follow_the_rule():
    motifs = chain(MotifGrammar(held_out_pairs=()).training(60000, 3))
    junctions = contexts(motifs, 3)
    total = len(junctions)
    assert all(before != last // 3 != new // 3 for before, last, new in junctions)
    assert_near(
        sum(new // 3 == 3 - before - last // 3 for before, last, new in junctions), total, 0.9
    )
    # The index stays, or is drawn from all three: .8 + .2 / 3.
    assert_near(sum(new % 3 == last % 3 for _, last, new in junctions), total, 0.8 + 0.2 / 3)


def test_with_held_out_pairs_the_rule_is_conditioned_on_the_allowed_motifs():
    grammar = MotifGrammar()
    held = dict(grammar.held_out_pairs)
    counts, third = Counter(), Counter()
    for before, last, new in contexts(chain(grammar.training(120000, 4)), 3):
        expected_class = 3 - before - last // 3
        barred_is_third = held[last] // 3 == expected_class
        counts[barred_is_third] += 1
        third[barred_is_third] += new // 3 == expected_class
    # A barred motif has the chance .2/3 of a changed index, times that of its class.
    switch = 0.2 / 3
    assert_near(third[True], counts[True], 0.9 * (1 - switch) / (1 - 0.9 * switch))
    assert_near(third[False], counts[False], 0.9 / (1 - 0.1 * switch))


def test_start_is_as_if_after_the_classes_0_and_1():
    motifs = [chain(MotifGrammar().training(5, seed))[0] for seed in range(1500)]
    assert_near(sum(m // 3 == 2 for m in motifs), 1500, 0.9)
    assert {m // 3 for m in motifs} == {0, 2}
    for index in range(3):
        assert_near(sum(m % 3 == index for m in motifs), 1500, 1 / 3)


def test_held_out_sends_half_of_the_junctions_through_novel_pairs():
    grammar = MotifGrammar()
    held = dict(grammar.held_out_pairs)
    motifs = chain(grammar.held_out(60000, 5))
    # Half are forced; the other half takes the novel motif by chance: .2/3 times the chance of its
    # class.
    expected = np.mean(
        [
            0.5 + 0.5 * 0.2 / 3 * (0.9 if held[last] // 3 == 3 - before - last // 3 else 0.1)
            for before, last, _ in contexts(motifs, 3)
        ]
    )
    novel = sum(new == held[last] for _, last, new in contexts(motifs, 3))
    assert_near(novel, len(motifs) - 2, expected)
    assert 0.5 < expected < 0.54


def test_held_out_forces_only_where_a_motif_has_a_held_out_partner_and_shares_several_equally():
    grammar = MotifGrammar(held_out_pairs=[(0, 4), (0, 8)], p_class=0.5)
    motifs = chain(grammar.held_out(60000, 6))
    after_0 = Counter(b for a, b in zip(motifs, motifs[1:]) if a == 0)
    total = sum(after_0.values())
    # Forced in half of the cases, and by chance in the other half (either class .5, this index .2 /
    # 3).
    for partner in (4, 8):
        assert_near(after_0[partner], total, 0.25 + 0.5 * 0.5 * 0.2 / 3)
    elsewhere = [a % 3 == b % 3 for a, b in zip(motifs, motifs[1:]) if a != 0]
    assert_near(sum(elsewhere), len(elsewhere), 0.8 + 0.2 / 3)


def test_a_held_out_pair_inside_a_class_keeps_the_class_context():
    # After 0 -> 1 (both class 0) the class before is still that of the motif before 0.
    grammar = MotifGrammar(held_out_pairs=[(0, 1)], p_class=1.0)
    classes = [m // 3 for m in chain(grammar.held_out(3000, 7))]
    distinct = [c for c, previous in zip(classes, [None, *classes]) if c != previous]
    assert len(distinct) < len(classes)
    assert distinct == [(2 + i) % 3 for i in range(len(distinct))]


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("pairs", [MotifGrammar().held_out_pairs, {(0, 1), (0, 4), (8, 8)}])
def test_rows_of_transitions_sum_to_one_or_are_never_reached(held_out, pairs):
    total = MotifGrammar(held_out_pairs=pairs).transitions(held_out).sum(axis=2)
    own_class = np.arange(9) // 3 == np.arange(3)[:, None]  # never the class before itself
    np.testing.assert_allclose(total, ~own_class)


def test_long_motifs_are_nine_of_eight_tokens_that_share_tokens():
    grammar = MotifGrammar(motifs=LONG_MOTIFS)
    assert [len(set(m)) for m in grammar.motifs] == [8] * 9
    assert len({m[0] for m in grammar.motifs}) == 9
    check_labels(grammar, grammar.training(300, 0))


def test_certain_rules_give_a_cycle():
    grammar = MotifGrammar(p_class=1, p_index=1, held_out_pairs=())
    motifs = chain(grammar.training(500, 8))
    assert [m // 3 for m in motifs] == [(2 + i) % 3 for i in range(len(motifs))]
    assert len({m % 3 for m in motifs}) == 1


@pytest.mark.parametrize("method", ["training", "held_out"])
def test_seeds_repeat_and_differ(method):
    make = getattr(MotifGrammar(), method)
    assert make(500, 1) == make(500, 1)
    assert not make(500, 1).events["token"].equals(make(500, 2).events["token"])


def test_a_longer_stream_begins_with_the_shorter_one():
    assert MotifGrammar().training(1000, 1)[:137] == MotifGrammar().training(137, 1)


ALL = {(a, b) for a in range(9) for b in range(9)}


@pytest.mark.parametrize(
    "build, words",
    [
        (lambda: MotifGrammar(motifs=[]), "0 motifs"),
        (lambda: MotifGrammar(motifs=["a", "b"], held_out_pairs=()), "2 motifs"),
        (lambda: MotifGrammar(motifs=["a", "b", ""], held_out_pairs=()), "empty"),
        (lambda: MotifGrammar(motifs=[1, 2, 3], held_out_pairs=()), "motifs"),
        (lambda: MotifGrammar(motifs=5), "motifs"),
        (lambda: MotifGrammar(vocabulary="abc"), "vocabulary"),
        (lambda: MotifGrammar(held_out_pairs=[(0, 9)]), "motif 9"),
        (lambda: MotifGrammar(held_out_pairs=[(-1, 0)]), "motif -1"),
        (lambda: MotifGrammar(held_out_pairs=[("a", 0)]), "motif 'a'"),
        (lambda: MotifGrammar(held_out_pairs=[(0, 1, 2)]), "pairs"),
        (lambda: MotifGrammar(held_out_pairs=3), "pairs"),
        (lambda: MotifGrammar(p_class=1.1), "p_class"),
        (lambda: MotifGrammar(p_class="usually"), "p_class"),
        (lambda: MotifGrammar(p_index=-0.1), "p_index"),
        (lambda: MotifGrammar(p_index=float("nan")), "p_index"),
        (lambda: MotifGrammar().training(0, 1), "n must be"),
        (lambda: MotifGrammar().training(10.0, 1), "n is 10.0"),
        (lambda: MotifGrammar().held_out(-3, 1), "n must be"),
        (lambda: MotifGrammar().training(10, -1), "seed"),
        (lambda: MotifGrammar().held_out(10, "x"), "seed"),
        (lambda: MotifGrammar(held_out_pairs=()).held_out(10, 1), "no held-out pairs"),
        # Impossible training, at once and not only when the dead end is met.
        (lambda: MotifGrammar(held_out_pairs=ALL).training(1, 1), "every continuation"),
        (
            lambda: MotifGrammar(held_out_pairs={p for p in ALL if p[0] == 4}).training(1, 1),
            "of motif 4",
        ),
        (
            # Motif 4 (class 1, index 1) may go on only to 1 or 7 when the index never changes.
            lambda: MotifGrammar(p_index=1, held_out_pairs=[(4, 1), (4, 7)]).training(1, 1),
            "of motif 4",
        ),
        (
            # With a certain class rule 0 is always followed by class 1.
            lambda: MotifGrammar(p_class=1, held_out_pairs=[(0, 3), (0, 4), (0, 5)]).training(1, 1),
            "of motif 0",
        ),
    ],
)
def test_refusals_say_what_where_and_how_to_fix(build, words):
    with pytest.raises(StimulusError) as caught:
        build()
    assert words in caught.value.what
    assert caught.value.where and caught.value.fix


def test_unknown_token_of_a_motif_says_which_motif():
    with pytest.raises(UnknownNameError, match="'q'") as caught:
        MotifGrammar(motifs=["abc", "bcq", "cab"], held_out_pairs=())
    assert caught.value.where == "MotifGrammar.motifs[1]"


def test_a_dead_end_that_training_cannot_reach_is_no_reason_to_refuse():
    # The cycle of classes 2, 0, 1 never goes from class 0 to class 2, so barring that is harmless.
    grammar = MotifGrammar(p_class=1, held_out_pairs=[(0, 6), (0, 7), (0, 8)])
    assert len(grammar.training(300, 1)) == 300


@given(
    pairs=st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=20),
    p_class=st.sampled_from([0.0, 0.3, 1.0]),
    p_index=st.sampled_from([0.0, 0.5, 1.0]),
)
@settings(deadline=None, max_examples=60)
def test_training_either_refuses_or_goes_on_for_long(pairs, p_class, p_index):
    grammar = MotifGrammar(
        vocabulary=one_hot("abcdef"),
        motifs="abcdef",
        held_out_pairs=pairs,
        p_class=p_class,
        p_index=p_index,
    )
    try:
        stream = grammar.training(300, 0)
    except StimulusError as error:
        assert "continuation" in error.what
        return
    motifs = chain(stream)
    assert len(motifs) == 300 and not set(zip(motifs, motifs[1:])) & pairs

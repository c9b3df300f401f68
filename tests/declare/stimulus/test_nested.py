"""The nested grammar. Oracles: closed-form chances of its rule, the motif grammar whose motifs are
the phrases, and the motifs and phrases that labels spell.
"""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fena_sim.errors import StimulusError, UnknownNameError
from fena_sim.stimulus import MotifGrammar, NestedGrammar, one_hot

LABELS = [
    *("token", "symbol", "position", "motif", "previous_motif", "place", "position_in_phrase"),
    *("phrase", "previous_phrase", "phrase_class", "novel", "novel_phrase"),
]


def assert_near(count, total, p):
    """`count` of `total` Bernoulli trials lies within 5 standard errors of p."""
    assert abs(count / total - p) < 5 * np.sqrt(p * (1 - p) / total)


def chain(stream, name="phrase"):
    """Phrase numbers in order (or another label), read off where phrases begin."""
    events = stream.events
    return events[name][events["position_in_phrase"] == 0].tolist()


def check_labels(grammar, stream):
    """Read the tokens from left to right as the labels claim that they were made."""
    n, k = len(grammar.phrases), grammar.class_size
    spelled = [*grammar.phrases, *(phrase for _, phrase in grammar.held_out_phrases)]
    stands_for = [*range(n), *(place for place, _ in grammar.held_out_phrases)]
    assert stream.events.columns.tolist() == LABELS
    before, previous_motif, previous_phrase = None, -1, -1
    for row in stream.events.itertuples():
        assert grammar.motifs[row.motif][row.position] == row.symbol
        assert grammar.vocabulary.symbols[row.token] == row.symbol
        assert spelled[row.phrase][row.place] == row.motif
        if row.position_in_phrase == 0:
            assert row.place == row.position == 0
            if before is not None:
                assert before.place == len(spelled[before.phrase]) - 1
                previous_phrase = before.phrase
        else:
            assert before.phrase == row.phrase
            assert before.position_in_phrase == row.position_in_phrase - 1
            assert row.place == before.place + (row.position == 0)
        if row.position == 0:
            if before is not None:
                assert before.position == len(grammar.motifs[before.motif]) - 1
                previous_motif = before.motif
        else:
            assert before.position == row.position - 1
        assert (row.previous_motif, row.previous_phrase) == (previous_motif, previous_phrase)
        assert row.phrase_class == stands_for[row.phrase] // k
        pair = stands_for[previous_phrase], stands_for[row.phrase]
        assert row.novel == (previous_phrase >= 0 and pair in grammar.held_out_pairs)
        assert row.novel_phrase == (row.phrase >= n)
        before = row


def test_default_phrases_share_motifs_as_the_docstring_says():
    grammar = NestedGrammar()
    phrases = grammar.phrases
    assert grammar.class_size == 3 and len(grammar.motifs) == 9
    assert len({first for first, _, _ in phrases}) == 9
    assert [len({p[1] for p in phrases[3 * c : 3 * c + 3]}) for c in range(3)] == [1, 1, 1]
    assert [len({p[2] for p in phrases[i::3]}) for i in range(3)] == [1, 1, 1]
    # Motifs inside a phrase also begin others, and no motif is heard twice in a row in a phrase.
    assert {m for p in phrases for m in p[1:]} <= {p[0] for p in phrases}
    pairs = {pair for p in phrases for pair in zip(p, p[1:])}
    assert all(a != b for a, b in pairs)
    # The motif alone does not tell what comes next in its phrase.
    assert max(Counter(a for a, _ in pairs).values()) == 4
    lengths = [sum(len(grammar.motifs[m]) for m in p) for p in phrases]
    assert (min(lengths), max(lengths), np.mean(lengths)) == (10, 14, 12)
    for place, phrase in grammar.held_out_phrases:
        # Familiar motifs, in their usual places, in a combination of another class and index.
        assert phrase[0] == phrases[place][0] and phrase not in phrases
        assert any(phrase[1:] == p[1:] for p in phrases)


@given(n=st.integers(1, 120), seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=40, derandomize=True)
def test_labels_spell_motifs_and_phrases_and_length_is_exact(n, seed):
    grammar = NestedGrammar()
    for stream in (grammar.training(n, seed), grammar.held_out(n, seed)):
        assert len(stream) == n
        check_labels(grammar, stream)


def test_labels_of_phrases_of_unequal_lengths_and_of_a_pair_inside_a_class():
    grammar = NestedGrammar(
        vocabulary=one_hot(["high", "low"]),
        motifs=[["high"], ["high", "low"]],
        phrases=[[0], [1, 1, 0], [0, 1], [1], [1, 0], [0, 0]],
        held_out_pairs=[(0, 1), (3, 0)],
        held_out_phrases={5: [1, 1, 1, 1], 2: [0, 0, 0]},
    )
    assert grammar.held_out_phrases == ((2, (0, 0, 0)), (5, (1, 1, 1, 1)))
    check_labels(grammar, grammar.training(300, 0))
    check_labels(grammar, grammar.held_out(300, 0))


def test_nothing_held_out_occurs_in_training_and_all_of_it_in_held_out():
    grammar = NestedGrammar()
    stream = grammar.training(16000, 1)
    phrases = chain(stream)
    visited = set(zip(phrases, phrases[1:]))
    assert not visited & grammar.held_out_pairs and max(phrases) == 8
    assert not stream.events[["novel", "novel_phrase"]].any().any()
    assert len(visited) == 9 * 6 - 9  # every other pair of phrases of different classes does occur
    # No phrase is held out that the tokens of training spell by other phrases side by side.
    text = "".join(stream.events["symbol"])
    for _, phrase in grammar.held_out_phrases:
        assert "".join("".join(grammar.motifs[m]) for m in phrase) not in text
    phrases = chain(grammar.held_out(16000, 1))
    assert grammar.held_out_pairs <= set(zip(phrases, phrases[1:]))
    assert set(phrases) == set(range(12))


def test_the_order_over_phrases_is_that_of_a_motif_grammar_whose_motifs_are_the_phrases():
    nested = NestedGrammar()
    flat = MotifGrammar(
        motifs=["".join("".join(nested.motifs[m]) for m in p) for p in nested.phrases]
    )
    assert flat.held_out_pairs == nested.held_out_pairs
    np.testing.assert_array_equal(nested.start(), flat.start())
    for held_out in (False, True):
        np.testing.assert_array_equal(nested.transitions(held_out), flat.transitions(held_out))
    # Even the same dice: training of both makes the same tokens.
    for a, b in (("token", "token"), ("phrase", "motif"), ("position_in_phrase", "position")):
        assert (
            nested.training(500, 3).events[a].tolist() == flat.training(500, 3).events[b].tolist()
        )


def test_class_and_index_follow_the_rule():
    phrases = chain(NestedGrammar(held_out_pairs=()).training(60000, 3))
    triples = list(zip(phrases, phrases[1:], phrases[2:]))
    total = len(triples)
    assert_near(sum(len({p // 3 for p in triple}) == 3 for triple in triples), total, 0.9)
    assert_near(sum(b % 3 == c % 3 for _, b, c in triples), total, 0.8 + 0.2 / 3)


def test_held_out_phrases_take_half_of_the_visits_and_leave_the_order_as_it_is():
    stream = NestedGrammar(held_out_pairs=()).held_out(60000, 5)
    place = np.array(chain(stream))
    novel = np.array(chain(stream, "novel_phrase"))
    place[novel] = 4 * (place[novel] - 9)  # held-out phrases 9, 10, 11 stand for 0, 4, 8
    concerned = place % 4 == 0
    assert_near(novel.sum(), concerned.sum(), 0.5)
    assert not novel[~concerned].any()
    third = [len({a // 3, b // 3, c // 3}) == 3 for a, b, c in zip(place, place[1:], place[2:])]
    assert_near(sum(third), len(third), 0.9)
    after_novel = np.array(third)[novel[1:-1]]
    assert_near(after_novel.sum(), len(after_novel), 0.9)


def test_half_of_the_junctions_go_through_novel_pairs():
    stream = NestedGrammar(held_out_phrases={}).held_out(60000, 6)
    novel = chain(stream, "novel")[1:]
    # .5, and by chance from the other half: index .2 / 3, class .9 or .1.
    assert 0.5 < np.mean(novel) < 0.5 + 0.5 * 0.9 * 0.2 / 3 + 5 * 0.5 / np.sqrt(len(novel))
    assert not stream.events["novel_phrase"].any()


@pytest.mark.parametrize("method", ["training", "held_out"])
def test_seeds_repeat_and_differ_and_longer_streams_begin_alike(method):
    make = getattr(NestedGrammar(), method)
    assert make(500, 1) == make(500, 1)
    assert not make(500, 1).events["token"].equals(make(500, 2).events["token"])
    assert make(500, 1)[:137] == make(137, 1)


def test_equal_declarations_are_equal_and_hash_alike():
    grammar = NestedGrammar(held_out_phrases={8: [8, 3, 1], 0: [0, 7, 5], 4: [4, 2, 6]})
    assert grammar == NestedGrammar() and hash(grammar) == hash(NestedGrammar())


def _tiny(**options):
    return NestedGrammar(
        **{
            "motifs": ["a", "b"],
            "phrases": [[0], [1], [0, 1]],
            "held_out_pairs": (),
            "held_out_phrases": {},
            **options,
        }
    )


@pytest.mark.parametrize(
    "build, words, where",
    [
        (lambda: _tiny(motifs=[]), "no motifs", "motifs"),
        (lambda: _tiny(motifs=["a", ""]), "motif is empty", "motifs[1]"),
        (lambda: _tiny(motifs=[1, 2]), "motifs", "motifs"),
        (lambda: _tiny(phrases=[]), "0 phrases", "phrases"),
        (lambda: _tiny(phrases=[[0], [1]]), "2 phrases", "phrases"),
        (lambda: _tiny(phrases=[[0], [], [1]]), "phrase is empty", "phrases[1]"),
        (lambda: _tiny(phrases=[[0], [2], [1]]), "motif 2", "phrases[1]"),
        (lambda: _tiny(phrases=[[0], [-1], [1]]), "motif -1", "phrases[1]"),
        (lambda: _tiny(phrases=["ab", "b", "a"]), "motif 'a'", "phrases[0]"),
        (lambda: _tiny(phrases=[0, 1, 0]), "the phrases are 0", "phrases"),
        (lambda: _tiny(held_out_pairs=[(0, 3)]), "phrase 3", "held_out_pairs"),
        (lambda: _tiny(held_out_pairs=[(0, 1, 2)]), "phrase numbers", "held_out_pairs"),
        (lambda: _tiny(held_out_phrases={3: [0]}), "phrase 3", "held_out_phrases"),
        (lambda: _tiny(held_out_phrases={0: [0, 2]}), "motif 2", "held_out_phrases"),
        (lambda: _tiny(held_out_phrases={0: []}), "phrase is empty", "held_out_phrases"),
        (lambda: _tiny(held_out_phrases={0: 1}), "the held-out phrases are 1", "held_out_phrases"),
        (lambda: _tiny(held_out_phrases=[0]), "by the number of a phrase", "held_out_phrases"),
        (lambda: _tiny(held_out_phrases={1: [0, 1]}), "is phrase 2", "held_out_phrases"),
        (lambda: _tiny(phrases=[[0], {0, 1}, [1]]), "are a set", "phrases"),
        (lambda: _tiny(held_out_pairs=[{0, 1}]), "are a set", "held_out_pairs"),
        (lambda: _tiny(held_out_phrases={0: {0, 1}}), "are a set", "held_out_phrases"),
        (lambda: _tiny(p_class=1.1), "p_class", "p_class"),
        (lambda: _tiny(p_index="often"), "p_index", "p_index"),
        (lambda: _tiny(vocabulary="ab"), "vocabulary", "vocabulary"),
        (lambda: _tiny().training(0, 1), "n must be", ""),
        (lambda: _tiny().training(10, -1), "seed", "training"),
        (lambda: _tiny().held_out(10, 1), "no held-out", "held_out"),
        (
            lambda: _tiny(held_out_pairs=[(0, 1), (0, 2)]).training(5, 1),
            "continuation of phrase 0",
            "held_out_pairs",
        ),
    ],
)
def test_refusals_say_what_where_and_how_to_fix(build, words, where):
    with pytest.raises(StimulusError) as caught:
        build()
    assert words in caught.value.what and caught.value.fix
    assert caught.value.where == f"NestedGrammar.{where}".rstrip(".")


def test_unknown_token_of_a_motif_says_which_motif():
    with pytest.raises(UnknownNameError, match="'q'") as caught:
        _tiny(motifs=["a", "bq"])
    assert caught.value.where == "NestedGrammar.motifs[1]"

"""The agreement grammar. Oracles: closed-form chances of its rule, and the words that labels spell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fena_sim.errors import StimulusError, UnknownNameError
from fena_sim.stimulus import AgreementGrammar, one_hot

LABELS = [
    *("token", "symbol", "position", "motif", "previous_motif", "opening"),
    *("position_in_sentence", "ending", "agrees", "novel"),
]


def assert_near(count, total, p):
    """`count` of `total` Bernoulli trials lies within 5 standard errors of p."""
    assert abs(count / total - p) < 5 * np.sqrt(p * (1 - p) / total)


def sentences(stream):
    """Event table of every whole sentence."""
    events = stream.events
    number = (events["position_in_sentence"] == 0).cumsum()
    return [sentence for _, sentence in events.groupby(number)][:-1]


def motifs(sentence):
    return sentence["motif"][sentence["position"] == 0].tolist()


def check_labels(grammar, stream):
    assert stream.events.columns.tolist() == LABELS
    for sentence in sentences(stream):
        (opening,) = set(sentence["opening"])
        chain = motifs(sentence)
        assert len(chain) in grammar.lengths
        words = [grammar.openings[opening], *(grammar.motifs[m] for m in chain)]
        ending = grammar.endings[opening]
        text = [symbol for word in (*words, ending) for symbol in word]
        assert sentence["symbol"].tolist() == text
        assert sentence["token"].tolist() == [grammar.vocabulary.index(s) for s in text]
        assert sentence["position_in_sentence"].tolist() == list(range(len(text)))
        assert sentence["ending"].tolist() == [
            i >= len(text) - len(ending) for i in range(len(text))
        ]
        outside = [len(words[0]), len(text) - len(ending)]
        inside = np.zeros(len(text), bool)
        inside[outside[0] : outside[1]] = True
        assert (sentence["position"] >= 0).tolist() == inside.tolist()
        spelled = sentence[inside]
        lengths = [len(grammar.motifs[m]) for m in chain]
        assert spelled["motif"].tolist() == np.repeat(chain, lengths).tolist()
        assert spelled["previous_motif"].tolist() == np.repeat([-1, *chain[:-1]], lengths).tolist()
        assert spelled["position"].tolist() == [i for length in lengths for i in range(length)]
        assert (sentence.loc[~inside, ["position", "motif", "previous_motif"]] == -1).all().all()
        assert set(sentence["novel"]) == {(opening, chain[0]) in grammar.held_out_pairs}


def test_the_default_ending_repeats_the_opening_some_30_tokens_later():
    grammar = AgreementGrammar()
    stream = grammar.held_out(4000, 1)
    distances = set()
    for sentence in sentences(stream):
        first, last = sentence.iloc[0], sentence.iloc[-1]
        assert first["symbol"] == last["symbol"] and last["agrees"] and not first["agrees"]
        assert sentence["agrees"].sum() == 1
        assert sentence["symbol"].iloc[-2] == "p" and (sentence["symbol"] == "p").sum() == 1
        distances.add(int(last["position_in_sentence"]))
    assert distances == {26, 30, 34}
    # The tokens of the openings also stand in motifs, where they decide nothing.
    text = "".join(map("".join, grammar.motifs))
    assert {text.count(symbol) for symbol in "abcd"} == {2}
    assert len({motif[0] for motif in grammar.motifs}) == 8
    # Every opening is barred from two first motifs, and every first motif bars one opening.
    assert sorted(m for _, m in grammar.held_out_pairs) == list(range(8))
    assert sorted(o for o, _ in grammar.held_out_pairs) == [0, 0, 1, 1, 2, 2, 3, 3]


@given(n=st.integers(1, 200), seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=20, derandomize=True)
def test_labels_spell_the_words_and_length_is_exact(n, seed):
    grammar = AgreementGrammar()
    for stream in (grammar.training(n, seed), grammar.held_out(n, seed)):
        assert len(stream) == n
        check_labels(grammar, stream)


def test_labels_of_words_of_unequal_lengths():
    grammar = AgreementGrammar(
        openings=["ab", "c"],
        endings=["pqa", "pqbb"],
        motifs=["a", "bc"],
        lengths=[1, 3],
        held_out_pairs=[(0, 1)],
        vocabulary=one_hot("abcpq"),
    )
    for stream in (grammar.training(300, 0), grammar.held_out(300, 0)):
        check_labels(grammar, stream)
        for sentence in sentences(stream):
            agreeing = "".join(sentence["symbol"][sentence["agrees"]])
            assert agreeing == ("a", "bb")[sentence["opening"].iloc[0]]


def test_held_out_pairs_never_open_a_sentence_of_training_and_all_do_in_held_out():
    grammar = AgreementGrammar()
    for held_out in (False, True):
        stream = (grammar.held_out if held_out else grammar.training)(30000, 1)
        begun = [(s["opening"].iloc[0], motifs(s)[0]) for s in sentences(stream)]
        if not held_out:
            assert not set(begun) & grammar.held_out_pairs and not stream.events["novel"].any()
            assert len(set(begun)) == 4 * 8 - 8  # every other pair does occur
            continue
        assert grammar.held_out_pairs <= set(begun)
        # Half are forced, and of the other half two of eight first motifs are novel.
        assert_near(sum(p in grammar.held_out_pairs for p in begun), len(begun), 0.5 + 0.5 * 2 / 8)


def test_openings_lengths_and_motifs_follow_the_rule():
    grammar = AgreementGrammar(held_out_pairs=())
    whole = sentences(grammar.training(30000, 2))
    openings, chains = [s["opening"].iloc[0] for s in whole], [motifs(s) for s in whole]
    for opening in range(4):
        assert_near(openings.count(opening), len(whole), 1 / 4)
    for length in (6, 7, 8):
        assert_near(sum(len(chain) == length for chain in chains), len(whole), 1 / 3)
    for motif in range(8):
        assert_near(sum(chain[0] == motif for chain in chains), len(whole), 1 / 8)
    steps = [pair for chain in chains for pair in zip(chain, chain[1:])]
    assert_near(sum(b == (a + 1) % 8 for a, b in steps), len(steps), 0.8 + 0.2 / 8)
    assert_near(sum(b == a for a, b in steps), len(steps), 0.2 / 8)


def test_chances_in_closed_form():
    grammar = AgreementGrammar()
    order = grammar.next_motif()
    np.testing.assert_allclose(order.sum(axis=1), 1)
    np.testing.assert_allclose(order[7, 0], 0.8 + 0.2 / 8)
    np.testing.assert_allclose(order[7, 1:], 0.2 / 8)
    np.testing.assert_allclose(grammar.first_motif()[1], [1 / 6, 1 / 6, 0, 0, *[1 / 6] * 4])
    expected = 0.5 / 8 + np.array([0, 0, 0.25, 0.25, 0, 0, 0, 0])
    np.testing.assert_allclose(grammar.first_motif(held_out=True)[1], expected)
    free = AgreementGrammar(held_out_pairs=[(0, 3)]).first_motif(held_out=True)
    np.testing.assert_allclose(free[1:], 1 / 8)  # nothing is held out after the others


@pytest.mark.parametrize("method", ["training", "held_out"])
def test_seeds_repeat_and_differ_and_longer_streams_begin_alike(method):
    make = getattr(AgreementGrammar(), method)
    assert make(500, 1) == make(500, 1)
    assert not make(500, 1).events["token"].equals(make(500, 2).events["token"])
    assert make(500, 1)[:137] == make(137, 1)


@pytest.mark.parametrize(
    "options, words, where",
    [
        (dict(openings=[], endings=[]), "no openings", "openings"),
        (dict(openings=["a", "", "c", "d"]), "empty", "openings[1]"),
        (dict(endings=["pa", "pb", "pc", ""]), "empty", "endings[3]"),
        (dict(endings=["pa", "pb"]), "2 endings for 4 openings", "endings"),
        (dict(motifs=[]), "no motifs", "motifs"),
        (dict(motifs=3), "motifs are 3", "motifs"),
        (dict(lengths=[]), "no lengths", "lengths"),
        (dict(lengths=7), "lengths are 7", "lengths"),
        (dict(lengths={6, 7}), "are a set", "lengths"),
        (dict(endings=set("abcd")), "are a set", "endings"),
        (dict(lengths=[0, 1]), "at least 1", "lengths"),
        (dict(lengths=[6.5]), "6.5", "lengths"),
        (dict(held_out_pairs=[(4, 0)]), "opening 4", "held_out_pairs"),
        (dict(held_out_pairs=[(0, 8)]), "motif 8", "held_out_pairs"),
        (dict(held_out_pairs=[0]), "an opening and a motif", "held_out_pairs"),
        (dict(p_order=-0.1), "p_order", "p_order"),
        (dict(vocabulary=None), "vocabulary", "vocabulary"),
    ],
)
def test_refusals_say_what_where_and_how_to_fix(options, words, where):
    with pytest.raises(StimulusError) as caught:
        AgreementGrammar(**options)
    assert words in caught.value.what and caught.value.fix
    assert caught.value.where == f"AgreementGrammar.{where}"


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: AgreementGrammar().training(0, 1), "n must be"),
        (lambda: AgreementGrammar().training(10, 0.5), "seed"),
        (lambda: AgreementGrammar(held_out_pairs=()).held_out(10, 1), "no held-out pairs"),
        (
            lambda: AgreementGrammar(held_out_pairs=[(2, m) for m in range(8)]).training(10, 1),
            "after opening 2",
        ),
    ],
)
def test_streams_that_cannot_be_made_are_refused(call, words):
    with pytest.raises(StimulusError) as caught:
        call()
    assert words in caught.value.what and caught.value.where and caught.value.fix


def test_unknown_token_of_a_word_says_which_word():
    with pytest.raises(UnknownNameError, match="'q'") as caught:
        AgreementGrammar(endings=["pa", "pq", "pc", "pd"])
    assert caught.value.where == "AgreementGrammar.endings[1]"

"""What C12, C13 and C24 compare, on data whose answer is known. Oracles: the grammars' labels, read
by hand; docstrings as `inspect` gives them; weights counted by hand.
"""

import abc
import argparse
import inspect
import re
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from fena_sim import INITIAL, load_model
from fena_sim.load import shipped
from fena_sim.load.user_file import load_file

CLAIMS = shipped.folder("protocols/claims")
NOVEL = load_file(CLAIMS / "c12_novel_combinations.py", "claim")
ENGLISH = load_file(CLAIMS / "c24_english.py", "claim")
COMPARISONS = load_file(CLAIMS / "comparisons.py", "claim")
TEXTS = load_file(CLAIMS / "texts.py", "claim")


def test_weights_by_hand():
    """3 tokens, levels of 5 and 4: what predicts (W) and anticipates (V), two traces of the own and
    of the level below, and of these those of level 1 that expect its events.
    """
    model = load_model(shipped.folder("models") / "fena.py", 3, sizes=(5, 4))
    level_1 = 2 * 3 * 5 + 2 * 5 * 5 + 2 * 3 * 5 + 2 * (5 + 3)
    level_2 = 5 * 4 + 2 * 4 * 4 + 2 * 5 * 4
    assert COMPARISONS.synaptic_weights(model) == level_1 + level_2


def test_first_tokens_of_motifs():
    """Two motifs of two tokens; the second follows through a held-out pair in `novel`."""
    events = pd.DataFrame({"token": [0, 1, 2, 3], "position": [0, 1, 0, 1], "novel": [False] * 4})
    assert np.flatnonzero(NOVEL.junction(events)).tolist() == [2]
    events["novel"] = [False, False, True, True]
    assert np.flatnonzero(NOVEL.junction(events)).tolist() == [2]
    events["novel"] = [True, True, False, False]  # the block's first token is not scored
    assert not NOVEL.junction(events).any()


def test_next_motifs_of_phrases():
    """Four phrases of two motifs of one token: familiar, entered through a held-out pair, held out,
    and both.
    """
    events = pd.DataFrame(
        {
            "token": np.arange(8),
            "position": [0] * 8,
            "place": [0, 1] * 4,
            "novel": np.repeat([False, True, False, True], 2),
            "novel_phrase": np.repeat([False, False, True, True], 2),
        }
    )
    assert np.flatnonzero(NOVEL.next_motif(events)).tolist() == [3]
    assert np.flatnonzero(NOVEL.next_motif(events[:2])).tolist() == [1]


def test_the_parts_of_a_text_follow_each_other():
    whole = TEXTS.documentation().events["token"].to_numpy()
    parts = [part.events["token"].to_numpy() for part in TEXTS.parts(TEXTS.documentation())]
    assert list(map(len, parts)) == [100_000, 3000, 5000, 20_000, 5000]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_the_docstrings_are_those_of_the_standard_library():
    """The first modules by name, in the order in which their text stands in the stream."""
    found = "".join(TEXTS.docstrings().events["symbol"])

    def folded(prose):
        return re.sub("[^a-z.,]+", " ", prose.lower()).strip()

    documented = (abc, abc.ABC, argparse)
    at = [found.find(folded(inspect.getdoc(thing))) for thing in documented]
    assert at[0] == 0 < at[1] < at[2]
    assert "..." not in inspect.getdoc(abc.ABC) and "..." in inspect.getdoc(abc.abstractmethod)
    assert folded(inspect.getdoc(abc.abstractmethod)) not in found, (
        "a line of a doctest is left out"
    )
    assert len(found) == TEXTS.characters()


def test_blocks_read_on_where_the_network_before_them_ended():
    """Read from 0 to the last checkpoint without a gap, each test from the training before it."""
    experiments = ENGLISH.experiments(0, quick=False)
    first, further = (experiments[name].protocol.blocks for name in ("documentation", "further"))
    read = [b for b in (*first, *further) if b.name.startswith("to_")]
    assert [b.name for b in read] == [f"to_{n}" for n in (12_500, 20_000, 25_000, 50_000, 100_000)]
    learned = np.concatenate([b.stream.events["token"] for b in read])
    expected = TEXTS.parts(TEXTS.documentation())[0].events["token"]
    np.testing.assert_array_equal(learned, expected)
    assert first[0].start_from == INITIAL and further[0].start_from is None
    for blocks in (first, further):
        for before, block in pairwise(blocks):
            is_test = before.name.startswith("after_")
            assert block.start_from == (before.start_from if is_test else before.name)
    assert experiments["further"].start == (experiments["documentation"], "to_20000")
    assert "further" not in ENGLISH.experiments(1, quick=False)


@pytest.mark.parametrize(
    "bits, largest",
    [
        ((4.0, 3.9, 3.5, 3.0, 2.0), -0.5),  # 12,500; 20,000; 25,000; 50,000; 100,000
        ((4.0, 4.5, 3.5, 3.6, 2.0), 0.1),
        ((3.0, 2.0, 3.5, 2.0, 1.0), 0.5),
    ],
)
def test_the_largest_change_at_a_doubling(monkeypatch, bits, largest):
    """The test after 20,000 characters is no doubling."""
    run = SimpleNamespace(seed=4)
    counts = (12_500, 20_000, 25_000, 50_000, 100_000)
    after = {ENGLISH.test(n): value for n, value in zip(counts, bits, strict=True)}
    monkeypatch.setattr(ENGLISH, "bits", lambda run, block: after[block])
    table = pd.DataFrame({"bits": {"bigram": 3.0, "trigram": 2.5}})
    monkeypatch.setattr(ENGLISH, "tables_of", lambda text, characters: table)
    rows = ENGLISH._curve({"documentation": [run], "further": [run]}, [run])
    assert rows[0].summary.median == pytest.approx(largest)
    assert rows[0].verdict == ("holds" if largest < 0 else "fails")
    assert rows[1].summary.median == bits[-1] - 2.5, "against the trigram table after the last"

"""Oracle: the definitions of C11, C22 and C23, on values and event tables written by hand, and on
streams of the grammars.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from fena_sim.load.user_file import load_file
from fena_sim.stimulus import AgreementGrammar, NestedGrammar

FOLDER = Path(__file__).resolve().parents[3] / "protocols" / "claims"
C11, C22, C23, CONTENTS = (
    load_file(FOLDER / f"{name}.py", "claim")
    for name in ("c11_specialisation", "c22_depth", "c23_controls", "contents")
)


def held(**values):
    """{variable: (seed, level)} of a network; what is not given stays the same from level to level."""
    given = {name.replace("_", " "): np.array(value) for name, value in values.items()}
    shape = next(iter(given.values())).shape
    return {name: np.ones(shape) for name in C11.DIRECTIONS} | given


def verdicts(rows):
    return {row.measure.removeprefix("motifs: "): row.verdict for row in rows}


def test_a_gradient_has_to_hold_at_every_step_and_beyond_each_control():
    trained = held(
        token=[[0.6, 0.4, 0.1], [0.7, 0.4, 0.2], [0.6, 0.5, 0.1]],
        motif=[[0.1, 0.3, 0.4]] * 3,
        memory=[[2, 9, 8], [2, 7, 9], [3, 9, 10]],
    )
    networks = {
        "trained": trained,
        "untrained": held(token=[[0.4, 0.35, 0.3]] * 3, motif=[[0.1, 0.2, 0.4]] * 3),
        "shuffled": held(token=[[0.7, 0.4, 0.2]] * 3, motif=[[0, 0.9, 1.9]] * 3),
    }
    rows = C11.gradients("motifs", networks)
    found = verdicts(rows)
    assert found["token falls from level to level"] == "holds"
    assert found["token falls more than in networks untrained"] == "holds"
    assert found["token falls more than in networks shuffled"] == "fails"
    assert found["motif rises from level to level"] == "holds"
    assert found["motif rises more than in networks untrained"] == "fails", "the last step"
    assert found["previous motif rises from level to level"] == "fails", "it does not change"
    assert found["memory rises from level to level"] == "fails", "one network has a step down"
    assert "motif rises more than in networks shuffled" not in found, "the order has no part in it"
    by_measure = {row.measure: row.summary.median for row in rows}
    assert by_measure["motifs: token falls from level to level"] == pytest.approx(0.2)
    assert by_measure["motifs: memory rises from level to level"] == pytest.approx(1)
    assert by_measure["motifs: motif rises more than in networks untrained"] == pytest.approx(-0.1)


def test_a_row_of_a_level_holds_every_network_that_has_the_level():
    networks = {
        "trained": held(use=[[0.3, 0.1], [0.5, 0.2], [0.4, 0.3]]),
        "untrained": held(use=[[0.0, 0.0], [0.0, 0.01], [0.0, 0.02]]),
        "shuffled": held(use=[[0.2, 0.0]] * 3),
        "one level": held(use=[[0.7], [0.8], [0.9]]),
        "flat": held(use=[[0.6], [0.6], [0.5]]),
    }
    rows = [row for row in C11.by_level("motifs", networks) if row.details["variable"] == "use"]
    assert [row.measure for row in rows] == [
        "motifs, level 1: accuracy lost when knocked out",
        "motifs, level 2: accuracy lost when knocked out",
    ]
    assert rows[0].details == dict(
        grammar="motifs",
        level=1,
        variable="use",
        trained=0.4,
        untrained=0.0,
        shuffled=0.2,
        one_level=0.8,
        flat=0.6,
    )
    assert list(rows[1].details) == [
        "grammar",
        "level",
        "variable",
        "trained",
        "untrained",
        "shuffled",
    ]
    assert (rows[1].details["untrained"], rows[1].summary.median) == (0.01, 0.2)


def test_contents_of_levels_that_hold_one_thing_each():
    """Level 1 is the token itself, level 2 the motif before: what explains all is known."""
    n, rng = 400, np.random.default_rng(0)
    motifs = rng.integers(0, 3, n // 4 + 1)
    events = pd.DataFrame(
        dict(
            token=rng.integers(0, 4, n),
            motif=np.repeat(motifs[1:], 4),
            previous_motif=np.repeat(motifs[:-1], 4),
        )
    )
    codes = np.eye(4)
    right, wrong = codes[events["token"]], codes[(events["token"] + 1) % 4]
    states = {"state_1": right, "state_2": np.eye(3)[events["previous_motif"]]}
    partly = np.where(np.arange(n)[:, None] < 101, right, wrong)
    said = {"familiar": right, "without_1": wrong, "without_2": partly}

    def tokens(block):
        held = states if block == "familiar" else {}
        return xr.Dataset(
            {name: (("event", f"{name}_unit"), values) for name, values in held.items()}
            | {"probability": (("event", "symbol"), said[block])}
        )

    run = SimpleNamespace(
        id="handmade",
        blocks=list(said),
        events=lambda block: events,
        tokens=tokens,
        vocabulary=SimpleNamespace(symbols=tuple("abcd"), codes=codes),
    )
    found = CONTENTS.contents_of(run, ("token", "motif", "previous_motif"))
    assert found["token"] == pytest.approx([1, 0], abs=0.05)
    assert found["motif"] == pytest.approx([0, 0], abs=0.05)
    assert found["previous motif"] == pytest.approx([0, 1], abs=0.05)
    assert found["decoded token"][0] == found["decoded previous motif"][1] == 1
    assert found["decoded motif"] == pytest.approx([1 / 3] * 2, abs=0.1), "nothing tells it"
    # A rest of 1/4 per token in a motif of four is left of the motif before, none of the token.
    assert found["memory"] == pytest.approx([1 - 1 / np.e, 4 * (1 - 1 / np.e)], rel=0.1)
    assert found["use"] == pytest.approx([1, 299 / 399])


def test_novel_tokens_of_the_motif_grammar():
    events = pd.DataFrame(
        dict(token=[1] * 6, position=[0, 1, 0, 1, 2, 0], novel=[False] * 2 + [True] * 4)
    )
    (mask,) = C22.novel_windows(events, "motifs").values()
    assert mask.tolist() == [False, False, False, True, True, False]


def test_novel_tokens_of_phrases_are_of_those_that_training_never_shows():
    grammar = NestedGrammar()
    events = grammar.held_out(1500, seed=3).events
    combinations, phrases, pairs = C22.novel_windows(events, "nested").values()
    assert combinations.any() and phrases.any() and pairs.any() and not (phrases & pairs).any()
    assert set(events["phrase"][phrases]) == {9, 10, 11}, "the numbers of the held-out phrases"
    assert (events["position"][phrases | pairs] > 0).all()
    assert (phrases | ~combinations).all()

    def following(events, mask=slice(None)):
        return set(zip(events["previous_motif"][mask], events["motif"][mask]))

    trained = following(grammar.training(30_000, seed=1).events)
    assert not trained & following(events, combinations)
    assert following(events, phrases & ~combinations) <= trained
    order = set(zip(events["previous_phrase"][pairs], events["phrase"][pairs]))
    shown = grammar.training(30_000, seed=1).events
    assert not order & set(zip(shown["previous_phrase"], shown["phrase"]))


def test_novel_tokens_of_sentences_are_those_of_the_first_motif():
    grammar = AgreementGrammar()
    events = grammar.held_out(800, seed=3).events
    (mask,) = C22.novel_windows(events, "agreement").values()
    assert mask.any() and set(events["position"][mask]) == {1, 2, 3}
    pairs = set(zip(events["opening"][mask], events["motif"][mask]))
    assert pairs <= grammar.held_out_pairs
    assert events["position_in_sentence"][mask].max() == 4, (
        "an opening of one token, a motif of four"
    )


def of(accuracy, inside=0.9, **lost):
    """{quantity: value of each seed} of an architecture."""
    n = len(accuracy)
    given = {f"accuracy lost with level {k[-1]} knocked out": np.array(v) for k, v in lost.items()}
    inside = np.full(n, inside)
    return {"accuracy": np.array(accuracy), f"accuracy {C22.NOVEL}": inside} | given


def test_a_second_level_pays_where_it_is_used():
    ten = np.full(10, 0.9)
    scores = {"1 level": of(ten - 0.06), "2 levels": of(ten, level_2=[0.05] * 9 + [0.01])}
    left_out, knocked_out, _ = C22.second_level(scores)
    assert (left_out.verdict, knocked_out.verdict) == ("holds", "holds")
    scores = {"1 level": of(ten - 0.04), "2 levels": of(ten, level_2=[0.05] * 8 + [0.01] * 2)}
    left_out, knocked_out, _ = C22.second_level(scores)
    assert (left_out.verdict, knocked_out.verdict) == ("fails", "fails")
    assert left_out.summary.median == pytest.approx(0.04) and knocked_out.summary.median == 0.8


@pytest.mark.parametrize(
    "flat, inside, expected",
    [
        (0.904, 0.84, ["holds", "holds"]),
        (0.906, 0.84, ["fails", "holds"]),
        (0.8, 0.86, ["holds", "fails"]),
    ],
)
def test_a_flat_network_may_be_as_accurate_but_not_inside_novel_combinations(
    flat, inside, expected
):
    scores = {"3 levels": of([0.9] * 4), "flat, as 3 levels": of([flat] * 4, inside)}
    assert [row.verdict for row in C22.against_flat("nested", scores)] == expected


def test_controls_are_what_they_are_called():
    experiments = C23.experiments(0, quick=True)
    clamped = experiments["clamped precision"].hierarchy()
    for level, mean in enumerate(C23.LEARNED_MEANS):
        values = clamped.population(f"precision_{level}").parameters
        assert values["lowest"] == values["highest"] == mean
    silent = experiments["no feedback"].protocol.blocks
    assert [block.name for block in silent] == ["training", "familiar", "held_out"]
    assert all(block.controls["knocked_out"] == 2 for block in silent)
    assert [block.start_from for block in silent][1:] == ["training", "training"]
    later = experiments["no feedback after training"]
    assert [block.name for block in later.protocol.blocks] == ["familiar", "held_out"]
    assert later.start == (experiments["intact"], "training")
    tested = {
        name: next(b.stream for b in experiment.protocol.blocks if b.name == "familiar")
        for name, experiment in experiments.items()
    }
    for name, stream in tested.items():
        assert stream.events.equals(tested["intact"].events), f"{name} is tested on other tokens"

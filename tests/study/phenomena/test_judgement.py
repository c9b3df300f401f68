"""Phenomena in models and null models. Oracle: observers in NumPy (`planted.py`) whose verdicts are
known beforehand, the perfect one's values in closed form; the truth table of docs/phenomena.md; the
documented row.
"""

import json

import numpy as np
import planted
import pytest

from fena_sim.errors import DeclarationError, UnknownNameError
from fena_sim.study.phenomena.criterion import Equivalence, Positive, Published, Range, Report
from fena_sim.study.phenomena.judgement import Judgement, Networks, discrimination, judge
from fena_sim.study.phenomena.phenomenon import Phenomenon

PLANTED = Phenomenon(
    id="P00",
    name="deviance, of planted observers",
    criteria=(
        Positive(
            id="mmr", metric="deviant minus standard", required=True, basis="chosen", floor=0.01
        ),
        Positive(
            id="ipe", metric="(D - C)/norm, cascade", required=True, basis="chosen", floor=0.1
        ),
        Equivalence(
            id="place",
            metric="place in the cascade",
            required=True,
            basis="chosen",
            low=-0.05,
            high=0.05,
        ),
    ),
)


@pytest.fixture(scope="module")
def observers():
    names = ("perfect", "adapter", "silent", "broken")
    return {name: Networks(values=planted.measured(getattr(planted, name))) for name in names}


def verdicts(judgement):
    return {row.id.split()[1]: row.verdict for row in judgement.rows}


def test_a_perfect_observer_passes_and_counts_where_the_adapter_fails(observers):
    nulls = {"adapter": observers["adapter"], "silent": observers["silent"]}
    found = judge(PLANTED, observers["perfect"], nulls)
    assert verdicts(found) == {"mmr": "pass", "ipe": "pass", "place": "pass"}
    mmr, ipe, place = found.rows
    # ln 9; ln 10 over the norm of ln 10, 0 and ln(1/.9); the same everywhere in the cascade.
    norm = np.hypot(np.log(10), np.log(1 / 0.9))
    assert mmr.value == pytest.approx(np.log(9), rel=0.02)
    assert ipe.value == pytest.approx(np.log(10) / norm, rel=1e-3)
    assert (mmr.counts, ipe.counts, place.counts) == (False, True, False)
    assert set(mmr.nulls) == {"adapter", "silent"}
    assert mmr.nulls["adapter"] > 0.01 > ipe.nulls["adapter"]
    assert (found.verdict, found.whole) == ("pass", True)
    assert found.nulls_whole == {"adapter": False, "silent": False}
    assert not found.provisional


@pytest.mark.parametrize(
    "name, expected",
    [
        ("adapter", {"mmr": "pass", "ipe": "fail", "place": "pass"}),
        ("silent", {"mmr": "fail", "ipe": "fail", "place": "pass"}),
        ("broken", {"mmr": "fail", "ipe": "fail", "place": "fail"}),
    ],
)
def test_who_knows_nothing_fails(observers, name, expected):
    found = judge(PLANTED, observers[name], {"silent": observers["silent"]})
    assert verdicts(found) == expected
    assert (found.verdict, found.whole) == ("fail", False)


def test_three_networks_are_provisional_and_one_is_undecided():
    adapter = Networks(values=planted.measured(planted.adapter))
    three = judge(PLANTED, Networks(values=planted.measured(planted.perfect, 3)), {"a": adapter})
    assert (three.verdict, three.provisional) == ("pass", True)
    one = judge(PLANTED, Networks(values=planted.measured(planted.perfect, 1)), {"a": adapter})
    assert set(verdicts(one).values()) == {"undecided"}
    assert (one.verdict, one.whole, one.provisional) == ("undecided", False, True)


COMMON = dict(metric="m", basis="chosen", floor=0)
SPREAD = np.linspace(-1.7, 1.7, 20)
PASSES, FAILS = 1 + 0.1 * SPREAD, -1 + 0.1 * SPREAD


def of(*required, optional=False):
    """A phenomenon of positive criteria c1, c2, ..., all but the last required if `optional`."""
    n = len(required)
    return Phenomenon(
        id="P01",
        name="planted",
        criteria=[
            Positive(id=f"c{i + 1}", required=not (optional and i == n - 1), **COMMON)
            for i in range(n)
        ],
    )


def networks(*values):
    return Networks(values={f"c{i + 1}": v for i, v in enumerate(values) if v is not None})


@pytest.mark.parametrize(
    "model, null, verdict, whole",
    [
        ((PASSES, PASSES), (FAILS, FAILS), "pass", True),
        ((PASSES, PASSES), (PASSES, FAILS), "pass", True),
        ((PASSES, PASSES), (PASSES, PASSES), "not discriminating", True),
        ((PASSES, FAILS), (FAILS, FAILS), "fail", False),
        # What does not count must hold all the same.
        ((FAILS, PASSES), (PASSES, FAILS), "fail", False),
        # A single null network decides nothing, and what it was not measured by it does not pass.
        ((PASSES, PASSES), (PASSES[:1], PASSES[:1]), "not discriminating", True),
        ((PASSES, PASSES), (PASSES, None), "pass", True),
    ],
)
def test_the_verdict_on_a_phenomenon(model, null, verdict, whole):
    found = judge(of(*model), networks(*model), {"STD": networks(*null)})
    assert (found.verdict, found.whole) == (verdict, whole)
    # Any of several null models is enough.
    two = judge(of(*model), networks(*model), {"a": networks(FAILS), "b": networks(*null)})
    assert two.verdict == verdict


def test_without_null_models_nothing_counts():
    found = judge(of(PASSES), networks(PASSES))
    assert (found.verdict, found.whole, found.rows[0].counts) == ("not discriminating", True, None)


def test_what_is_not_required_decides_nothing():
    found = judge(of(PASSES, FAILS, optional=True), networks(PASSES, FAILS), {"n": networks(FAILS)})
    assert (found.verdict, found.rows[1].verdict) == ("pass", "fail")
    grey = judge(
        of(PASSES, PASSES, optional=True), networks(PASSES, PASSES), {"n": networks(PASSES, FAILS)}
    )
    assert (grey.verdict, grey.rows[1].counts) == ("not discriminating", True)


#: 17 of 20 networks have the sign, and p alone is between .025 and .05.
WEAK = np.r_[np.linspace(0.2, 0.6, 17), 0.7 * np.array([-0.5, -0.9, -1.2])]


def test_p_values_of_required_criteria_are_corrected_by_holm():
    """One weak effect among strong ones is the last to be tested, alone; two weak ones both fail."""
    null = {"n": networks(FAILS)}
    one = judge(of(WEAK, PASSES), networks(WEAK, PASSES), null)
    weak = one.details["c1"]
    assert 0.025 < weak["p"] < 0.05 and weak["p_holm"] == weak["p"]
    assert one.details["c2"]["p_holm"] == 2 * one.details["c2"]["p"]
    assert one.verdict == "pass"
    two = judge(of(WEAK, WEAK), networks(WEAK, WEAK), null)
    assert [row.verdict for row in two.rows] == ["fail", "fail"]
    assert two.details["c1"]["p_holm"] == 2 * weak["p"] > 0.05
    assert "among 2 criteria (Holm)" in two.details["c1"]["reason"]
    # What is not required is not in the family, and is not corrected.
    loose = judge(of(WEAK, WEAK, optional=True), networks(WEAK, WEAK), null)
    assert [row.verdict for row in loose.rows] == ["pass", "pass"]
    assert loose.details["c2"]["p_holm"] is None


def test_null_models_pass_without_the_correction():
    found = judge(of(PASSES, PASSES), networks(PASSES, PASSES), {"n": networks(WEAK, WEAK)})
    assert [row.counts for row in found.rows] == [False, False]
    assert found.nulls_whole == {"n": True}


def test_a_void_criterion_fails_the_phenomenon_and_no_null_passes_by_it():
    criterion = Positive(id="c1", required=True, levels=(2,), **COMMON)
    phenomenon = Phenomenon(id="P01", name="n", criteria=(criterion,))
    first = np.ones(20)
    dead = Networks(values={"c1": PASSES}, responses={1: first, 2: 0 * first})
    alive = Networks(values={"c1": PASSES}, responses={1: first, 2: first})
    assert judge(phenomenon, dead, {"n": alive}).verdict == "fail"
    found = judge(phenomenon, alive, {"n": dead})
    assert (found.verdict, found.rows[0].counts) == ("pass", True)


def test_a_row_has_the_names_that_others_rely_on_and_is_json():
    report = Report(id="c2", metric="latency", required=False, basis="chosen", unit="ms")
    ratio = Range(
        id="c1",
        metric="ratio",
        required=True,
        basis="published",
        source="Meyer & Olson 2011",
        low=1.2,
        high=4,
        published=Published(2.0, 0.5, "Meyer & Olson 2011"),
    )
    phenomenon = Phenomenon(id="P05", name="transitions", criteria=(ratio, report))
    model = Networks(values={"c1": 2.5 + 0.1 * SPREAD, "c2": np.full(20, np.nan)})
    nulls = {"STD": Networks(values={"c1": np.ones(20)})}
    written = json.loads(json.dumps(judge(phenomenon, model, nulls, {"c1": 0.75}).as_json()))
    first, second = written["rows"]
    low, high = first.pop("low"), first.pop("high")
    assert 2.4 < low < first.pop("value") < high < 2.6
    assert first == {
        "id": "P05 c1",
        "criterion": "ratio",
        "required": True,
        "basis": "direction published, bar chosen: Meyer & Olson 2011",
        "bar": "in 1.2 to 4",
        "verdict": "pass",
        "share_of_networks": 1.0,
        "nulls": {"STD": 1.0},
        "counts": True,
        "multiverse": 0.75,
    }
    assert (second["verdict"], second["value"], second["nulls"]) == (
        "reported",
        None,
        {"STD": None},
    )
    assert second["counts"] is None and second["multiverse"] is None
    details = written["details"]["c1"]
    assert (details["z"], details["score"]) == pytest.approx((1.0, 0.3173), abs=1e-4)
    assert details["p"] is None and details["networks"] == 20


def judgement(whole, **nulls):
    """One in which nothing else matters."""
    return Judgement(
        id="P01",
        name="n",
        verdict="fail",
        whole=whole,
        nulls_whole=nulls,
        provisional=False,
        rows=(),
        details={},
    )


def test_discrimination_is_against_the_best_single_null_model():
    """Two null models that pass a phenomenon each are not one that passes two."""
    found = discrimination(
        [
            judgement(True, STD=True, TP1=False),
            judgement(True, STD=False, TP1=True),
            judgement(True, STD=False, TP1=True, NGRAM=True),
            judgement(False, STD=False),
        ]
    )
    assert (found.model, found.nulls) == (3, {"STD": 1, "TP1": 2, "NGRAM": 1})
    assert (found.difference, found.best_null) == (1, "TP1")
    alone = discrimination([judgement(True)])
    assert (alone.difference, alone.best_null) == (1, None)


@pytest.mark.parametrize(
    "model, nulls, error, what",
    [
        (networks(PASSES), {}, DeclarationError, "no values of c2"),
        (networks(PASSES, PASSES, PASSES), {}, UnknownNameError, "no criterion 'c3'"),
        (
            networks(PASSES, PASSES),
            {"STD": Networks(values={"c": PASSES})},
            UnknownNameError,
            "no criterion 'c'",
        ),
        (networks(PASSES, np.ones((20, 2))), {}, DeclarationError, "shape (20, 2)"),
        ({"c1": PASSES, "c2": PASSES}, {}, DeclarationError, "model is"),
    ],
)
def test_what_does_not_fit_the_phenomenon_is_refused(model, nulls, error, what):
    with pytest.raises(error) as raised:
        judge(of(PASSES, PASSES), model, nulls)
    assert what in str(raised.value) and raised.value.where and raised.value.fix

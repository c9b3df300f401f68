"""Oracle: the documented contract of `fena claims` and of claim files; truth tables of thresholds and
verdicts.
"""

import importlib.util
import itertools
import json
import re
from pathlib import Path

import attrs
import pytest
import tiny
from brian2 import ms

import fena_sim as fs
from fena_sim.commands.main import main
from fena_sim.errors import DeclarationError
from fena_sim.measure import Summary
from fena_sim.study.claims.claim import (
    VERDICTS,
    Experiment,
    Measured,
    Otherwise,
    Reported,
    Row,
    Threshold,
    judge,
    once,
)
from fena_sim.study.claims.files import find_claims
from fena_sim.study.claims.suite import Jobs, run_claims

FIELDS = [
    "id",
    "measure",
    "value",
    "low",
    "high",
    "threshold",
    "verdict",
    "seeds",
    "runs",
    "command",
]
HEAD = """
import tiny
from brian2 import ms
from fena_sim.study.claims.claim import Threshold, Experiment, Measured, Otherwise, Reported, once
from fena_sim.measure import settling_iterations, summarise
from fena_sim.plot import new_figure, sheet
CLAIM, DEFINITION = "It settles.", "Median | of iterations."
OPTIONS = dict(sizes=(8, 6, 5))
def network(seed, n=6, **more):
    return Experiment(model=tiny.MODEL, protocol=tiny.one_block(n), seed=seed, options=OPTIONS, **more)
"""
SETTLES = (
    HEAD
    + """
ID = "C05"
def experiments(seed, quick):
    trained = network(seed)
    return {"trained": trained, "later": network(seed, 4, start=(trained, "learning"))}
def measure(runs, quick):
    found = {name: summarise([settling_iterations(run, "learning") for run in of]) for name, of in runs.items()}
    assert [run.seed for run in runs["later"]] == [12, 13]
    assert all(run.manifest["start"]["run"] == other.id for run, other in zip(runs["later"], runs["trained"]))
    value = found["trained"]
    return [Measured("held", value, Threshold("<=", 48)), Measured("missed", value, Threshold("<", 0), note="as it must"),
            Measured("weaker", value, Threshold("<", 0), Otherwise("iterations later", found["later"], Threshold("<=", 48))),
            Reported("later", found["later"]), Reported("level 1", value, details=dict(level=1, trained=2.5))]
def figure(runs):
    drawn = new_figure()
    with sheet():
        drawn.subplots().plot([run.seed for run in runs["trained"]])
    return drawn
"""
)
SHARES = (
    HEAD
    + """
ID = "C08"
def seeds(quick):
    return 3
def experiments(seed, quick):
    return {"mine": network(seed)}
def measure(runs, quick):
    return [Measured("networks", once(len(runs["mine"])), Threshold(">=", 3))]
"""
)
NEEDS_TORCH = (
    HEAD
    + """
ID = "C13"
def experiments(seed, quick):
    from fena_sim.study.claims.references import require_torch
    require_torch()
def measure(runs, quick):
    raise AssertionError
"""
)
EXPLODES = (
    HEAD
    + """
ID = "C21"
def experiments(seed, quick):
    return {"stops": network(seed, 24, parameters={"tau_e": 0.3*ms}, may_stop=MAY_STOP)}
def measure(runs, quick):
    return [Measured("stopped", once(all(not run.finished for run in runs["stops"])), Threshold(">=", 1))]
"""
)
PARTLY = (
    HEAD
    + """
from fena_sim.study.claims.claim import NotRun
from fena_sim.errors import FenaError
ID = "C13"
def check(seeds, quick):
    return [NotRun("beside a GRU", FenaError("PyTorch is not installed", fix="pip install fena-sim[claims]")),
            Measured("beside a table", once(1), Threshold(">=", VALUE))]
"""
)
CHECKED = (
    HEAD
    + """
ID = "C01"
def check(seeds, quick):
    return [Measured("seeds", once(len(seeds)), Threshold(">=", 10), note=repr((seeds, quick)))]
"""
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A function that puts claim files into ./protocols/claims; the working directory is empty
    otherwise.
    """
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "protocols" / "claims"
    path.mkdir(parents=True)

    def write(**files):
        for name, text in files.items():
            (path / f"{name}.py").write_text(text)

    return write


def fena(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["claims", *arguments])
    return ended.value.code


def summary(value, low, high):
    return Summary(value, low, high, 5, "BCa bootstrap, 95 %")


@pytest.mark.parametrize(
    "relation, met",
    [
        ("<=", (True, True, False)),
        ("<", (True, False, False)),
        (">=", (False, True, True)),
        (">", (False, False, True)),
    ],
)
def test_a_bar_compares_the_value_and_if_asked_the_interval(relation, met):
    assert tuple(Threshold(relation, 6.0).met(summary(v, 0, 12)) for v in (5.0, 6.0, 7.0)) == met
    inside = {"<": summary(5, 4, 5.5), ">": summary(7, 6.5, 8)}[relation[0]]
    assert Threshold(relation, 6.0, interval=True).met(inside)
    assert not Threshold(relation, 6.0, interval=True).met(summary(inside.median, 5, 7))
    assert str(Threshold(relation, 6.0)) == f"{relation} 6" and "interval" in str(
        Threshold(relation, 6.0, interval=True)
    )


def test_a_bar_of_another_kind_is_refused():
    with pytest.raises(DeclarationError, match="a threshold cannot be '=<'"):
        Threshold("=<", 6)


@pytest.mark.parametrize("meets, weaker", itertools.product((True, False), (True, False, None)))
def test_verdicts(meets, weaker):
    value = once(1.0 if meets else 0.0)
    otherwise = (
        None
        if weaker is None
        else Otherwise("floor", once(1.0 if weaker else 0.0), Threshold(">=", 1))
    )
    expected = "holds" if meets else "qualified" if weaker else "fails"
    assert judge(value, Threshold(">=", 1), otherwise) == expected
    assert Measured("m", value, Threshold(">=", 1), otherwise).verdict == expected


def test_a_value_that_is_no_number_is_refused():
    with pytest.raises(DeclarationError, match="'ratio' cannot be"):
        Measured("ratio", once(float("nan")), Threshold(">=", 1))


def test_the_row_is_the_contract():
    assert [field.name for field in attrs.fields(Row)] == [*FIELDS, "details"]
    assert VERDICTS == ("holds", "qualified", "fails", "not run")


@pytest.mark.parametrize("kind", (Measured, Reported))
def test_details_are_keys_of_the_row(kind):
    threshold = dict(threshold=Threshold(">=", 0)) if kind is Measured else {}
    with pytest.raises(DeclarationError, match="cannot be called value, verdict"):
        kind("m", once(1.0), **threshold, details=dict(verdict="holds", value=2, level=1))
    assert kind("m", once(1.0), **threshold, details=dict(level=1)).details == {"level": 1}
    row = Row(**dict.fromkeys(FIELDS), details=dict(level=1, variable="token"))
    assert row.as_json() == dict.fromkeys(FIELDS) | dict(level=1, variable="token")


def test_equal_experiments_are_one_job():
    def experiment(n=6, seed=0, protocol=None, **more):
        return Experiment(
            model=tiny.MODEL, protocol=protocol or tiny.one_block(n), seed=seed, **more
        )

    def rising(gain):
        return tiny.one_block(6, controls=dict(temperature=lambda t: gain * t / ms))

    jobs = Jobs()
    one = jobs.add(experiment())
    assert (
        jobs.add(experiment()) == one == jobs.add(experiment(parameters={"fastest": 0.05 / ms}))
    ), "the default, spelled out"
    later = jobs.add(experiment(start=(experiment(), "learning")))
    others = [
        experiment(7),
        experiment(seed=1),
        experiment(parameters={"eta": 2e-5 / ms}),
        experiment(options={"sizes": (8, 6)}),
        experiment(protocol=rising(1.0)),
        experiment(protocol=rising(2.0)),
        experiment(start=(experiment(seed=1), "learning")),
    ]
    keys = {one, later, *map(jobs.add, others)}
    assert len(keys) == 2 + len(others) == len(jobs.experiments)
    order = jobs._starts_first()
    assert order.index(one) < order.index(later)


def test_claims_end_to_end(folder, tmp_path, monkeypatch, capsys):
    folder(c05_settling=SETTLES, c08_shares=SHARES, c13_references=NEEDS_TORCH)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "fena_sim.study.claims.references.find_spec",
        lambda name: None if name == "torch" else find_spec(name),
    )
    assert fena("--quick", "--json", "rows.json", "--page", "docs/claims.md", "--quiet") == 0
    printed = capsys.readouterr().out
    rows = json.loads(Path("rows.json").read_text())
    reported = rows.pop(3)
    assert list(reported) == [*FIELDS, "level", "trained"], "what is reported with details"
    assert (reported["measure"], reported["threshold"], reported["verdict"]) == (
        "level 1",
        "",
        "reported",
    )
    assert (reported["level"], reported["trained"]) == (1, 2.5)
    assert reported["value"] == rows[0]["value"]
    assert all(list(row) == FIELDS for row in rows)
    assert [(r["id"], r["measure"], r["verdict"], r["seeds"]) for r in rows] == [
        ("C05", "held", "holds", 2),
        ("C05", "missed", "fails", 2),
        ("C05", "weaker", "qualified", 2),
        ("C08", "networks", "holds", 3),
        ("C13", "PyTorch is not installed", "not run", 0),
    ]
    assert [r["command"] for r in rows][2:] == [
        "fena claims C05 --seeds 2 --quick",
        "fena claims C08 --seeds 3 --quick",
        "fena claims C13 --seeds 2 --quick",
    ]
    assert rows[1]["threshold"] == "< 0" and re.fullmatch(
        r"< 0; qualified if iterations later \([\d.]+\) <= 48", rows[2]["threshold"]
    )

    stored = {run.id: run for run in map(fs.open_run, Path("runs").iterdir())}
    assert len(stored) == 2 + 2 + 1, "the networks of C05 with the first two seeds serve C08, too"
    assert set(rows[0]["runs"]) | set(rows[3]["runs"]) == set(stored) and len(rows[0]["runs"]) == 4
    assert set(rows[3]["runs"]) & set(rows[0]["runs"]) == {
        i for i in rows[0]["runs"] if not stored[i].manifest["start"]
    }
    iterations = [
        stored[i].tokens("learning")["iterations"].to_numpy()
        for i in rows[0]["runs"]
        if not stored[i].manifest["start"]
    ]
    medians = [
        sorted([*i[:3], *i[4:]])[2] for i in iterations
    ]  # five presented tokens; the fourth is omitted
    assert (rows[0]["low"], rows[0]["high"]) == (min(medians), max(medians)) and rows[0][
        "value"
    ] == sum(medians) / 2

    page = Path("docs/claims.md").read_text()
    sections = dict(zip(*[iter(re.split(r"^## (C\d\d)$", page, flags=re.M)[1:])] * 2, strict=True))
    for claim, text in sections.items():
        own = [r for r in rows if r["id"] == claim]
        worst = next(
            v
            for v in ("not run", "fails", "qualified", "holds")
            if v in [r["verdict"] for r in own]
        )
        assert (
            f"Verdict: **{worst}**" in text
            and f"| [{claim}](#{claim.lower()}) | It settles. | {worst} |" in page
        )
        for r in own:
            assert f"`{r['command']}`" in text and r["measure"] in text
            if r["value"] is not None:
                assert re.search(
                    rf"^\| {r['measure']} \| {r['value']:.4g} \[.*\| {re.escape(r['threshold'])} \| {r['verdict']} \|",
                    text,
                    re.M,
                )
    assert (
        "| later | " in sections["C05"]
        and "and 1 more" in sections["C05"]
        and "pip install" in sections["C13"]
    )
    assert "figures/claims/C05.png" in sections["C05"] and "figure" not in sections["C08"]
    assert {p.name for p in Path("docs/figures/claims").iterdir()} == {
        "C05.png",
        "C05.svg",
        "C05.pdf",
    }
    assert "not run" in printed and "later" in printed

    changed = {path: path.stat().st_mtime_ns for path in Path("runs").rglob("*")}
    assert fena("C05", "--quick", "--json", "again.json", "--quiet") == 0
    assert json.loads(Path("again.json").read_text()) == [*rows[:3], reported]
    assert changed == {path: path.stat().st_mtime_ns for path in Path("runs").rglob("*")}, (
        "nothing is run twice"
    )


@pytest.mark.parametrize(
    "may_stop, expected", [(True, ("stopped", "holds")), (False, (None, "not run"))]
)
def test_a_run_that_stops_is_a_result_only_where_the_claim_says_so(folder, may_stop, expected):
    folder(c21_no_nan=EXPLODES.replace("MAY_STOP", str(may_stop)), c01_local=CHECKED)
    checked, stops = run_claims(find_claims(), quick=True)
    (row,), (other,) = stops.rows, checked.rows
    assert row.verdict == expected[1] and (
        row.measure == "stopped" or "no longer finite" in row.measure
    )
    assert (other.verdict, other.value, checked.measured[0].note) == (
        "fails",
        2,
        "([12, 13], True)",
    )


@pytest.mark.parametrize("bound, verdict", [(1, "holds"), (2, "fails")])
def test_a_row_that_is_not_run_leaves_the_others_standing(folder, bound, verdict):
    folder(c13_partly=PARTLY.replace("VALUE", str(bound)))
    assert fena("--quick", "--json", "rows.json", "--page", "docs/claims.md", "--quiet") == 0
    measured, missing = json.loads(Path("rows.json").read_text())
    assert (measured["measure"], measured["verdict"], measured["value"]) == (
        "beside a table",
        verdict,
        1,
    )
    assert (missing["measure"], missing["verdict"]) == (
        "beside a GRU: PyTorch is not installed",
        "not run",
    )
    assert [missing[key] for key in ("value", "low", "high", "seeds")] == [None, None, None, 0]
    page = Path("docs/claims.md").read_text()
    assert "Verdict: **not run**" in page, "the worst of the rows"
    assert re.search(rf"^\| beside a table \| 1 \[.*\| {verdict} \|", page, re.M)
    assert re.search(
        r"^\| beside a GRU: PyTorch is not installed \|.*\| not run \| pip install", page, re.M
    )


def test_a_defect_in_a_claim_file_names_its_line(folder):
    folder(c01_local=CHECKED.replace("len(seeds)", "len(seed)"))
    (result,) = run_claims(find_claims(), seeds=4)
    assert result.rows[0].verdict == "not run" and "NameError" in result.rows[0].measure
    assert (
        "c01_local.py, line" in str(result.reason) and result.command == "fena claims C01 --seeds 4"
    )


def test_wrong_claims_are_refused(folder, capsys):
    folder(c05_settling=SETTLES, c08_shares=SHARES, c09_rhythm=SHARES, c10_traps="ID = 'C10'")
    assert fena("c5") == 2 and "did you mean 'C05'" in capsys.readouterr().err
    assert fena("C09") == 2 and "the file's ID is 'C08'" in capsys.readouterr().err
    assert fena("C10") == 2 and "the claim file lacks CLAIM" in capsys.readouterr().err
    assert not Path("runs").exists()


def test_the_shipped_claim_files_are_complete():
    for claim in find_claims():
        assert claim.sentence and claim.definition
        assert all(isinstance(e, Experiment) for e in claim.experiments(0, quick=True).values())

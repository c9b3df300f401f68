"""`fena figures` from stored runs, and the gallery. Oracle: the documented contract, on run folders
that hold a manifest alone and a figure file that draws how many runs it was given; the metadata
read back from the files.
"""

import json
import re
from pathlib import Path

import pytest
from matplotlib.image import imread

from fena_sim.commands.main import main
from fena_sim.errors import DeclarationError
from fena_sim.runs.store.find import stored_runs
from fena_sim.show.file import load_figures
from fena_sim.show.gallery import gallery, runs_of

DRAWS = '''"""How many runs: {name}.

More of it.
"""

from fena_sim.plot import Needs, new_figure, sheet

NEEDS = {{block: Needs(name=block, samples={samples}) for block in {blocks}}}
COMMAND = "fena run protocols/{protocol}.py --seeds 3"


def figure(runs):
    with sheet():
        fig = new_figure(20 + 10 * len(runs), 30)  # mm: the width counts the runs
        fig.subplots()
    return fig
'''


#: These runs hold nothing that standard figures could show.
CURVE = ("--only", "curve", "--out", "out")
MODEL = {
    "name": "m",
    "description": "",
    "batch": 1,
    "dt": "1. ms",
    "parameters": {},
    "populations": [],
}
INPUTS = {
    "versions": {},
    "code": "c",
    "model": {"populations": [], "readouts": [], "settling": None},
    "protocol": {"blocks": []},
}


def make_run(
    folder,
    name,
    seed,
    protocol="first_contact",
    started="2026-01-01T00:00:00",
    blocks=("training",),
    probes=(),
    **changes,
):
    about = {
        "status": "finished",
        "inputs_hash": "h",
        "versions": {},
        "command": ["fena"],
        "seed": seed,
        "device": "dense",
        "started": started,
        "protocol": {"name": protocol, "description": "", "measured_signal": "r"},
        "start": None,
        "model": MODEL,
        "vocabulary": {"symbols": ["a"], "codes": [[1.0]], "kind": "one_hot"},
        "inputs": INPUTS,
        "blocks": [
            {
                "name": b,
                "tokens": 3,
                "start_from": "initial",
                "self_paced": False,
                "probes": list(probes),
            }
            for b in blocks
        ],
    }
    declared = [
        {"population": p, "variables": ["r"], "units": None, "window": None} for p in probes
    ]
    of_blocks = [{"name": b, "probes": declared, "pace": {"type": "FixedPace"}} for b in blocks]
    about["inputs"] = {**INPUTS, "protocol": {"blocks": of_blocks}}
    path = folder / "runs" / name
    path.mkdir(parents=True)
    (path / "manifest.json").write_text(json.dumps({**about, **changes}))


def make_figure(folder, name, blocks=("training",), recorded=(), protocol="first_contact"):
    (folder / "figures").mkdir(exist_ok=True)
    (folder / "figures" / f"{name}.py").write_text(
        DRAWS.format(
            name=name, blocks=tuple(blocks), samples=[f"{r}.r" for r in recorded], protocol=protocol
        )
    )


def call(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["figures", *arguments])
    captured = capsys.readouterr()
    return stopped.value.code, captured.out, captured.err


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_figure(tmp_path, "curve")
    return tmp_path


def chosen(here, name="curve"):
    (file,) = [file for file in load_figures(here / "figures") if file.name == name]
    runs, others = file.choose(stored_runs(here / "runs")[0])
    return [run.id for run in runs], others


def test_one_run_per_seed_the_last_of_each(here):
    for seed in (1, 0):
        make_run(here, f"old{seed}", seed, started="2026-01-01T00:00:00")
        make_run(here, f"new{seed}", seed, started="2026-01-02T00:00:00")
    assert chosen(here) == (["new0", "new1"], 0)


@pytest.mark.parametrize(
    "difference",
    [
        {"device": "cpp"},
        {"model": {**MODEL, "parameters": {"tau": "3 ms"}}},
        {"inputs": {**INPUTS, "code": "d"}},
        {"start": {"run": "r", "block": "training"}},
    ],
)
def test_runs_of_different_experiments_are_not_mixed(here, difference):
    make_run(here, "a0", 0)
    make_run(here, "a1", 1)
    make_run(here, "b0", 0, started="2026-01-02T00:00:00", **difference)
    assert chosen(here) == (["b0"], 2)


def test_the_protocol_of_the_command_comes_first(here):
    make_run(here, "wanted", 0)
    make_run(here, "other", 0, protocol="other", started="2026-01-02T00:00:00")
    assert chosen(here) == (["wanted"], 1)


@pytest.mark.parametrize(
    "lacking",
    [{"status": "running"}, {"blocks": []}, {"model": {"name": "m", "batch": 2, "parameters": {}}}],
)
def test_what_cannot_be_shown_is_not_chosen(here, lacking):
    make_run(here, "a", 0, **lacking)
    assert chosen(here) == ([], 0)


def test_a_probe_may_be_needed(here):
    make_figure(here, "probed", recorded=("error_0", "precision_0"))
    make_run(here, "without", 0, probes=("state_1",), started="2026-01-02T00:00:00")
    assert chosen(here, "probed") == ([], 0)
    make_run(here, "with", 0, probes=("state_1", "precision_0"))
    assert chosen(here, "probed") == (["with"], 0)


def test_without_arguments_all_is_made_and_what_is_missing_is_said(here, capsys):
    make_figure(
        here, "other", blocks=("training", "held_out"), recorded=("error_0",), protocol="elsewhere"
    )
    for seed in range(3):
        make_run(here, f"r{seed}", seed)
    code, out, err = call(capsys)
    assert code == 0
    assert out.split() == [f"figures/made/curve.{suffix}" for suffix in ("pdf", "svg", "png")]
    assert runs_of(here / "figures/made/curve.png") == ["r0", "r1", "r2"]
    assert imread(here / "figures/made/curve.png").shape[1] == pytest.approx(50 / 25.4 * 300, abs=1)
    assert "other: needs runs with the blocks training, held_out" in err
    assert "fena run protocols/elsewhere.py --seeds 3" in err
    assert call(capsys, "--quiet")[2] == ""


def test_json_says_what_was_made_and_what_is_missing(here, capsys):
    make_figure(here, "other", blocks=("held_out",))
    make_run(here, "r0", 0)
    found = json.loads(call(capsys, "--json", "--quiet")[1])
    assert [(entry["name"], entry["runs"]) for entry in found["made"]] == [("curve", ["r0"])]
    assert [(entry["name"], entry["command"]) for entry in found["missing"]] == [
        ("other", "fena run protocols/first_contact.py --seeds 3")
    ]


def test_runs_that_are_named_are_all_shown(here, capsys):
    make_run(here, "a", 0)
    make_run(here, "b", 1)
    assert call(capsys, "runs/a", "runs/b", *CURVE)[0] == 0
    assert runs_of(here / "out/curve.png") == ["a", "b"]


def test_runs_of_two_experiments_or_two_of_one_seed_are_no_sample_of_networks(here, capsys):
    make_run(here, "a", 0)
    make_run(here, "b", 1, device="cpp")
    make_run(here, "c", 0)
    make_run(here, "d", 2, protocol="first_contact", blocks=("training",))
    code, _, err = call(capsys, "runs/a", "runs/b", *CURVE)
    assert code == 2 and "2 experiments" in err and "device dense, but device cpp" in err
    code, _, err = call(capsys, "runs/a", "runs/c", *CURVE)
    assert code == 2 and "one seed" in err and not (here / "out").exists()
    assert call(capsys, "runs/a", "runs/d", *CURVE)[0] == 0


def test_no_run_at_all_is_an_error_with_the_command(here, capsys):
    code, out, err = call(capsys)
    assert code == 2 and out == "" and "fena run protocols/first_contact.py" in err


def test_several_streams_are_refused(here, capsys):
    make_run(here, "a", 0, model={**MODEL, "batch": 2})
    code, _, err = call(capsys, "runs/a")
    assert code == 2 and "2 streams" in err


def test_a_figure_file_without_its_command_is_refused(tmp_path):
    (tmp_path / "x.py").write_text("NEEDS = {}\ndef figure(runs): pass\n")
    with pytest.raises(DeclarationError, match="COMMAND"):
        load_figures(tmp_path)


def test_the_gallery_shows_docstring_picture_runs_and_command(here, capsys):
    make_figure(here, "other", blocks=("held_out",))
    for seed in range(5):
        make_run(here, f"r{seed}", seed)
    assert call(capsys, "--gallery", "docs/gallery.md", "--quiet")[0] == 0
    text = (here / "docs/gallery.md").read_text()
    curve, other = text.split("## other")
    for part in (
        "How many runs: curve.",
        "More of it.",
        "figures/curve.png",
        "`r0`, `r1`, `r2` and 2 more",
        "fena run protocols/first_contact.py --seeds 3",
    ):
        assert part in curve
    assert (here / "docs/figures/curve.png").read_bytes() == (
        here / "figures/made/curve.png"
    ).read_bytes()
    assert "<img" not in other and "held_out" in other


def test_the_gallery_in_docs_is_what_the_files_say():
    """`fena figures --gallery docs/gallery.md` writes it; without runs it can be written again from
    the pictures in docs/figures.
    """
    docs = Path(__file__).parents[2] / "docs"
    files = load_figures(docs.parent / "figures")
    text = (docs / "gallery.md").read_text(encoding="utf-8")
    assert text == gallery(files, docs / "figures")
    assert all(runs_of(docs / "figures" / f"{file.name}.png") for file in files)
    assert len(re.findall("<img", text)) == len(files)

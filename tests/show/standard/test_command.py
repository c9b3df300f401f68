"""`fena figures` on runs of a protocol of one's own, and `fena new figure`. Oracle: their --help and
docs/howto/own-figures.md, on runs written by hand.
"""

import json
import runpy
import sys

import handmade
import made
import numpy as np
import pytest

from fena_sim.commands.main import main
from fena_sim.commands.new import write
from fena_sim.show.gallery import runs_of

FAILS = '''"""Fails."""
from fena_sim.plot import Needs

NEEDS = {"blocks": Needs()}
COMMAND = "fena run own.py"


def figure(runs, blocks):
    return {}[blocks[0]]
'''


def call(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    captured = capsys.readouterr()
    return stopped.value.code, captured.out, captured.err


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with figures/ of one's own, empty but for a file that needs a block of another name, and
    two networks of a protocol with the blocks exam and lesson.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "figures").mkdir()
    other = FAILS.replace("Needs()", 'Needs(name="training")')
    (tmp_path / "figures" / "other.py").write_text(other)
    table = handmade.events(0.01 + 0.05 * np.arange(12), [0, 1] * 6, kind=["x", "y"] * 6)
    values = np.random.default_rng(0).normal(size=(600, 3))
    for seed in range(2):
        blocks = {
            "exam": (table, handmade.traces(1e-3, cells__r=values), None),
            "lesson": (table, None, None),
        }
        made.write(tmp_path / "runs" / f"own{seed}", blocks, seed=seed)
    return tmp_path


def test_all_that_the_data_allow_is_drawn_and_the_rest_said(here, capsys):
    code, out, err = call(capsys, "figures", "runs/own0", "runs/own1", "--out", "out")
    assert code == 0
    names = ["evoked-exam-symbol", "evoked-exam-kind"]
    suffixes = ("pdf", "svg", "png", "txt")
    assert out.split() == [f"out/{name}.{suffix}" for name in names for suffix in suffixes]
    for name in names:
        assert runs_of(here / f"out/{name}.png") == ["own0", "own1"]
        assert "2 networks" in (here / f"out/{name}.txt").read_text()
    for line in (
        "other: left out, there is no block training",
        "evoked of block lesson: left out, no samples of a population",
        "spikes of blocks exam, lesson: left out, no spikes",
        "weights of blocks exam, lesson: left out, no variables of synapses",
        "settling of blocks exam, lesson: left out, no criterion of settling in the model",
    ):
        assert line in err
    assert 'Probe("W_1", "w", every=100)' in err and "Traceback" not in err
    quiet = ("--only", "evoked", "--by", "kind", "--quiet", "--out", "out")
    assert call(capsys, "figures", "runs/own0", *quiet)[2] == ""


def test_without_runs_standard_figures_show_the_last_experiment_of_ones_own(here, capsys):
    assert call(capsys, "figures")[0] == 0
    assert runs_of(here / "figures/made/evoked-exam-kind.png") == ["own0", "own1"]
    for seed in range(2):
        handmade.edit(
            here / "runs" / f"own{seed}",
            lambda manifest: manifest["protocol"].update(name="oddball"),
        )
    code, _, err = call(capsys, "figures", "--out", "shipped")
    assert code == 2 and not (here / "shipped").exists()
    assert call(capsys, "figures", "--only", "evoked", "--out", "shipped")[0] == 0


def test_one_kind_by_one_label_as_json(here, capsys):
    options = ("--only", "evoked", "--by", "kind", "--json", "--out", "out")
    code, out, _ = call(capsys, "figures", "runs/own0", *options)
    found = json.loads(out)
    assert code == 0 and [entry["name"] for entry in found["made"]] == ["evoked-exam-kind"]
    assert found["missing"] == []
    assert [entry["blocks"] for entry in found["left_out"]] == [["lesson"]]


def test_nothing_to_draw_is_an_error_that_says_what_to_do(here, capsys):
    code, out, err = call(capsys, "figures", "runs/own0", "--only", "evoked", "--by", "sort")
    assert (code, out) == (2, "") and "no label 'sort'" in err and "Traceback" not in err
    code, _, err = call(capsys, "figures", "runs/own0", "--only", "weights")
    assert code == 2 and "no figure can be made" in err and 'Probe("W_1", "w"' in err
    code, _, err = call(capsys, "figures", "runs/own0", "--only", "evokd")
    assert code == 2 and "evoked" in err


def test_an_error_in_a_figure_of_ones_own_names_its_line(here, capsys):
    (here / "mine.py").write_text(FAILS)
    code, _, err = call(capsys, "figures", "runs/own0", "--only", "mine.py")
    assert code == 2 and "Traceback" not in err
    assert "KeyError: 'exam'" in err and "mine.py, line 9" in err
    (here / "mine.py").write_text(FAILS.replace('"blocks"', '"block"'))
    code, _, err = call(capsys, "figures", "runs/own0", "--only", "mine.py")
    assert code == 2 and "figure() takes no such argument" in err
    (here / "mine.py").write_text(FAILS.replace("{", "[1] or {", 1))
    assert "not a dictionary of Needs" in call(capsys, "figures", "--only", "mine.py")[2]


def test_a_new_figure_runs_at_once_on_stored_runs(here, capsys, monkeypatch):
    (path,) = write("figure", "mine")
    code, out, _ = call(capsys, "figures", "--only", "mine.py", "--out", "out")
    assert code == 0 and runs_of(here / "out/mine.png") == ["own0", "own1"]
    monkeypatch.setattr(sys, "argv", ["mine.py", "--out", "by_python"])
    runpy.run_path(str(path), run_name="__main__")
    assert runs_of(here / "by_python/mine.png") == ["own0", "own1"]
    monkeypatch.setattr(sys, "argv", ["mine.py", "runs/own1", "--out", "one"])
    runpy.run_path(str(path), run_name="__main__")
    assert runs_of(here / "one/mine.png") == ["own1"]


def test_a_copy_of_a_shipped_figure_bears_its_own_name(here):
    (path,) = write("figure", "mine", start="training")
    assert 'script.main(figure, NEEDS, "mine")' in path.read_text()


def test_figure_files_of_version_0_1_0_are_drawn(here, capsys):
    """They named blocks, and got runs alone."""
    (here / "old.py").write_text(
        '"""Old."""\nfrom fena_sim.plot import new_figure\nBLOCKS = ("exam",)\n'
        'RECORDED = ("cells",)\nCOMMAND = "fena run own.py"\n'
        "def figure(runs):\n    return new_figure()\n"
    )
    assert call(capsys, "figures", "runs/own0", "--only", "old.py", "--out", "out")[0] == 0

"""Oracle: the documented contract. Nothing is replaced unasked, and nothing half written has the
name that was asked for.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from fena_sim.commands import main as cli
from fena_sim.errors import FenaError, RunFolderError, UnknownNameError
from fena_sim.extras import install_hint
from fena_sim.runs.store.run import open_run
from fena_sim.show.export.csv import write_csv
from fena_sim.show.export.files import appearing, needed


def test_a_file_appears_when_complete(tmp_path):
    with appearing(tmp_path / "new" / "x.nwb", ending=".nwb") as made:
        made.write_text("whole")
        assert not (tmp_path / "new" / "x.nwb").exists()
    assert (tmp_path / "new" / "x.nwb").read_text() == "whole" and len(
        list((tmp_path / "new").iterdir())
    ) == 1


def test_what_fails_leaves_what_was_there(tmp_path):
    (tmp_path / "x.nwb").write_text("old")
    with (
        pytest.raises(ZeroDivisionError),
        appearing(tmp_path / "x.nwb", force=True, ending=".nwb") as made,
    ):
        made.write_text("half")
        raise ZeroDivisionError
    assert (tmp_path / "x.nwb").read_text() == "old" and [p.name for p in tmp_path.iterdir()] == [
        "x.nwb"
    ]


def test_nothing_is_replaced_unasked(made, tmp_path):
    (tmp_path / "x.nwb").write_text("old")
    with (
        pytest.raises(FenaError, match="already there") as caught,
        appearing(tmp_path / "x.nwb", ending=".nwb"),
    ):
        pass
    assert "--force" in caught.value.fix
    write_csv(made.run, tmp_path / "tables", ["silent"])
    with pytest.raises(FenaError, match="already there"):
        write_csv(made.run, tmp_path / "tables")
    write_csv(made.run, tmp_path / "tables", force=True)
    assert (tmp_path / "tables" / "first_traces.csv").exists()


def test_a_folder_of_other_things_is_never_replaced(made, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years")
    with pytest.raises(FenaError, match="not made by an export"):
        write_csv(made.run, tmp_path / "mine", force=True)
    with (
        pytest.raises(FenaError, match="a folder of this name"),
        appearing(tmp_path / "mine", True, "mine"),
    ):
        pass
    (tmp_path / "note").write_text("x")
    with pytest.raises(FenaError, match="a file of this name"):
        write_csv(made.run, tmp_path / "note", force=True)
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "years"


def test_a_killed_export_leaves_no_file_and_the_next_one_tidies_up(made, tmp_path):
    script = textwrap.dedent("""
        import os, signal, sys
        from fena_sim.show.export import contents, csv
        from fena_sim import open_run

        pieces = contents.Signal.pieces
        def killed(self):
            yield from pieces(self)
            os.kill(os.getpid(), signal.SIGKILL)
        contents.Signal.pieces = killed
        csv.write_csv(open_run(sys.argv[1]), sys.argv[2])
        """)
    target = tmp_path / "tables"
    done = subprocess.run(
        [sys.executable, "-c", script, str(made.run.folder), str(target)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        check=False,
    )
    assert done.returncode == -9
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".tables.") and left.name.endswith(".part")
    write_csv(made.run, target)
    assert list(tmp_path.iterdir()) == [target]


def test_a_missing_package_is_named_with_its_command():
    with pytest.raises(FenaError, match="needs the package no_such_package") as caught:
        needed("no_such_package", "nwb")
    assert caught.value.fix == install_hint("nwb")


def test_wrong_runs_and_blocks(made, tmp_path):
    with pytest.raises(UnknownNameError, match="no block 'frist'"):
        write_csv(made.run, tmp_path / "x", ["frist"])
    unfinished = open_run(made.run.folder)
    unfinished.manifest["status"] = "running"
    with pytest.raises(RunFolderError, match="not finished"):
        write_csv(unfinished, tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_the_command(made, tmp_path, capsys):
    with pytest.raises(SystemExit) as done:
        cli.main(
            ["export", str(made.run.folder), "--csv", str(tmp_path / "t"), "--block", "silent"]
        )
    assert not done.value.code and "wrote" in capsys.readouterr().err
    assert sorted(p.name for p in (tmp_path / "t").iterdir()) == [
        "datapackage.json",
        "silent_events.csv",
        "silent_tokens.csv",
    ]
    for arguments, message in (
        ([], "at least one of"),
        (["--csv", str(tmp_path / "t")], "already there"),
    ):
        with pytest.raises(SystemExit) as done:
            cli.main(["export", str(made.run.folder), *arguments])
        assert done.value.code == 2 and message in capsys.readouterr().err

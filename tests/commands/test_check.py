"""Oracle: the documented contract of `fena check`, and `sha256sum -c` as an independent reader of the
lists of checksums.
"""

import json
import shutil
import subprocess
from pathlib import Path

import handmade
import pytest
import small

from fena_sim.commands.main import main


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return small.write(tmp_path / "runs" / "a")


def check(capsys, *paths):
    """(exit code, standard output, standard error)."""
    with pytest.raises(SystemExit) as stopped:
        main(["check", *map(str, paths)])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return stopped.value.code, said.out, said.err


def test_a_whole_run(run, capsys):
    # all but the manifest, which holds its own checksum
    count = len(small.files(run.folder)) - 1
    assert check(capsys, "runs/a") == (0, f"runs/a: whole, {count} files\n", "")
    assert check(capsys, "runs", "runs/a")[1].count("whole") == 2


def test_damage_is_named_with_its_blocks(run, capsys):
    (run.folder / "events" / "two.tsv").unlink()
    (run.folder / "tokens/one.zarr/r/zarr.json").write_text("{}")
    (run.folder / "notes.txt").write_text("mine")
    code, out, err = check(capsys, "runs")
    assert code == 2 and "where: runs/a" in err
    assert out.splitlines()[0].endswith("altered, 1 of 28 files; blocks: one, two")
    assert "incomplete, 1 of 28 files are missing" in out
    assert out.splitlines()[1:] == [
        "  missing  events/two.tsv",
        "  altered  tokens/one.zarr/r/zarr.json",
        "  extra  notes.txt",
    ]


def test_files_that_are_not_of_the_run_are_no_damage(run, capsys):
    (run.folder / "notes.txt").write_text("mine")
    (run.folder / "run.lock").touch()
    code, out, _ = check(capsys, "runs")
    assert code == 0 and "whole, 28 files; and 1 that are not of the run" in out
    assert "extra  notes.txt" in out and "run.lock" not in out


def test_one_damaged_run_does_not_hide_the_others(run, capsys):
    shutil.copytree("runs/a", "runs/b")
    shutil.copytree("runs/a", "runs/c")
    shutil.rmtree("runs/b/tokens")
    Path("runs/c/manifest.json").unlink()
    code, out, err = check(capsys, "runs")
    assert code == 2 and "runs/a: whole" in out and "runs/b: incomplete" in out
    assert "runs/c: this is not a run folder: manifest.json: No such file" in out
    assert err.startswith("error: 2 of what was checked are no whole run")


def test_an_altered_manifest(run, capsys):
    path = run.folder / "manifest.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
    code, out, _ = check(capsys, "runs/a")
    assert code == 2 and "manifest.json was altered: its checksum does not match" in out


def test_runs_without_checksums_say_why(run, capsys):
    handmade.edit(run.folder, lambda manifest: manifest.pop("checksums"))
    assert check(capsys, "runs") == (
        0,
        "runs/a: has no checksums: it was made by an earlier version\n",
        "",
    )
    handmade.edit(run.folder, status="running")
    code, out, _ = check(capsys, "runs")
    assert code == 0 and out == "runs/a: running; it has checksums when it is finished\n"
    manifest = json.loads((run.folder / "manifest.json").read_text())
    del manifest["sha256"]  # as earlier versions wrote it
    (run.folder / "manifest.json").write_text(json.dumps(manifest))
    assert check(capsys, "runs")[0] == 0


@pytest.mark.parametrize("path", ["nowhere", "empty"])
def test_where_there_is_no_run(run, path, capsys):
    Path("empty").mkdir()
    code, out, err = check(capsys, path, "runs")
    assert code == 2 and path in out and path in err and "runs/a: whole" in out


def test_the_lists_are_those_of_sha256sum(run):
    tool = shutil.which("sha256sum")
    if tool is None:
        pytest.skip("no sha256sum on this machine: it is of GNU coreutils")
    lists = sorted(map(str, (run.folder / "checksums").glob("*.sha256")))
    command = [tool, "--check", "--strict", "--quiet", *lists]
    assert subprocess.run(command, cwd=run.folder).returncode == 0
    (run.folder / "events" / "one.tsv").write_text("x")
    done = subprocess.run(command, cwd=run.folder, capture_output=True, text=True)
    assert done.returncode == 1 and "events/one.tsv: FAILED" in done.stdout

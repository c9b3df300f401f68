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

import fena_sim as fs
from fena_sim.commands.main import main
from fena_sim.errors import RunFolderError, RunFolderWarning
from fena_sim.show.report.page import report


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
    assert out.splitlines()[0].endswith("altered, 1 of 32 files; blocks: one, two")
    assert "incomplete, 1 of 32 files are missing" in out
    assert out.splitlines()[1:] == [
        "  missing  events/two.tsv",
        "  altered  tokens/one.zarr/r/zarr.json",
        "  extra  notes.txt",
    ]


def test_files_that_are_not_of_the_run_are_no_damage(run, capsys):
    (run.folder / "notes.txt").write_text("mine")
    (run.folder / "run.lock").touch()
    code, out, _ = check(capsys, "runs")
    assert code == 0 and "whole, 32 files; and 1 that are not of the run" in out
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
    code, out, err = check(capsys, "runs")
    assert code == 0
    assert out == (
        "runs/a: has no checksums: it was made by an earlier version; all of it can be read, "
        "altered numbers cannot be told\n"
    )
    for block in ("one", "two"):
        assert f"tokens/{block}.zarr/steps/c/0 is not there: its values read as 0" in err
    assert err.count("warning:") == 2
    handmade.edit(run.folder, status="running")
    code, out, _ = check(capsys, "runs")
    assert code == 0 and out == "runs/a: running; it has checksums when it is finished\n"
    manifest = json.loads((run.folder / "manifest.json").read_text())
    del manifest["sha256"]  # as earlier versions wrote it
    (run.folder / "manifest.json").write_text(json.dumps(manifest))
    assert check(capsys, "runs")[0] == 0


@pytest.mark.parametrize(
    "name, said",
    [
        ("traces/one.zarr/time/c/0", "'time' does not grow"),
        ("traces/one.zarr/state_1_unit/c/0", "units of 'state_1' are not those"),
        ("events/two.tsv", "block 'two' has no events"),
        ("tokens/two.zarr/zarr.json", "tokens/two.zarr"),
    ],
)
def test_what_a_run_without_checksums_lost_is_damage(name, said, run, capsys):
    handmade.edit(run.folder, lambda manifest: manifest.pop("checksums"))
    assert (run.folder / name).exists()
    (run.folder / name).unlink()
    code, out, _ = check(capsys, "runs")
    assert code == 2 and "damaged" in out and said in out


def test_rows_and_chunks_of_a_run_without_checksums(run, capsys):
    """A cut event table, another number of tokens; a chunk of values may be one of zeros, so that
    there is a warning.
    """
    handmade.edit(run.folder, lambda manifest: manifest.pop("checksums"))
    (run.folder / "traces/one.zarr/state_1.r/c/1/0").unlink()
    with pytest.warns(RunFolderWarning, match="state_1.r/c/1/0 is not there"):
        fs.open_run(run.folder).traces("one")["state_1.r"].to_numpy()
    table = run.folder / "events/one.tsv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(RunFolderError, match="5 rows, the manifest 6 tokens"):
        fs.open_run(run.folder).events("one")

    def seven(manifest):
        manifest["blocks"][1]["tokens"] = 7

    handmade.edit(run.folder, seven)
    with pytest.raises(RunFolderError, match="6 tokens, the manifest has 7"):
        fs.open_run(run.folder).tokens("two")
    code, out, _ = check(capsys, "runs")
    assert code == 2 and "events/one.tsv has 5 rows" in out


TEXT = "warning: a.w has grown <b>far</b>; the run goes on. If that is not meant, halve dt"


def test_warnings_of_a_run_are_shown(run, capsys):
    """By check, list (a mark, and the texts in JSON) and the report; without the exit code of
    damage. Runs of earlier versions have none.
    """
    handmade.edit(run.folder, warnings=[TEXT])
    code, out, _ = check(capsys, "runs")
    assert code == 0 and f"\n  warning  {TEXT[9:]}\n" in out
    for options in ([], ["--json"]):
        with pytest.raises(SystemExit):
            main(["list", "runs", *options])
        out = capsys.readouterr().out
        assert "finished, 1 warning" in out if not options else json.loads(out)
    assert json.loads(out)["runs"][0]["warnings"] == [TEXT[9:]]
    page = report(run.folder)
    assert '<a href="#warnings">' in page and page.index('id="warnings"') < page.index('id="g0"')
    assert "a.w has grown &lt;b&gt;far&lt;/b&gt;; the run goes on." in page
    handmade.edit(run.folder, lambda manifest: manifest.pop("warnings"), warnings=[])
    assert "#warnings" not in report(run.folder)


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


def test_figures_go_on_without_a_run_that_cannot_be_read(run, capsys):
    """The folder is named, the others are asked for figures, and the exit code is that of the error."""
    Path("broken").mkdir()
    with pytest.raises(SystemExit) as stopped:
        main(["figures", "broken", "runs/a"])
    err = capsys.readouterr().err
    assert stopped.value.code == 2 and "left out: broken: this is not a run folder" in err
    assert "where: broken" in err and "Traceback" not in err

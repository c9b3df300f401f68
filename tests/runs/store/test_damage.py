"""Oracle: the run before it was damaged. Whatever file is deleted, cut or altered by a bit: what is
read is what was written, or one error names the folder and the file, and no command ends in a
traceback.
"""

import contextlib
import hashlib
import io
import os
import shutil
import tempfile
from pathlib import Path

import handmade
import pytest
import small
from hypothesis import given, settings

import fena_sim as fs
from fena_sim.commands.main import main
from fena_sim.errors import FenaError, RunFolderError
from fena_sim.runs.store.checksums import forget_checksums, write_checksums

#: Files that hold no data: `fena check` alone looks at them.
NO_DATA = ("log.txt",)

with tempfile.TemporaryDirectory() as _folder:
    NAMES = small.files(small.write(Path(_folder, "run")).folder)
    DAMAGES = small.damages(Path(_folder, "run"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return small.write(tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture(scope="module")
def expected(whole):
    return small.everything(whole)


@pytest.fixture(scope="module")
def exported(whole, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "csv"
    assert call("export", whole.folder, "--csv", folder)[0] == 0
    return contents(folder)


@contextlib.contextmanager
def copied(run):
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copytree(run.folder, Path(folder, "run")))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def call(*arguments):
    """(exit code, standard output and error) of a command in this process."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        with pytest.raises(SystemExit) as stopped:
            main([str(a) for a in arguments])
    return stopped.value.code, said.getvalue()


def check(whole, expected, exported, name, how):
    with copied(whole) as folder:
        small.damage(folder / name, how)
        unchanged = (
            how[0] != "delete"
            and (folder / name).read_bytes() == (whole.folder / name).read_bytes()
        )
        try:
            same = small.everything(fs.open_run(folder)) == expected
            assert same, "other values without a word"
        except FenaError as error:
            same = False
            assert str(folder) in str(error) and name in str(error)
        for command in ("check", "report", "export"):
            options = {
                "report": ["-o", folder.parent / "r.html"],
                "export": ["--csv", folder.parent / "csv"],
            }
            code, said = call(command, folder, *options.get(command, []))
            assert "Traceback" not in said and code in (0, 2)
            assert code == 0 or (str(folder) in said and name in said)
            if command == "export" and code == 0:
                assert contents(folder.parent / "csv") == exported
            if not same:
                assert code == 2
        # A flip in the white space of a manifest changes nothing that it says.
        assert unchanged or name == "manifest.json" or call("check", folder)[0] == 2


@pytest.mark.parametrize("how", ["delete", "cut"])
@pytest.mark.parametrize("name", NAMES)
def test_every_file_missing_or_cut(name, how, whole, expected, exported):
    check(whole, expected, exported, name, (how, 10, 0))


@settings(max_examples=15, derandomize=True)
@given(DAMAGES)
def test_any_damage(whole, expected, exported, drawn):
    check(whole, expected, exported, *drawn)


def test_files_of_another_run_with_other_numbers_are_noticed(whole, tmp_path):
    other = small.write(tmp_path / "other")
    copy = Path(shutil.copytree(whole.folder, tmp_path / "run"))
    events = other.events("one").assign(token=1)
    handmade.save_events(other.folder / "events" / "one.tsv", events)
    handmade.finish(other.folder)
    shutil.copytree(other.folder / "events", copy / "events", dirs_exist_ok=True)
    with pytest.raises(RunFolderError, match="events/one.tsv was altered"):
        fs.open_run(copy).events("one")


def test_a_block_that_is_whole_is_read_though_another_is_not(whole, expected):
    with copied(whole) as folder:
        (folder / "tokens/one.zarr/r/c/0/0").unlink()
        run = fs.open_run(folder)
        assert run.events("one").to_csv() == expected["one", "events"]
        assert run.tokens("two")["r"].to_numpy().tobytes() == expected["two", "tokens", "r"][1]
        with pytest.raises(RunFolderError, match=r"tokens/one.zarr/r/c/0/0 is missing"):
            run.tokens("one")["r"].to_numpy()


def test_every_file_is_hashed_once_for_a_run(whole, monkeypatch):
    run, hashed = fs.open_run(whole.folder), []
    import fena_sim.runs.store.checksums as checksums

    class Counted:
        @staticmethod
        def sha256(data):
            hashed.append(len(data))
            return hashlib.sha256(data)

    monkeypatch.setattr(checksums, "hashlib", Counted)
    first = small.everything(run)
    count = len(hashed)
    assert small.everything(run) == first and len(hashed) == count > 0


@settings(max_examples=15, derandomize=True)
@given(DAMAGES)
def test_a_run_without_checksums_gives_no_traceback(whole, drawn):
    """What was altered in one of an earlier version cannot be known; it may not end in a traceback."""
    name, how = drawn
    with copied(whole) as folder:
        handmade.edit(folder, lambda manifest: manifest.pop("checksums"))
        shutil.rmtree(folder / "checksums")
        if not (folder / name).exists():
            return
        small.damage(folder / name, how)
        for command in ("check", "export"):
            options = ["--csv", folder.parent / "csv"] if command == "export" else []
            code, said = call(command, folder, *options)
            assert "Traceback" not in said and code in (0, 2)


def test_what_a_list_vouches_for_is_on_the_disk_before_the_list(tmp_path, monkeypatch):
    """Every file of the block, and every folder that holds one; then the list and its folder."""
    run = small.write(tmp_path / "run")
    flushed, sync = [], os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda file: (flushed.append(os.fstat(file).st_ino), sync(file))
    )
    forget_checksums(run.folder, "one")
    write_checksums(run.folder, "one")
    listed = run.folder / "checksums" / "one.sha256"
    at = flushed.index(listed.stat().st_ino)
    assert flushed[at + 1 :] == [listed.parent.stat().st_ino]
    names = [line.split("  ", 1)[1] for line in listed.read_text().splitlines()]
    assert len(names) > 10
    for path in (run.folder / name for name in names):
        above = [parent for parent in path.parents if run.folder in (parent, *parent.parents)]
        assert {p.stat().st_ino for p in (path, *above)} <= set(flushed[:at])

"""Temporary folders. Oracle: the documented contract, on folders of processes that were killed, of
living ones, of another user and of strangers.
"""

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fena_sim.commands.shell import exit_code
from fena_sim.device import scratch
from fena_sim.errors import ResourceError

HOLDS = """
import sys
from pathlib import Path
from fena_sim.device import scratch
with scratch.locked_folder("chunk", Path(sys.argv[1])) as folder:
    (folder / "values").write_text("mine")
    print(folder, flush=True)
    sys.stdin.read()
"""
ELSEWHERE = ["unshare", "--user", "--map-root-user", "--pid", "--fork"]


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """A folder that stands for the one in memory."""
    folder = tmp_path / "memory"
    folder.mkdir()
    monkeypatch.setattr(scratch, "MEMORY", folder)
    monkeypatch.setattr(scratch, "ENOUGH", 0)
    monkeypatch.delenv("TMPDIR", raising=False)
    return folder


def hold(parent, before=()):
    """(process, its folder): a process that holds a folder in `parent` until it ends."""
    process = subprocess.Popen(
        [*before, sys.executable, "-c", HOLDS, str(parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(scratch.__file__).parents[2])},
    )
    return process, Path(process.stdout.readline().strip())


def test_private_unpredictable_and_gone(memory):
    with (
        scratch.temporary_folder("chunk", in_memory=True) as one,
        scratch.temporary_folder("chunk", in_memory=True) as two,
    ):
        for folder in (one, two):
            about = folder.stat()
            assert folder.parent == memory
            assert stat.S_IMODE(about.st_mode) == 0o700 and about.st_uid == os.getuid()
        assert one.name[-8:] != two.name[-8:]
        (one / "deep").mkdir()
        (one / "deep" / "file").write_text("x")
    assert not list(memory.iterdir())


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not(memory):
    killed, gone = hold(memory)
    living, kept = hold(memory)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert gone.exists() and kept.exists()
    with scratch.temporary_folder("chunk", in_memory=True):
        assert not gone.exists()
        assert (kept / "values").read_text() == "mine"
    living.communicate("")
    assert not kept.exists()


def test_a_process_in_another_container_lives(memory):
    """Its number means another process here, or none."""
    if subprocess.run([*ELSEWHERE, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("the system lets no process have a namespace of its own")
    living, kept = hold(memory, ELSEWHERE)
    scratch.remove_left_over(memory)
    assert (kept / "values").read_text() == "mine"
    living.communicate("")


def test_what_is_not_ours_is_left_alone_and_stops_nobody(memory, tmp_path, monkeypatch):
    precious = tmp_path / "precious"
    precious.mkdir(mode=0o700)
    (precious / "file").write_text("keep")
    (memory / "fena_chunk_x").mkdir()
    (memory / f"{scratch.PREFIX}readable").mkdir(mode=0o755)
    (memory / f"{scratch.PREFIX}link").symlink_to(precious)
    (memory / f"{scratch.PREFIX}file").write_text("")
    before = sorted(memory.iterdir())
    with scratch.temporary_folder("chunk", in_memory=True) as folder:
        assert folder.exists()
    assert sorted(memory.iterdir()) == before
    assert (precious / "file").read_text() == "keep"


def test_folders_of_another_user_are_left_alone(memory, monkeypatch):
    theirs = memory / f"{scratch.PREFIX}theirs"
    theirs.mkdir(mode=0o700)
    with monkeypatch.context() as patch:
        patch.setattr(os, "getuid", lambda me=os.getuid(): me + 1)
        scratch.remove_left_over(memory)
    assert theirs.exists()
    scratch.remove_left_over(memory)  # its own user does remove it
    assert not theirs.exists()


def test_makers_and_removers_at_the_same_time(memory):
    """A folder that was made a moment ago and is not locked yet may be taken for left over: its
    maker makes another.
    """
    lost = []

    def make():
        for _ in range(100):
            with scratch.locked_folder("chunk", memory) as folder:
                scratch.remove_left_over(memory)
                try:
                    (folder / "file").write_text("x")
                except OSError as error:
                    lost.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not lost and not list(memory.iterdir())


@pytest.mark.parametrize("kind", ["missing", "a file", "below a file"])
def test_an_unusable_temporary_folder_is_named(kind, tmp_path, monkeypatch):
    """Python takes another folder where TMPDIR cannot be used, and says nothing."""
    (tmp_path / "file").write_text("")
    named = tmp_path / {"missing": "none", "a file": "file", "below a file": "file/deep"}[kind]
    monkeypatch.setenv("TMPDIR", str(named))
    with pytest.raises(ResourceError, match="temporary folder") as caught:
        scratch.check_place()
    assert str(named) in caught.value.where and "TMPDIR" in caught.value.where
    assert "TMPDIR" in caught.value.fix and exit_code(caught.value) == 2


def test_tmpdir_comes_before_memory_and_a_full_memory_is_not_used(memory, tmp_path, monkeypatch):
    assert scratch.place(in_memory=True) == memory
    monkeypatch.setattr(scratch, "ENOUGH", 2**80)
    assert scratch.place(in_memory=True) != memory
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert scratch.place(in_memory=True) == tmp_path

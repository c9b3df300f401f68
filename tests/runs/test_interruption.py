"""Oracle: an uninterrupted run of the same inputs. Kills, races and damage must leave
byte-identical results.
"""

import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tiny

import fena_sim as fs
from fena_sim.device.cpp import CppDevice
from fena_sim.errors import CheckpointError
from fena_sim.runs import execute as runner
from fena_sim.runs.checkpoints import Checkpoints

pytestmark = pytest.mark.compile

ROOT = Path(tiny.__file__).resolve().parents[1]
KILLS = int(os.environ.get("FENA_KILLS", 6))


def start(python, out, seed=0, chunk=3):
    """A process that runs `tiny.everything()`, and has just finished its imports."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    process = subprocess.Popen(
        [*python, tiny.__file__, str(out), str(seed), str(chunk)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


def finish(process):
    """The run folder that a process prints at its end."""
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return Path(out.strip())


@pytest.mark.slow
def test_kill_at_any_moment(uninterrupted, fingerprint, tidy, tmp_path, python):
    seed = int.from_bytes(os.urandom(4), "little")
    print("moments drawn from seed", seed)
    rng = np.random.default_rng(seed)
    expected, killed, round_ = fingerprint(uninterrupted.folder), 0, 0
    while killed < KILLS:
        process = start(python, tmp_path / str(round_))
        try:
            process.wait(timeout=rng.uniform(0, 2.5))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            killed += 1
            continue
        assert fingerprint(finish(process)) == expected
        round_ += 1
    folder = finish(start(python, tmp_path / str(round_)))
    assert fingerprint(folder) == expected
    tidy(folder)


def test_finished_run_is_left_alone(uninterrupted, tiny_fena, fingerprint, monkeypatch):
    def refuse(*_):
        raise AssertionError("a finished run was built again")

    def times():
        return {
            p: p.stat().st_mtime_ns
            for p in [uninterrupted.folder, *uninterrupted.folder.rglob("*")]
        }

    monkeypatch.setattr(CppDevice, "build", refuse)
    before = fingerprint(uninterrupted.folder), times()
    again = fs.run(tiny_fena, tiny.everything(), device="dense64", out=uninterrupted.folder.parent)
    assert again.folder == uninterrupted.folder
    assert (fingerprint(uninterrupted.folder), times()) == before


def test_same_run_twice_at_once(uninterrupted, fingerprint, tidy, tmp_path, python):
    processes = [start(python, tmp_path, chunk=chunk) for chunk in (50, 4)]
    folders = [finish(process) for process in processes]
    assert folders[0] == folders[1]
    assert fingerprint(folders[0]) == fingerprint(uninterrupted.folder)
    tidy(folders[0])
    done = [
        line for line in (folders[0] / "log.txt").read_text().splitlines() if "tokens done" in line
    ]
    assert len(done) == 4, "each of the four blocks is run by one of the two processes only"


def test_two_seeds_at_once(uninterrupted, fingerprint, tmp_path, python):
    processes = [start(python, tmp_path, seed, chunk=50) for seed in (0, 1)]
    first, second = (fingerprint(finish(process)) for process in processes)
    assert first == fingerprint(uninterrupted.folder)
    assert first.keys() == second.keys()
    assert first["states/learning.npz"] != second["states/learning.npz"]


def damage(path, how):
    data = bytearray(path.read_bytes())
    if how == "truncated":
        del data[len(data) // 2 :]
    else:
        data[len(data) // 2] ^= 1
    path.write_bytes(data)


def resumed(tiny_fena, protocol, folder):
    fs.run(tiny_fena, protocol, device="dense64", out=folder.parent, chunk_tokens=3)
    return (folder / "log.txt").read_text()


def test_goes_on_after_the_last_chunk_that_was_kept(
    interrupted_run, tiny_fena, uninterrupted, fingerprint, tidy
):
    folder = interrupted_run(tiny.everything(), 2)
    assert "going on after 6 of 9" in resumed(tiny_fena, tiny.everything(), folder)
    assert fingerprint(folder) == fingerprint(uninterrupted.folder)
    tidy(folder)


@pytest.mark.parametrize("how", ["truncated", "altered"])
@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_damaged_checkpoint(
    how, suffix, interrupted_run, tiny_fena, uninterrupted, fingerprint, tidy
):
    folder = interrupted_run(tiny.everything(), 2)
    newest = sorted((folder / "checkpoints" / "learning").glob("*.npz"))[-1].with_suffix(suffix)
    damage(newest, how)
    log = resumed(tiny_fena, tiny.everything(), folder)
    assert "leaving it out for the one before it" in log and "going on after 3 of 9" in log
    assert fingerprint(folder) == fingerprint(uninterrupted.folder)
    tidy(folder)


def test_no_whole_checkpoint_is_left(interrupted_run, tiny_fena, uninterrupted, fingerprint):
    folder = interrupted_run(tiny.everything(), 2)
    for path in (folder / "checkpoints" / "learning").glob("*.npz"):
        damage(path, "altered")
    log = resumed(tiny_fena, tiny.everything(), folder)
    assert "no whole checkpoint is left, starting the block again" in log
    assert fingerprint(folder) == fingerprint(uninterrupted.folder)


def test_damaged_recording_of_a_chunk(interrupted_run, tiny_fena, uninterrupted, fingerprint):
    folder = interrupted_run(tiny.everything(), 2)
    damage(sorted((folder / "parts" / "learning").glob("*.npz"))[1], "truncated")
    assert "going on after 3 of 9" in resumed(tiny_fena, tiny.everything(), folder)
    assert fingerprint(folder) == fingerprint(uninterrupted.folder)


def test_damaged_state_of_a_finished_block_is_done_again(
    interrupted_run, tiny_fena, uninterrupted, fingerprint
):
    folder = interrupted_run(tiny.everything(), 4)  # one chunk into the second block
    damage(folder / "states" / "learning.npz", "altered")
    assert "doing the block again" in resumed(tiny_fena, tiny.everything(), folder)
    assert fingerprint(folder) == fingerprint(uninterrupted.folder)


def test_killed_between_a_block_and_the_list_of_its_checksums(
    interrupted_run, tiny_fena, uninterrupted, fingerprint, tidy
):
    """So is a run that an earlier version, which wrote no lists, began."""
    folder = interrupted_run(tiny.everything(), 4)
    (folder / "checksums" / "learning.sha256").unlink()
    assert "block learning: 9 tokens done" in resumed(tiny_fena, tiny.everything(), folder)
    assert fingerprint(folder) == fingerprint(uninterrupted.folder)
    run = fs.open_run(folder)
    assert run.damage().whole and not run.damage().extra
    tidy(folder)


def test_damaged_state_of_a_finished_run_is_refused(tiny_fena, tmp_path):
    run = fs.run(tiny_fena, tiny.one_block(4), device="dense64", out=tmp_path)
    damage(run.folder / "states" / "learning.npz", "altered")
    with pytest.raises(CheckpointError, match="checksum"):
        run.state("learning")
    with pytest.raises(CheckpointError, match="checksum"):
        fs.run(
            tiny_fena, tiny.one_block(5), device="dense64", out=tmp_path, start=(run, "learning")
        )
    assert len(list(tmp_path.iterdir())) == 1, "nothing was made for the run that could not start"


@pytest.mark.parametrize("device", ["dense", "dense64"])
def test_killed_between_the_last_checkpoint_and_the_final_state(
    device, tiny_fena, fingerprint, tmp_path, monkeypatch
):
    """Nothing is left to run then, so what is saved is what was read from the checkpoint."""
    whole = fs.run(tiny_fena, tiny.one_block(6), device=device, out=tmp_path / "whole")

    def kill(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(runner, "save_tokens", kill)
        fs.run(tiny_fena, tiny.one_block(6), device=device, out=tmp_path / "killed")
    again = fs.run(tiny_fena, tiny.one_block(6), device=device, out=tmp_path / "killed")
    assert "going on after 6 of 6" in (again.folder / "log.txt").read_text()
    assert fingerprint(again.folder) == fingerprint(whole.folder)


def test_chunk_that_grew_over_a_checkpoint(
    interrupted_run, tiny_fena, uninterrupted, fingerprint, monkeypatch
):
    """A damaged chunk is run again, longer, and killed before its checkpoint: the old checkpoint
    lies inside it.
    """
    folder = interrupted_run(tiny.everything(), 2)
    damage(sorted((folder / "parts" / "learning").glob("*.npz"))[1], "truncated")

    def kill(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpoints, "save", kill)
        fs.run(tiny_fena, tiny.everything(), device="dense64", out=folder.parent, chunk_tokens=4)
    assert "going on after 3 of 9" in resumed(tiny_fena, tiny.everything(), folder)
    assert fingerprint(folder) == fingerprint(uninterrupted.folder)

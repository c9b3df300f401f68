"""Oracle: what the run itself showed of its chunks (`fena_sim.runs.live.readings`) and what it stored, by
the measures.
"""

import json
import os
import shutil

import handmade
import numpy as np
import pytest
import tiny
from filelock import FileLock

import fena_sim as fs
from fena_sim.errors import RunFolderError
from fena_sim.measure import free_energy
from fena_sim.runs.live.progress import Silent
from fena_sim.runs.live.reader import RunReader


class Keeps(Silent):
    """What a run reported of its chunks: {block: {key: values}}; after every chunk also what a
    reader of its folder sees.
    """

    def __init__(self):
        super().__init__()
        self.readings, self.read = {}, []

    def begin(self, plan, folder):
        self.reader = RunReader(folder)

    def chunk(self, block, done, total, tokens, seconds, readings):
        for key, values in readings.items():
            self.readings.setdefault(block, {}).setdefault(key, []).append(values)
        self.read.append((block, done, self.reader.read()))


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    progress = Keeps()
    run = fs.run(
        tiny.model(),
        tiny.everything(),
        device="dense64",
        out=tmp_path_factory.mktemp("followed"),
        chunk_tokens=2,
        progress=progress,
    )
    return run, progress


def by_name(state):
    return {row["name"]: row for row in state["blocks"]}


@pytest.mark.compile
def test_a_reader_sees_every_chunk_as_the_run_reported_it(followed):
    run, progress = followed
    before = 0
    for block, done, state in progress.read:
        assert state["kind"] == "running" and state["total"] == 23
        assert by_name(state)[block]["done"] == done
        assert state["done"] == before + done
        before += done if done == dict(learning=9, paced=6, fresh=4, noisy_paced=4)[block] else 0
        history = by_name(state)[block]["history"]  # empty while the first token is shown
        assert [token for token, _ in history.get("error 0", [])] == list(range(done))
    assert before == 23


@pytest.mark.compile
def test_chunks_and_results_of_a_block_read_alike(followed):
    """From the parts while the block goes on, and from its results afterwards: the same numbers, to
    the five digits that are sent.
    """
    run, progress = followed
    final = by_name(RunReader(run.folder).read())
    for block, done, state in progress.read:
        if done < final[block]["tokens"]:
            continue
        history = final[block]["history"]
        assert set(history) == {
            "iterations",
            "free energy",
            *(f"{q} {n}" for q in ("error", "precision") for n in range(4)),
        }
        for name, points in by_name(state)[block]["history"].items():
            np.testing.assert_allclose(points, history[name], rtol=6e-5)
        for (quantity, level), pieces in progress.readings[block].items():
            name = quantity if level is None else f"{quantity} {level}"
            np.testing.assert_allclose(
                [v for _, v in history[name]], np.concatenate(pieces), rtol=6e-5
            )
    energy = free_energy(run, "paced").sel(moment="last")
    np.testing.assert_allclose(
        [v for _, v in final["paced"]["history"]["free energy"]], energy, rtol=6e-5
    )


@pytest.mark.compile
def test_a_finished_run(followed):
    state = RunReader(followed[0].folder).read()
    assert (
        state["kind"] == "finished"
        and state["block"] is None
        and state["left"] is None
        and state["done"] == state["total"] == 23
    )
    assert state["rate"] == followed[0].manifest["tokens_per_second"]
    json.dumps(state, allow_nan=False)


def test_an_interrupted_run_is_told_from_a_running_one_by_its_lock(interrupted_run):
    folder = interrupted_run(tiny.everything(), 4)
    reader = RunReader(folder)
    state = reader.read()
    assert state["kind"] == "interrupted" and "goes on from the last checkpoint" in state["status"]
    assert (
        state["block"] == "paced"
        and by_name(state)["learning"]["done"] == 9
        and 9 < state["done"] < 15
        and state["left"] is None
    )
    with FileLock(folder / "run.lock"):
        assert reader.read()["kind"] == "running"
    assert reader.read()["kind"] == "interrupted"


def test_the_same_reader_follows_a_run_that_goes_on(interrupted_run, tiny_fena):
    folder = interrupted_run(tiny.everything(), 4)
    reader = RunReader(folder)
    reader.read()
    fs.run(tiny_fena, tiny.everything(), device="dense64", out=folder.parent)
    state = reader.read()
    assert state["kind"] == "finished" and state["sessions"] == 2
    assert state["blocks"] == RunReader(folder).read()["blocks"]


def test_a_reader_writes_nothing(interrupted_run, fingerprint):
    folder = interrupted_run(tiny.everything(), 4)
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*")}
    RunReader(folder).read()
    assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*")} == before


def test_pace_and_time_left_come_from_the_last_chunks(interrupted_run):
    """Chunks of 3 tokens whose files are made 2 s apart, after a pause of an hour: 1.5 tokens/s."""
    folder = interrupted_run(tiny.one_block(n=30), 6)
    parts = sorted((folder / "parts" / "learning").glob("*.json"))
    assert len(parts) == 6
    for number, path in enumerate(parts):
        when = 1e9 + 2 * number + (3600 if number > 2 else 0)
        os.utime(path, (when, when))
    with FileLock(folder / "run.lock"):
        state = RunReader(folder).read()
    assert state["rate"] == pytest.approx(1.5) and state["left"] == pytest.approx(12 / 1.5)


def test_parts_that_were_left_by_longer_chunks_are_not_counted_twice(interrupted_run):
    folder = interrupted_run(tiny.one_block(), 2)
    parts = folder / "parts" / "learning"
    first = sorted(parts.glob("*.npz"))[0]
    for suffix in (".npz", ".json"):  # as if from within the first chunk
        shutil.copy(first.with_suffix(suffix), parts / f"{1:012d}{suffix}")
    assert RunReader(folder).read()["done"] == 6


def test_a_chunk_that_is_half_written_is_not_there_yet(interrupted_run):
    folder = interrupted_run(tiny.one_block(), 2)
    reader = RunReader(folder)
    last = sorted((folder / "parts" / "learning").glob("*.json"))[-1]
    last.unlink()
    assert reader.read()["done"] == 3
    last.with_suffix(".npz").write_bytes(b"PK")
    last.write_text("{")
    assert reader.read()["done"] == 3


def test_a_run_that_stopped_says_why_and_a_vanished_one_is_an_error(interrupted_run):
    folder = interrupted_run(tiny.one_block(), 1)
    handmade.edit(folder, status="stopped: x is not finite")
    reader = RunReader(folder)
    state = reader.read()
    assert (state["kind"], state["status"]) == ("stopped", "stopped: x is not finite")
    shutil.rmtree(folder)
    with pytest.raises(RunFolderError):
        reader.read()

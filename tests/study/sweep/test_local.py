"""Oracle: the same runs made one after the other by `fs.run`, without a sweep. Kills, Ctrl-C and
failing points must leave byte-identical results, and nothing done twice.
"""

import json
import os
import shutil
import signal
import time

import attrs
import numpy as np
import psutil
import pytest
import xarray as xr
from brian2 import ms
from sweeping import MODEL, SMALL, environment, times_done, workers_of

import fena_sim as fs
from fena_sim.runs.plan import Plan
from fena_sim.study.sweep import points
from fena_sim.study.sweep.grid import parse_grid
from fena_sim.study.sweep.local import DEATHS, run_locally
from fena_sim.study.sweep.points import plan
from fena_sim.study.sweep.progress import SweepDisplay
from fena_sim.study.sweep.work import do_point

GRID = ("--grid", "level.1.tau=10*ms,14*ms", "--set", SMALL, "--device", "dense")
TAUS = [("level.1.tau", 10 * ms), ("level.1.tau", 14 * ms)]


def finish(process, code=0):
    out, err = process.communicate(timeout=600)
    assert process.returncode == code, err
    return err


@pytest.fixture
def planned(protocol, tmp_path):
    def make(seeds, grid="level.1.tau=10*ms,14*ms", model=None):
        return plan(
            protocol,
            parse_grid([grid]),
            list(range(seeds)),
            model,
            settings=[SMALL],
            device="dense",
            out=tmp_path / "runs",
        )

    return make


class Killer(SweepDisplay):
    """Kills all workers, among them the one that says so, when a first chunk of a run is done; up
    to `kills` times.
    """

    def __init__(self, total, kills):
        super().__init__(total, quiet=True)
        self.left, self.notes, self.dead = kills, [], []

    def share(self, point, share):
        living = [w for w in workers_of(os.getpid()) if w.pid not in self.dead]
        if self.left and living and share < 0.5:
            self.left -= 1
            for worker in living:
                self.dead.append(worker.pid)
                worker.kill()

    def log(self, text):
        self.notes.append(text)


@pytest.mark.slow
def test_killed_workers_are_replaced_and_nothing_is_lost_or_done_twice(
    planned, serially, runs_in, tidy, tmp_path
):
    sweep = planned(seeds=3)
    display = Killer(len(sweep.points), kills=2)
    outcomes = {o.number: o for o in run_locally(sweep.points, 2, display)}
    assert sorted(outcomes) == list(range(6)) and not any(o.error for o in outcomes.values())
    assert (
        len(set(display.dead)) >= 3
        and display.notes
        and all("SIGKILL" in note for note in display.notes)
    )
    expected = serially(TAUS, range(3))
    assert runs_in(tmp_path / "runs") == expected
    for folder in (tmp_path / "runs").iterdir():
        tidy(folder)
        assert times_done(folder) == {"learning": 1, "test": 1}
    resumed = [
        folder
        for folder in (tmp_path / "runs").iterdir()
        if "going on after" in (folder / "log.txt").read_text()
    ]
    assert resumed, "a killed point goes on from its checkpoint"
    assert {o.run for o in outcomes.values()} == set(expected)
    assert not workers_of(os.getpid())


@pytest.mark.slow
def test_a_point_that_ends_every_worker_does_not_stop_the_others(planned, protocol):
    protocol.write_text(
        protocol.read_text() + "import os, signal\ndef summary(runs):\n"
        "    if runs[0].seed == 1: os.kill(os.getpid(), signal.SIGKILL)\n    return {'one': 1}\n"
    )
    sweep = planned(seeds=2, grid="protocol.tokens=20")
    outcomes = {o.number: o for o in run_locally(sweep.points, 2, SweepDisplay(2, quiet=True))}
    assert outcomes[0].numbers == {"one": {"": 1.0}}
    assert (
        f"{DEATHS} workers in a row" in outcomes[1].error["what"]
        and "SIGKILL" in outcomes[1].error["what"]
    )


@pytest.mark.slow
def test_a_larger_sweep_runs_only_what_is_new(protocol, fena, serially, runs_in, tmp_path):
    out = tmp_path / "runs"
    finish(fena("sweep", protocol, *GRID, "--seeds", "1", "--workers", "2", "--out", out))
    first = {path: path.stat().st_mtime_ns for path in out.glob("small-*/**/*")}
    listing, figure = tmp_path / "list.json", tmp_path / "made" / "tau.pdf"
    err = finish(
        fena(
            "sweep",
            protocol,
            *GRID,
            "--seeds",
            "2",
            "--workers",
            "2",
            "--out",
            out,
            "--json",
            listing,
            "--figure",
            figure,
        )
    )
    assert "4 of 4 points (2 finished before)" in err
    assert {path: path.stat().st_mtime_ns for path in first} == first
    assert runs_in(out) == serially(TAUS, range(2))
    told = json.loads(listing.read_text())
    assert told["finished"] == 4 and told["failed"] == 0
    folder = out / told["sweep"].rpartition("/")[2]
    assert json.loads((folder / "sweep.json").read_text()) == told
    assert len(list(out.glob("sweep-*"))) == 2, "the smaller sweep keeps its result"
    assert {p.suffix for p in figure.parent.iterdir()} == {".pdf", ".svg", ".png"}
    with xr.open_dataset(folder / "result.nc") as data:
        assert (
            data["level.1.tau"].values.tolist() == [10, 14]
            and data["level.1.tau"].attrs["units"] == "ms"
        )
        for tau, seed in ((10, 0), (14, 1)):
            at = data.sel({"level.1.tau": tau, "seed": seed})
            run = fs.open_run(out / str(at["run_folder"].values))
            assert (
                run.seed == seed
                and f"{tau}. ms" in run.manifest["model"]["parameters"]["state_1.tau"]
            )
            np.testing.assert_array_equal(at["error"], run.tokens("test")["error"].mean("event"))


@pytest.mark.slow
def test_points_that_fail_are_reported_and_the_others_finish(protocol, fena, tmp_path):
    """A time constant far below dt explodes, which only the run can find out; exit code 5 says that
    something failed.
    """
    out, listing = tmp_path / "runs", tmp_path / "list.json"
    command = (
        "sweep",
        protocol,
        "--grid",
        "level.1.tau=0.001*ms,14*ms",
        "--set",
        SMALL,
        "--workers",
        "2",
        "--out",
        out,
        "--json",
        listing,
        "--quiet",
    )
    err = finish(fena(*command), code=5)
    assert (
        "failed: level.1.tau=0.001*ms, seed 0: NonFiniteError" in err
        and "halve dt" in err
        and "Traceback" not in err
    )
    bad, good = json.loads(listing.read_text())["points"]
    assert (bad["status"], bad["error"]["kind"]) == ("failed", "NonFiniteError") and bad[
        "numbers"
    ] == {}
    assert good["status"] == "finished" and good["error"] is None
    with xr.open_dataset(
        out / json.loads(listing.read_text())["sweep"].rpartition("/")[2] / "result.nc"
    ) as data:
        assert np.isnan(data["first"][0, 0]) and data["first"][1, 0] == good["numbers"]["first"][""]
        assert (
            "no longer finite" in str(data["failure"][0, 0].values) and data["failure"][1, 0] == ""
        )


@pytest.mark.compile
def test_an_unforeseen_error_of_a_summary_is_that_points_alone(planned, protocol):
    protocol.write_text(
        protocol.read_text() + "def summary(runs): return {'one': [][runs[0].seed]}\n"
    )
    outcome = do_point(planned(seeds=1, grid="protocol.tokens=20").points[0])
    assert (
        outcome.run
        and outcome.error["kind"] == "IndexError"
        and "small.py" in outcome.error["where"]
    )


def test_a_point_is_the_run_of_its_settings_with_the_tokens_of_its_seed(planned, protocol):
    """As `run` would name it, with the protocol file asked for the tokens of every seed here."""
    found = planned(seeds=3).points
    assert len(found) == 6
    for point, (key, tau) in zip(found, TAUS * 3, strict=True):
        model = fs.load_model(MODEL, 16, sizes=(8, 6, 5)).with_parameter(key, tau)
        own = fs.load_protocol(protocol, seed=point.seed).protocol
        assert points.prepare(point)[0].name == Plan.of(model, own, point.seed, "dense").name


def test_a_worker_with_another_model_file_refuses(planned, tmp_path):
    point = planned(seeds=1, grid="protocol.tokens=20").points[0]
    other = attrs.evolve(point, settings=("model.sizes=(8,6,4)", *point.grid))
    assert "another fena_sim, Brian2 or model file" in do_point(other).error["what"]
    assert not (tmp_path / "runs").exists()


def test_an_edited_model_file_is_read_again(planned, tmp_path):
    """Workers of Dask outlive a sweep: the next one is of the file as it is then."""

    def tau_of_a_sweep(tau):
        model.write_text(text.replace("TAU", tau))
        point = planned(seeds=1, grid="protocol.tokens=20", model=model).points[0]
        return point, points.prepare(point)[0].model.parameters()["state_1.tau"]

    model = tmp_path / "edited.py"
    text = (
        "from brian2 import ms\nfrom fena_sim import load_model\n\ndef hierarchy(input_size=16, sizes=(8, 6, 5)):\n"
        f"    return load_model({str(MODEL)!r}, input_size, sizes=sizes).with_parameter('level.1.tau', TAU)\n"
    )
    earlier, tau = tau_of_a_sweep("15*ms")
    assert tau == 15 * ms
    assert tau_of_a_sweep("20.5*ms")[1] == 20.5 * ms
    assert "model file" in do_point(earlier).error["what"], (
        "a point that was planned with the file as it was"
    )
    model.unlink()
    assert "there is no model file" in do_point(earlier).error["what"]


def test_a_worker_that_runs_older_code_than_the_files_hold_refuses(planned, tmp_path, monkeypatch):
    point = planned(seeds=1, grid="protocol.tokens=20").points[0]
    monkeypatch.setattr(points, "RUNNING", "what was imported before the update")
    error = do_point(point).error
    assert (
        "another fena_sim" in error["what"] and "start again those that are older" in error["fix"]
    )
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_and_sigterm_stop_everything_and_the_same_command_goes_on(
    number, code, protocol, fena, serially, runs_in, tmp_path
):
    out = tmp_path / "runs"
    command = (
        "sweep",
        protocol,
        *GRID,
        "--set",
        "protocol.tokens=8000",
        "--workers",
        "2",
        "--out",
        out,
    )
    process = fena(*command)
    waiting = time.monotonic() + 600
    while not list(out.glob("small-*/checkpoints/*/*.json")):
        assert process.poll() is None and time.monotonic() < waiting
        time.sleep(0.02)
    family = psutil.Process(process.pid).children(recursive=True)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # what a terminal does
    else:
        os.kill(process.pid, number)
    err = finish(process, code=code)
    assert "the same command goes on" in err and "Traceback" not in err
    _, alive = psutil.wait_procs(family, timeout=300)
    assert not alive, "no worker, no compiled network and no server is left"
    finish(fena(*command))
    assert runs_in(out) == serially(TAUS, [0], tokens=8000)
    assert any("going on after" in path.read_text() for path in out.glob("small-*/log.txt"))


@pytest.mark.slow
def test_a_network_is_compiled_once_by_however_many_workers(protocol, fena, tmp_path):
    """A compiler that keeps count stands before the real one; the cache is empty."""
    folder, count = tmp_path / "bin", tmp_path / "count"
    folder.mkdir()
    wrapper = folder / "g++"
    wrapper.write_text(
        f'#!/bin/sh\ncase "$*" in *unity.cpp*) echo >> {count};; esac\nexec {shutil.which("g++")} "$@"\n'
    )
    wrapper.chmod(0o755)
    env = environment(
        PATH=f"{folder}{os.pathsep}{os.environ['PATH']}", FENA_CACHE=tmp_path / "cache"
    )
    finish(
        fena(
            "sweep",
            protocol,
            *GRID,
            "--seeds",
            "2",
            "--workers",
            "4",
            "--out",
            tmp_path / "runs",
            env=env,
        )
    )
    assert count.read_text().count("\n") == 1


def test_an_edited_helper_of_a_model_file_is_read_again(planned, tmp_path):
    """Whether the helper is imported by the file or when its function is called, or belongs to a file
    that is loaded in turn. A model whose files are as they were is not declared again.
    """

    def prepared():
        point = planned(seeds=1, grid="protocol.tokens=20", model=tmp_path / "outer.py").points[0]
        return points.prepare(point)[0].model

    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "outer.py").write_text(
        "from fena_sim import load_model\nfrom early import FACTOR\n\n"
        "def hierarchy(input_size=16, sizes=(8, 6, 5)):\n    from late import ADDED\n"
        f"    model = load_model({str(inner / 'model.py')!r}, input_size, sizes=sizes)\n"
        "    tau = model.parameters()['state_1.tau']\n"
        "    return model.with_parameter('level.1.tau', FACTOR * tau + ADDED)\n"
    )
    (inner / "model.py").write_text(
        "from fena_sim import load_model\nfrom early import TAU\n\n"
        "def hierarchy(input_size, sizes):\n"
        f"    return load_model({str(MODEL)!r}, input_size, sizes=sizes).with_parameter('level.1.tau', TAU)\n"
    )
    factor, added, tau = tmp_path / "early.py", tmp_path / "late.py", inner / "early.py"
    factor.write_text("FACTOR = 2\n")
    added.write_text("from brian2 import ms\nADDED = 1 * ms\n")
    tau.write_text("from brian2 import ms\nTAU = 15 * ms\n")
    first = prepared()
    assert first.parameters()["state_1.tau"] == 31 * ms
    assert prepared() is first
    factor.write_text("FACTOR = 3\n")
    assert prepared().parameters()["state_1.tau"] == 46 * ms
    added.write_text("from brian2 import ms\nADDED = 2 * ms\n")
    assert prepared().parameters()["state_1.tau"] == 47 * ms
    tau.write_text("from brian2 import ms\nTAU = 10 * ms\n")
    assert prepared().parameters()["state_1.tau"] == 32 * ms

"""Oracle: the same runs made one after the other by `fs.run`. Dask's scheduler and workers are real
processes, in network namespaces of their own where this machine allows it; Slurm's commands are
stand-ins that start the job script.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest
from brian2 import ms
from sweeping import SMALL, environment, times_done

pytestmark = pytest.mark.cluster

pytest.importorskip("distributed", reason="the extra 'sweep' is not installed")

GRID = ("--grid", "level.1.tau=10*ms,14*ms", "--set", SMALL, "--device", "dense")
TAUS = [("level.1.tau", 10 * ms), ("level.1.tau", 14 * ms)]
QUIET = {"DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "False"}


@pytest.fixture
def dask(tmp_path):
    """A function: start a `dask` command and return its process when a line of its log matches;
    ended with the test.
    """
    started = []

    def start(command, *arguments, until, prefix=()):
        log = tmp_path / f"{command}{len(started)}.log"
        with open(log, "w") as file:
            process = subprocess.Popen(
                [
                    *prefix,
                    sys.executable,
                    "-m",
                    f"distributed.cli.dask_{command}",
                    "--no-dashboard",
                    *map(str, arguments),
                ],
                stdout=file,
                stderr=file,
                env=environment(**QUIET),
                cwd=tmp_path,
            )
        started.append(process)
        deadline = time.monotonic() + 600
        while not re.search(until, log.read_text()):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        return process

    yield start
    for process in reversed(started):
        family = [
            process.pid,
            *(child.pid for child in psutil.Process(process.pid).children(recursive=True)),
        ]
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            for pid in family:
                if psutil.pid_exists(pid):
                    os.kill(pid, signal.SIGKILL)
            process.wait()


def ip(*arguments):
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True)


@pytest.fixture
def namespaces():
    """Names of three network namespaces: the first reaches the second as 10.99.1.2 and the third as
    10.99.2.2.
    """
    if shutil.which("ip") is None or os.geteuid():
        pytest.skip("network namespaces need root and the command ip")
    names = [f"fena{os.getpid()}{letter}" for letter in "abc"]
    try:
        for name in names:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        for n in (1, 2):
            ends = [f"fs{os.getpid()}{n}{k}"[-15:] for k in (0, 1)]
            ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
            for end, name, address in zip(
                ends, (names[0], names[n]), (f"10.99.{n}.1/24", f"10.99.{n}.2/24"), strict=True
            ):
                ip("link", "set", end, "netns", name)
                ip("-n", name, "addr", "add", address, "dev", end)
                ip("-n", name, "link", "set", end, "up")
        yield names
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: {error.stderr.strip()}")
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def inside(namespace):
    return ("ip", "netns", "exec", namespace)


def served_by(process):
    """The worker process of a nanny."""
    return next(
        p
        for p in psutil.Process(process.pid).children(recursive=True)
        if "spawn_main" in " ".join(p.cmdline())
    )


def test_workers_in_network_namespaces_one_of_them_killed(
    namespaces, dask, fena, protocol, serially, runs_in, tmp_path
):
    hub, *others = namespaces
    dask(
        "scheduler", "--host", "0.0.0.0", "--port", "8786", until="Scheduler at", prefix=inside(hub)
    )
    workers = [
        dask(
            "worker",
            f"tcp://10.99.{n}.1:8786",
            "--nthreads",
            "1",
            "--local-directory",
            tmp_path / f"w{n}",
            until="Registered to",
            prefix=inside(name),
        )
        for n, name in enumerate(others, start=1)
    ]
    addresses = subprocess.run(
        [*inside(others[0]), "ip", "addr"], capture_output=True, text=True
    ).stdout
    assert "10.99.1.2" in addresses and "10.99.2.2" not in addresses, (
        "a worker sees its own network only"
    )
    out, listing = tmp_path / "runs", tmp_path / "list.json"
    process = fena(
        "sweep",
        protocol,
        *GRID,
        "--set",
        "protocol.tokens=1200",
        "--seeds",
        "3",
        "--scheduler",
        "tcp://10.99.1.1:8786",
        "--out",
        out,
        "--json",
        listing,
        prefix=inside(hub),
    )
    deadline = time.monotonic() + 600
    while not list(out.glob("small-*/checkpoints/*/*.npz")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    served_by(workers[0]).kill()
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert json.loads(listing.read_text())["finished"] == 6
    assert runs_in(out) == serially(TAUS, range(3), tokens=1200)
    for folder in out.glob("small-*"):
        assert times_done(folder) == {"learning": 1, "test": 1}
    sessions = [
        json.loads((folder / "manifest.json").read_text())["sessions"]
        for folder in out.glob("small-*")
    ]
    assert max(sessions) == 2, "the run that the killed worker held was taken over"


def test_a_failing_point_on_dask(dask, fena, protocol, tmp_path):
    dask(
        "scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--scheduler-file",
        tmp_path / "scheduler.json",
        until="Scheduler at",
    )
    address = json.loads((tmp_path / "scheduler.json").read_text())["address"]
    dask(
        "worker",
        address,
        "--nthreads",
        "2",
        "--local-directory",
        tmp_path / "w",
        until="Registered to",
    )
    process = fena(
        "sweep",
        protocol,
        "--grid",
        "level.1.tau=0.001*ms,14*ms",
        "--set",
        SMALL,
        "--out",
        tmp_path / "runs",
        "--scheduler",
        address,
        "--quiet",
    )
    _, err = process.communicate(timeout=600)
    assert process.returncode == 5 and "NonFiniteError" in err, err
    (listing,) = (tmp_path / "runs").glob("sweep-*/sweep.json")
    assert [p["status"] for p in json.loads(listing.read_text())["points"]] == [
        "failed",
        "finished",
    ]


def test_no_scheduler_there(fena, protocol, tmp_path, monkeypatch):
    env = environment(DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT="1s")
    process = fena(
        "sweep",
        protocol,
        *GRID,
        "--out",
        tmp_path / "runs",
        "--scheduler",
        "tcp://127.0.0.1:1",
        env=env,
    )
    _, err = process.communicate(timeout=600)
    assert (
        process.returncode == 2 and "no Dask scheduler answers" in err and "Traceback" not in err
    ), err
    assert not (tmp_path / "runs").exists()


def test_slurm_jobs(fena, protocol, serially, runs_in, tmp_path):
    """sbatch starts the script that it is given and keeps it; scancel ends it."""
    pytest.importorskip("dask_jobqueue", reason="the extra 'sweep' is not installed")
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, script in {
        # the copy is what runs, as with Slurm: the script itself is gone as soon as sbatch has
        # answered
        "sbatch": f'cp "$1" {tmp_path}/job.$$\nsetsid sh {tmp_path}/job.$$ > {tmp_path}/job.log 2>&1 &\necho $! > {tmp_path}/job.pid\n'
        'echo "Submitted batch job $!"',
        "scancel": "kill -- -$1",
    }.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    env = environment(PATH=f"{folder}{os.pathsep}{os.environ['PATH']}", **QUIET)
    process = fena(
        "sweep",
        protocol,
        *GRID,
        "--out",
        tmp_path / "runs",
        "--slurm",
        f"queue=short,walltime=00:20:00,memory=1GB,jobs=1,local_directory={tmp_path}/local,interface=lo",
        env=env,
    )
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    job = next(tmp_path.glob("job.[0-9]*")).read_text()
    assert "#SBATCH -p short" in job and "#SBATCH -t 00:20:00" in job
    assert runs_in(tmp_path / "runs") == serially(TAUS, [0])

"""A sweep whose workers are killed: does everything complete, once, with the bytes of direct runs,
and what does the sweep cost?

``python benchmarks/sweep.py [--runs 200] [--tokens 1500] [--workers 2] [--every 10] [--rounds 4]``
prints one JSON object:

- *Overhead.* In each round, as many plain processes as there are workers do a part of the runs with `fena_sim.run` in a loop;
  then a sweep does the same part. Which comes first changes from round to round, so that whatever
  else the machine does meets both. The overhead per run is the difference of the two times, times
  workers, over runs: planning, reading files, pipes, checks, idle workers, the result and its
  figure. Imports are not in it: they come once per sweep. The overhead in processor time is the
  same difference of what all processes used, which a busy machine changes less. Both are given
  relative to a run of 5 s, and to what a run took here.
- *Kills.* One `fena sweep` of all runs, of whose workers one is killed (SIGKILL) every `every` seconds.

Every run of both sweeps is compared byte by byte (states, tokens, events) with the direct one. A
run is done twice if a block of it is reported done twice in its log.
"""

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

import fena_sim as fs
from fena_sim.plot import save
from fena_sim.study.sweep.figure import draw
from fena_sim.sweep import SweepDisplay, parse_grid, plan, run_locally, save_sweep

MODEL = Path(__file__).resolve().parents[1] / "models" / "fena.py"
KEY, VALUES = "level.1.tau", ("10*ms", "14*ms", "20*ms", "28*ms")
PROTOCOL = """
from brian2 import ms
from fena_sim import Block, FixedPace, Protocol
from fena_sim.measure import settling_iterations
from fena_sim.stimulus import MotifGrammar

MODEL = "{model}"

def protocol(seed=0, tokens={tokens}):
    stream = MotifGrammar().training(tokens, seed=1 + seed)
    pace = FixedPace(duration=48*ms, blank=12*ms)
    return Protocol(name="killed", measured_signal="error", blocks=[Block(name="learning", stream=stream, pace=pace)])

def summary(runs):
    return {{"iterations": settling_iterations(runs[0], "learning")}}
"""


def direct(protocol, out, part, share, of):
    """Every `of`-th run of a part, from the `share`-th on, in a loop of this process."""
    from fena_sim.load.set_option import parse_value

    print("ready", flush=True)
    sys.stdin.readline()
    before = processor_time(psutil.Process())
    models = {}  # read once, as `fena run --seeds` does, and as the workers of a sweep do
    for value, seed in [(value, seed) for seed in part for value in VALUES][share::of]:
        file = fs.load_protocol(protocol, seed=seed)
        if value not in models:
            loaded = fs.load_model(file.model, file.protocol.vocabulary.size)
            models[value] = loaded.with_parameter(KEY, parse_value(value))
        file.summary([fs.run(models[value], file.protocol, seed=seed, device="dense", out=out)])
    print(processor_time(psutil.Process()) - before, flush=True)


def processor_time(process):
    """Seconds used by a process and its children that have ended."""
    return sum(process.cpu_times()[:4])


def time_direct(arguments, workers):
    command = [sys.executable, __file__, "--direct", *map(str, arguments)]
    processes = [
        subprocess.Popen(
            [*command, str(n), str(workers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(workers)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    began = time.monotonic()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    used = sum(float(process.stdout.readline()) for process in processes)
    seconds = time.monotonic() - began
    for process in processes:
        process.communicate()
    return seconds, used


def time_sweep(protocol, seeds, out, workers):
    before, began = sweeping_time(), time.monotonic()
    planned = plan(
        protocol, parse_grid([f"{KEY}={','.join(VALUES)}"]), seeds, device="dense", out=out
    )
    display = SweepDisplay(len(planned.points), quiet=True)
    outcomes = {o.number: o for o in run_locally(planned.points, workers, display)}
    assert not any(o.error for o in outcomes.values()), outcomes
    _, dataset = save_sweep(out / planned.name, planned, outcomes, [])
    save(draw(dataset), out / planned.name, "figure")
    return time.monotonic() - began, sweeping_time() - before


def sweeping_time():
    """Seconds used by this process and the server of the workers, with the workers that have ended."""
    servers = [
        p
        for p in psutil.Process().children()
        if "multiprocessing.forkserver" in " ".join(p.cmdline())
    ]
    # The server's child times hold the workers, and the networks that they ran; this process has no
    # other children meanwhile.
    return sum(processor_time(p) for p in servers) + sum(psutil.Process().cpu_times()[:2])


def killed_sweep(protocol, seeds, out, workers, every):
    """(seconds, kills, exit code) of `fena sweep`, one of whose workers is killed every `every`
    seconds.
    """
    began = time.monotonic()
    command = [
        "sweep",
        protocol,
        "--grid",
        f"{KEY}={','.join(VALUES)}",
        "--seeds",
        seeds,
        "--device",
        "dense",
        "--out",
        out,
        "--workers",
        workers,
        "--quiet",
    ]
    process = subprocess.Popen([sys.executable, "-m", "fena_sim", *map(str, command)])
    chance, kills = random.Random(0), 0
    while True:
        try:
            process.wait(every)
            return time.monotonic() - began, kills, process.returncode
        except subprocess.TimeoutExpired:
            workers_now = workers_of(process.pid)
            if workers_now:
                chance.choice(workers_now).kill()
                kills += 1


def workers_of(pid):
    """Processes forked from the server that the process `pid` started."""

    def served(process):
        return any("multiprocessing.forkserver" in word for word in process.cmdline())

    found = []
    for process in psutil.Process(pid).children(recursive=True):
        try:
            if served(process) and served(process.parent()):
                found.append(process)
        except psutil.Error:  # it is gone
            continue
    return found


def fingerprints(out):
    """{run folder: {file: hash}} of everything that the runs recorded."""

    def of(folder):
        files = [
            p
            for kind in ("states", "tokens", "traces", "events")
            for p in sorted((folder / kind).rglob("*"))
        ]
        return {
            str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in files
            if p.is_file()
        }

    return {folder.name: of(folder) for folder in sorted(out.glob("killed-*"))}


def done_twice(out):
    logs = [path.read_text() for path in out.glob("killed-*/log.txt")]
    return sum(log.count("tokens done") > 1 for log in logs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in (
        ("runs", 200),
        ("tokens", 1500),
        ("workers", 2),
        ("every", 10),
        ("rounds", 4),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    seeds = list(range(-(-asked.runs // len(VALUES))))
    with tempfile.TemporaryDirectory(prefix="fena_sweep_") as scratch:
        scratch = Path(scratch)
        protocol = scratch / "killed.py"
        protocol.write_text(
            PROTOCOL.format(
                model=Path("..")
                / Path(*[".."] * (len(scratch.parts) - 2))
                / MODEL.relative_to("/"),
                tokens=asked.tokens,
            )
        )
        time_sweep(
            protocol, [10**6], scratch / "warm", asked.workers
        )  # builds the network, starts the server
        times = []
        for turn, part in enumerate(np.array_split(seeds, asked.rounds)):
            part, round_ = part.tolist(), {}
            for who in ("plain", "sweep")[
                :: 1 - 2 * (turn % 2)
            ]:  # in turn, lest a load that grows or falls favours one
                round_[who] = (
                    time_direct([protocol, scratch / "direct", json.dumps(part)], asked.workers)
                    if who == "plain"
                    else time_sweep(protocol, part, scratch / "swept", asked.workers)
                )
            times.append((*round_["plain"], *round_["sweep"], len(part) * len(VALUES)))
        seconds, kills, code = killed_sweep(
            protocol, len(seeds), scratch / "killed", asked.workers, asked.every
        )
        serial, swept, killed = (
            fingerprints(scratch / name) for name in ("direct", "swept", "killed")
        )
        finished = sum(fs.open_run(scratch / "killed" / name).finished for name in killed)
        sessions = [fs.open_run(scratch / "killed" / name).manifest["sessions"] for name in killed]
        lone = np.median(
            [fs.open_run(scratch / "direct" / name).manifest["wall_time_s"] for name in serial]
        )
        twice = done_twice(scratch / "killed")
    plain, plain_used, swept_for, swept_used, counts = np.array(times).T
    wall = (swept_for - plain) * asked.workers
    used = swept_used - plain_used
    per_run, used_per_run = wall.sum() / counts.sum(), used.sum() / counts.sum()
    print(
        json.dumps(
            {
                "runs": len(seeds) * len(VALUES),
                "workers": asked.workers,
                "kills": kills,
                "exit_code": code,
                "completed": finished,
                "done_twice": twice,
                "taken_over": sum(n > 1 for n in sessions),
                "identical_killed": killed == serial,
                "identical_swept": swept == serial,
                "run_s": round(float(lone), 2),
                "overhead_s": round(per_run, 3),
                "overhead_s_of_rounds": (wall / counts).round(3).tolist(),
                "overhead_processor_s": round(used_per_run, 3),
                "overhead_processor_s_of_rounds": (used / counts).round(3).tolist(),
                "overhead_of_5_s": round(per_run / 5, 4),
                "overhead_processor_of_5_s": round(used_per_run / 5, 4),
                "overhead_of_this_run": round(per_run / float(lone), 4),
                "killed_over_undisturbed": round(seconds / swept_for.sum(), 2),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--direct"]:
        direct(
            sys.argv[2], sys.argv[3], json.loads(sys.argv[4]), int(sys.argv[5]), int(sys.argv[6])
        )
    else:
        main()

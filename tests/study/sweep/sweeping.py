"""What the tests of sweeps share: a protocol file, who the workers of a process are, how often a
block was done.
"""

import os
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "models" / "fena.py"
SMALL = "model.sizes=(8,6,5)"
PROTOCOL = '''
"""Two blocks of one network, some chunks long."""
import numpy as np
from brian2 import ms
from fena_sim import Block, FixedPace, Probe, Protocol
from fena_sim.stimulus import TokenStream, one_hot

MODEL = "{model}"

def protocol(seed=0, tokens=700, gain=1.0):
    vocabulary = one_hot([f"s{{k:02d}}" for k in range(16)])
    def block(name, n):
        stream = TokenStream.from_ids(np.random.default_rng(seed).integers(0, 16, n), vocabulary)
        return Block(name=name, stream=stream, pace=FixedPace(duration=10*ms, blank=2*ms), controls=dict(plasticity_gain=gain))
    return Protocol(name="small", measured_signal="error", blocks=[block("learning", tokens), block("test", 100)])

def summary(runs):
    error = runs[0].tokens("test")["error"].mean("event").values
    return {{"first": float(error[0]), "error": error.tolist(), "ends": {{"low": float(error[0]), "high": float(error[-1])}}}}
'''


def environment(**more):
    path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    return {**os.environ, "PYTHONPATH": path, **{name: str(value) for name, value in more.items()}}


def workers_of(pid):
    """Processes that serve a sweep: forked from the server that the process `pid` started."""

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


def times_done(folder):
    """{block: how often a process said that it finished it} from the logs of a run folder."""
    lines = [
        line
        for line in (folder / "log.txt").read_text().splitlines()
        if line.endswith("tokens done")
    ]
    blocks = [line.split("block ")[1].partition(":")[0] for line in lines]
    return {block: blocks.count(block) for block in blocks}

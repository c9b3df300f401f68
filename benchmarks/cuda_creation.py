"""Creating all-to-all synapses on the dense CUDA device, run on the CPU: seconds, host memory, and
bytes per synapse that are kept and moved.

    python benchmarks/cuda_creation.py [SYNAPSES ...]     default 10^6 10^7 10^8

Every size is a process of its own: two sums and one plastic weight in single precision, two steps.
The program's host memory holds what a card would hold, too, so the peak is that of the host and of
the device together.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import brian2
import numpy as np
from brian2 import NeuronGroup, Synapses, ms


def one(synapses, folder):
    from fena_sim.device.cpp import run_compiler
    from fena_sim.device.cuda import accounts, preferences, sources
    from fena_sim.device.cuda.devices import CudaHostDevice

    n = round(synapses**0.5)
    preferences.load()
    host = CudaHostDevice()
    with preferences.set_for(*host.target()):
        brian2.prefs.core.default_float_dtype = np.float32
        brian2.set_device("cuda_dense", build_on_run=False)
        brian2.defaultclock.dt = 1 * ms
        a = NeuronGroup(n, "dx/dt = (back - x)/(10*ms) : 1\nback : 1", method="euler", name="a")
        b = NeuronGroup(n, "dy/dt = (out - y)/(10*ms) : 1\nout : 1", method="euler", name="b")
        s = Synapses(
            a,
            b,
            """dw/dt = (x_pre*y_post - w)/second : 1 (clock-driven)
                              back_pre = w*y_post : 1 (summed)
                              out_post = w*x_pre : 1 (summed)""",
            method="euler",
            name="s",
        )
        s.connect()
        brian2.Network(a, b, s).run(2 * ms)
        brian2.device.build(directory=str(folder), compile=False, run=False, with_output=False)
    moved = sum(step["per_synapse"] for step in accounts.of(brian2.device)["steps"])
    host.unify(folder)
    run_compiler([*host.flags(), "-o", "main", sources.HOST], folder)
    began = time.perf_counter()
    environment = {**os.environ, "FENA_CUDA_STATISTICS": "counts.json"}
    subprocess.run(["./main"], cwd=folder, env=environment, capture_output=True, check=True)
    seconds = time.perf_counter() - began
    counts = json.loads((folder / "counts.json").read_text())
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {
        "synapses": n * n,
        "seconds_in_all": seconds,
        "host_bytes": peak,
        "device_bytes_per_synapse": counts["device_bytes"] / (n * n),
        "bytes_per_synapse_and_step": moved,
        "launches": sum(counts["launches"].values()),
    }


if __name__ == "__main__":
    for size in [int(float(text)) for text in sys.argv[1:]] or [10**6, 10**7, 10**8]:
        with tempfile.TemporaryDirectory() as scratch:
            code = (
                f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import cuda_creation, json; "
                f"from pathlib import Path; print(json.dumps(cuda_creation.one({size}, Path({scratch!r}))))"
            )
            finished = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            )
            print(finished.stdout.splitlines()[-1])

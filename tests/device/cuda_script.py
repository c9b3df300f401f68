"""A plain Brian2 script of all-to-all synapses of several shapes, on stock C++ or on the dense CUDA
device run on the CPU.

The shapes go over a kernel's tiles (64 rows, 128 columns) in no, one and both directions, and over
parts of them. Script: python cuda_script.py DEVICE FLOAT FOLDER [g++ options], writes
FOLDER/results.npz.
"""

import sys
from pathlib import Path

import brian2
import numpy as np
from brian2 import NeuronGroup, StateMonitor, Subgroup, Synapses, ms

SHAPES = ((1, 1), (7, 5), (64, 48), (65, 129), (130, 300))
RECORDED = ("x", "back", "out")


def network(dtype):
    rng = np.random.default_rng(1)
    objects, found = [], {}
    for k, (n_pre, n_post) in enumerate(SHAPES):
        a = NeuronGroup(
            n_pre + 2,
            "dx/dt = (sin(0.3*i + t/(7*ms)) - x + 0.1*back)/(10*ms) : 1\nback : 1",
            method="euler",
            name=f"a_{k}",
            dtype=dtype,
        )
        b = NeuronGroup(
            n_post,
            "dy/dt = (tanh(out) - y)/(5*ms) : 1\nout : 1",
            method="euler",
            name=f"b_{k}",
            dtype=dtype,
        )
        part = a[1 : n_pre + 1]  # a subgroup, so that offsets matter
        s = Synapses(
            part,
            b,
            """dw/dt = (x_pre*y_post - w*abs(y_post))/(100*ms) : 1 (clock-driven)
                                 back_pre = w*y_post : 1 (summed)
                                 out_post = w*x_pre : 1 (summed)""",
            method="euler",
            name=f"s_{k}",
            dtype=dtype,
        )
        s.connect()
        s.w = rng.normal(size=n_pre * n_post) / np.sqrt(n_pre)
        objects += [a, b, s, StateMonitor(a, "x", record=[0, 1], name=f"m_{k}")]
        found[k] = (a, b, s)
    assert isinstance(part, Subgroup)
    return brian2.Network(*objects), found


def results(found):
    return {
        f"{name} {k}": np.array(values, dtype=float)
        for k, (a, b, s) in found.items()
        for name, values in (
            ("x", a.x[:]),
            ("back", a.back[:]),
            ("y", b.y[:]),
            ("out", b.out[:]),
            ("w", s.w[:]),
        )
    }


def main(device, dtype, folder, options):
    dtype = np.dtype(dtype).type
    brian2.prefs.core.default_float_dtype = dtype
    if device == "cpp_standalone":
        brian2.set_device(device, directory=str(folder), with_output=False)
        net, found = network(dtype)
        net.run(4 * ms)
        np.savez(folder / "results.npz", **results(found))
        return
    from fena_sim.device.cpp import run_compiler
    from fena_sim.device.cuda import preferences, sources
    from fena_sim.device.cuda.devices import CudaHostDevice

    preferences.load()
    host = CudaHostDevice()
    with preferences.set_for(*host.target()):
        brian2.set_device("cuda_dense", build_on_run=False)
        net, found = network(dtype)
        net.run(4 * ms)
        brian2.device.build(directory=str(folder), compile=False, run=False, with_output=False)
    host.unify(folder)
    run_compiler([*host.flags(), *options, "-o", "main", sources.HOST], folder)
    brian2.device.run(directory=str(folder), results_directory="results", with_output=False)
    np.savez(folder / "results.npz", **results(found))
    explained = {
        e.synapses: e.done for e in brian2.device.explanations if e.done in ("dense", "stock")
    }
    assert set(explained.values()) == {"dense"}, explained


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:])

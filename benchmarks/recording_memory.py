"""Peak memory of recording every variable of every population at every step, and of reading it
back.

``python benchmarks/recording_memory.py [TOKENS]`` runs FENA on 1000 tokens in one fresh process,
reads all recordings in another, one variable at a time, and prints the peak resident memory of both
(and that of the compiled network that the first one runs). Both must stay within 1 GiB: recording
holds one chunk and the rows of one Zarr chunk, reading holds one variable.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from brian2 import ms

import fena_sim as fs
from fena_sim.stimulus import MotifGrammar

MODEL = Path(__file__).resolve().parents[1] / "models" / "fena_flat_memory.py"


def record(out, tokens):
    stream = MotifGrammar().training(tokens, seed=0)
    model = fs.load_model(MODEL, stream.vocabulary.size)
    probes = [fs.Probe(p.name, sorted({*p.variables, *p.links})) for p in model.populations]
    block = fs.Block(
        name="all", stream=stream, pace=fs.FixedPace(duration=48 * ms, blank=12 * ms), probes=probes
    )
    fs.run(model, fs.Protocol(name="recording_memory", blocks=[block]), out=out)


def read(out, tokens):
    traces = fs.open_run(next(Path(out).iterdir())).traces("all")
    samples = 0
    for name in traces.data_vars:  # as an analysis would: one variable at a time
        values = traces[name].values
        assert len(values) == 60 * tokens and np.isfinite(values).all(), name
        samples += values.size
    print(f"{samples} samples in {len(traces.data_vars)} variables, {samples * 8 / 2**20:.0f} MiB")


def peak(who):
    return f"{resource.getrusage(who).ru_maxrss / 2**10:.0f} MiB"  # kilobytes on Linux


if __name__ == "__main__":
    tokens = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    if len(sys.argv) > 2:
        {"record": record, "read": read}[sys.argv[2]](sys.argv[3], tokens)
        print(
            f"peak of {sys.argv[2]}: {peak(resource.RUSAGE_SELF)}, of its compiled network: {peak(resource.RUSAGE_CHILDREN)}"
        )
    else:
        with tempfile.TemporaryDirectory() as folder:
            for step in ("record", "read"):
                subprocess.run([sys.executable, __file__, str(tokens), step, folder], check=True)

"""Every shipped model under every shipped protocol that fits it: written, compiled and linked for
CUDA. Needs no card.

    python benchmarks/cuda_builds.py [--json FILE]

Prints the CPU seconds of the compiler for each pair, or why the model cannot follow the protocol
(it lacks what is recorded).
"""

import json
import os
import resource
import sys
import tempfile
from pathlib import Path

import attrs

import fena_sim as fs
from fena_sim import FenaError
from fena_sim.device.cuda.devices import CudaDevice
from fena_sim.runs.plan import Plan
from fena_sim.runs.preview import block_program

ROOT = Path(__file__).resolve().parents[1]


@attrs.frozen
class AnyMachine(CudaDevice):
    """The device `cuda` where no card is: it builds all the same."""

    def available(self):
        return None


def cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    rows = []
    for path in sorted((ROOT / "protocols").glob("*.py")):
        file = fs.load_protocol(path)
        for model_path in sorted((ROOT / "models").glob("*.py")):
            if "def hierarchy(" not in model_path.read_text(encoding="utf-8"):
                continue  # a helper of the models
            row = {"protocol": path.stem, "model": model_path.stem}
            try:
                model = fs.load_model(model_path, file.protocol.vocabulary.size)
                before = cpu()
                block_program(Plan.of(model, file.protocol, 0, AnyMachine()))
                row |= {"built": True, "cpu_seconds": round(cpu() - before, 1)}
            except FenaError as error:
                row |= {"built": False, "why": str(error).splitlines()[0]}
            rows.append(row)
            print(row, flush=True)
    return rows


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as cache:
        os.environ["FENA_CACHE"] = cache
        made = main()
    if "--json" in sys.argv:
        Path(sys.argv[sys.argv.index("--json") + 1]).write_text(json.dumps(made, indent=1) + "\n")

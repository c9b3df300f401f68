"""For a machine with an NVIDIA card: builds for the card, certifies, times, and prints what to send back.

    make gpu-check

Times are medians of 3 runs of 64 tokens after a first one; steps per second exclude start and files, which a second run of
twice as many tokens subtracts.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import attrs
import numpy as np

import fena_sim as fs
from fena_sim.certify.certificate import certify
from fena_sim.certify.command import summary
from fena_sim.certify.doctor import examine
from fena_sim.device.choice import DEVICES
from fena_sim.device.cuda import toolchain
from fena_sim.run import estimate
from fena_sim.run.runner import block_program

ROOT = Path(__file__).resolve().parents[1]
TOKENS, STEPS, REPEATS = 64, 60, 3
SIZES = ((64, 48, 32), (1024, 768, 512), (4096, 3072, 2048))


def main():
    findings = examine()
    for finding in findings:
        print(f"{finding.what}: {finding.found if finding.there else 'missing; ' + finding.mend}")
    reason = DEVICES["cuda"].available()
    if reason is not None:
        sys.exit(f"this machine cannot run CUDA: {reason}")
    file = fs.load_protocol(ROOT / "protocols" / "first_contact.py")
    began = time.time()
    rows, costs = certify(fs.load_model(file.model, file.protocol.vocabulary.size), file.protocol, ["cuda"], tokens=200)
    print(f"certificate in {time.time() - began:.0f} s, builds included\n{summary(rows, costs)}")
    times = [measured(file, sizes, device) for sizes in SIZES for device in ("dense", "cuda")]
    for entry in times:
        print("{device}: levels {sizes}, {ms_per_step:.4f} ms per step [{low:.4f}, {high:.4f}], by the model {expected}"
              .format(**entry))
    told = {"machine": [attrs.asdict(finding) for finding in findings], "cards": [attrs.asdict(c) for c in toolchain.cards()],
            "driver": subprocess.run(["nvidia-smi"], capture_output=True, text=True, check=False).stdout,
            "certificate": [attrs.asdict(row) for row in rows], "times": times}
    Path("gpu_check.json").write_text(json.dumps(told, indent=1, default=str))
    print("please send gpu_check.json back")


def measured(file, sizes, device):
    """ms per step of the first block's network."""
    model = fs.load_model(file.model, file.protocol.vocabulary.size, sizes=sizes)
    program, state, tables = block_program(model, file.protocol, 0, DEVICES[device])

    def seconds(tokens):
        began = time.perf_counter()
        program.run(state, tables, 0, tokens * STEPS)
        return time.perf_counter() - began

    seconds(1)
    each = [1e3 * (seconds(2 * TOKENS) - seconds(TOKENS)) / (TOKENS * STEPS) for _ in range(REPEATS)]
    expected = {c["card"]: round(c["ms_per_step"], 4) for c in estimate(model, file.protocol)["cards"]}
    return {"device": device, "sizes": sizes, "ms_per_step": float(np.median(each)), "low": min(each), "high": max(each),
            "expected": expected}


if __name__ == "__main__":
    main()

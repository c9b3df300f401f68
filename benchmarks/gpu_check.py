"""For a machine with an NVIDIA card: builds for the card, certifies, times, and prints what to send
back.

    make gpu-check

Times are medians of 3 runs of 64 tokens after a first one; steps per second exclude start and
files, which a second run of twice as many tokens subtracts.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import attrs
import numpy as np

import fena_sim as fs
from fena_sim.commands.certify import summary
from fena_sim.device.cuda import toolchain
from fena_sim.device.cuda.doctor import examine
from fena_sim.device.default import DEVICES
from fena_sim.runs.plan import Plan
from fena_sim.runs.preview import block_program, card_device, estimate
from fena_sim.study.certify.certificate import certify

ROOT = Path(__file__).resolve().parents[1]
TOKENS, STEPS, REPEATS = 64, 60, 3
SIZES = ((64, 48, 32), (1024, 768, 512), (4096, 3072, 2048))


def main():
    """Write gpu_check.json, whatever happens: of a part that fails, its error. Exit code 1 if one
    did.
    """
    told = {"machine": [], "cards": [], "driver": "", "certificate": [], "times": [], "errors": []}
    try:
        check(told)
    finally:
        Path("gpu_check.json").write_text(json.dumps(told, indent=1, default=str))
        print("please send gpu_check.json back")
    if told["errors"]:
        sys.exit("\n".join(f"{e['part']}: {e['error']}" for e in told["errors"]))


def check(told):
    """Fill `told` part by part."""

    def part(name, function, *arguments):
        try:
            return function(*arguments)
        except fs.errors.FenaError as error:
            print(f"{name} failed: {error}")
            told["errors"].append({"part": name, "error": str(error)})
            return None

    findings = examine()
    told["machine"] = [attrs.asdict(finding) for finding in findings]
    for finding in findings:
        print(
            f"{finding.what}: {finding.found if finding.there else f'missing: {finding.found}; {finding.mend}'}"
        )
    told["cards"] = [attrs.asdict(card) for card in toolchain.cards()]
    told["driver"] = driver()
    reason = DEVICES["cuda"].available()
    if reason is not None:
        mend = "; ".join(finding.mend for finding in findings if not finding.there)
        told["errors"].append(
            {"part": "device", "error": f"this machine cannot run CUDA: {reason} ({mend})"}
        )
        return
    file = fs.load_protocol(ROOT / "protocols" / "first_contact.py")
    part("certificate", certificate, told, file)
    for sizes in SIZES:
        for device in ("dense", "cuda"):
            entry = part(f"time of {device}, {sizes}", measured, file, sizes, device)
            if entry is not None:
                told["times"].append(entry)
                print(
                    "{device}: levels {sizes}, {ms_per_step:.4f} ms per step [{low:.4f}, {high:.4f}], by the model {expected}".format(
                        **entry
                    )
                )


def driver():
    """What nvidia-smi says, or why it says nothing."""
    try:
        return subprocess.run(["nvidia-smi"], capture_output=True, text=True, check=False).stdout
    except OSError as error:
        return str(error)


def certificate(told, file):
    began = time.time()
    rows, costs = certify(
        fs.load_model(file.model, file.protocol.vocabulary.size),
        file.protocol,
        ["cuda"],
        tokens=200,
    )
    told["certificate"] = [attrs.asdict(row) for row in rows]
    print(f"certificate in {time.time() - began:.0f} s, builds included\n{summary(rows, costs)}")


def measured(file, sizes, device):
    """ms per step of the first block's network."""
    model = fs.load_model(file.model, file.protocol.vocabulary.size, sizes=sizes)
    program, state, tables = block_program(Plan.of(model, file.protocol, 0, DEVICES[device]))

    def seconds(tokens):
        began = time.perf_counter()
        program.run(state, tables, 0, tokens * STEPS)
        return time.perf_counter() - began

    seconds(1)
    each = [
        1e3 * (seconds(2 * TOKENS) - seconds(TOKENS)) / (TOKENS * STEPS) for _ in range(REPEATS)
    ]
    expected = {
        c["card"]: round(c["ms_per_step"], 4)
        for c in estimate(Plan.of(model, file.protocol, 0, card_device("cuda")))["cards"]
    }
    return {
        "device": device,
        "sizes": sizes,
        "ms_per_step": float(np.median(each)),
        "low": min(each),
        "high": max(each),
        "expected": expected,
    }


if __name__ == "__main__":
    main()

"""What the shipped models' sources and results are, for `test_engine.py`; and a script that writes the pins anew:

    python tests/runs/engine_pins.py

Write them after ENGINE was raised, or after sources changed and numbers did not.
"""

import hashlib
import json
import re
import tempfile
from pathlib import Path

import brian2
import numpy as np

import fena_sim as fs
from fena_sim.device.default import DEVICES
from fena_sim.network.engine import ENGINE
from fena_sim.runs.plan import Plan
from fena_sim.runs.preview import block_program

ROOT = Path(__file__).resolve().parents[2]
PINS = Path(__file__).with_name("engine_pins.json")
TOKENS = 200
_NUMBERED = re.compile(r"(codeobject|subexpression_update|thresholder|resetter|stateupdater)_\d+")
#: Protocol by model; a batch has code of its own, so it has a row.
SUBJECTS = {
    **{
        f"{model}": (f"{model}.py", f"{protocol}.py", 1)
        for model, protocol in (
            ("brunel", "brunel"),
            ("delay_loop", "delay_loop"),
            ("fena", "first_contact"),
            ("fena_errors_only", "first_contact"),
            ("fena_flat_memory", "first_contact"),
            ("fena_gaussian", "first_contact"),
            ("fena_learned_feedback", "first_contact"),
            ("item_frequency", "first_contact"),
            ("ngram_observer", "first_contact"),
            ("rao_ballard", "rao_ballard"),
            ("spiking_sequence", "spiking_sequence"),
            ("transition_observer", "first_contact"),
            ("tsodyks_markram", "tsodyks_markram"),
            ("wilson_cowan", "wilson_cowan"),
        )
    },
    "fena, 2 streams": ("fena.py", "first_contact.py", 2),
}


def plan_of(subject):
    """The Plan of the first block of a protocol on a shipped model, in double precision."""
    model, protocol, batch = SUBJECTS[subject]
    file = ROOT / "protocols" / protocol
    options = {"batch": batch} if batch > 1 else {}
    declared = fs.load_protocol(file, **options).protocol
    loaded = fs.load_model(ROOT / "models" / model, declared.vocabulary.size)
    if batch > 1:
        loaded = loaded.with_parameter("batch", batch)
    first = fs.Protocol(name=declared.name, blocks=declared.blocks[:1])
    return Plan.of(loaded, first, 0, DEVICES["dense64"])


def sources_hash(plan):
    """SHA-256 of the generated program's lines, sorted: their order differs between processes. Brian2
    numbers objects whose name was used before in the process; the numbers are left out.
    """
    (block,) = plan.blocks
    with tempfile.TemporaryDirectory() as folder:
        plan.device.generate(
            folder, plan.model, plan.protocol.vocabulary, block.shape, block.block.probes
        )
        text = Path(folder, "unity.cpp").read_text()
    lines = sorted(_NUMBERED.sub(r"\1", text).splitlines())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def results(plan):
    """{variable of the state: [mean, root mean square]} after the first TOKENS tokens of a plan."""
    program, state, tables = block_program(plan)
    steps = int(plan.blocks[0].timeline.most_steps[:TOKENS].sum())
    after, _ = program.run(state, tables, 0, steps)
    values = {name: np.asarray(v, dtype=float) for name, v in after.items()}
    return {
        name: [float(v.mean()), float(np.sqrt((v**2).mean()))]
        for name, v in sorted(values.items())
        if v.size
    }


def pinned():
    return json.loads(PINS.read_text()) if PINS.exists() else {"engine": None, "subjects": {}}


def main():
    old = pinned()["subjects"]
    subjects = {}
    for subject in SUBJECTS:
        plan = plan_of(subject)
        earlier = old.get(subject, {}).get("sources", {}) if pinned()["engine"] == ENGINE else {}
        subjects[subject] = {
            "sources": {**earlier, brian2.__version__: sources_hash(plan)},
            "results": results(plan),
        }
    PINS.write_text(json.dumps({"engine": ENGINE, "subjects": subjects}, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""The manifest of a run: what was declared, and where the run comes from."""

import time

from ..declare.measured.attach import belongs
from ..declare.measured.sources import in_words
from . import provenance
from .plan import Plan
from .store.experiment import experiment_of
from .store.vocabulary import vocabulary_entry


def manifest_of(plan: Plan, began: float) -> dict:
    """The manifest of a run that begins at `began` (s since 1970), as JSON-able data."""
    model, protocol, vocabulary = plan.model, plan.protocol, plan.protocol.vocabulary
    return {
        "status": "running",
        "inputs_hash": plan.hash,
        "inputs": plan.inputs,
        "seed": plan.seed,
        "device": plan.device.name,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began)),
        "sessions": 1,
        "warnings": [],
        "model": {
            "name": model.name,
            "description": model.description,
            "levels": model.levels,
            "dt": str(model.dt),
            "batch": model.batch,
            "populations": [p.name for p in model.populations],
            "parameters": {
                key: str(value)
                for key, value in model.parameters().items()
                if not belongs(key.partition(".")[0], protocol.measured)
            },
            "meanings": model.meanings(),
        },
        "protocol": {
            "name": protocol.name,
            "description": protocol.description,
            "measured_signal": protocol.measured_signal,
            "options": _options(protocol),
            **_measured(protocol, model),
        },
        "blocks": [_block(plan.protocol, block) for block in plan.blocks],
        "start": _start(plan.start),
        "vocabulary": vocabulary_entry(vocabulary),
        **provenance.provenance(),
    }


def _measured(protocol, model):
    """The measured signals in words; nothing of a protocol without any."""
    words = {
        name: in_words(signal, model, f"measured signal {name!r}")
        for name, signal in protocol.measured.items()
    }
    return {"measured": words} if words else {}


def _options(protocol):
    """Of ``protocol()``, without the seed, of which a network may have its own, and the batch, which
    the model tells.
    """
    return {
        name: str(value)
        for name, value in protocol.options.items()
        if name not in ("seed", "batch")
    }


def _block(protocol, plan):
    return {
        "name": plan.name,
        "tokens": len(plan.block),
        "start_from": protocol.origin(plan.block),
        "self_paced": plan.timeline.self_paced,
        **({"pause_steps": plan.timeline.pause} if plan.timeline.pause else {}),
        "probes": [p.population for p in plan.block.probes],
    }


def _start(start):
    if start is None:
        return None
    origin, block = start
    return {
        "run": origin.id,
        "block": block,
        "step": origin.end_step(block),
        "experiment": experiment_of(origin.manifest),
    }

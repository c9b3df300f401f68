"""What a network would need on a graphics card, before anything is compiled.

Memory is counted exactly: every array that the generated program allocates until its first step
(`accounts`, which says what comes on top: samples of monitors, and what a program asks for that
fena_sim does not use). Time per step is a model, not a measurement. A code object takes the longest
of

    launches * LAUNCH,   bytes / (bandwidth * EFFICIENCY),   operations / (peak * EFFICIENCY),

plus COPY for every value that the host waits for; code objects follow one another. Inference and
training are the same program with the same arrays, so they need the same memory; with plasticity
off its rules still run, with a gain of 0.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from ...declare.model.hierarchy import Hierarchy
from ...declare.protocol.probe import Probe
from ...declare.stimulus.vocabulary import Vocabulary
from ...network.pacemaker import settling_populations
from ...network.projection import synapse_count
from ...network.shape import BlockShape
from .. import scratch
from ..cpp import MANIFEST
from .devices import CudaDevice

#: Seconds. Asynchronous launch of an empty kernel, and a copy of a few bytes to the host; orders of
#: magnitude that NVIDIA's profiling guides give for PCIe cards.
LAUNCH, COPY = 3e-6, 12e-6
#: Share of a card's peak that long, regular kernels reach.
EFFICIENCY = 0.75
GIB = 2**30
#: Bytes of a card that no array can have: CUDA's context (300 to 500 MB on current cards), the
#: program's own code, and the heap of 128 MiB that brian2cuda sets aside for allocations by
#: kernels.
RESERVE = 600 * 2**20
#: brian2cuda counts synapses in 32-bit integers; a projection must have fewer.
INDICES = 2**31


@attrs.frozen
class NamedCard:
    """Memory (bytes), bandwidth (bytes/s) and single-precision peak (operations/s) of a card, from
    NVIDIA's data sheets.
    """

    name: str
    memory: float
    bandwidth: float
    peak: float


CARDS = (
    NamedCard("RTX 3060 Laptop, 6 GB", 6 * GIB, 336e9, 10.9e12),
    NamedCard("RTX 3070, 8 GB", 8 * GIB, 448e9, 20.3e12),
    NamedCard("RTX 4090, 24 GB", 24 * GIB, 1008e9, 82.6e12),
    NamedCard("A100 SXM, 80 GB", 80 * GIB, 2039e9, 19.5e12),
    NamedCard("H100 SXM, 80 GB", 80 * GIB, 3350e9, 66.9e12),
)
SIZES = (5, 8, 24, 80)


def card_needs(
    hierarchy: Hierarchy,
    vocabulary: Vocabulary,
    shape: BlockShape,
    probes: Sequence[Probe] = (),
    dtype: type[np.floating] = np.float32,
    samples: int = 0,
) -> dict[str, Any]:
    """Bytes and time of a network on a card.

    Parameters
    ----------
    hierarchy, vocabulary, shape, probes
        As for a device's `build`.
    dtype : type
        Of the states.
    samples : int
        Samples that a chunk records.

    Returns
    -------
    dict
        "populations", "projections", "other": {name: bytes}; "training_bytes", "inference_bytes";
        "bytes_per_synapse"; "largest": for each of SIZES the network of this shape, all populations
        scaled alike, that fits beside RESERVE, with fewer than INDICES synapses in every
        projection; "launches_per_step", "copies_per_step", "bytes_per_step"; "cards": [{"card",
        "fits" (beside RESERVE), "ms_per_step", "bound"}].

    Raises DeviceError without brian2cuda.
    """
    manifest = written(hierarchy, vocabulary, shape, probes, dtype)
    synapses = _synapses(manifest, hierarchy)
    accounts = manifest["cuda"]
    bytes_of: dict[str, int] = {}
    for entry in accounts["arrays"]:
        times = {"synapse": synapses.get(entry["owner"], 0), "sample": samples, None: 1}[
            entry["per"]
        ]
        bytes_of[entry["owner"]] = bytes_of.get(entry["owner"], 0) + entry["bytes"] * times
    populations, projections = (
        {member.name for member in members}
        for members in (hierarchy.populations, hierarchy.projections)
    )
    total = sum(bytes_of.values())
    return {
        "dtype": np.dtype(dtype).name,
        "populations": {name: bytes_of[name] for name in bytes_of if name in populations},
        "projections": {name: bytes_of[name] for name in bytes_of if name in projections},
        "other": {name: n for name, n in bytes_of.items() if name not in populations | projections},
        "training_bytes": total,
        "inference_bytes": total,
        "synapses": sum(synapses.values()),
        "bytes_per_synapse": _per_synapse(accounts, synapses),
        "largest": [
            _largest(gigabytes, accounts, synapses, total, hierarchy) for gigabytes in SIZES
        ],
        **per_step(accounts, synapses, float(hierarchy.dt)),
        "cards": [
            {
                "card": card.name,
                "fits": total + RESERVE <= card.memory,
                **_time(card, accounts, synapses, float(hierarchy.dt)),
            }
            for card in CARDS
        ],
    }


def written(
    hierarchy: Hierarchy,
    vocabulary: Vocabulary,
    shape: BlockShape,
    probes: Sequence[Probe],
    dtype: type[np.floating],
) -> dict[str, Any]:
    """The manifest of the network's sources, which are written and thrown away."""
    with scratch.temporary_folder("estimate") as folder:
        with scratch.trouble(folder):
            CudaDevice(dtype=dtype).generate(folder, hierarchy, vocabulary, shape, probes)
        return json.loads((folder / MANIFEST).read_text())


def per_step(
    accounts: Mapping[str, list[dict]], synapses: Mapping[str, int], dt: float
) -> dict[str, float]:
    """{"launches_per_step", "copies_per_step", "bytes_per_step"}, meaned over the clocks' common
    period.
    """

    def mean(value):
        return sum(value(step) * dt / step["interval"] for step in accounts["steps"])

    return {
        "launches_per_step": mean(lambda s: s["launches"] + s["memsets"]),
        "copies_per_step": mean(lambda s: s["copies"]),
        "bytes_per_step": mean(
            lambda s: s["bytes"] + s["per_synapse"] * synapses.get(s["owner"], 0)
        ),
    }


def _synapses(manifest, hierarchy):
    """Number of synapses by projection; those by which settling is judged join every such unit to the
    pacemaker.
    """
    sizes = {}
    for projection in hierarchy.projections:
        source, target = (
            hierarchy.population(name).size for name in (projection.source, projection.target)
        )
        sizes[projection.name] = synapse_count(projection, source, target)
    return sizes | {
        f"settling_of_{name}": hierarchy.population(name).size
        for name in settling_populations(hierarchy)
    }


def _per_synapse(accounts, synapses):
    """Device bytes per synapse, by projection."""
    found = {}
    for entry in accounts["arrays"]:
        if entry["per"] == "synapse":
            found[entry["owner"]] = found.get(entry["owner"], 0) + entry["bytes"]
    return {name: size for name, size in found.items() if name in synapses}


def _largest(gigabytes, accounts, synapses, total, hierarchy):
    quadratic = sum(
        size * synapses[name] for name, size in _per_synapse(accounts, synapses).items()
    )
    linear = total - quadratic  # arrays of units, and tables that do not grow: an upper bound
    # a*s^2 + b*s = memory
    memory = gigabytes * GIB - RESERVE
    scale = (
        (-linear + np.sqrt(linear**2 + 4 * quadratic * memory)) / (2 * quadratic)
        if quadratic
        else memory / max(linear, 1)
    )
    scale = min(scale, np.sqrt((INDICES - 1) / max(synapses.values(), default=1)))
    units = sum(population.size for population in hierarchy.populations)
    return {
        "gigabytes": gigabytes,
        "scale": float(scale),
        "units": int(units * scale),
        "synapses": int(sum(synapses.values()) * scale**2),
    }


def _time(card, accounts, synapses, dt):
    seconds, bound = 0.0, {"launches": 0.0, "memory": 0.0, "arithmetic": 0.0}
    for step in accounts["steps"]:
        n = synapses.get(step["owner"], 0)
        share = dt / step["interval"]
        parts = {
            "launches": (step["launches"] + step["memsets"]) * LAUNCH + step["copies"] * COPY,
            "memory": (step["bytes"] + step["per_synapse"] * n) / (card.bandwidth * EFFICIENCY),
            "arithmetic": (step["operations"] + step["operations_per_synapse"] * n)
            / (card.peak * EFFICIENCY),
        }
        longest = max(parts, key=parts.get)
        seconds += parts[longest] * share
        bound[longest] += parts[longest] * share
    return {"ms_per_step": 1e3 * seconds, "bound": max(bound, key=bound.get)}

"""Verdicts of `fena bench training` on C14, C15 and C17, with their definitions, which were fixed
before the first run. `training` says how peak bytes and tokens per second are measured.

C14
    Training/inference ratio of FENA's peak bytes at the largest network of the width sweep, device
    "dense": against the same build with plasticity off (`plasticity_gain=0`) and against a build
    whose equations hold no plasticity. Holds if both are at most 1.02. The same ratio of GRU and
    transformer at the longest context is printed beside it.
C15
    FENA, training: (a) exponent of peak bytes against weights between the two largest widths,
    within 0.9 to 1.1; (b) peak bytes at the longest over the shortest context (tokens seen), at
    most 1.05; (c) bytes per weight at the deepest over the second deepest hierarchy, within 0.9 to
    1.1. Backpropagation, both networks: (d) peak bytes at the longest over the shortest context at
    least 1.5. Holds if all do.
C17
    Holds if FENA, GRU and transformer were all timed at least 3 times in training and inference in
    this call. The result is FENA's tokens per second (device "dense") over those of each reference
    on one thread at its most accurate setting.
"""

from collections.abc import Sequence

from numpy import log

from .training_cases import REFERENCES


def claims(rows: Sequence[dict]) -> dict[str, dict]:
    """Verdicts on C14, C15 and C17: {claim: {"holds": bool, numbers...}}; see the module's
    docstring.
    """
    return {"C14": _training_memory(rows), "C15": _memory_growth(rows), "C17": _throughput(rows)}


def _sweep(rows, sweep, network, phase, variant=None, value="peak_bytes"):
    """{position: value} along a sweep; FENA's plastic build unless another variant is named."""
    variant = variant or ("dense" if network == "fena" else "1 thread")
    return {
        r["position"]: r[value]
        for r in rows
        if (r["sweep"], r["network"], r["phase"], r["variant"]) == (sweep, network, phase, variant)
    }


def _training_memory(rows):
    training = _sweep(rows, "width", "fena", "training")
    largest = max(training)
    same = training[largest] / _sweep(rows, "width", "fena", "inference")[largest]
    fixed = (
        training[largest]
        / _sweep(rows, "width", "fena", "inference", "dense, plasticity not declared")[largest]
    )
    others = {}
    for network in REFERENCES:
        context = _sweep(rows, "context", network, "training")
        others[network] = (
            context[max(context)] / _sweep(rows, "context", network, "inference")[max(context)]
        )
    return {
        "holds": max(same, fixed) <= 1.02,
        "plasticity_off": same,
        "plasticity_not_declared": fixed,
        **others,
    }


def _memory_growth(rows):
    weights = _sweep(rows, "width", "fena", "training", value="parameters")
    width = _sweep(rows, "width", "fena", "training")
    small, large = sorted(width)[-2:]
    exponent = float(log(width[large] / width[small]) / log(weights[large] / weights[small]))
    depth = _sweep(rows, "depth", "fena", "training", value="bytes_per_parameter")
    shallow, deep = sorted(depth)[-2:]
    context = {}
    for network in ("fena", *REFERENCES):
        bytes_at = _sweep(rows, "context", network, "training")
        context[network] = bytes_at[max(bytes_at)] / bytes_at[min(bytes_at)]
    depth_ratio = depth[deep] / depth[shallow]
    holds = (
        0.9 <= exponent <= 1.1
        and context["fena"] <= 1.05
        and 0.9 <= depth_ratio <= 1.1
        and all(context[n] >= 1.5 for n in REFERENCES)
    )
    return {
        "holds": holds,
        "exponent": exponent,
        "depth_ratio": depth_ratio,
        **{f"context_{network}": ratio for network, ratio in context.items()},
    }


def _throughput(rows):
    timed = [r for r in rows if r["tokens_per_second"] is not None]
    result = {
        "holds": all(
            any(r["network"] == n and r["phase"] == p and r["repetitions"] >= 3 for r in timed)
            for n in ("fena", *REFERENCES)
            for p in ("training", "inference")
        )
    }
    for phase in ("training", "inference"):
        (own,) = [
            r for r in timed if (r["network"], r["variant"], r["phase"]) == ("fena", "dense", phase)
        ]
        for network in REFERENCES:
            best = max(
                (
                    r
                    for r in timed
                    if (r["network"], r["variant"], r["phase"]) == (network, "1 thread", phase)
                ),
                key=lambda r: r["accuracy"],
            )
            result[f"{phase}_over_{network}"] = own["tokens_per_second"] / best["tokens_per_second"]
    return result

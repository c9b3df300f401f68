"""What `fena bench training` reports as rows: medians and spreads of the results of repeated jobs."""

import json
from collections.abc import Sequence
from statistics import median


def empty_row(key: tuple[str, str, str], phase: str, results: Sequence[dict]) -> dict:
    network, variant, setting = key
    return {
        "network": network,
        "parameters": results[0]["parameters"],
        "phase": phase,
        "variant": variant,
        "setting": json.loads(setting),
        "repetitions": len(results),
        "tokens_per_second": None,
        "spread": None,
        "tokens_per_cpu_second": None,
        "wall_seconds": None,
        "build_seconds": None,
        "peak_bytes": None,
        "network_bytes": None,
        "bytes_per_parameter": None,
        "accuracy": None,
        "accuracy_spread": None,
        "sweep": None,
        "position": None,
    }


def time_row(
    key: tuple[str, str, str],
    phase: str,
    results: Sequence[dict],
    built: dict | None,
    memory: Sequence[dict],
) -> dict:
    """A row from the results of "time" jobs, the build's result (FENA) and those of "memory" jobs
    of the same case.
    """
    rates = [r[f"{phase}_tokens"] / r[f"{phase}_seconds"] for r in results]
    starts = [
        r["process_seconds"] - r["training_seconds"] - r["inference_seconds"] for r in results
    ]
    build = built["build_seconds"] if built else 0.0
    walls = [
        s + r[f"{phase}_seconds"] + (build if phase == "training" else 0)
        for s, r in zip(starts, results, strict=True)
    ]
    accuracies = [r["accuracy"] for r in results]
    return {
        **empty_row(key, phase, results),
        **memory_columns(memory),
        "tokens_per_second": median(rates),
        "spread": [min(rates), max(rates)],
        "tokens_per_cpu_second": median(
            r[f"{phase}_tokens"] / r[f"{phase}_cpu_seconds"] for r in results
        ),
        "wall_seconds": median(walls),
        "build_seconds": build,
        "accuracy": median(accuracies),
        "accuracy_spread": [min(accuracies), max(accuracies)],
    }


def memory_columns(results: Sequence[dict]) -> dict[str, float]:
    """Peak bytes of "memory" jobs as columns of a row; none if there are no results."""
    if not results:
        return {}
    peak = median(r["peak_bytes"] for r in results)
    return {
        "peak_bytes": peak,
        "network_bytes": median(r["network_bytes"] for r in results),
        "bytes_per_parameter": peak / results[0]["parameters"],
    }

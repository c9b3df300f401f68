"""`fena bench training`: whole training runs of FENA and of equal-size networks trained by
backpropagation.

Everybody reads the same tokens (block "training" of protocols/first_contact.py, one pass) and is
tested, frozen, on the same others (block "familiar"). The GRU and the transformer (`references`)
have as many trainable numbers as FENA has plastic synaptic weights, within 5 %. Repetition n uses
seed n for the tokens and for the network. Every measurement is a process of its own, and
repetitions are interleaved: all variants once, then all again.

How it is measured
------------------
tokens per second
    Tokens over seconds of the phase: `run()` of the block for FENA (from the cached build; chunks,
    checkpoints and result files included), the loop of `references.train` or `evaluate` for the
    others. Medians over repetitions, [min, max] as spread. Inference is the frozen network; the
    references read it in pieces and batches as they were trained. The same per CPU second, which
    other work on the machine disturbs less.
wall seconds
    The phase and the start of the process (Python, imports); with training also the first build of
    FENA.
accuracy
    Share of test tokens, but the first, that the frozen network names; a speed without it means
    nothing.
threads
    References run on one thread and, where that is faster in one pass of THREAD_TOKENS tokens
    before the runs, on more (`threads` in the file). FENA's compiled network has one.
learning rate
    Of each reference network and setting: the best of RATES by accuracy on a stream of seed
    RATE_SEED, before the runs.
peak bytes
    Growth of the peak resident memory, over a tiny network of the same kind that the same process
    runs first in the same phase (hidden levels of 2 units, or 500 parameters in pieces of 2
    tokens). FENA: sum of the Python process and of the compiled network (`network_bytes` is the
    latter alone, each over its own tiny network). Below about 1 MiB this is noise.

Claims (definitions fixed before the first run)
-----------------------------------------------
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

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from time import perf_counter

import attrs
from numpy import log
from tabulate import tabulate

from ..errors import DeviceError

FENA_SIZES = (64, 48, 32)
DEVICES = ("dense", "dense64")
REFERENCES = ("gru", "transformer")
#: (tokens per piece, batch size) in which the references learn.
SETTINGS = ((16, 1), (64, 1), (64, 8))
RATES = (1e-3, 3e-3, 1e-2, 3e-2)
RATE_SEED = 900
THREAD_TOKENS = 1000
#: Sweeps of memory. FENA: multiples of FENA_SIZES, tokens seen, hidden levels of DEPTH_WIDTH units.
WIDTHS, CONTEXTS, DEPTHS, DEPTH_WIDTH = (1, 4, 8), (16, 128, 1024), (1, 4), 256
CONTEXT_WIDTH = 4
#: Pieces and batches of the references in the sweeps (the sweep over contexts varies the former).
SWEEP_LENGTH, SWEEP_BATCH = 64, 8


@attrs.frozen(kw_only=True)
class TrainingCase:
    """One variant of one network in one setting; `job` is what `training_job` needs to know beyond
    that.
    """

    network: str
    variant: str
    setting: dict
    job: dict

    @property
    def key(self) -> tuple[str, str, str]:
        return self.network, self.variant, json.dumps(self.setting, sort_keys=True)


def perform(job: dict, cache: str) -> dict:
    """Run one job in a fresh process: its result, with the seconds from start to end in
    "process_seconds".
    """
    threads = str(job.get("threads", 1))
    environment = {
        **os.environ,
        "FENA_CACHE": cache,
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
    }
    began = perf_counter()
    finished = subprocess.run(
        [sys.executable, "-m", "fena_sim.bench.training_job", json.dumps(job)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        lines = finished.stderr.strip().splitlines()[-3:]  # the error, without the way to it
        raise DeviceError(
            f"a measurement stopped: {' '.join(line.strip() for line in lines)}",
            where=json.dumps(job),
            fix="run `python -m fena_sim.bench.training_job` with this job to see all of it",
        )
    return {
        **json.loads(finished.stdout.splitlines()[-1]),
        "process_seconds": perf_counter() - began,
    }


def fena_case(
    variant: str, sizes: Sequence[int], setting: dict | None = None, plastic: bool = True
) -> TrainingCase:
    name = variant if plastic else f"{variant}, plasticity not declared"
    return TrainingCase(
        network="fena",
        variant=name,
        setting={"sizes": list(sizes), **(setting or {})},
        job=dict(network="fena", variant=variant, sizes=list(sizes), plastic=plastic),
    )


def reference_case(
    network: str,
    parameters: int,
    length: int,
    batch: int,
    threads: int = 1,
    layers: int | None = None,
    **setting: str | float,
) -> TrainingCase:
    setting = dict(length=length, batch=batch, **({"layers": layers} if layers else {}), **setting)
    return TrainingCase(
        network=network,
        variant=f"{threads} thread{'s' * (threads > 1)}",
        setting=setting,
        job=dict(
            network=network,
            parameters=parameters,
            threads=threads,
            layers=layers,
            length=length,
            batch=batch,
        ),
    )


def memory_cases(
    build: Callable[[TrainingCase], dict], quick: bool
) -> list[tuple[str, int, TrainingCase, int | None]]:
    """Cases of the sweeps: (sweep, position, TrainingCase, tokens). `build(case)` compiles FENA and tells
    its size.
    """

    def ends(values):
        return (values[0], values[-1]) if quick else values

    found: list[tuple[str, int, TrainingCase, int | None]] = []
    for width in ends(WIDTHS):
        sizes = [width * n for n in FENA_SIZES]
        case = fena_case("dense", sizes)
        parameters = build(case)["parameters"]
        found.append(("width", width, case, 16))
        found += [
            (
                "width",
                width,
                reference_case(
                    name, parameters, SWEEP_LENGTH, SWEEP_BATCH, sweep="width", weights=parameters
                ),
                None,
            )
            for name in REFERENCES
        ]
    fixed = fena_case("dense", sizes, plastic=False)
    build(fixed)
    found.append(("width", width, fixed, 16))
    sizes = [CONTEXT_WIDTH * n for n in FENA_SIZES]
    parameters = build(fena_case("dense", sizes))["parameters"]
    for length in ends(CONTEXTS):
        found.append(("context", length, fena_case("dense", sizes, dict(tokens=length)), length))
        found += [
            (
                "context",
                length,
                reference_case(name, parameters, length, SWEEP_BATCH, sweep="context"),
                None,
            )
            for name in REFERENCES
        ]
    for depth in ends(DEPTHS):
        case = fena_case("dense", [DEPTH_WIDTH] * depth)
        parameters = build(case)["parameters"]
        found.append(("depth", depth, case, 16))
        found += [
            (
                "depth",
                depth,
                reference_case(
                    name, parameters, SWEEP_LENGTH, SWEEP_BATCH, layers=depth, sweep="depth"
                ),
                None,
            )
            for name in REFERENCES
        ]
    return found


class Bench:
    """Collects the results of jobs; `rows` and `claims` turn them into what is reported."""

    def __init__(self, quick: bool, cache: str, log: Callable[[str], object]) -> None:
        self.tokens, self.test_tokens = (4000, 500) if quick else (16000, 1500)
        self.repetitions, self.quick, self.cache, self.log = 3, quick, cache, log
        self.built: dict[tuple, dict] = {}
        self.times: dict[tuple, list[dict]] = {}
        self.memory: dict[tuple, list[dict]] = {}
        self.sweeps: list[tuple[str, int, TrainingCase, int | None]] = []
        self.threads: list[dict] = []

    def measure(self) -> None:
        cases = self.whole_runs()
        self.measure_time(cases)
        self.measure_memory([case for case in cases if case.job.get("threads", 1) == 1])

    def whole_runs(self) -> list[TrainingCase]:
        """The cases that are timed, with FENA built, and learning rates and threads of the
        references chosen.
        """
        cases = [fena_case(device, FENA_SIZES) for device in DEVICES]
        self.parameters = [self.build(case) for case in cases][0]["parameters"]
        for network in REFERENCES:
            for length, batch in SETTINGS:
                rate = self.best_rate(reference_case(network, self.parameters, length, batch))
                variants = [
                    reference_case(network, self.parameters, length, batch, n, rate=rate)
                    for n in sorted({1, self.best_threads(network, length, batch)})
                ]
                cases += [attrs.evolve(case, job={**case.job, "rate": rate}) for case in variants]
        return cases

    def measure_time(self, cases: Iterable[TrainingCase]) -> None:
        for repetition in range(self.repetitions):
            for case in cases:
                job = dict(
                    case.job,
                    measure="time",
                    seed=repetition,
                    tokens=self.tokens,
                    test_tokens=self.test_tokens,
                )
                self._do(self.times, case, job)

    def measure_memory(self, cases: Iterable[TrainingCase]) -> None:
        """Peaks of these cases and of the sweeps. Unlike time, memory does not mind company."""
        self.sweeps = memory_cases(self.build, self.quick)
        work = [
            (case, dict(case.job, measure="memory", phase=phase, tokens=tokens), phase)
            for case, tokens in [(case, 16) for case in cases]
            + [(case, tokens) for *_, case, tokens in self.sweeps]
            for phase in ("training", "inference")
            if case.job.get("plastic", True) or phase == "inference"
        ]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(
                pool.map(
                    lambda arguments: self._do(self.memory, *arguments), self.repetitions * work
                )
            )

    def build(self, case: TrainingCase) -> dict:
        """Compile FENA's network and the tiny one that memory is compared with, once; returns size
        and seconds.
        """
        if case.key not in self.built:
            tiny = attrs.evolve(case, job={**case.job, "sizes": [2] * len(case.job["sizes"])})
            for each in (tiny, case):
                result = perform(dict(each.job, measure="build"), self.cache)
            self.log(
                f"build {case.network} {case.variant} {case.setting}: {result['build_seconds']:.1f} s"
            )
            self.built[case.key] = result
        return self.built[case.key]

    def best_rate(self, case: TrainingCase) -> float:
        job = dict(
            case.job,
            measure="rate",
            rates=RATES,
            seed=RATE_SEED,
            tokens=self.tokens,
            test_tokens=self.test_tokens,
        )
        result = perform(job, self.cache)
        self.log(f"rate {case.network} {case.setting}: {result['rate']} of {result['scores']}")
        return result["rate"]

    def best_threads(self, network: str, length: int, batch: int) -> int:
        """The number of threads, among powers of two and all cores, with the most tokens per second
        of training.
        """
        cores = os.cpu_count() or 1
        rates: dict[int, float] = {}
        for threads in sorted({cores, *(2**k for k in range(cores.bit_length()) if 2**k <= cores)}):
            case = reference_case(network, self.parameters, length, batch, threads)
            result = perform(
                dict(
                    case.job,
                    measure="time",
                    rate=RATES[0],
                    seed=RATE_SEED,
                    tokens=THREAD_TOKENS,
                    test_tokens=2,
                ),
                self.cache,
            )
            rates[threads] = result["training_tokens"] / result["training_seconds"]
        self.log(f"threads {network} {length} x {batch}: {rates} tokens/s")
        self.threads.append(
            {
                "network": network,
                "setting": {"length": length, "batch": batch},
                "tokens_per_second": rates,
            }
        )
        return max(rates, key=lambda threads: rates[threads])

    def _do(self, where, case, job, *phase):
        result = perform(job, self.cache)
        where.setdefault((*case.key, *phase), []).append(result)
        shown = {
            k: round(v, 3)
            for k, v in result.items()
            if isinstance(v, (int, float)) and k != "parameters"
        }
        self.log(
            f"{job['measure']} {' '.join(phase)} {case.network} {case.variant} {case.setting}: {shown}"
        )

    def rows(self) -> list[dict]:
        """One row per network, variant, setting and phase."""
        rows = [
            time_row(key, phase, results, self.built.get(key), self.memory.get((*key, phase), []))
            for key, results in self.times.items()
            for phase in ("training", "inference")
        ]
        for sweep, position, case, _ in self.sweeps:
            for phase in ("training", "inference"):
                found = self.memory.get((*case.key, phase))
                if found:
                    rows.append(
                        {
                            **empty_row(case.key, phase, found),
                            **memory_columns(found),
                            "sweep": sweep,
                            "position": position,
                        }
                    )
        return rows


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


def report(rows: Sequence[dict]) -> str:
    """The rows as two tables for people: whole runs, and sweeps of memory (Markdown)."""

    def number(value, form):
        return "" if value is None else format(value, form)

    runs = [
        [
            r["network"],
            r["parameters"],
            r["variant"],
            _setting(r["setting"]),
            r["phase"],
            f"{r['tokens_per_second']:.0f} ({r['spread'][0]:.0f} to {r['spread'][1]:.0f})",
            number(r["tokens_per_cpu_second"], ".0f"),
            number(r["wall_seconds"], ".1f"),
            number(r["peak_bytes"] and r["peak_bytes"] / 2**20, ".1f"),
            f"{r['accuracy']:.3f} ({r['accuracy_spread'][0]:.3f} to {r['accuracy_spread'][1]:.3f})",
        ]
        for r in rows
        if r["sweep"] is None
    ]
    sweeps = [
        [
            r["sweep"],
            r["position"],
            r["network"],
            r["variant"],
            r["parameters"],
            r["phase"],
            number(r["peak_bytes"] / 2**20, ".2f"),
            number(r["network_bytes"] / 2**20, ".2f"),
            number(r["bytes_per_parameter"], ".1f"),
        ]
        for r in rows
        if r["sweep"] is not None
    ]
    return "\n\n".join(
        [
            tabulate(
                runs,
                [
                    "network",
                    "parameters",
                    "variant",
                    "setting",
                    "phase",
                    "tokens/s",
                    "per CPU second",
                    "wall s",
                    "peak MiB",
                    "accuracy",
                ],
                tablefmt="github",
            ),
            tabulate(
                sweeps,
                [
                    "sweep",
                    "at",
                    "network",
                    "variant",
                    "parameters",
                    "phase",
                    "peak MiB",
                    "of the network",
                    "bytes/parameter",
                ],
                tablefmt="github",
                floatfmt=".2f",
            ),
        ]
    )


def _setting(setting):
    if "length" not in setting:
        return f"levels {'-'.join(map(str, setting['sizes']))}"
    return f"{setting['length']} tokens x {setting['batch']}, rate {setting['rate']:g}"

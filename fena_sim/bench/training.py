"""`fena bench training`: whole training runs of FENA and of equal-size networks trained by
backpropagation.

Everybody reads the same tokens (block "training" of protocols/first_contact.py, one pass) and is
tested, frozen, on the same others (block "familiar"). The GRU and the transformer (`references`)
have as many trainable numbers as FENA has plastic synaptic weights, within 5 %. Repetition n uses
seed n for the tokens and for the network. Every measurement is a process of its own, and
repetitions are interleaved: all variants once, then all again. The networks and sweeps are in
`training_cases`, one measurement in `training_job`, the claims and their definitions in
`training_claims`.

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
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import attrs

from ..errors import DeviceError
from .training_cases import (
    DEVICES,
    FENA_SIZES,
    REFERENCES,
    SETTINGS,
    TrainingCase,
    fena_case,
    memory_cases,
    reference_case,
)
from .training_rows import empty_row, memory_columns, time_row

RATES = (1e-3, 3e-3, 1e-2, 3e-2)
RATE_SEED = 900
THREAD_TOKENS = 1000


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


class Bench:
    """Runs the jobs of all cases and collects their results; `rows` turns them into what is reported."""

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

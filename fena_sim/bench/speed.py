"""Every variant on every network, in interleaved rounds.

A row holds `us_per_step`, the time of one step of all streams: the median over rounds, where a
round takes the fastest of many short runs in about ROUND seconds (whatever else the machine does
only adds to a time; a run takes 5 ms, in compiled programs, where starting one costs nothing, 1
ms); `spread`, the range over rounds divided by that median; `x_limit`, the time in multiples of the
limit (see `limit`); and `bytes_per_synapse`, see `worker`. Ours, stock Brian2 and the hand-written
C++ use one thread; every peer uses one or all cores, whichever a pilot in the same call finds
faster.
"""

import importlib.util
import itertools
import os
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import attrs

from ..extras import install_hint
from .networks import CHECKED_STEPS, Case
from .variants import VARIANTS
from .worker import VariantError, Worker, difference

TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
SCALING = ("1e4", "1e5", "1e6", "3e6", "1e7")
ROUND = 0.1  # s


@attrs.frozen
class Row:
    """One line of the result. `plastic` as bool, times in microseconds; None where nothing was
    measured.
    """

    network: str
    synapses: int
    dtype: str
    plastic: bool
    batch: int
    variant: str
    us_per_step: float
    spread: float
    x_limit: float | None
    bytes_per_synapse: float | None


def cases(quick: bool, networks: Sequence[str] | None = None) -> list[Case]:
    """What is timed: small and large in float32 for `quick`; else float64, more streams and other
    sizes as well.
    """
    dtypes, batches = (("float32",), (1, 32)) if quick else (("float32", "float64"), (1, 8, 32))
    main = [
        Case(*chosen)
        for chosen in itertools.product(
            networks or ("small", "large"), dtypes, (True, False), batches
        )
    ]
    if quick or networks:
        return main
    return main + [
        Case(network, plastic=plastic) for network in SCALING for plastic in (True, False)
    ]


def run(
    chosen: Iterable[Case],
    names: Iterable[str],
    rounds: int,
    quick: bool = False,
    report: Callable[[str], object] = print,
) -> list[dict]:
    """The rows of all cases, as dictionaries. `report` is told what is left out and what was
    measured.
    """
    names = installed(names, report)
    work = [
        (
            case,
            [
                n
                for n in names
                if case.batch == 1 or VARIANTS[n].streams and not (quick and VARIANTS[n].slow_start)
            ],
        )
        for case in chosen
    ]
    compile_all(work, report)
    return [
        attrs.asdict(row) for case, suited in work for row in measure(case, suited, rounds, report)
    ]


def installed(names: Iterable[str], report: Callable[[str], object]) -> list[str]:
    """The names that can run here; tells about the others."""
    able = []
    for name in names:
        needs = VARIANTS[name].needs
        if needs and importlib.util.find_spec(needs) is None:
            report(f"{name}: not installed ({install_hint('bench')})")
        else:
            able.append(name)
    return able


def compile_all(work: Iterable[tuple[Case, list[str]]], report: Callable[[str], object]) -> None:
    """Compile on all cores before anything is timed, so that no compiler runs beside a measurement."""
    todo = [(name, case) for case, names in work for name in names if VARIANTS[name].compiled]

    def build(item):
        worker = Worker(*item, None, {})
        try:
            worker.answer()
        except VariantError:
            pass  # told when its turn comes
        finally:
            worker.close()

    report(f"compiling up to {len(todo)} programs; they are kept for the next call")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(build, todo))


def measure(
    case: Case, names: Iterable[str], rounds: int, report: Callable[[str], object]
) -> list[Row]:
    """The rows of one case.

    Raises
    ------
    VariantError
        A variant that writes the same equations ends in another state than NumPy.
    """
    workers = {
        name: [Worker(name, case, *setting) for setting in VARIANTS[name].settings(case)]
        for name in names
    }
    try:
        for name in names:
            try:
                for worker in workers[name]:
                    worker.answer()
            except VariantError as error:
                report(f"left out: {error.what} ({case.label})")
                for worker in workers.pop(name):
                    worker.close()
        check(case, workers)
        chosen = {name: _best(started) for name, started in workers.items()}
        times: dict[str, list[float]] = {name: [] for name in chosen}
        for _ in range(rounds):
            for name, (worker, steps, repeats) in chosen.items():
                times[name].append(worker.ask("fastest", steps, repeats) / steps * 1e6)
        memory = {name: worker.ask("memory") for name, (worker, *_) in chosen.items()}
    finally:
        for worker in itertools.chain(*workers.values()):
            worker.close()
    middle = {name: statistics.median(values) for name, values in times.items()}
    report(
        f"{case.label}: "
        + ", ".join(
            f"{name} {us:.3g} us"
            + (f" [{chosen[name][0].setting}]" if chosen[name][0].setting else "")
            for name, us in middle.items()
        )
    )
    return [
        Row(
            case.network,
            case.synapses,
            case.dtype,
            case.plastic,
            case.batch,
            name,
            us,
            (max(times[name]) - min(times[name])) / us,
            us / middle["limit"] if "limit" in middle else None,
            memory[name],
        )
        for name, us in middle.items()
    ]


def check(case: Case, workers: Mapping[str, list[Worker]]) -> None:
    """Stop unless all variants that write these equations reach NumPy's state."""
    reference = Worker("numpy", case, None, {})
    try:
        reference.answer()
        expected = reference.ask("state")
    finally:
        reference.close()
    for name, started in workers.items():
        if not VARIANTS[name].checked:
            continue
        off = difference(started[0].ask("state"), expected)
        if not off <= TOLERANCE[case.dtype]:
            raise VariantError(
                f"{name} computes another network: after {CHECKED_STEPS} steps its state is off by {off:.2g}",
                where=case.label,
                fix="please report it",
            )


def _best(started):
    """The fastest worker, by a short pilot, the number of steps of a run, and the number of runs of
    a round.
    """
    pilot = {worker: _per_step(worker) for worker in started}
    best = min(started, key=pilot.get)
    steps = max(1, round(_sample(best) / pilot[best]))
    return best, steps, max(3, round(ROUND / (steps * pilot[best])))


def _sample(worker):
    """Seconds of a run."""
    return 0.001 if VARIANTS[worker.name].compiled else 0.005


def _per_step(worker):
    """Seconds per step, from runs of growing length."""
    steps = 1
    while True:
        seconds = worker.ask("fastest", steps, 5)
        if seconds >= _sample(worker) / 3 or worker.name == "limit":
            return seconds / steps
        steps *= max(2, min(20, round(_sample(worker) / 2 / max(seconds, 1e-7))))

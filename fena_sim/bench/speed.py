"""`fena bench speed`: every variant on every network, interleaved, medians with spread.

A row holds `us_per_step`, the median over rounds of the time of one step (of all streams); `spread`, the
range over rounds divided by that median; `x_limit`, the time in multiples of the limit (see `limit`);
`bytes_per_synapse`, see `worker`.
"""

import importlib.util
import itertools
import statistics
from concurrent.futures import ThreadPoolExecutor

import attrs
import os

from .networks import CHECKED_STEPS, Case
from .variants import VARIANTS
from .worker import Row, VariantError, Worker, difference

TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
SCALING = ("1e4", "1e5", "1e6", "3e6", "1e7")


def cases(quick, networks=None, dtypes=None, batches=None):
    """What is timed: small and large in float32 for `quick`; else float64, more streams and other sizes as well."""
    dtypes = dtypes or (("float32",) if quick else ("float32", "float64"))
    batches = batches or ((1, 32) if quick else (1, 8, 32))
    main = [Case(*chosen) for chosen in itertools.product(networks or ("small", "large"), dtypes, (True, False), batches)]
    if quick or networks:
        return main
    return main + [Case(*chosen) for chosen in itertools.product(SCALING, ("float32",), (True, False), (1,))]


def missing(names, report):
    """The names that can run here; tells about the others."""
    able = []
    for name in names:
        needs = VARIANTS[name].needs
        if needs and importlib.util.find_spec(needs) is None:
            report(f"{name}: not installed (pip install fena-sim[bench])")
        else:
            able.append(name)
    return able


def run(chosen, names, rounds, seconds, report=print):
    """Rows for all cases; see `measure`."""
    names = missing(names, report)
    prepare(chosen, names, report)
    rows = []
    for case in chosen:
        rows += measure(case, names, rounds, seconds, report)
    return rows


def _suited(case, names):
    return [name for name in names if case.batch == 1 or VARIANTS[name].streams]


def prepare(chosen, names, report):
    """Compile what is to be compiled, on all cores, so that no compiler runs beside a measurement."""
    todo = [(name, case) for case in chosen for name in _suited(case, names) if name in ("dense", "stock", "hand", "limit")]

    def build(item):
        try:
            worker = Worker(item[0], item[1], None, {})
            worker.answer()
            worker.close()
        except VariantError as error:
            return error

    report(f"compiling {len(todo)} programs (kept for the next time)")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(build, todo))


def measure(case, names, rounds, seconds, report):
    """The rows of one case.

    Raises
    ------
    VariantError
        A variant that writes the same equations ends in another state than NumPy.
    """
    workers = {}
    for name in _suited(case, names):
        started = [Worker(name, case, *setting) for setting in VARIANTS[name].settings(case)]
        workers[name] = started
    try:
        for name in list(workers):
            try:
                for worker in workers[name]:
                    worker.answer()
            except VariantError as error:
                report(f"{name}, {case.label}: left out. {error.what}")
                for worker in workers.pop(name):
                    worker.close()
        check(case, workers)
        chosen = {name: _best(workers[name], seconds) for name in workers}
        times = {name: [] for name in chosen}
        for _ in range(rounds):
            for name, (worker, steps) in chosen.items():
                times[name].append(worker.ask("run", steps) / steps * 1e6)
        memory = {name: worker.ask("memory") for name, (worker, _) in chosen.items()}
    finally:
        for worker in itertools.chain(*workers.values()):
            worker.close()
    middle = {name: statistics.median(values) for name, values in times.items()}
    report(f"{case.label}: " + "  ".join(f"{name} {us:.3g} us" + (f" ({chosen[name][0].setting})" if chosen[name][0].setting
                                                                 else "") for name, us in middle.items()))
    return [attrs.asdict(Row(case.network, case.synapses, case.dtype, case.plastic, case.batch, name, us,
                             (max(times[name]) - min(times[name])) / us, us / middle["limit"] if "limit" in middle else None,
                             memory[name])) for name, us in middle.items()]


def check(case, workers):
    """Stop unless all variants that write these equations reach NumPy's state."""
    reference = Worker("numpy", case, None, {})
    reference.answer()
    expected = reference.ask("state")
    reference.close()
    for name, started in workers.items():
        if not VARIANTS[name].checked:
            continue
        off = difference(started[0].ask("state"), expected)
        if not off <= TOLERANCE[case.dtype]:
            raise VariantError(f"{name} does not compute the network: after {CHECKED_STEPS} steps its state is off by {off:.2g}",
                               where=case.label, fix="please report it")


def _best(started, seconds):
    """The fastest worker, by a short pilot, with the number of steps that take `seconds`."""
    steps = {}
    for worker in started:
        count, taken = 1, 0.0
        while taken < seconds / 10 and worker.name != "limit":
            count = max(count * 2, min(count * 10, round(count * seconds / 5 / taken))) if taken else count
            taken = worker.ask("run", count)
        steps[worker] = max(1, round(count * seconds / taken)) if taken else 1
    if len(started) == 1:
        return started[0], steps[started[0]]
    pilot = {worker: min(worker.ask("run", max(1, steps[worker] // 2)) / max(1, steps[worker] // 2) for _ in range(3))
             for worker in started}
    best = min(started, key=pilot.get)
    return best, steps[best]

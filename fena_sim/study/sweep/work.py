"""The work on one point: build each distinct network once, run it, and return the outcome."""

import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import attrs
import numpy as np
from filelock import FileLock
from xarray.backends.netcdf3 import is_valid_nc3_name

from ...declare.canonical import canonical, digest
from ...device import build_cache as cache
from ...errors import FenaError, ProtocolError
from ...runs.execute import Execution
from ...runs.live.progress import Silent
from ...runs.plan import BlockPlan, Plan
from .points import Point, prepare

#: Variables of a sweep's result that no summary gives.
ABOUT_RUNS = ("run_folder", "failure")
#: Hashes of the networks that this process has seen built.
_built: set[str] = set()
#: Brian2's runtime holds one network per process; workers of Dask may be threads.
_one_runtime = threading.Lock()


@attrs.frozen
class Outcome:
    """What came of a point.

    Attributes
    ----------
    number : int
        The point's.
    run : str or None
        Name of the run folder.
    found : bool
        Whether the run had been finished before.
    numbers : dict
        {name: {item: float}} of the protocol file's summary; item "" for a single number.
    error : dict or None
        "kind", "what", "where" and "fix" of what stopped it.
    """

    number: int
    run: str | None = None
    found: bool = False
    numbers: dict = attrs.field(factory=dict)
    error: dict | None = None


def do_point(point: Point, hear: Callable[[float], object] = lambda share: None) -> Outcome:
    """Run a point, or find it finished; never raises an Exception.

    Parameters
    ----------
    point : Point
    hear : callable
        Takes the share of the run's tokens that are done.

    Returns
    -------
    Outcome
    """
    run = None
    try:
        plan, file = prepare(point)
        run, execution = plan.name, Execution(plan, point.out, _Progress(hear))
        found = execution.finished()
        with _one_runtime if plan.device.name == "runtime" else nullcontext():
            finished = execution.run()
        numbers = as_numbers(file.summary([finished]), point.protocol) if file.summary else {}
        return Outcome(number=point.number, run=run, found=found, numbers=numbers)
    except FenaError as error:
        kind, what, where, fix = type(error).__name__, error.what, error.where, error.fix
    except Exception as error:  # in a user's file, mostly; the other points do not depend on it
        last = traceback.extract_tb(error.__traceback__)[-1]
        kind, what, where, fix = (
            type(error).__name__,
            str(error),
            f"{last.filename}, line {last.lineno}",
            None,
        )
    return Outcome(
        number=point.number, run=run, error=dict(kind=kind, what=what, where=where, fix=fix)
    )


def as_numbers(summary: Mapping[str, Any], where: str) -> dict[str, dict[str, float]]:
    """A summary as {name: {item: float}}; of a list the items are "0", "1", ..., of a single number
    it is "".

    Raises ProtocolError if something in it is not a number.
    """
    found = {}
    for name, value in summary.items():
        if name in (*ABOUT_RUNS, "seed") or not is_valid_nc3_name(name):
            raise ProtocolError(
                f"summary() gives {name!r}, which the sweep's netCDF file cannot have as a name",
                where=str(where),
                fix="rename it",
            )
        if isinstance(value, dict):
            items = {str(key): v for key, v in value.items()}
        elif np.ndim(value) == 1 and len(value) != 1:  # a list of one number may be one per run
            items = {str(k): v for k, v in enumerate(value)}
        else:
            items = {"": value[0] if np.ndim(value) else value}
        for item, v in items.items():
            if not isinstance(v, (int, float, np.number, np.bool_)):
                raise ProtocolError(
                    f"summary() gives {v!r} for {name!r}, which is not a number",
                    where=str(where),
                    fix="return numbers, lists of numbers and dictionaries of numbers",
                )
        found[name] = {item: float(v) for item, v in items.items()}
    return found


class _Progress(Silent):
    """Hears of a run in a worker. Builds its networks before the run does, so that no two workers
    compile the same.
    """

    def __init__(self, hear):
        super().__init__()
        self.hear = hear

    def begin(self, plan, folder):
        self.plan = plan
        self.before, self.total = {}, 0
        for block in plan.blocks:
            self.before[block.name] = self.total
            self.total += len(block.timeline)

    def building(self, block):
        build_once(self.plan, next(b for b in self.plan.blocks if b.name == block))

    def chunk(self, block, done, total, tokens, seconds, readings):
        super().chunk(block, done, total, tokens, seconds, readings)
        self.hear((self.before[block] + done) / self.total)


def build_once(plan: Plan, block: BlockPlan) -> None:
    """Build the network of a block into the build cache; whoever else wants the same one meanwhile,
    on this machine, waits.

    Errors are left to the run, which builds the network right after this and says what is wrong
    with it.
    """
    if plan.device.name == "runtime":  # nothing to share: every process has a network of its own
        return
    vocabulary = plan.protocol.vocabulary
    key = digest(
        [
            canonical(plan.model, structure_only=True),
            canonical(vocabulary.codes),
            block.program_key,
            plan.device.name,
        ]
    )
    if key in _built:
        return
    locks = cache.root() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / f"{key}.lock"):
        try:
            plan.device.build(plan.model, vocabulary, block.shape, block.block.probes)
        except Exception:
            return
    _built.add(key)

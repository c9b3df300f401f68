"""A process per variant: it prepares once, then times steps on request.

Memory is the peak of resident memory above that of the same process (or program) with the network
"tiny", divided by the number of synapses. It is not measured for networks whose weights take less
than a MiB: the resident memory of a process varies by tenths of that from run to run.
"""

import contextlib
import multiprocessing
import os
import sys
import traceback
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import FenaError
from .native import folder
from .networks import Case
from .variants import VARIANTS

SMALLEST_MEASURED = 2**20  # bytes of weights


class VariantError(FenaError, RuntimeError):
    """A variant could not be prepared, or computes something else."""


class Worker:
    """A variant in a process of its own, with one of its settings."""

    def __init__(
        self, name: str, case: Case, threads: int | None, options: Mapping[str, int]
    ) -> None:
        self.name, self.case, self.threads, self.options = name, case, threads, options
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])  # Brian2 is imported once for all
        self._pipe, other = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(other, name, case, threads, options), daemon=True
        )
        self._process.start()
        other.close()

    @property
    def setting(self) -> str:
        words = (
            [f"{self.threads} thread" if self.threads else "all cores"]
            if VARIANTS[self.name].peer
            else []
        )
        return ", ".join([*words, *(f"{value} {key}" for key, value in self.options.items())])

    def answer(self) -> Any:
        try:
            kind, value = self._pipe.recv()
        except EOFError:
            kind, value = "error", "its process ended"
        if kind == "error":
            raise VariantError(f"{self.name}: {value}", where=self.case.label)
        return value

    def ask(self, what: str, *arguments: object) -> Any:
        self._pipe.send((what, arguments))
        return self.answer()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._pipe.send((None, ()))
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()


def _serve(pipe, name, case, threads, options):
    with open(os.devnull, "w") as nowhere:  # what libraries and compilers print
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    try:
        if threads == 1:
            _limit_threads()
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder() / "jax"))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        sys.argv = sys.argv[:1]  # ngclearn reads the command line
        variant = VARIANTS[name]
        before = _baseline(variant, case, options)
        subject = variant.make(case, **options)
        pipe.send(("ready", None))
        while True:
            what, arguments = pipe.recv()
            if what is None:
                return
            if what == "memory":
                pipe.send(("value", _memory(subject, before, case)))
            else:
                pipe.send(("value", getattr(subject, what)(*arguments)))
    except EOFError:
        pass  # the bench is gone
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        pipe.send(
            (
                "error",
                f"{type(error).__name__}: {error} ({os.path.basename(last.filename)}:{last.lineno})",
            )
        )


def _limit_threads():
    """One thread for every library that comes after; not one core, which another program may be
    using.
    """
    os.environ.update(
        OMP_NUM_THREADS="1",
        NPROC="1",  # NPROC: the size of XLA's pools
        XLA_FLAGS=os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false",
    )
    with contextlib.suppress(ImportError):
        import threadpoolctl

        threadpoolctl.threadpool_limits(1)  # BLAS is loaded already


def _baseline(variant, case, options):
    """Peak memory in KiB with a tiny network; the process's own peak starts anew from here."""
    if case.weight_bytes < SMALLEST_MEASURED or variant.name == "limit":
        return None
    tiny = variant.make(Case("tiny", dtype=case.dtype), **options)
    tiny.fastest(2, 1)
    if hasattr(tiny, "peak_kib"):
        return tiny.peak_kib
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # the peak becomes what is resident now
    except OSError:
        return None
    return _peak_kib()


def _memory(subject, before, case):
    if before is None:
        return None
    return (
        getattr(subject, "peak_kib", None) or _peak_kib()
    ) * 1024 / case.synapses - before * 1024 / case.synapses


def _peak_kib():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def difference(state: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]) -> float:
    """The largest difference of any variable, relative to its largest value."""
    worst = 0.0
    for name, expected in reference.items():
        found = np.asarray(state[name], dtype=float).ravel()
        expected = np.asarray(expected, dtype=float).ravel()
        worst = max(
            worst, float(np.max(np.abs(found - expected)) / (np.max(np.abs(expected)) or 1))
        )
    return worst

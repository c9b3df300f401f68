"""C++ that is compiled on the spot: the hand-written network and the measurement of the limit."""

import hashlib
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..device import build_cache as cache
from ..device.compiler import compiler as cxx
from ..device.compiler import flags
from ..device.scratch import locked_folder, temporary_folder
from ..errors import DeviceError
from .networks import CHECKED_STEPS, Case, initial_state
from .subject import Subject


def folder() -> Path:
    """Where what the bench compiled is kept."""
    return cache.make_own(cache.root().parent / "bench")


def compiler() -> list[str]:
    """The compiler and Brian2's own flags for it."""
    return [*cxx(), *flags()]


def compile_cpp(
    source: str | Path, binary: str | Path, *more: str, cwd: str | Path | None = None
) -> None:
    """Compile one C++ file with Brian2's own compiler flags and `more`."""
    command = [*compiler(), *more, str(source), "-o", str(binary), "-lm"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    if finished.returncode != 0:
        errors = " ".join(re.findall(r"error:.*", finished.stderr)[:3]) or finished.stderr[:300]
        raise DeviceError(
            f"{Path(source).name} does not compile: {errors}", fix="is g++ 9 or newer installed?"
        )


def compiled(source: str) -> Path:
    """The binary of a C++ file of this folder, compiled now or found in the cache."""
    path = Path(__file__).parent / source
    # Without infinities in the way, as there are in Brian2, the compiler knows vector versions of
    # tanh.
    more = ("-std=c++17", "-ffast-math")
    key = hashlib.sha256(path.read_bytes() + repr((compiler(), more)).encode()).hexdigest()[:16]
    binary = folder() / f"{path.stem}_{key}"
    if not binary.exists():
        with locked_folder("bench", folder()) as scratch:
            compile_cpp(path, scratch / "main", *more)
            (scratch / "main").replace(binary)
    return binary


def numbers(
    *command: str | int | Path, environment: Mapping[str, str] | None = None
) -> list[float]:
    """The numbers that a program prints; `environment` is added to the variables it sees."""
    finished = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    if finished.returncode != 0:
        raise DeviceError(
            f"{Path(str(command[0])).name} stopped with code {finished.returncode}: {finished.stderr[:300]}"
        )
    return [float(word) for word in finished.stdout.split()]


class Hand(Subject):
    """hand.cpp, `rows` rows of weights per sweep."""

    def __init__(self, case: Case, rows: int = 4) -> None:
        self.case, self.rows, self.binary = case, rows, compiled("hand.cpp")

    def _run(self, steps, repeats, state="-"):
        c = self.case
        seconds, self.peak_kib = numbers(
            self.binary,
            c.dtype,
            int(c.plastic),
            c.batch,
            self.rows,
            steps,
            repeats,
            state,
            *c.sizes,
        )
        return seconds

    def fastest(self, steps: int, repeats: int) -> float:
        return self._run(steps, repeats)

    def state(self) -> dict[str, np.ndarray]:
        with temporary_folder("bench") as scratch:
            self._run(CHECKED_STEPS, 1, scratch / "state")
            values = np.fromfile(scratch / "state")
        shapes = {name: v.shape for name, v in initial_state(self.case).items()}
        order = sorted(
            shapes, key=lambda name: ("rew".index(name[0]), name)
        )  # as hand.cpp writes them
        cuts = np.cumsum([np.prod(shapes[name]) for name in order])
        return {
            name: part.reshape(shapes[name])
            for name, part in zip(order, np.split(values, cuts), strict=False)
        }

"""The C++ compiler: $CXX, else g++."""

import errno
import functools
import os
import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from brian2 import prefs

from ..errors import DeviceError, ResourceError
from . import scratch
from .asked import ask

#: How compilers, assemblers and linkers say that a disk is full.
_FULL = [os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT)]


def compiler() -> list[str]:
    """The words that start the compiler: those of $CXX, e.g. "ccache g++", or g++.

    Raises DeviceError if CXX cannot be read.
    """
    named = os.environ.get("CXX", "")
    try:
        return shlex.split(named) or ["g++"]
    except ValueError as error:
        raise DeviceError(
            f"CXX is {named!r}, which cannot be read: {error}",
            where="environment variable CXX",
            fix="give a compiler and its arguments as in a shell, e.g. CXX='ccache g++'",
        ) from error


def reason_against() -> str | None:
    """Why no compiler works here; None if one does."""
    try:
        command = compiler()
    except DeviceError as error:
        return error.what
    name = shlex.join(command)
    try:
        found = ask([*command, "--version"])
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            return f"the C++ compiler {name!r} was not found"
        return f"the C++ compiler {name!r} cannot be started: {error.strerror}"
    return None if found.returncode == 0 else f"the C++ compiler {name!r} does not work"


def flags() -> list[str]:
    """Those of Brian2's preferences (codegen.cpp.extra_compile_args, else ..._gcc) that the compiler
    takes. Raises DeviceError.

    Brian2 asks too, but to it every failure is a flag that is not supported: a compiler that was
    ended, as where memory runs out, would silently build a network that rounds otherwise.
    """
    cpp = prefs.codegen.cpp
    wanted = cpp.extra_compile_args
    return [
        flag
        for flag in (cpp.extra_compile_args_gcc if wanted is None else wanted)
        if _takes(tuple(compiler()), flag)
    ]


@functools.cache
def _takes(command, flag):
    """Whether a compiler takes a flag: it fails twice with it, and between does not without it."""

    def compiles(*more):
        return _try_to_compile([*command, *more])

    try:
        if compiles(flag):
            return True
        if compiles():
            return compiles(flag)
    except OSError as error:
        said = error.strerror
    else:
        said = "it does not compile an empty program"
    raise DeviceError(
        f"the C++ compiler {shlex.join(command)!r} does not work: {said}",
        where=f"asked whether it takes {flag}",
        fix="see that CXX names a working compiler (`fena doctor`) and that memory is left for it, "
        "and start the same command again",
    )


def _try_to_compile(command):
    """Whether a compiler takes an empty program, of which it writes nothing to a disk."""
    asked = [*command, "-fsyntax-only", "-x", "c++", "-"]
    return not subprocess.run(
        asked, input=b"int main() { return 0; }", capture_output=True, check=False
    ).returncode


def run_compiler(command: Sequence[str], folder: Path) -> None:
    """Run a compiler in a folder of generated sources, to make `main` of them.

    Raises
    ------
    DeviceError
        With the compiler's first errors.
    ResourceError
        If a disk is full.
    """
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if finished.returncode == 0 and (folder / "main").is_file():
        return
    # nvcc writes "nvcc fatal   : ..."
    errors = re.findall(r".*(?:error|fatal) *:.*", finished.stderr)[:3]
    said = " ".join(errors) or finished.stderr[:300]
    if any(text in finished.stderr for text in _FULL):
        raise ResourceError(
            f"the compiler {command[0]!r} had no room: {finished.stderr.strip()[:300]}",
            where=f"build cache {folder.parent} or temporary folder {scratch.place()}",
            fix="make room, or set FENA_CACHE and TMPDIR to folders on another disk, and start the "
            "same command again",
        )
    if finished.returncode < 0:
        said = f"it was ended by signal {-finished.returncode}. {said}"
    elif finished.returncode == 0:
        said = "the compiler reported no error, but made no program"
    raise DeviceError(
        f"the generated code does not compile with {command[0]!r}: {said}",
        where=str(folder),
        fix="see that CXX names a working compiler (`fena doctor`), or run with --device runtime; "
        "if it happens with g++, please report it",
    )

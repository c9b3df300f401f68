"""What this machine has for the devices, what is missing, and the one command that mends it."""

import importlib.util
import os
import platform
from importlib.metadata import PackageNotFoundError, version

import attrs

from ..device.choice import DEVICES
from ..device.cuda import toolchain


@attrs.frozen
class Finding:
    """One thing that was looked for: whether it is there, what was found, what mends it, and for which devices it matters."""

    what: str
    there: bool
    found: str
    mend: str = ""
    devices: str = ""


def examine():
    """The findings, as a list of Finding."""
    compiler = os.environ.get("CXX", "g++")
    reason = DEVICES["cpp"].available()
    nvcc, cards = toolchain.find(), toolchain.cards()
    brian2cuda = importlib.util.find_spec("brian2cuda") is not None
    return [
        Finding("Python", True, platform.python_version()),
        Finding("Brian2", True, version("brian2")),
        Finding("C++ compiler", reason is None, reason or compiler, "apt-get install g++",
                "dense, dense64, cpp, cuda, cuda_host"),
        Finding("brian2cuda", brian2cuda, _version("brian2cuda") if brian2cuda else "not installed", toolchain.INSTALL,
                "cuda, cuda_host"),
        Finding("CUDA compiler and cuRAND", nvcc is not None, "none" if nvcc is None else f"{nvcc.nvcc}, CUDA {nvcc.version} "
                f"({nvcc.origin})", toolchain.INSTALL, "cuda"),
        Finding("graphics card", bool(cards), "; ".join(f"{c.name}, compute capability {c.capability}, {c.memory / 2**30:.0f} GiB"
                                                        for c in cards) or "none",
                "none is needed; to use one, install NVIDIA's driver", "cuda")]


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown version"

"""What this machine has for the devices, what is missing, and the command that installs it."""

import platform
import shlex
from importlib.metadata import version

import attrs

from ...extras import install_hint
from ..compiler import compiler
from ..default import DEVICES
from . import preferences, toolchain


@attrs.frozen
class Finding:
    """One thing that was looked for: whether it is there, what was found, what mends it, and for
    which devices it matters.
    """

    what: str
    there: bool
    found: str
    mend: str = ""
    devices: str = ""


def examine() -> list[Finding]:
    """The findings, as a list of Finding."""
    reason = DEVICES["cpp"].available()
    nvcc, cards = toolchain.find(), toolchain.cards()
    against = preferences.reason_against()
    misfit = toolchain.misfit(nvcc, cards[0]) if nvcc is not None and cards else None
    return [
        Finding("Python", True, platform.python_version()),
        Finding("Brian2", True, version("brian2")),
        Finding(
            "C++ compiler",
            reason is None,
            reason or shlex.join(compiler()),
            "apt-get install g++",
            "dense, dense64, cpp, cuda, cuda_host",
        ),
        Finding(
            "brian2cuda",
            against is None,
            against or version("brian2cuda"),
            preferences.remedy(),
            "cuda, cuda_host",
        ),
        Finding(
            "CUDA compiler and cuRAND",
            nvcc is not None,
            "none" if nvcc is None else f"{nvcc.nvcc}, CUDA {nvcc.version} ({nvcc.origin})",
            install_hint("nvcc"),
            "cuda",
        ),
        Finding(
            "graphics card",
            bool(cards),
            "; ".join(_described(card) for card in cards) or "none",
            "none is needed; to use one, install NVIDIA's driver",
            "cuda",
        ),
        *(
            [Finding("driver and card for this CUDA", False, *misfit, "cuda")]
            if misfit is not None
            else []
        ),
    ]


def _described(card):
    memory = "memory unknown" if card.memory is None else f"{card.memory / 2**30:.0f} GiB"
    return f"{card.name}, compute capability {card.capability}, {memory}, driver {card.driver or 'unknown'}"

"""Preferences for brian2cuda, set so that none of its files is changed and it does not look for
a card.
"""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from brian2 import prefs
from packaging.version import Version

from ...extras import pip_command

#: nvcc takes the last -std, and brian2cuda's own asks for C++11, which Thrust no longer supports;
#: its default -use_fast_math would make tanh and exp approximate in single precision.
NVCC_OPTIONS = ("-w", "-std=c++17", "-O3")
#: fena_sim calls the compiler itself; brian2cuda wants a path for a makefile that nobody runs.
NOT_USED = "not-used"


def reason_against() -> str | None:
    """Why brian2cuda cannot write sources here; None if it can."""
    try:
        found = version("brian2cuda")
    except PackageNotFoundError:
        return "brian2cuda is not installed"
    if found != _fitting():
        return f"brian2cuda {found} does not fit Brian2 {version('brian2')}"
    return None


def remedy() -> str:
    """The command that installs the release of brian2cuda for this Brian2.

    Each release requires one Brian2 exactly (2.8.0 or 2.10.1) and would replace this one;
    docs/versions.md says which others were tried.
    """
    return pip_command("--no-deps", f"brian2cuda=={_fitting()}")


def _fitting():
    """1.0b1 imports EventClock, which is new in Brian2 2.10; 1.0a7 was made for the one before."""
    return "1.0b1" if Version(version("brian2")) >= Version("2.10") else "1.0a7"


def load() -> None:
    """Import brian2cuda, which registers its device with Brian2, and ours, which derives from it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of distutils, which brian2cuda 1.0a7 imports
        from brian2_dense.cuda import device  # noqa: F401  (registers "cuda_dense")
    logging.getLogger("brian2.brian2cuda").setLevel(
        logging.WARNING
    )  # at INFO it prints every preference for every build
    logging.getLogger("brian2.brian2cuda.utils.gputools").setLevel(
        logging.ERROR
    )  # it warns that there is no NOT_USED/bin/nvcc


@contextlib.contextmanager
def set_for(capability: float, runtime_version: float) -> Iterator[None]:
    """Preferences for writing sources for cards of a compute capability, put back afterwards."""
    backend = prefs.devices.cuda_standalone.cuda_backend
    wanted = {
        "detect_gpus": False,
        "gpu_id": 0,
        "compute_capability": float(capability),
        "cuda_runtime_version": float(runtime_version),
        "detect_cuda": False,
        "cuda_path": NOT_USED,
        "extra_compile_args_nvcc": list(NVCC_OPTIONS),
    }
    before = {name: getattr(backend, name) for name in wanted}
    try:
        for name, value in wanted.items():
            setattr(backend, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(backend, name, value)

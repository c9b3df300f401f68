"""Preferences for brian2cuda, set so that none of its files is changed and it does not look for
a card.
"""

import contextlib
import importlib.util
import logging
import platform
import sys
import warnings

from brian2 import prefs

from .toolchain import INSTALL

#: nvcc takes the last -std, and brian2cuda's own asks for C++11, which Thrust no longer supports;
#: its default -use_fast_math would make tanh and exp approximate in single precision.
NVCC_OPTIONS = ("-w", "-std=c++17", "-O3")
#: fena_sim calls the compiler itself; brian2cuda wants a path for a makefile that nobody runs.
NOT_USED = "not-used"


def reason_against():
    """Why brian2cuda cannot write sources here; None if it can."""
    if importlib.util.find_spec("brian2cuda") is None:
        return f"brian2cuda is not installed (Python {platform.python_version()})"
    return None


def remedy():
    """What brings brian2cuda: its release for Brian2 2.8 cannot be installed with Python 3.12 or
    newer.
    """
    if sys.version_info >= (3, 12):
        return "brian2cuda 1.0a7 needs Python 3.11: make clean setup PYTHON=python3.11"
    return INSTALL


def load():
    """Import brian2cuda, which registers its device with Brian2, and ours, which derives from it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of distutils, which brian2cuda 1.0a7 imports
        from brian2_dense.cuda import device  # noqa: F401
    logging.getLogger("brian2.brian2cuda").setLevel(
        logging.WARNING
    )  # at INFO it prints every preference for every build
    logging.getLogger("brian2.brian2cuda.utils.gputools").setLevel(
        logging.ERROR
    )  # it warns that there is no NOT_USED/bin/nvcc


@contextlib.contextmanager
def set_for(capability, runtime_version):
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

"""Finding CUDA: NVIDIA's compiler, cuRAND, a graphics card."""

import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import attrs

from ...errors import DeviceError

#: Compute capability if no card is found and $FENA_CUDA_ARCH does not name one: cards of 2020 (Ampere, "consumer") and later.
DEFAULT_CAPABILITY = 8.6
INSTALL = "pip install 'fena-sim[cuda]'"


@attrs.frozen
class Toolchain:
    """What compiles CUDA.

    Attributes
    ----------
    nvcc : Path
    version : float
        Of CUDA, e.g. 13.0.
    include, libraries : list of Path
        Where cuRAND and the headers are, if the compiler does not know by itself.
    origin : str
        "system" or "wheels".
    """

    nvcc: Path
    version: float
    include: list
    libraries: list
    origin: str

    def command(self, capability, target, source):
        """The command line that makes `target` of the one translation unit `source`."""
        arch = f"{round(capability * 10)}"
        run_time = [f"-Xlinker=-rpath,{path}" for path in self.libraries]
        return [str(self.nvcc), "-w", "-std=c++17", "-O3", "-Xcompiler=-O1", "-rdc=true", f"-arch=sm_{arch}", "-I.",
                *(f"-I{path}" for path in self.include), "-o", target, source,
                *(f"-L{path}" for path in self.libraries), *run_time, *self._curand()]

    def _curand(self):
        """How to link cuRAND; the wheels hold the library under its versioned name only."""
        for folder in self.libraries:
            if not (folder / "libcurand.so").exists():
                for path in sorted(folder.glob("libcurand.so.*")):
                    return [f"-Xlinker={path}"]
        return ["-lcurand"]


def find():
    """The toolchain: $CUDA_PATH, the system's nvcc, or the wheels of the extra "cuda". None if there is none."""
    candidates = [(Path(os.environ["CUDA_PATH"]), "system")] if os.environ.get("CUDA_PATH") else []
    found = shutil.which("nvcc")
    if found:
        candidates.append((Path(found).resolve().parent.parent, "system"))
    candidates += [(Path("/usr/local/cuda"), "system"), *((path, "wheels") for path in wheels())]
    for root, origin in candidates:
        toolchain = _at(root, origin)
        if toolchain is not None:
            return toolchain
    return None


def wheels():
    """Folders in site-packages where NVIDIA's wheels put a toolkit."""
    return sorted(Path(sysconfig.get_paths()["purelib"], "nvidia").glob("cu[0-9]*"), reverse=True)


def _at(root, origin):
    nvcc = root / "bin" / "nvcc"
    include = [path for base in (root, *wheels()) for path in (base / "include", base / "include" / "cccl") if path.is_dir()]
    libraries = [path for path in (root / "lib64", root / "lib", *(p / "lib" for p in wheels())) if _holds_curand(path)]
    if not nvcc.exists() or not libraries or not any((path / "curand.h").exists() for path in include):
        return None
    version = _release(nvcc)
    return None if version is None else Toolchain(nvcc, version, include, libraries[:1], origin)


def _holds_curand(folder):
    return folder.is_dir() and any(folder.glob("libcurand.so*"))


def _release(nvcc):
    try:
        text = subprocess.run([str(nvcc), "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return None
    match = re.search(r"release (\d+\.\d+)", text)
    return float(match.group(1)) if match else None


@attrs.frozen
class Card:
    """A graphics card: its name, compute capability, and memory in bytes."""

    name: str
    capability: float
    memory: int


def cards():
    """The graphics cards of this machine, as a list of Card."""
    command = ["nvidia-smi", "--query-gpu=name,compute_cap,memory.total", "--format=csv,noheader,nounits"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return []
    rows = [line.split(", ") for line in listed.stdout.splitlines() if listed.returncode == 0]
    return [Card(row[0], float(row[1]), int(row[2]) * 2**20) for row in rows if len(row) == 3]


def capability():
    """The compute capability to compile for: $FENA_CUDA_ARCH (e.g. 8.6), that of the first card, or the default.

    Raises DeviceError if $FENA_CUDA_ARCH is not a number such as 8.6.
    """
    asked = os.environ.get("FENA_CUDA_ARCH")
    if asked:
        try:
            return float(asked)
        except ValueError:
            raise DeviceError(f"the compute capability {asked!r} is not a number", where="$FENA_CUDA_ARCH",
                              fix="write e.g. FENA_CUDA_ARCH=8.6") from None
    found = cards()
    return found[0].capability if found else DEFAULT_CAPABILITY

"""Finding CUDA: NVIDIA's compiler, cuRAND, a graphics card."""

import os
import re
import shutil
import sysconfig
from pathlib import Path

import attrs

from ...errors import DeviceError
from ..asked import ask

#: Compute capability if no card is found and $FENA_CUDA_ARCH does not name one: cards of 2020
#: (Ampere, "consumer") and later.
DEFAULT_CAPABILITY = 8.6
#: Smallest and largest that $FENA_CUDA_ARCH may name.
CAPABILITIES = 5.0, 13.0
#: Oldest driver and smallest compute capability of a release of CUDA, from NVIDIA's release notes
#: (minor version compatibility).
NEEDS = {13: (580, 7.5), 12: (525, 5.0)}
#: Where NVIDIA's installer puts a toolkit.
USUAL = Path("/usr/local/cuda")


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

    def command(self, capability: float, target: str, source: str) -> list[str]:
        """The command line that makes `target` of the one translation unit `source`."""
        arch = f"{round(capability * 10)}"
        run_time = [f"-Xlinker=-rpath,{path}" for path in self.libraries]
        return [
            str(self.nvcc),
            "-w",
            "-std=c++17",
            "-O3",
            "-Xcompiler=-O1",
            "-rdc=true",
            f"-arch=sm_{arch}",
            "-I.",
            *(f"-I{path}" for path in self.include),
            "-o",
            target,
            source,
            *(f"-L{path}" for path in self.libraries),
            *run_time,
            *self._curand(),
        ]

    def _curand(self):
        """How to link cuRAND; the wheels hold the library under its versioned name only."""
        for folder in self.libraries:
            if not (folder / "libcurand.so").exists():
                for path in sorted(folder.glob("libcurand.so.*")):
                    return [f"-Xlinker={path}"]
        return ["-lcurand"]


def find() -> Toolchain | None:
    """The toolchain: $CUDA_PATH, the system's nvcc, or the wheels of the extra "nvcc". None if
    there is none.

    Compiler, headers and cuRAND are taken from one root; a root that lacks one of them is passed
    over, because headers of another release do not fit the compiler.
    """
    candidates = [(Path(os.environ["CUDA_PATH"]), "system")] if os.environ.get("CUDA_PATH") else []
    found = shutil.which("nvcc")
    if found:  # a link, or a file of its own that starts the compiler elsewhere
        candidates += [
            (path.parent.parent, "system") for path in (Path(found).resolve(), Path(found))
        ]
    candidates += [(USUAL, "system"), *((path, "wheels") for path in wheels())]
    for root, origin in candidates:
        toolchain = _at(root, origin)
        if toolchain is not None:
            return toolchain
    return None


def wheels() -> list[Path]:
    """Folders in site-packages where NVIDIA's wheels put a toolkit."""
    return sorted(Path(sysconfig.get_paths()["purelib"], "nvidia").glob("cu[0-9]*"), reverse=True)


def _at(root, origin):
    """The toolchain below a root: NVIDIA's layout, a distribution's (lib/x86_64-linux-gnu) or
    conda's (targets/).
    """
    nvcc = root / "bin" / "nvcc"
    targets = sorted(root.glob("targets/*"))
    include = [
        path
        for base in (root, *targets)
        for path in (base / "include", base / "include" / "cccl")
        if path.is_dir()
    ]
    libraries = [
        path
        for path in (
            root / "lib64",
            root / "lib",
            *sorted(root.glob("lib/*-linux-gnu")),
            *(target / "lib" for target in targets),
        )
        if _holds_curand(path)
    ]
    if (
        not nvcc.exists()
        or not libraries
        or not any((path / "curand.h").exists() for path in include)
    ):
        return None
    version = _release(nvcc)
    return None if version is None else Toolchain(nvcc, version, include, libraries[:1], origin)


def _holds_curand(folder):
    return folder.is_dir() and any(folder.glob("libcurand.so*"))


def _release(nvcc):
    try:
        text = ask([nvcc, "--version"]).stdout
    except OSError:
        return None
    match = re.search(r"release (\d+\.\d+)", text)
    return float(match.group(1)) if match else None


@attrs.frozen
class Card:
    """A graphics card: its name, compute capability, memory in bytes and driver ("580.65.06"); None
    for what is not told.
    """

    name: str
    capability: float
    memory: int | None
    driver: str | None = None


def cards() -> list[Card]:
    """The graphics cards that CUDA may use, as a list of Card, in the order of the PCI bus;
    `CudaProgram` uses the first.

    $CUDA_VISIBLE_DEVICES chooses among them, as CUDA reads it: what stands behind an entry that
    does not exist is ignored.
    """
    command = [
        "nvidia-smi",
        "--query-gpu=name,compute_cap,memory.total,driver_version,uuid",
        "--format=csv,noheader,nounits",
    ]
    try:
        listed = ask(command)
    except OSError:
        return []
    rows = [line.rsplit(", ", 4) for line in listed.stdout.splitlines() if listed.returncode == 0]
    found = {
        row[4]: Card(
            row[0],
            float(row[1]),
            int(row[2]) * 2**20 if row[2].isdecimal() else None,
            row[3] if row[3][:1].isdecimal() else None,
        )
        for row in rows
        if len(row) == 5 and re.fullmatch(r"\d+\.\d+", row[1])
    }
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return (
        list(found.values()) if visible is None or "MIG-" in visible else _visible(found, visible)
    )


def _visible(found, visible):
    """The cards {uuid: Card} that a list of indices or of beginnings of uuids names."""
    named = []
    for entry in visible.split(","):
        entry = entry.strip()
        matching = (
            [list(found)[int(entry)]]
            if entry.isdecimal() and int(entry) < len(found)
            else [uuid for uuid in found if entry.startswith("GPU-") and uuid.startswith(entry)]
        )
        if len(matching) != 1:
            break
        named.append(found[matching[0]])
    return named


def misfit(toolchain: Toolchain, card: Card) -> tuple[str, str] | None:
    """Why programs of a compiler cannot run on a card, and what mends it, as (reason, remedy); None
    if they can.
    """
    if int(toolchain.version) not in NEEDS:
        return None
    driver, capability = NEEDS[int(toolchain.version)]
    has = float("inf") if card.driver is None else int(card.driver.split(".")[0])
    usable = [
        release
        for release, needs in NEEDS.items()
        if has >= needs[0] and card.capability >= needs[1]
    ]
    other = (
        f"install the toolkit of CUDA {max(usable)} and set CUDA_PATH to its folder"
        if usable
        else ""
    )
    if card.capability < capability:
        return (
            f"CUDA {toolchain.version} needs compute capability {capability}, {card.name} has {card.capability}",
            other or "use a newer card or a newer driver",
        )
    if has < driver:
        return (
            f"CUDA {toolchain.version} needs NVIDIA's driver {driver} or newer, this machine has {card.driver}",
            f"install driver {driver} or newer" + (f"; or {other}" if other else ""),
        )
    return None


def capability() -> float:
    """The compute capability to compile for: $FENA_CUDA_ARCH (e.g. 8.6), that of the first card, or
    the default.

    Raises DeviceError if $FENA_CUDA_ARCH is not a number such as 8.6, from 5.0 to 13.
    """
    asked = os.environ.get("FENA_CUDA_ARCH")
    if asked:
        fix = "write e.g. FENA_CUDA_ARCH=8.6"
        try:
            number = float(asked)
        except ValueError:
            raise DeviceError(
                f"the compute capability {asked!r} is not a number",
                where="$FENA_CUDA_ARCH",
                fix=fix,
            ) from None
        if not CAPABILITIES[0] <= number <= CAPABILITIES[1] or round(number, 1) != number:
            raise DeviceError(
                f"the compute capability {asked!r} is not one from {CAPABILITIES[0]} to {CAPABILITIES[1]} with one "
                "decimal",
                where="$FENA_CUDA_ARCH",
                fix=fix,
            )
        return number
    found = cards()
    return found[0].capability if found else DEFAULT_CAPABILITY

"""The build cache: compiled networks by the hash of their generated sources and of the compiler's
command line.

Sources are generated anew only for a declaration that was not seen before; a second index remembers
which sources a declaration led to. Folders appear by renaming, so that a half-made build is never
seen and two processes that build the same network do not disturb each other.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import brian2
import numpy as np

from ..declare.canonical import canonical, digest
from ..declare.model.hierarchy import Hierarchy
from ..declare.protocol.probe import Probe
from ..declare.stimulus.vocabulary import Vocabulary
from ..network.engine import ENGINE
from ..network.pacemaker import BlockShape


def root() -> Path:
    """The cache folder: $FENA_CACHE, else fena_sim in the user's cache folder."""
    base = os.environ.get("FENA_CACHE") or Path(
        os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "fena_sim"
    )
    return Path(base) / "builds"


def declaration_key(
    hierarchy: Hierarchy,
    vocabulary: Vocabulary,
    shape: BlockShape,
    probes: Sequence[Probe],
    flags: Iterable[str],
) -> str:
    """A hash of everything that decides the generated sources; parameters and initial values do
    not.
    """
    return digest(
        {
            "network": canonical(hierarchy, structure_only=True),
            "codes": canonical(vocabulary.codes),
            "shape": canonical(shape),
            "probes": canonical(probes),
            "flags": list(flags),
            "versions": [brian2.__version__, np.__version__],
            "engine": ENGINE,
        }
    )


def lookup(key: str) -> Path | None:
    """Folder of the build for a declaration, or None."""
    note = root() / "declarations" / key
    if not note.exists():
        return None
    folder = root() / note.read_text()
    return folder if (folder / "main").exists() else None


def store(
    key: str, sources: Path, flags: Iterable[str], compile_in: Callable[[Path], None]
) -> Path:
    """Compile a folder of sources unless the same sources were compiled before by the same command;
    returns the folder.

    `flags`: list of str, the compiler, its version and its flags.
    """
    build = hash_build(sources, flags)
    folder = root() / build
    if not (folder / "main").exists():
        root().mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix="building_", dir=root()))
        try:
            shutil.copytree(sources, work, dirs_exist_ok=True)
            compile_in(work)
            try:
                work.rename(folder)
            except OSError:  # another process was faster: its build is the same
                if not (folder / "main").exists():
                    raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
    notes = root() / "declarations"
    notes.mkdir(parents=True, exist_ok=True)
    fresh = notes / f".{key}.{os.getpid()}"
    fresh.write_text(build)
    fresh.replace(notes / key)
    return folder


def hash_build(folder: Path, flags: Iterable[str]) -> str:
    """A hash of a folder of sources and of the command that compiles them (list of str)."""
    digest_ = hashlib.sha256("\0".join(flags).encode())
    for path in sorted(
        p for p in folder.rglob("*") if p.is_file() and "results" not in p.relative_to(folder).parts
    ):
        digest_.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest_.hexdigest()[:32]

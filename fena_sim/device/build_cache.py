"""The build cache: compiled networks by the hash of their generated sources and of the compiler's
command line.

Sources are generated anew only for a declaration that was not seen before; a second index remembers
which sources a declaration led to. Folders appear by renaming, so that a half-made build is never
seen and two processes that build the same network do not disturb each other. A build is flushed to
the disk before it has its name, and holds the checksums of what its runs need: one that was damaged
since is made anew. The cache holds programs that are run, so it must belong to the user alone.
"""

import hashlib
import json
import os
import pwd
import re
import shlex
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import brian2
import numpy as np
from filelock import FileLock

from ..declare.canonical import canonical, digest
from ..declare.model.hierarchy import Hierarchy
from ..declare.protocol.probe import Probe
from ..declare.stimulus.vocabulary import Vocabulary
from ..errors import FenaError, ResourceError
from ..network.engine import ENGINE
from ..network.shape import BlockShape
from . import scratch

#: In a build: the compiled network, what of it a run must know, and static arrays of Brian2's.
MAIN, MANIFEST, ARRAYS = "main", "program.json", "static_arrays"
#: In a build: the checksums of the files that a run reads, {name: sha256}.
COMPLETE = "complete.json"
#: Files whose checksum was right when this process read them.
_seen: set[tuple] = set()
#: The name of a build; a note must hold one and nothing else, so that it cannot lead elsewhere.
_NAME = re.compile(rb"[0-9a-f]{32}")


def root() -> Path:
    """The cache folder: $FENA_CACHE, else fena_sim in the user's cache folder."""
    base = os.environ.get("FENA_CACHE") or Path(
        os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "fena_sim"
    )
    return Path(base).absolute() / "builds"


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
    monitored = [probe for probe in probes if not probe.paused(hierarchy)]
    return digest(
        {
            "network": canonical(hierarchy, structure_only=True),
            "codes": canonical(vocabulary.codes),
            "shape": canonical(shape),
            "probes": canonical(monitored),
            "flags": list(flags),
            "versions": [brian2.__version__, np.__version__],
            "engine": ENGINE,
        }
    )


def check() -> None:
    """Raise ResourceError unless the cache is a folder of this user's."""
    make_own(root())


def make_own(folder: Path) -> Path:
    """Make a folder of the cache, which nobody else can write to, if it is not there.

    Raises
    ------
    ResourceError
        If it belongs to somebody else, others can write to it, or it cannot be made: it holds
        programs, and they are run.
    """
    with _trouble():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.stat()
        if about.st_uid != os.getuid() or folder.lstat().st_uid != os.getuid():
            raise ResourceError(
                f"the build cache belongs to another user ({_user(about.st_uid)})",
                where=_where(folder),
                fix="set FENA_CACHE to a folder of your own",
            )
        if about.st_mode & 0o022:
            raise ResourceError(
                "other users can write to the build cache, whose programs are run",
                where=_where(folder),
                fix=f"if you trust what is in it: chmod -R go-w {shlex.quote(str(folder))}; or set "
                "FENA_CACHE to a new folder",
            )
    return folder


def lookup(key: str) -> Path | None:
    """Folder of the build for a declaration, or None. Raises ResourceError."""
    with _trouble():
        if not root().exists():
            return None
        note = make_own(root()) / "declarations" / key
        try:
            build = note.read_bytes()
        except FileNotFoundError:
            return None
    if not _NAME.fullmatch(build):
        return None
    folder = root() / build.decode()
    return folder if is_whole(folder) else None


def store(
    key: str, sources: Path, flags: Iterable[str], compile_in: Callable[[Path], None]
) -> Path:
    """Compile a folder of sources unless the same sources were compiled before by the same command;
    returns the folder.

    Parameters
    ----------
    key : str
        The declaration, under which `lookup` finds the build.
    sources : Path
    flags : list of str
        The compiler, its version and its flags.
    compile_in : callable
        Makes `main` in the folder that it is given.

    Raises
    ------
    ResourceError
        If the cache cannot be used, or is full.
    FenaError
        What `compile_in` raises.
    """
    build = hash_build(sources, flags)
    with _trouble():
        folder = make_own(root()) / build
        if not is_whole(folder):
            with scratch.locked_folder("building", root()) as work:
                for path in sorted(sources.rglob("*")):  # folders come before what is in them
                    copy = work / path.relative_to(sources)
                    copy.mkdir() if path.is_dir() else shutil.copyfile(path, copy)
                compile_in(work)
                _seal(work)
                _put(work, folder)
        notes = make_own(root() / "declarations")
        handle, fresh = tempfile.mkstemp(prefix=f".{key}.", dir=notes)
        try:
            with open(handle, "w", encoding="ascii") as file:
                file.write(build)
                _flush(file)
            Path(fresh).replace(notes / key)
        except BaseException:
            Path(fresh).unlink(missing_ok=True)
            raise
    return folder


def is_whole(folder: Path) -> bool:
    """Whether a build is as it was when it was made: all that its run needs, byte by byte.

    What was read once is read again in this process only if a file's time or size has changed.
    """
    try:
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
            return False
        if not os.access(folder / MAIN, os.X_OK):
            return False
        sums = json.loads((folder / COMPLETE).read_bytes())
        if not {MAIN, MANIFEST} <= set(sums):
            return False
        for name, expected in sums.items():
            path = folder / name
            about = path.stat()
            seen = (path, about.st_ino, about.st_size, about.st_mtime_ns, expected)
            if seen not in _seen:
                if _checksum(path) != expected:
                    return False
                _seen.add(seen)
    except (OSError, ValueError, TypeError, AttributeError):
        return False
    return True


def _seal(work):
    """Note the checksums of what a run of the build needs, and flush all that to the disk."""
    needed = [work / MAIN, work / MANIFEST, *sorted((work / ARRAYS).glob("*"))]
    sums = {str(path.relative_to(work)): _checksum(path) for path in needed if path.is_file()}
    (work / COMPLETE).write_text(json.dumps(sums, indent=1))
    for path in [*(work / name for name in sums), work / COMPLETE]:
        with open(path, "rb") as file:
            os.fsync(file.fileno())
    for path in (work / ARRAYS, work):
        if path.is_dir():
            _flush_folder(path)


def _put(work, folder):
    """Give a build its name, in the place of a damaged one. The first of several builders wins."""
    with FileLock(root() / "names.lock"):
        if is_whole(folder):
            return
        if os.path.lexists(folder):
            with scratch.locked_folder("damaged", root()) as aside:
                folder.rename(aside / folder.name)
        work.rename(folder)
        _flush_folder(root())


def _checksum(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(file):
    file.flush()
    os.fsync(file.fileno())


def _flush_folder(folder):
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _trouble() -> Iterator[None]:
    """Whatever the operating system refuses inside becomes a ResourceError that names the cache."""
    try:
        yield
    except FenaError:
        raise
    except OSError as error:
        raise ResourceError(
            f"the build cache cannot be used: {error.strerror or error}",
            where=_where(root()),
            fix="make room there, or set FENA_CACHE to a folder that you can write to, and start the "
            "same command again",
        ) from error


def _where(folder):
    return f"{folder}{' (FENA_CACHE)' if os.environ.get('FENA_CACHE') else ''}"


def _user(number):
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"number {number}"


def hash_build(folder: Path, flags: Iterable[str]) -> str:
    """A hash of a folder of sources and of the command that compiles them (list of str)."""
    digest_ = hashlib.sha256("\0".join(flags).encode())
    for path in sorted(
        p for p in folder.rglob("*") if p.is_file() and "results" not in p.relative_to(folder).parts
    ):
        digest_.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest_.hexdigest()[:32]

"""Temporary folders: private to the user, and removed even if their process was killed.

A folder has a name that nobody can guess and belongs to the user alone (mode 0700). Its process
holds a lock on it for as long as it uses it. The system takes the lock away when the process ends,
however it ends and in whichever container it ran. So a folder whose lock is free is left over, and
the next process removes it. Folders of other users, and whatever else is called like ours, are
left alone.
"""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..errors import FenaError, ResourceError

#: Files in memory, on Linux, and the bytes that must be free there.
MEMORY, ENOUGH = Path("/dev/shm"), 2**30
PREFIX = "fena_scratch_"
#: Where this process has removed what was left over.
_tidied: set[Path] = set()


@contextmanager
def temporary_folder(kind: str, in_memory: bool = False) -> Iterator[Path]:
    """A temporary folder of this process, which is removed at the end with all that is in it.

    Parameters
    ----------
    kind : str
        What it is for; part of its name.
    in_memory : bool
        See `place`.

    Raises
    ------
    ResourceError
        If it cannot be made.
    """
    parent = place(in_memory)
    with ExitStack() as stack:
        with trouble(parent):
            folder = stack.enter_context(locked_folder(kind, parent))
        yield folder


@contextmanager
def locked_folder(kind: str, parent: Path) -> Iterator[Path]:
    """The same in the folder `parent`, which must exist. The folder may be renamed meanwhile, and
    then stays. Raises OSError.
    """
    folder, lock = _make(kind, parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def place(in_memory: bool = False) -> Path:
    """The folder in which temporary ones are made: $TMPDIR, or the system's own.

    With `in_memory` it is a folder in memory, if TMPDIR is not set and the system has one with
    plenty of room.
    """
    named = os.environ.get("TMPDIR")
    if named:  # also if it cannot be used: Python would silently take another
        return Path(named).absolute()
    if in_memory and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH:
        return MEMORY
    try:
        return Path(tempfile.gettempdir())
    except OSError as error:
        raise ResourceError(
            f"there is no temporary folder: {error}",
            where="the system's temporary folders",
            fix="set TMPDIR to a folder that you can write to",
        ) from error


def check_place() -> None:
    """Raise ResourceError unless a temporary folder can be made."""
    with temporary_folder("check"):
        pass


@contextmanager
def trouble(folder: Path) -> Iterator[None]:
    """Whatever the operating system refuses inside becomes a ResourceError that names the temporary
    folder.
    """
    try:
        yield
    except FenaError:
        raise
    except OSError as error:
        if (
            error.errno is None
        ):  # NumPy's, which does not say why it wrote less than it was asked to
            error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        named = " (TMPDIR)" if os.environ.get("TMPDIR") else ""
        raise ResourceError(
            f"cannot write to the temporary folder: {error.strerror}",
            where=f"{folder}{named}",
            fix="make room there, or set TMPDIR to another folder, and start the same command again",
        ) from error


def _make(kind, parent):
    """(folder, the open file that locks it)."""
    if parent not in _tidied:
        _tidied.add(parent)
        remove_left_over(parent)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{kind}_", dir=parent))
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue  # another process took it for left over before it was locked
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            pass  # a file system without locks: nobody removes what is left over there
        if folder.exists():
            return folder, lock
        os.close(lock)


def remove_left_over(parent: Path) -> None:
    """Remove the folders in `parent` that killed processes of this user have left there."""
    for entry in parent.glob(f"{PREFIX}*"):
        try:
            lock = os.open(entry, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # a link, a file, a folder of somebody else, or gone
        try:
            about = os.fstat(lock)
            if about.st_uid == os.getuid() and not about.st_mode & 0o077:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(entry, ignore_errors=True)
        except OSError:
            pass  # in use, or a file system without locks
        finally:
            os.close(lock)

"""Writing files so that a kill or a full disk at any moment leaves either the old file or the new
one.
"""

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

try:
    import fcntl
except ImportError:  # no locks of this kind here
    fcntl = None  # type: ignore[assignment]

from ...errors import CheckpointError, FenaError, ResourceError

#: How the name of a file or folder ends while it is being written; its own begins with a dot.
UNFINISHED = ".part"


@contextmanager
def disk_errors(where: str | Path) -> Iterator[None]:
    """Whatever the operating system refuses inside becomes a ResourceError."""
    try:
        yield
    except FenaError:
        raise
    except OSError as error:
        name = Path(error.filename).name if error.filename else "a file"
        raise ResourceError(
            f"cannot read or write {name}: {error.strerror or error}",
            where=str(where),
            fix="make room, or choose another --out, and start the same command again: it goes on "
            "from the last checkpoint",
        ) from error


def unfinished(path: Path) -> Path:
    """The neighbour of `path` that is written first and then renamed, one per process."""
    return path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED}")


def write_atomically(path: str | Path, data: bytes) -> None:
    """Write bytes to `path`: to a neighbour first, flushed to the disk, then renamed. ResourceError
    if it is full.

    The neighbour has one name for all processes, so that what a killed one left behind is written
    over by the next; of two at once one waits for the other.
    """
    path = Path(path)
    fresh = path.with_name(f".{path.name}{UNFINISHED}")
    with disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(fresh) as file:
            try:
                file.truncate(0)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                fresh.replace(path)
                on_disk([path.parent])
            except OSError:
                fresh.unlink(missing_ok=True)
                raise


def on_disk(paths: Iterable[Path]) -> None:
    """Return when files, or the names in folders, are on the disk and not in memory alone."""
    for path in paths:
        if os.name == "nt" and path.is_dir():  # a folder cannot be opened there
            continue
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _alone(fresh):
    """The file, open for this process alone until it is closed."""
    while True:
        file = open(fresh, "ab")
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(file.fileno()), os.stat(fresh)):
                return file
        except FileNotFoundError:  # renamed by the process that had it
            pass
        except BaseException:
            file.close()
            raise
        file.close()


def write_json(path: str | Path, data: dict) -> None:
    write_atomically(path, (json.dumps(data, indent=1, sort_keys=True) + "\n").encode())


def save_arrays(path: str | Path, arrays: Mapping[str, np.ndarray], **about: int | str) -> None:
    """Write arrays to `path` (npz), and beside it a JSON file with `about` and a checksum over
    both.
    """
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # its own option is a bool
    data = buffer.getvalue()
    write_atomically(path, data)
    write_json(Path(path).with_suffix(".json"), {**about, "sha256": _checksum(data, about)})


def load_arrays(path: str | Path) -> tuple[dict[str, np.ndarray], dict]:
    """(arrays, about) of `save_arrays`. Raises CheckpointError if a file is missing, truncated or
    altered.
    """
    path = Path(path)
    fix = "start the same command again; if the run is finished, move its folder away first"
    try:
        about = json.loads(path.with_suffix(".json").read_text())
        data = path.read_bytes()
        expected = about.pop("sha256")
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise CheckpointError(
            f"{path.name} cannot be read: {error}", where=str(path.parent), fix=fix
        ) from error
    if _checksum(data, about) != expected:
        raise CheckpointError(
            f"{path.name} is truncated or was altered: its checksum does not match",
            where=str(path.parent),
            fix=fix,
        )
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}, about
    except (ValueError, zipfile.BadZipFile, AttributeError, KeyError) as error:
        raise CheckpointError(
            f"{path.name} holds no plain arrays: {error}", where=str(path.parent), fix=fix
        ) from error


def _checksum(data, about):
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode() + data).hexdigest()


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A folder to write into, which appears as `path` only when complete."""
    fresh = unfinished(path)
    shutil.rmtree(fresh, ignore_errors=True)
    with disk_errors(path):
        try:
            yield fresh
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        shutil.rmtree(path, ignore_errors=True)
        fresh.rename(path)

"""Writing files so that a kill or a full disk at any moment leaves either the old file or the new one."""

import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np

from ..errors import CheckpointError, ResourceError


def write_atomically(path, data):
    """Write bytes to `path`: to a neighbour first, flushed to the disk, then renamed. ResourceError if it is full."""
    path = Path(path)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(fresh, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise ResourceError(f"cannot write {path.name}: {error.strerror}", where=str(path.parent),
                            fix="free some space and start the same command again: it goes on from the last "
                                "checkpoint") from error


def write_json(path, data):
    write_atomically(path, (json.dumps(data, indent=1, sort_keys=True) + "\n").encode())


def save_arrays(path, arrays, **about):
    """Write arrays to `path` (npz), and beside it a JSON file with their checksum and `about`."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    data = buffer.getvalue()
    write_atomically(path, data)
    write_json(Path(path).with_suffix(".json"), {**about, "sha256": hashlib.sha256(data).hexdigest()})


def load_arrays(path):
    """(arrays, about) of `save_arrays`. Raises CheckpointError if the file is missing, truncated or altered."""
    path = Path(path)
    try:
        about = json.loads(path.with_suffix(".json").read_text())
        data = path.read_bytes()
        expected = about["sha256"]
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path.name} cannot be read: {error}", where=str(path.parent),
                              fix="it is left out; the one before it is used") from error
    if hashlib.sha256(data).hexdigest() != expected:
        raise CheckpointError(f"{path.name} is truncated or was altered: its checksum does not match",
                              where=str(path.parent), fix="it is left out; the one before it is used")
    with np.load(io.BytesIO(data)) as archive:
        return {name: archive[name] for name in archive.files}, about

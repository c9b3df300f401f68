"""The recordings of one chunk in a file, while its block goes on."""

from pathlib import Path

from ...device.recordings import Recordings
from .files import load_arrays, save_arrays


def save_part(path: Path, recordings: Recordings, stop: int) -> None:
    """Write the Recordings of a chunk that went up to step `stop`."""
    save_arrays(path, recordings.to_arrays(), stop=stop)


def load_part(path: Path) -> tuple[Recordings, int]:
    """The Recordings of a chunk, and the step up to which it went. Raises CheckpointError."""
    arrays, about = load_arrays(path)
    return Recordings.from_arrays(arrays), about["stop"]

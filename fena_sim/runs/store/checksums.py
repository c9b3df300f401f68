"""Checksums of the files of a run: written when a block is done, checked when a file is read.

``checksums/BLOCK.sha256`` lists the files of a block as the command `sha256sum` does, so that
``sha256sum -c checksums/*.sha256`` in the run folder checks them too. The manifest of a finished run
holds the checksums of these lists and of all other files, and its own.
"""

import hashlib
import os
import re
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path

import attrs

from ...errors import RunFolderError
from .files import disk_errors, on_disk, write_atomically
from .manifest import CHECKSUMS, MANIFEST, inside

#: Folder of the lists, and how their names end.
FOLDER, SUFFIX = "checksums", ".sha256"
#: What a run said while it went on: a file without data.
LOG = "log.txt"
#: Folders of a run that goes on.
PASSING = ("checkpoints", "parts")
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
FIX = (
    "copy the run again from where it is whole, or move its folder away and start its command again"
)


def write_checksums(folder: Path, block: str) -> None:
    """List the files of a block that is done, once they are on the disk: after a power cut the list
    vouches for nothing that was lost. ResourceError if the disk is full.
    """
    names = [name for name in _files(folder) if _block_of(name) == block and not _is_list(name)]
    paths = [folder / name for name in names]
    with disk_errors(folder):
        on_disk([*paths, *sorted({parent for path in paths for parent in _inside(folder, path)})])
    text = "".join(f"{_sha256(folder / name)}  {name}\n" for name in names)
    write_atomically(folder / _list_of(block), text.encode())


def _inside(folder, path):
    """The folders that hold a file of a run, up to the run's own."""
    return [folder, *(parent for parent in path.parents if folder in parent.parents)]


def has_checksums(folder: Path, block: str) -> bool:
    """Whether the files of a block were listed."""
    return (folder / _list_of(block)).exists()


def forget_checksums(folder: Path, block: str) -> None:
    """Remove the list of a block that is done again."""
    (folder / _list_of(block)).unlink(missing_ok=True)


def other_checksums(folder: Path, blocks: Iterable[str]) -> dict[str, str]:
    """{file: sha256} of the files of a run that no list of a block holds: the lists themselves, the
    log. For the manifest of a run that is done.
    """
    blocks = set(blocks)
    return {
        name: _sha256(folder / name)
        for name in _files(folder)
        if _is_list(name) or _block_of(name) not in blocks
    }


@attrs.frozen
class Damage:
    """What is wrong with the files of a run.

    Attributes
    ----------
    checked : int
        Files that were compared with their checksums.
    missing, altered, extra : list of str
        Paths in the run folder. Extra files are not of the run, and nothing reads them.
    """

    checked: int
    missing: list[str]
    altered: list[str]
    extra: list[str]

    @property
    def whole(self) -> bool:
        """Whether every file of the run is there, and as it was."""
        return not self.missing and not self.altered

    @property
    def blocks(self) -> list[str]:
        """The blocks whose files are missing or altered."""
        found = (_block_of(name) for name in (*self.missing, *self.altered))
        return sorted({block for block in found if block is not None})


class Files:
    """The files of a run folder, each compared with its checksum before it is read for the first
    time.

    Parameters
    ----------
    folder : Path
    manifest : dict

    Attributes
    ----------
    recorded : bool
        Whether the run has checksums: it is finished, and not of a version that wrote none.
    """

    def __init__(self, folder: Path, manifest: dict) -> None:
        self.folder = folder
        self.recorded = CHECKSUMS in manifest
        self._others: dict[str, str] = manifest.get(CHECKSUMS, {})
        self._lists: dict[str, dict[str, str]] = {}
        self._checked: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether the run has a file or folder: by its checksums, or on disk where it has none."""
        if not self.recorded:
            return Path(self.folder, name).exists()
        known = self._known(name)
        return name in known or any(each.startswith(f"{name}/") for each in known)

    def names(self, below: str) -> list[str]:
        """The files below a folder of the run, as `has`."""
        known = self._known(below) if self.recorded else _files(self.folder, below, every=True)
        return [name for name in known if name.startswith(f"{below}/")]

    def place(self, name: str) -> Path:
        """The path of a file that is there, whatever it holds. Raises RunFolderError if it is not."""
        with self._reading(name):
            return inside(self.folder, name)

    def path(self, name: str) -> Path:
        """The path of a file that is as it was. Raises RunFolderError for any other."""
        self.read(name)
        return self.folder / name

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises
        ------
        RunFolderError
            If it is missing or altered, or lies outside of the run folder.
        """
        with self._reading(name):
            data = inside(self.folder, name).read_bytes()
        if self.recorded and name not in self._checked:
            if self._known(name).get(name) != hashlib.sha256(data).hexdigest():
                raise RunFolderError(
                    f"{name} was altered: its checksum does not match",
                    where=str(self.folder),
                    fix=FIX,
                )
            self._checked.add(name)
        return data

    @contextmanager
    def _reading(self, name):
        try:
            yield
        except OSError as error:
            if isinstance(error, FileNotFoundError | NotADirectoryError):
                what = f"{name} is missing: the folder is not a whole copy of the run"
            else:
                what = f"{name} cannot be read: {error.strerror}"
            raise RunFolderError(what, where=str(self.folder), fix=FIX) from error

    def damage(self) -> Damage:
        """Compare every file of the run with its checksum, whether it was read before or not."""
        if not self.recorded:
            return Damage(0, [], [], [])
        missing, altered, expected = [], [], dict(self._others)
        for name in self._others:
            if _is_list(name):
                try:
                    expected |= self._list(name)
                except RunFolderError:
                    continue  # the list itself is found below
        for name, checksum in expected.items():
            try:
                found = _sha256(inside(self.folder, name))
            except (FileNotFoundError, NotADirectoryError):
                missing.append(name)
            except (OSError, RunFolderError):
                altered.append(name)
            else:
                if found != checksum:
                    altered.append(name)
                else:
                    self._checked.add(name)
        unlisted = {_block_of(name) for name in (*missing, *altered) if _is_list(name)}
        extra = [
            name
            for name in _files(self.folder, every=True)
            if name not in expected and _block_of(name) not in unlisted
        ]
        return Damage(len(expected), sorted(missing), sorted(altered), extra)

    def _known(self, name):
        """The checksums among which a file's is."""
        block = _block_of(name)
        listed = None if block is None else _list_of(block)
        if listed is None or listed not in self._others or name == listed:
            return self._others
        return self._list(listed)

    def _list(self, listed):
        if listed not in self._lists:
            lines = self.read(listed).decode().splitlines()
            self._lists[listed] = {
                found[2]: found[1] for line in lines if (found := _LINE.fullmatch(line))
            }
        return self._lists[listed]


def _files(folder, below="", every=False):
    """The files below a folder of a run, by their paths in the run folder: without the manifest, and
    without hidden files and those of a run that goes on unless `every` one is asked for.
    """
    found = []
    for place, folders, names in os.walk(folder / below):
        relative = Path(place).relative_to(folder)
        if relative == Path():
            folders[:] = [name for name in folders if every or name not in PASSING]
            names = [name for name in names if name not in (MANIFEST, "run.lock")]
        links = [name for name in folders if Path(place, name).is_symlink()]
        found += [
            (relative / name).as_posix()
            for name in (*names, *links)
            if every or not name.startswith(".")
        ]
    return sorted(found)


def _block_of(name):
    """The block that a file is of, by the place of every such file: KIND/BLOCK.SUFFIX[/...]; None for
    any other.
    """
    parts = name.split("/")
    return parts[1].partition(".")[0] or None if len(parts) > 1 else None


def _list_of(block):
    return f"{FOLDER}/{block}{SUFFIX}"


def _is_list(name):
    return name.startswith(f"{FOLDER}/")


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""The manifest of a run folder, which is JSON: reading it takes neither Brian2 nor xarray."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import FenaError, RunFolderError
from .schema import check

MANIFEST = "manifest.json"
#: The manifest's entry that holds the checksum of all others.
SHA256 = "sha256"
#: The entry of a finished run: {file: sha256} of the files that are of no block, and of the lists of
#: those that are (`checksums`).
CHECKSUMS = "checksums"
#: Folders of a run whose first block is done: where they are, a manifest was.
RESULTS = {"events", "states", "tokens"}
#: Lists in lists that a manifest may have; those of fena have ten.
DEEPEST = 60
FIX = "give the folder that `fena run` printed; if the run was damaged, move its folder away and run again"


def write_manifest(folder: str | Path, manifest: dict) -> None:
    """Write the manifest of a run, with the checksum of its entries. ResourceError if the disk is
    full.
    """
    from .files import write_json  # takes NumPy, which reading does without

    write_json(Path(folder) / MANIFEST, {**manifest, SHA256: _checksum(manifest)})


def read_manifest(folder: str | Path) -> dict:
    """The manifest in a run folder, without its own checksum.

    Raises
    ------
    RunFolderError
        If there is none, if it was altered, or if it is none of a run.
    """
    try:
        with open(inside(folder, MANIFEST), "rb") as file:
            manifest = json.loads(file.read())
        _check_depth(manifest)
        found = _checksum(manifest)
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, or no JSON
        reason = error.strerror if isinstance(error, OSError) else error
        raise RunFolderError(
            f"this is not a run folder: {MANIFEST}: {_shown(reason)}", where=str(folder), fix=FIX
        ) from error
    expected = manifest.pop(SHA256, None) if isinstance(manifest, dict) else None
    # Earlier versions wrote no checksums.
    if expected != found and (
        expected is not None or isinstance(manifest, dict) and CHECKSUMS in manifest
    ):
        raise RunFolderError(
            f"{MANIFEST} was altered: its checksum does not match", where=str(folder), fix=FIX
        )
    _check_entries(manifest, folder)
    return manifest


def inside(folder: str | Path, name: str) -> Path:
    """The path of a file of a run folder, which may itself be a link.

    Raises
    ------
    FileNotFoundError
    RunFolderError
        If it is a link that leads out of the folder, or no file: what a run holds is in its folder.
    """
    path = Path(folder, name)
    if not os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep):
        raise RunFolderError(
            f"{name} is a link out of the run folder",
            where=str(folder),
            fix="put the file itself there; the run folder may be a link as a whole",
        )
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise RunFolderError(f"{name} is not a file", where=str(folder), fix=FIX)
    return path


@contextmanager
def interpreting(folder: str | Path, declared: bool = False) -> Iterator[None]:
    """Whatever goes wrong inside with what a run holds becomes a RunFolderError: a run of another
    version, or one that was altered before there were checksums, may hold anything. With `declared`,
    so does an error that names a declaration and not the folder.
    """
    try:
        yield
    except FenaError as error:
        if declared and not isinstance(error, RunFolderError):
            raise _unreadable(folder, error, error.what) from error
        raise
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RuntimeError,
        SyntaxError,
        TypeError,
        ValueError,
    ) as error:
        raise _unreadable(folder, error, error) from error


def _unreadable(folder, error, message):
    return RunFolderError(
        f"the run cannot be read: {type(error).__name__}: {_shown(message)}",
        where=str(folder),
        fix="use the version of fena_sim that made it; `fena check` finds damage, --verbose shows the line",
    )


def run_folders(path: str | Path, levels: int | None = None) -> list[Path]:
    """Run folders at or below a path, also those that lost their manifest, in the order of their
    names. Links to folders are followed; each folder is given once, by a path without links where
    there is one.

    Parameters
    ----------
    path : path
    levels : int, optional
        How deep to look; any depth if left out.
    """
    top, seen, found = os.path.realpath(path), set(), []
    folders = [(Path(path), 0)]
    links: list[tuple[Path, int]] = []
    while folders or links:
        linked = not folders
        folder, level = links.pop(0) if linked else folders.pop()
        real = os.path.realpath(folder)
        if real in seen or linked and f"{top}{os.sep}".startswith(f"{real.rstrip(os.sep)}{os.sep}"):
            continue  # the latter leads back up, around the path that was given
        seen.add(real)
        try:
            names = set(os.listdir(folder))
        except OSError:
            continue
        if MANIFEST in names or names >= RESULTS:
            found.append(folder)
        elif level != levels:
            for name in sorted(names):
                below = folder / name
                if not name.startswith(".") and below.is_dir():
                    (links if below.is_symlink() else folders).append((below, level + 1))
        links.sort()
    return sorted(found)


def stored_manifests(folder: str | Path) -> tuple[dict[Path, dict], list[str]]:
    """The manifest of every run folder directly in `folder`, by that folder's path, the run that was
    started last first; and one line for every folder whose manifest cannot be used. Empty if there
    is no such folder.
    """
    found, skipped = {}, []
    for path in run_folders(folder, levels=1):
        try:
            found[path] = read_manifest(path)
        except RunFolderError as error:  # cut short by a full disk, say: not a run to list
            skipped.append(left_out(path, error))
    newest = sorted(found, key=lambda path: (found[path]["started"], path.name), reverse=True)
    return {path: found[path] for path in newest}, skipped


def warnings_of(manifest: dict) -> list[str]:
    """What a run warned of while it went on: what happened, where, and what to do (list of str)."""
    return [text.removeprefix("warning: ") for text in manifest.get("warnings", [])]


def left_out(folder: str | Path, error: FenaError) -> str:
    """One line on a folder that a command leaves out."""
    return f"{folder}: {error.what}"


def _checksum(manifest):
    """Of all entries but the checksum itself. ValueError if a text is no text."""
    rest = (
        {name: value for name, value in manifest.items() if name != SHA256}
        if isinstance(manifest, dict)
        else manifest
    )
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _check_depth(value):
    """ValueError if lists lie in lists deeper than any declaration needs: readers would not get
    through.
    """
    level, depth = [value], 0
    while level := [
        below
        for each in level
        if isinstance(each, (dict, list))
        for below in (each.values() if isinstance(each, dict) else each)
        if isinstance(below, (dict, list))
    ]:
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"{MANIFEST} has lists in lists, more than {DEEPEST} deep")


def _check_entries(manifest, folder):
    from fastjsonschema import JsonSchemaValueException

    try:
        check("MANIFEST")(manifest)
    except JsonSchemaValueException as error:
        text = error.message.removeprefix("data").removeprefix(".").strip()
        raise RunFolderError(
            f"{MANIFEST} is not one of a run: {_shown(text)}", where=str(folder), fix=FIX
        ) from error


def _shown(message):
    """A message that may quote what somebody else wrote: short, and on one line."""
    text = "".join(c if c.isprintable() else "?" for c in str(message))
    return text if len(text) <= 300 else f"{text[:300]}..."

"""An exported file or folder appears under its name only when it is complete."""

import importlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import psutil

from ...errors import FenaError, ResourceError
from ...extras import install_hint
from ...runs.store.files import UNFINISHED, unfinished

#: The file by which a folder of CSV files is known to be one, and that of a BIDS data set, which must
#: say that fena_sim made it; no other folder is ever replaced.
DESCRIPTION, BIDS_DESCRIPTION = "datapackage.json", "dataset_description.json"
MAKER = "fena_sim"


def needed(package: str, extra: str) -> ModuleType:
    """The package that a format needs. FenaError with the command that installs it if it is
    missing.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise FenaError(
            f"this format needs the package {package}, which is not installed",
            where=f"fena export --{extra}",
            fix=install_hint(extra),
        ) from error


@contextmanager
def appearing(path: str | Path, force: bool = False, ending: str = "") -> Iterator[Path]:
    """A path of the same name to write to, in a hidden folder beside `path`; on success it is moved
    to `path`.

    Parameters
    ----------
    path : str or Path
    force : bool
        Replace what is there: a file by a file, an exported folder by another.
    ending : str
        How the name must end.

    Raises
    ------
    FenaError
        If the name ends otherwise, or something is there that must not be replaced.
    ResourceError
        If the disk refuses.
    """
    path = Path(os.path.abspath(path))
    if not path.name.endswith(ending):
        raise FenaError(
            f"the name does not end in {ending}",
            where=str(path),
            fix=f"name it {path.stem}{ending}",
        )
    _check_free(path, force, folder=not ending)
    made = unfinished(path)
    try:
        _clear(path)
        made.mkdir(parents=True)
        yield made / path.name
        if path.is_dir():
            shutil.rmtree(path)
        (made / path.name).replace(path)
    except FenaError:
        raise
    except OSError as error:
        raise ResourceError(
            f"cannot write: {error.strerror or error}",
            where=str(path),
            fix="make room, or choose another place",
        ) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _check_free(path, force, folder):
    if not path.exists():
        return
    if path.is_dir() != folder:
        raise FenaError(
            f"a {'folder' if path.is_dir() else 'file'} of this name is already there",
            where=str(path),
            fix="choose another name",
        )
    if not force:
        raise FenaError(
            "it is already there",
            where=str(path),
            fix="add --force to replace it, or choose another name",
        )
    if folder and not (path / DESCRIPTION).exists() and not _made_bids(path):
        raise FenaError(
            f"this folder holds no {DESCRIPTION}, and no {BIDS_DESCRIPTION} of {MAKER}, so it was not made by an "
            "export and is not replaced",
            where=str(path),
            fix="choose another name",
        )


def _made_bids(path):
    """Whether a folder is a BIDS data set that an export wrote, and not one of the user's own."""
    try:
        makers = json.loads((path / BIDS_DESCRIPTION).read_text("utf-8"))["GeneratedBy"]
        return [maker["Name"] for maker in makers] == [MAKER]
    except (OSError, ValueError, TypeError, LookupError):
        return False


def _clear(path):
    """Remove what killed exports of the same name left behind."""
    for left in path.parent.glob(f".{path.name}.*{UNFINISHED}"):
        process = left.name.removesuffix(UNFINISHED).rpartition(".")[2]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            shutil.rmtree(left, ignore_errors=True)

"""The manifest of a run folder, which is JSON: reading it takes neither Brian2 nor xarray."""

import json
from pathlib import Path

from ...errors import RunFolderError

MANIFEST = "manifest.json"
#: What every manifest has, however far its run has come.
ENTRIES = (
    "status",
    "inputs",
    "inputs_hash",
    "seed",
    "device",
    "started",
    "model",
    "protocol",
    "blocks",
    "vocabulary",
    "versions",
    "command",
)
FIX = "give the folder that `fena run` printed"


def read_manifest(folder: str | Path) -> dict:
    """The manifest in a run folder. Raises RunFolderError if there is none, or it is no JSON."""
    try:
        return json.loads((Path(folder) / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise RunFolderError(
            f"this is not a run folder: {error}", where=str(folder), fix=FIX
        ) from error


def check_manifest(manifest: object, folder: str | Path) -> None:
    """Raise RunFolderError if the JSON that was read in a folder is not the manifest of a run."""
    missing = (
        [name for name in ENTRIES if name not in manifest]
        if isinstance(manifest, dict)
        else ENTRIES
    )
    if missing:
        raise RunFolderError(
            f"{MANIFEST} is not one of a run: it has no {missing[0]!r}",
            where=str(folder),
            fix=FIX,
        )


def stored_manifests(folder: str | Path) -> dict[Path, dict]:
    """The manifest of every run folder directly in `folder`, by that folder's path, the run that was
    started last first. Left out are folders whose manifest cannot be used; empty if there is no such
    folder.
    """
    found = {}
    for path in Path(folder).glob(f"*/{MANIFEST}"):
        try:
            manifest = read_manifest(path.parent)
            check_manifest(manifest, path.parent)
        except RunFolderError:  # cut short by a full disk, say: not a run to list
            continue
        found[path.parent] = manifest
    newest = sorted(found, key=lambda path: (found[path]["started"], path.name), reverse=True)
    return {path: found[path] for path in newest}

"""Provenance of a run: versions, machine, git state, command."""

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..device.asked import ask

PACKAGES = ("brian2", "numpy", "scipy", "xarray", "zarr", "pandas")


def versions() -> dict[str, str]:
    """Versions of fena_sim, Python and the packages that a run depends on."""
    from .. import __version__

    found = {"fena_sim": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def git_state() -> dict[str, str | bool] | None:
    """{"commit", "changed"} of the checkout that fena_sim runs from; None outside a checkout."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():  # an installed copy, perhaps inside somebody else's checkout
        return None
    try:
        return {
            "commit": git(folder, "rev-parse", "HEAD"),
            "changed": bool(git(folder, "status", "--porcelain", "--untracked-files=no")),
        }
    except (OSError, subprocess.CalledProcessError):
        return None


def git(folder: Path, *arguments: str) -> str:
    """What git says of a checkout. Raises OSError without git, CalledProcessError if it fails."""
    finished = ask(["git", "--no-optional-locks", *arguments], cwd=folder)
    finished.check_returncode()
    return finished.stdout.strip()


def provenance() -> dict:
    """What a manifest says of the process that writes it: versions, git, command, machine."""
    return {
        "versions": versions(),
        "git": git_state(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "machine": f"{platform.system()} {platform.machine()}",
    }

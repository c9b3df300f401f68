"""Provenance of a run: versions, machine, git state, command."""

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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
        commit = _git(folder, "rev-parse", "HEAD")
        return {
            "commit": commit,
            "changed": bool(_git(folder, "status", "--porcelain", "--untracked-files=no")),
        }
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder, *arguments):
    return subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


def provenance() -> dict:
    """What a manifest says of the process that writes it: versions, git, command, machine."""
    return {
        "versions": versions(),
        "git": git_state(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "machine": f"{platform.system()} {platform.machine()}",
    }

"""The command that installs an extra, for the way this copy of fena_sim was installed."""

import json
import shlex
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from packaging.requirements import Requirement

NAME = "fena-sim"
#: The folder that holds the package: a checkout, or site-packages.
_HOME = Path(__file__).resolve().parents[1]


def install_hint(*extras: str) -> str:
    """A command for a shell that installs extras of setup.cfg beside this copy of fena_sim.

    A checkout, also one that only $PYTHONPATH names, is installed as editable. A copy that pip
    took from a folder, a file or a repository is taken from there again (PEP 610), at the same
    commit. If that folder or file is gone, the command names the packages of the extras. Any
    other copy came from an index.

    Parameters
    ----------
    *extras : str
        Names from setup.cfg, e.g. "nwb".

    Returns
    -------
    str
        It calls the pip of the Python that runs now, so it works in any folder and without an
        active environment.
    """
    if (_HOME / "setup.cfg").is_file():
        return pip_command("--editable", _with_extras(_HOME, extras))
    try:
        found = distribution(NAME)
    except PackageNotFoundError:  # a copied folder, which cannot know where it comes from
        return f"in a checkout of fena_sim: {pip_command('--editable', _with_extras('.', extras))}"
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    if not origin:
        return pip_command(_with_extras(NAME, extras))
    address = urlsplit(origin["url"])
    if address.scheme == "file" and "vcs_info" not in origin:
        path = Path(url2pathname(address.path))
        return (
            pip_command(_with_extras(path, extras))
            if path.exists()
            else pip_command(*_requirements(found, extras))
        )
    return pip_command(f"{_with_extras(NAME, extras)} @ {_reference(origin)}")


def pip_command(*arguments: str) -> str:
    """The command line `pip install` of the Python that runs now, quoted for a shell."""
    return shlex.join([sys.executable or "python3", "-m", "pip", "install", *arguments])


def _with_extras(what, extras):
    return f"{what}[{','.join(extras)}]"


def _reference(origin):
    """The URL of a requirement (PEP 440) that a direct_url.json describes."""
    url = origin["url"]
    if "vcs_info" in origin:
        url = f"{origin['vcs_info']['vcs']}+{url}@{origin['vcs_info']['commit_id']}"
    return f"{url}#subdirectory={origin['subdirectory']}" if "subdirectory" in origin else url


def _requirements(found: Distribution, extras: Iterable[str]) -> list[str]:
    """The packages of extras that this Python needs, e.g. ["pynwb<5,>=4"]."""
    packages: list[str] = []
    for line in found.requires or []:
        r = Requirement(line)
        if r.marker is None or r.marker.evaluate({"extra": ""}):
            continue  # installed with any copy
        if any(r.marker.evaluate({"extra": extra}) for extra in extras):
            packages += (
                _requirements(found, r.extras) if r.name == NAME else [f"{r.name}{r.specifier}"]
            )
    return packages

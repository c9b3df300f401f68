"""Oracle: PEP 610 (direct_url.json) and PEP 508. The commands are read by shlex and packaging, as a shell
and pip read them.
"""

import json
import shlex
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from fena_sim import extras

COMMAND = [sys.executable, "-m", "pip", "install"]
ROOT = Path(__file__).resolve().parents[1]


class Copy:
    """A distribution with a direct_url.json, or without one."""

    requires = [
        "numpy>=1.26",
        'numpy<2.6; python_version >= "3"',
        'pynwb<5,>=4; extra == "nwb"',
        'hdmf>=4; extra == "nwb" and python_version >= "3"',
        'ancient; extra == "nwb" and python_version < "3"',
        'mne>=1.13; extra == "mne"',
        'fena-sim[mne]; extra == "all"',
        'dask>=2024.10; extra == "all"',
    ]

    def __init__(self, origin):
        self.origin = origin

    def read_text(self, name):
        assert name == "direct_url.json"
        return None if self.origin is None else json.dumps(self.origin)


@pytest.fixture
def hint(monkeypatch, tmp_path):
    """The words after `pip install` for a copy in site-packages with an origin."""
    monkeypatch.setattr(extras, "_HOME", tmp_path / "site-packages")

    def words(origin, *names):
        monkeypatch.setattr(extras, "distribution", lambda name: Copy(origin))
        said = shlex.split(extras.install_hint(*names))
        assert said[:4] == COMMAND
        return said[4:]

    return words


def test_a_checkout_is_installed_as_editable_whatever_the_metadata_say(monkeypatch, tmp_path):
    home = tmp_path / "my checkout"
    home.mkdir()
    (home / "setup.cfg").touch()
    monkeypatch.setattr(extras, "_HOME", home)
    monkeypatch.setattr(extras, "distribution", lambda name: pytest.fail("not needed"))
    said = shlex.split(extras.install_hint("nwb", "neo"))
    assert said == [*COMMAND, "--editable", f"{home}[nwb,neo]"]


def test_a_copy_from_an_index(hint):
    assert hint(None, "nwb", "mne") == ["fena-sim[nwb,mne]"]


@pytest.mark.parametrize("info", [{"dir_info": {}}, {"archive_info": {}}])
def test_a_copy_from_a_folder_or_file_that_is_still_there(hint, tmp_path, info):
    place = tmp_path / "a place"
    place.touch()
    assert hint({"url": place.as_uri(), **info}, "nwb") == [f"{place}[nwb]"]


def test_a_copy_from_a_file_that_is_gone_names_the_packages_of_the_extra(hint, tmp_path):
    said = hint({"url": (tmp_path / "gone.whl").as_uri(), "archive_info": {}}, "nwb", "mne")
    assert said == ["pynwb<5,>=4", "hdmf>=4", "mne>=1.13"]
    said = hint({"url": (tmp_path / "gone").as_uri(), "dir_info": {}}, "all")
    assert said == ["mne>=1.13", "dask>=2024.10"]  # one extra contains another


@pytest.mark.parametrize(
    "url", ["https://example.org/fena_sim.git", "file:///gone", "ssh://git@example.org/f.git"]
)
def test_a_copy_from_a_repository_stays_at_its_commit(hint, url):
    vcs = {"vcs": "git", "commit_id": "0a1b", "requested_revision": "main"}
    (said,) = hint({"url": url, "vcs_info": vcs, "subdirectory": "sub"}, "nwb")
    read = Requirement(said)
    assert (read.name, read.extras) == ("fena-sim", {"nwb"})
    assert read.url == f"git+{url}@0a1b#subdirectory=sub"


def test_a_copy_from_a_url(hint):
    url = "https://example.org/fena_sim-0.1.0.tar.gz"
    read = Requirement(*hint({"url": url, "archive_info": {"hash": "sha256=0"}}, "nwb"))
    assert (read.name, read.extras, read.url) == ("fena-sim", {"nwb"}, url)


def test_a_copied_folder_without_metadata_is_told_to_use_a_checkout(monkeypatch, tmp_path):
    def nothing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(extras, "_HOME", tmp_path)
    monkeypatch.setattr(extras, "distribution", nothing)
    where, _, command = extras.install_hint("nwb").partition(": ")
    assert where == "in a checkout of fena_sim"
    assert shlex.split(command) == [*COMMAND, "--editable", ".[nwb]"]


def test_no_error_names_an_index_of_its_own_accord():
    for path in (ROOT / "fena_sim").rglob("*.py"):
        assert "install fena-sim[" not in path.read_text(), path

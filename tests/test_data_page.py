"""Oracle: docs/data.md is a contract. Its code and its commands run as written, in a folder that
holds the shipped files.
"""

import os
import re
import shlex
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.compile

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "data.md").read_text()
COMMANDS = re.findall(r"^    fena (export .+)$", PAGE, re.M)
PACKAGES = {"--nwb": "pynwb", "--neo": "nixio", "--mne": "mne"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, python):
    """Where the page's Python code has run."""
    folder = tmp_path_factory.mktemp("page")
    for name in ("models", "protocols"):
        shutil.copytree(ROOT / name, folder / name)
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    call(folder, python, "-c", script)
    return folder


def call(folder, python, *arguments):
    finished = subprocess.run(
        [*python, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert finished.returncode == 0, finished.stderr


def test_the_runs_are_whole(folder, python):
    (words,) = re.findall(r"^    fena (check .+)$", PAGE, re.M)
    call(folder, python, "-m", "fena_sim", *shlex.split(words))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_run(folder, command, python):
    words = shlex.split(command)
    kind, target = words[2:4]
    if kind in PACKAGES and find_spec(PACKAGES[kind]) is None:
        pytest.skip(f"needs the package {PACKAGES[kind]}")
    (run,) = folder.glob(words[1].replace("...", "*"))
    call(folder, python, "-m", "fena_sim", words[0], str(run), *words[2:])
    assert (folder / target).exists()


def test_there_is_a_command_for_every_format():
    assert {shlex.split(command)[2] for command in COMMANDS} == {*PACKAGES, "--csv", "--bids"}

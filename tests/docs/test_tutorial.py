"""Oracle: the tutorial is a contract. A clone, five commands and ten lines, as written, end in an
oddball figure of one's own.

Only what `make setup` would install is given: its Python is a stand-in whose `-m venv` makes a
.venv/ that runs the clone's code with the packages of this environment (test_install.py installs
for real).
"""

import shutil
import subprocess
import sys

import pytest
from pages import ROOT, blocks, executable, execute, left_out, script

from fena_sim.show.gallery import runs_of

PAGE = ROOT / "docs" / "tutorial.md"
SETUP = """#!/bin/sh
# `-m venv .venv` makes wrappers; anything else is Python's.
if [ "$1 $2" = "-m venv" ]; then
    mkdir -p .venv/bin
    printf '#!/bin/sh\\n[ "$1 $2" = "-m pip" ] && exit 0\\nPYTHONPATH="%s" exec "{python}" "$@"\\n' "$PWD" > .venv/bin/python
    printf '#!/bin/sh\\nexec "%s/.venv/bin/python" -m fena_sim "$@"\\n' "$PWD" > .venv/bin/fena
    chmod +x .venv/bin/*
else
    exec "{python}" "$@"
fi
"""


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """A repository that holds the working tree."""
    folder = tmp_path_factory.mktemp("origin") / "repository"
    shutil.copytree(ROOT, folder, ignore=left_out)
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for arguments in (
        ["init", "--quiet"],
        ["add", "--all"],
        [*identity, "commit", "--quiet", "--message", "all"],
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("git") is None, reason="the tutorial begins with git clone")
def test_the_tutorial_as_written(origin, tmp_path):
    (tmp_path / "bin").mkdir()
    setup = executable(tmp_path / "bin" / "setup_python", SETUP.format(python=sys.executable))
    code, output = execute(
        script(PAGE), tmp_path, tmp_path / "bin", ADDRESS=str(origin), PYTHON=str(setup)
    )
    assert code == 0, output
    assert "Traceback" not in output and "error:" not in output, output
    checkout = tmp_path / "fena_sim"
    runs = {path.name for path in (checkout / "runs").iterdir()}
    assert len(runs) == 5
    for suffix in ("pdf", "svg", "png"):
        assert (checkout / "figures" / "made" / f"oddball.{suffix}").stat().st_size > 5000
    assert set(runs_of(checkout / "figures" / "made" / "oddball.png")) == runs


def test_five_commands_and_ten_lines():
    found = blocks(PAGE)
    typed = [line for language, code in found if language == "bash" for line in code.splitlines()]
    assert len(typed) == 5
    (protocol,) = [code for language, code in found if language == "python"]
    assert (
        len([line for line in protocol.splitlines() if line.strip() and not line.startswith("#")])
        <= 10
    )


def test_the_page_shows_a_figure_that_exists():
    assert (ROOT / "docs" / "figures" / "tutorial.png").exists()
    assert len(runs_of(ROOT / "docs" / "figures" / "tutorial.png")) == 5

"""Fenced blocks of a page, as one shell script that runs them in their order."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FORKS = ROOT / "tests" / "forks.py"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.S | re.M)
#: What is no part of a checkout: anywhere, and at its top alone (fena_sim/runs/ is a package).
ANYWHERE = shutil.ignore_patterns(".*_cache", ".hypothesis", "__pycache__", "*.egg-info", "made")
AT_THE_TOP = {".git", ".venv", ".test_builds", "runs", "build", "dist"}


def left_out(folder, names):
    """What `shutil.copytree` leaves out of a copy of the checkout."""
    top = AT_THE_TOP.intersection(names) if Path(folder) == ROOT else set()
    return ANYWHERE(folder, names) | top


def blocks(path):
    """[(language, code)] of a page."""
    return FENCE.findall(path.read_text(encoding="utf-8"))


def script(path):
    """A bash script: bash blocks as written; a Python block whose first line is `# name.py` is
    saved, any other is run.
    """
    parts = ["set -eu"]
    for number, (language, code) in enumerate(blocks(path)):
        if language == "bash":
            parts.append(code)
        elif language == "python":
            named = re.match(r"# (\w+\.py)\n", code)
            name = named[1] if named else f"block_{number}.py"
            parts.append(f"cat > {name} <<'END OF BLOCK'\n{code}END OF BLOCK")
            parts += [] if named else [f"python {name}"]
    return "\n".join(parts)


def executable(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return path


def commands(folder, server=None):
    """A folder for the PATH with `python` and `fena` of this environment and checkout; as forks of
    `server` if it is given.
    """
    folder.mkdir()
    python = (
        f'"{sys.executable}"'
        if server is None
        else f'"{sys.executable}" -S -E "{FORKS}" "{server}"'
    )
    executable(folder / "python", f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec {python} "$@"\n')
    executable(folder / "fena", f'#!/bin/sh\nexec "{folder}/python" -m fena_sim "$@"\n')
    return folder


def execute(text, cwd, path, **environment):
    """(exit code, all output) of a bash script with `path` in front of the PATH."""
    finished = subprocess.run(
        ["bash", "-c", text],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        env={**os.environ, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}", **environment},
    )
    return finished.returncode, finished.stdout

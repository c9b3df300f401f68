"""Oracle: `sys.modules` of a fresh process. Help, listing and completion import nothing large, which
is what makes them fast whatever else the machine does.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import handmade
import pytest

from fena_sim.commands.main import NAMES

ROOT = Path(__file__).resolve().parents[2]
LARGE = {
    *("brian2", "brian2_dense", "dask", "distributed", "IPython", "matplotlib", "numpy", "pandas"),
    *("PIL", "pytest", "scipy", "sklearn", "sympy", "torch", "xarray", "zarr"),
}
#: Runs what comes after it, and ends with one line of what was imported.
REPORT = """
import atexit, json, os, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
"""


def imported(code, folder, **environment):
    """(standard output, names of all modules) of a process that runs some code in a folder."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT + code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, set(json.loads(done.stderr.splitlines()[-1]))


def fena(*arguments):
    return f"from fena_sim.commands.main import main; main({list(arguments)!r})"


@pytest.fixture
def with_run(tmp_path):
    """A folder with the manifest of a run, as far as `fena list` reads it."""
    blocks = {
        name: (handmade.events(range(n), [0] * n), None, None) for name, n in zip("ab", (10, 14))
    }
    handmade.write(tmp_path / "runs" / "one", blocks, batch=2)
    return tmp_path


def test_the_check_sees_a_large_module(tmp_path):
    assert "brian2" in imported("import fena_sim; fena_sim.Population", tmp_path)[1] & LARGE


def test_importing_the_package_imports_nothing_large(tmp_path):
    modules = imported("import fena_sim; dir(fena_sim)", tmp_path)[1]
    assert not modules & LARGE
    assert {name for name in modules if name.startswith("fena_sim.")} == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        *((name, "--help") for name in NAMES),
        ("bench", "speed", "--help"),
    ],
    ids=" ".join,
)
def test_help_imports_nothing_large(arguments, tmp_path):
    text, modules = imported(fena(*arguments), tmp_path)
    assert text and not modules & LARGE


def test_help_of_one_command_imports_no_other(tmp_path):
    modules = imported(fena("list", "--help"), tmp_path)[1]
    files = {f"fena_sim.commands.{name}" for name in NAMES}
    assert modules & files == {"fena_sim.commands.list"}


def test_list_imports_nothing_large(with_run):
    text, modules = imported(fena("list", "--json"), with_run)
    (run,) = json.loads(text)["runs"]
    assert (run["name"], run["tokens"], run["blocks"]) == ("one", 2 * (5 + 7), ["a", "b"])
    assert not modules & LARGE
    assert not imported(fena("list"), with_run)[1] & LARGE


def test_completion_imports_nothing_large(tmp_path):
    assert not imported(fena("completion", "bash"), tmp_path)[1] & LARGE
    for words, expected in (("fena de", "describe"), ("fena run --see", "--seeds")):
        environment = dict(
            _FENA_COMPLETE="bash_complete",
            COMP_WORDS=words,
            COMP_CWORD=str(len(words.split()) - 1),
        )
        text, modules = imported(fena(), tmp_path, **environment)
        assert expected in text and not modules & LARGE


def test_a_mistyped_command_imports_nothing_large(tmp_path):
    code = "import fena_sim.commands.main as m\ntry: m.main(['lst'])\nexcept SystemExit as e: assert e.code == 2"
    assert not imported(code, tmp_path)[1] & LARGE

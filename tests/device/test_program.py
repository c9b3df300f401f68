"""A compiled network that fails. Oracle: the documented contract; scripts that stand for networks."""

import json

import numpy as np
import pytest

from fena_sim.commands.shell import exit_code
from fena_sim.device.cpp import CppProgram
from fena_sim.errors import DeviceError, ResourceError


@pytest.fixture
def program(tmp_path):
    """program(script, mode): a network whose one variable is `a.x`, of three values."""

    def make(script, mode=0o755):
        about = {"dt": 0.001, "explanations": [], "monitors": []}
        about["state"] = {"a.x": [3, "float64", "x"]}
        (tmp_path / "program.json").write_text(json.dumps(about))
        (tmp_path / "main").write_text(script)
        (tmp_path / "main").chmod(mode)
        return CppProgram(tmp_path)

    return make


def advance(program):
    # What this network takes of the pacemaker is of no concern here.
    program.variables |= dict.fromkeys(
        ("pacemaker.chunk_start", "pacemaker.chunk_duration"), (1, np.dtype(float))
    )
    return program.run({"a.x": np.arange(3.0)}, {}, 0, 1)


def test_results_are_read(program):
    """This one copies its state: its arguments are --results_dir FOLDER/ a.x=FILE ..."""
    state, _ = (None, None)
    made = program('#!/bin/sh\ncp "${3#a.x=}" "$2/x"\n')
    made._monitors = []
    with pytest.raises(KeyError):  # no recordings of the pacemaker, which every network has
        advance(made)[1].ends
    state, _ = advance(made)
    np.testing.assert_array_equal(state["a.x"], np.arange(3.0))


@pytest.mark.parametrize(
    "script, mode", [("#!/bin/sh\n", 0o644), ("", 0o755), ("#!/nowhere/sh\n", 0o755)]
)
def test_one_that_cannot_be_started_names_the_cache(script, mode, program, tmp_path):
    with pytest.raises(DeviceError, match="cannot be started") as caught:
        advance(program(script, mode))
    assert "build cache" in caught.value.where and str(tmp_path) in caught.value.where
    assert "start the same command again" in caught.value.fix and exit_code(caught.value) == 2


@pytest.mark.parametrize("script", ["kill -9 $$", 'echo "what():  std::bad_alloc" >&2; kill -6 $$'])
def test_one_that_memory_runs_out_for(script, program):
    with pytest.raises(ResourceError, match="memory runs out") as caught:
        advance(program(f"#!/bin/sh\n{script}\n"))
    assert "goes on from the last checkpoint" in caught.value.fix and exit_code(caught.value) == 4


def test_one_that_writes_too_little_names_the_temporary_folder(program, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(ResourceError, match="wrote 0 of 3 values of x") as caught:
        advance(program("#!/bin/sh\n"))
    assert str(tmp_path) in caught.value.where and "TMPDIR" in caught.value.fix
    assert exit_code(caught.value) == 4


def test_one_that_stops_with_a_message(program):
    with pytest.raises(DeviceError, match="code 3: x.cpp: error in clock"):
        advance(program("#!/bin/sh\necho 'x.cpp: error in clock' >&2; exit 3\n"))

"""Programs that a signal ends while they are asked. Oracle: what they say when nothing ends them."""

import shutil
import subprocess

import pytest

from fena_sim.device.asked import ask
from fena_sim.device.compiler import reason_against
from fena_sim.device.cuda import toolchain
from fena_sim.runs.provenance import git_state
from fena_sim.study.claims.page import definitions_commit

CARD = "NVIDIA H100, 9.0, 81559, 580.65.06, GPU-1"


@pytest.fixture
def program(tmp_path, monkeypatch):
    """program(name, script, ended): the first on the PATH; its first `ended` starts end by SIGKILL."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def make(name, script, ended):
        path = tmp_path / name
        count = f'echo >> "$0.starts"; [ $(wc -l < "$0.starts") -le {ended} ] && kill -9 $$'
        path.write_text(f"#!/bin/sh\n{count}\n{script}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.mark.parametrize("asked", [git_state, definitions_commit])
def test_git(asked, program):
    expected = asked()
    program("git", f'exec {shutil.which("git")} "$@"', 1)
    assert asked() == expected


def test_compiler(program, monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    program("g++", f'exec {shutil.which("g++")} "$@"', 1)
    assert reason_against() is None


def test_cards(program, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    program("nvidia-smi", f"echo '{CARD}'", 1)
    (card,) = toolchain.cards()
    assert (card.name, card.capability) == ("NVIDIA H100", 9.0)


def test_one_that_is_always_ended_says_so(program):
    program("git", "exit 0", 9)
    assert ask(["git"]).returncode == -9
    with pytest.raises(subprocess.CalledProcessError):
        ask(["git"]).check_returncode()


def test_one_that_fails_by_itself_is_not_asked_again(program):
    path = program("git", "echo no; exit 3", 0)
    finished = ask(["git"])
    assert (finished.returncode, finished.stdout) == (3, "no\n")
    assert path.with_name("git.starts").read_text().count("\n") == 1

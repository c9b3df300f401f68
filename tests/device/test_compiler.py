"""The compiler that CXX names. Oracle: the documented contract; scripts that stand for compilers."""

import errno
import os

import pytest
from brian2 import prefs
from brian2.codegen.cpp_prefs import get_compiler_and_args

from fena_sim.commands.shell import exit_code
from fena_sim.device.compiler import compiler, flags, reason_against, run_compiler
from fena_sim.device.cpp import CppDevice
from fena_sim.errors import DeviceError, ResourceError


@pytest.fixture
def named(tmp_path, monkeypatch):
    """named(script, more): CXX is a script, with `more` behind it; its path."""

    def make(script, more=""):
        path = tmp_path / "cxx"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("CXX", f"{path}{more}")
        return path

    return make


@pytest.fixture
def sources(tmp_path):
    folder = tmp_path / "build"
    folder.mkdir()
    (folder / "unity.cpp").write_text("int main() { return 0; }\n")
    return folder


def build(folder):
    run_compiler([*compiler(), "-o", "main", "unity.cpp"], folder)


def test_arguments_in_cxx(named, sources):
    """As in CXX="ccache g++": the first word is started, and given the others."""
    path = named('exec "$@"', " g++ -O0")
    assert compiler() == [str(path), "g++", "-O0"] and reason_against() is None
    assert CppDevice().flags()[:3] == [str(path), "g++", "-O0"]
    build(sources)
    assert os.access(sources / "main", os.X_OK)


def test_a_path_with_spaces_is_quoted_as_in_a_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", f"'{tmp_path}/my compiler' -m64")
    assert compiler() == [f"{tmp_path}/my compiler", "-m64"]


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_cxx_is_none(empty, monkeypatch):
    monkeypatch.setenv("CXX", empty)
    assert compiler() == ["g++"]


def test_a_cxx_that_cannot_be_read(monkeypatch):
    monkeypatch.setenv("CXX", "g++ 'x")
    with pytest.raises(DeviceError, match='CXX is "g.. \'x"') as caught:
        compiler()
    assert caught.value.fix and "cannot be read" in reason_against()


@pytest.mark.parametrize(
    "script, mode, reason",
    [
        ("exit 1", 0o755, "does not work"),
        ("", 0o644, "cannot be started"),
        (None, 0, "was not found"),
    ],
)
def test_a_compiler_that_does_not_work_is_named(script, mode, reason, named):
    path = named(script or "")
    path.unlink() if script is None else path.chmod(mode)
    assert str(path) in CppDevice().available() and reason in CppDevice().available()


@pytest.fixture
def wanted():
    """Brian2's preference: one flag that g++ takes, and one that it does not."""
    before = prefs.codegen.cpp.extra_compile_args
    prefs.codegen.cpp.extra_compile_args = ["-march=native", "-fno-such-flag"]
    yield
    prefs.codegen.cpp.extra_compile_args = before


#: Ends itself as if memory had run out, on its {0}th start.
ENDED = 'echo >> "$0.starts"; [ $(wc -l < "$0.starts") = {0} ] && kill -9 $$; exec g++ "$@"'


@pytest.mark.parametrize("start", [1, 2, 3, 4, 5])
def test_a_compiler_that_is_ended_once_does_not_lose_a_flag(start, named, wanted):
    """Starts: one with the first flag; with the second, without it, and with it again."""
    named(ENDED.format(start))
    try:
        assert flags() == ["-march=native"]
    except DeviceError:
        assert start == 3  # the program without any flag was not compiled: said, not guessed
        assert flags() == ["-march=native"]


def test_a_compiler_that_cannot_compile_now_is_not_asked_for_flags(named, wanted):
    path = named("echo 'g++: fatal error: Killed signal terminated program cc1plus' >&2; exit 1")
    with pytest.raises(DeviceError, match="does not compile an empty program") as caught:
        flags()
    assert str(path) in caught.value.what and "-march=native" in caught.value.where
    path.unlink()
    with pytest.raises(DeviceError, match="No such file"):
        flags()


def test_flags_are_those_that_brian2_takes():
    assert flags() == get_compiler_and_args()[1]


def test_a_compiler_that_is_ended_once_is_still_there(named):
    named(ENDED.format(1))
    assert reason_against() is None


@pytest.mark.parametrize(
    "script, said",
    [
        ("echo 'x.cpp:1: error: no such thing' >&2; exit 1", "no such thing"),
        ("exit 0", "made no program"),
        ("kill -9 $$", "ended by signal 9"),
    ],
)
def test_a_compiler_that_fails_is_named(script, said, named, sources):
    path = named(script)
    with pytest.raises(DeviceError, match="does not compile") as caught:
        build(sources)
    assert str(path) in caught.value.what and said in caught.value.what
    assert "CXX" in caught.value.fix and exit_code(caught.value) == 2


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_is_full_for_the_compiler(number, named, sources, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    named(f"echo 'fatal error: error writing to /x/y.s: {os.strerror(number)}' >&2; exit 1")
    with pytest.raises(ResourceError, match="had no room") as caught:
        build(sources)
    for place in (sources.parent, tmp_path):
        assert str(place) in caught.value.where
    assert "TMPDIR" in caught.value.fix and "FENA_CACHE" in caught.value.fix
    assert exit_code(caught.value) == 4

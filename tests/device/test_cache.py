"""The build cache. Oracle: a compiler made here that writes down who it is and how often it was
called; for damage, the documented contract: a build is as it was made, or made anew; for keys, the
documented contract of a declaration's key.
"""

import os
import stat
import subprocess
import threading
from pathlib import Path

import attrs
import pytest
import tiny
from brian2 import ms

import fena_sim as fs
from fena_sim.commands.shell import exit_code
from fena_sim.device import build_cache as cache
from fena_sim.device.cuda import toolchain
from fena_sim.device.cuda.devices import CudaDevice
from fena_sim.errors import ResourceError
from fena_sim.network.shape import BlockShape, SignalShape
from fena_sim.stimulus import dense_random, one_hot


@pytest.fixture
def store(tmp_path, monkeypatch):
    """store(sources, flags) -> (what `main` holds, number of compilations so far)."""
    monkeypatch.setenv("FENA_CACHE", str(tmp_path / "cache"))
    calls = []

    def store(sources, *flags):
        def compile_in(folder):
            calls.append(flags)
            (folder / "main").write_text(" ".join(flags))
            (folder / "main").chmod(0o755)

        folder = tmp_path / f"sources_{sources}"
        folder.mkdir(exist_ok=True)
        (folder / "unity.cu").write_text(sources)
        (folder / "program.json").write_text('{"dt": 0.001}')
        (folder / "static_arrays").mkdir(exist_ok=True)
        (folder / "static_arrays" / "indices").write_bytes(bytes(range(32)))
        return cache.store("key", folder, list(flags), compile_in), len(calls)

    return store


def test_another_compiler_does_not_find_the_binary_of_the_first(store):
    first, _ = store("a", "CUDA 12.4", "/opt/cuda-12/bin/nvcc", "-O3")
    for flags in (
        ("CUDA 13.0", "/opt/cuda-12/bin/nvcc", "-O3"),
        ("CUDA 12.4", "/opt/cuda-13/bin/nvcc", "-O3"),
        ("CUDA 12.4", "/opt/cuda-12/bin/nvcc", "-O2"),
        ("CUDA 12.4", "/opt/cuda-12/bin/nvcc-O3"),
    ):
        other, _ = store("a", *flags)
        assert other != first and (other / "main").read_text() == " ".join(flags)
        assert cache.lookup("key") == other
    assert (first / "main").read_text() == "CUDA 12.4 /opt/cuda-12/bin/nvcc -O3"


def test_the_same_sources_and_command_are_compiled_once(store):
    assert store("a", "g++", "-O3") == store("a", "g++", "-O3") and store("a", "g++", "-O3")[1] == 1
    assert store("b", "g++", "-O3")[1] == 2


def test_a_build_for_cuda_depends_on_path_and_release(monkeypatch, tmp_path):
    def flags(nvcc, release):
        monkeypatch.setattr(
            toolchain, "find", lambda: toolchain.Toolchain(nvcc, release, [], [], "system")
        )
        return CudaDevice().flags()

    monkeypatch.setenv("FENA_CUDA_ARCH", "8.6")
    a, b = tmp_path / "a", tmp_path / "b"
    assert len({tuple(flags(nvcc, release)) for nvcc in (a, b) for release in (12.4, 13.0)}) == 4
    assert flags(a, 13.0) == flags(a, 13.0)


# -- damage ----------------------------------------------------------------------------------

DAMAGE = {
    "deleted": lambda path: path.unlink(),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "emptied": lambda path: path.write_bytes(b""),
    "flipped": lambda path: path.write_bytes(
        bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]
    ),
    "replaced by {}": lambda path: path.write_text("{}"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["main", "program.json", "complete.json", "static_arrays/indices"])
def test_a_damaged_build_is_made_anew(name, damage, store):
    build, _ = store("a", "g++")
    contents = {p: p.read_bytes() for p in build.rglob("*") if p.is_file()}
    assert cache.lookup("key") == build
    DAMAGE[damage](build / name)
    assert cache.lookup("key") is None
    assert store("a", "g++") == (build, 2)
    assert {p: p.read_bytes() for p in build.rglob("*") if p.is_file()} == contents
    assert cache.lookup("key") == build and store("a", "g++")[1] == 2


def test_a_build_that_cannot_be_executed_is_made_anew(store):
    build, _ = store("a", "g++")
    (build / "main").chmod(0o644)
    assert cache.lookup("key") is None
    assert store("a", "g++")[1] == 2 and os.access(build / "main", os.X_OK)


def test_nothing_is_left_of_damaged_builds(store):
    build, _ = store("a", "g++")
    (build / "main").unlink()
    store("a", "g++")
    assert {p.name for p in cache.root().iterdir()} == {build.name, "declarations", "names.lock"}


def test_what_is_whole_is_read_once_per_process(store, monkeypatch):
    build, _ = store("a", "g++")
    assert cache.is_whole(build)
    read, checksum = [], cache._checksum
    monkeypatch.setattr(cache, "_checksum", lambda path: read.append(path) or checksum(path))
    assert cache.is_whole(build) and cache.lookup("key") == build and not read
    os.utime(build / "main")
    assert cache.is_whole(build) and read == [build / "main"]


@pytest.mark.parametrize(
    "note",
    ["../../outside", "{outside}", "", "{build}\n", "{build}/../{build}", "é" * 32, "\0" * 32],
)
def test_a_note_cannot_lead_elsewhere(note, store, tmp_path):
    """A build that lies outside, whole in itself, is not run."""
    build, _ = store("a", "g++")
    outside = tmp_path / "outside"
    build.rename(outside)
    note = note.format(outside=outside, build=build.name)
    (cache.root() / "declarations" / "key").write_text(note)
    assert cache.is_whole(outside) and cache.lookup("key") is None
    build.symlink_to(outside)
    assert cache.lookup("key") is None
    assert store("a", "g++") == (build, 2) and not build.is_symlink()
    assert cache.lookup("key") == build


def test_a_build_is_on_the_disk_before_it_has_its_name(store, monkeypatch):
    flushed, rename = [], Path.rename

    def noted(self, target):
        if (self / "main").exists():
            needed = {
                (self / name).stat().st_ino
                for name in ("main", "program.json", "complete.json", "static_arrays", "")
            }
            assert needed <= set(flushed)
            flushed.append("named")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", lambda number: flushed.append(os.fstat(number).st_ino))
    monkeypatch.setattr(Path, "rename", noted)
    store("a", "g++")
    after = flushed[flushed.index("named") :]
    assert cache.root().stat().st_ino in after  # the name itself, before the note that names it


# -- whose it is -------------------------------------------------------------------------------


def test_the_cache_is_the_users_own(store):
    store("a", "g++")
    about = cache.root().stat()
    assert stat.S_IMODE(about.st_mode) == 0o700 and about.st_uid == os.getuid()


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777, 0o1777])
def test_a_cache_that_others_can_write_to_is_refused(mode, store):
    store("a", "g++")
    cache.root().chmod(mode)
    for use in (cache.check, lambda: cache.lookup("key"), lambda: store("a", "g++")):
        with pytest.raises(
            ResourceError, match="other users can write to the build cache"
        ) as caught:
            use()
        assert str(cache.root()) in caught.value.where and "chmod -R go-w" in caught.value.fix
        assert exit_code(caught.value) in (2, 4)
    subprocess.run(caught.value.fix.split(": ")[1].split(";")[0], shell=True, check=True)
    assert cache.lookup("key")


def test_a_cache_of_another_user_is_refused(store, monkeypatch):
    store("a", "g++")
    monkeypatch.setattr(os, "getuid", lambda me=os.getuid(): me + 1)
    for use in (cache.check, lambda: cache.lookup("key"), lambda: store("a", "g++")):
        with pytest.raises(ResourceError, match="belongs to another user") as caught:
            use()
        assert str(cache.root()) in caught.value.where and "FENA_CACHE" in caught.value.fix


@pytest.mark.parametrize("named", ["file", "file/deep"])
def test_a_cache_that_is_a_file_is_named(named, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FENA_CACHE", str(tmp_path / named))
    for use in (cache.check, lambda: cache.store("key", tmp_path, [], None)):
        with pytest.raises(ResourceError, match="build cache cannot be used") as caught:
            use()
        assert str(tmp_path / named) in caught.value.where and "FENA_CACHE" in caught.value.where
        assert exit_code(caught.value) == 2


# -- several builders --------------------------------------------------------------------------


def test_builders_at_the_same_time(store, tmp_path):
    """All get a whole build of the one name, also where a damaged one was in the way."""
    build, _ = store("a", "g++")
    (build / "main").write_text("")
    found, barrier = [], threading.Barrier(6)

    def compile_in(folder):
        barrier.wait()
        (folder / "main").write_text("g++")
        (folder / "main").chmod(0o755)

    def one():
        folder = cache.store("key", tmp_path / "sources_a", ["g++"], compile_in)
        found.append((folder, (folder / "main").read_text()))

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(build, "g++")] * 6
    assert {p.name for p in cache.root().iterdir()} == {build.name, "declarations", "names.lock"}


KILLED = """
import os, signal, sys
from pathlib import Path
from fena_sim.device import build_cache
build_cache.store("key", Path(sys.argv[1]), ["g++"], lambda folder: os.kill(os.getpid(), signal.SIGKILL))
"""


def test_what_a_killed_builder_left_is_removed(store, tmp_path, python, monkeypatch):
    store("a", "gcc")
    arguments = [*python, "-c", KILLED, str(tmp_path / "sources_a")]
    assert subprocess.run(arguments, check=False).returncode != 0
    assert len(list(cache.root().glob("fena_scratch_*"))) == 1
    monkeypatch.setattr(cache.scratch, "_tidied", set())  # as in a new process
    store("a", "g++")
    assert not list(cache.root().glob("fena_scratch_*"))


MODEL, SYMBOLS = tiny.model(), "abcdefghijklmnop"
PROBE = fs.Probe("state_1", "r")
#: What a key is made of; each of the others differs from the first by one thing that is baked in.
BAKED = {
    "nothing": {},
    "codes": dict(vocabulary=dense_random(SYMBOLS, 16, seed=1)),
    "other codes": dict(vocabulary=dense_random(SYMBOLS, 16, seed=2)),
    "size": dict(hierarchy=tiny.model(sizes=(8, 6, 4))),
    "dt": dict(hierarchy=MODEL.with_parameter("dt", 0.5 * ms)),
    "capacity": dict(shape=BlockShape(9, 0, (SignalShape("gate"),))),
    "steps": dict(shape=BlockShape(8, 60, (SignalShape("gate"),))),
    "a control by step": dict(shape=BlockShape(8, 0, (SignalShape("gate", by_step=True),))),
    "a signal": dict(shape=BlockShape(8, 0, (SignalShape("gate"),), (SignalShape("own"),))),
    "values by unit": dict(
        shape=BlockShape(8, 0, (SignalShape("gate"),), (SignalShape("own", units=3),))
    ),
    "Poisson spikes": dict(
        shape=BlockShape(8, 0, (SignalShape("gate"),), (SignalShape("own", poisson=True),))
    ),
    "no probe": dict(probes=()),
    "variable": dict(probes=[fs.Probe("state_1", "f")]),
    "population": dict(probes=[fs.Probe("state_2", "r")]),
    "units": dict(probes=[attrs.evolve(PROBE, units=[1])]),
    "other units": dict(probes=[attrs.evolve(PROBE, units=[2])]),
    "interval": dict(probes=[attrs.evolve(PROBE, interval=2 * ms)]),
    "flags": dict(flags=["float64"]),
}


def key(hierarchy=MODEL, vocabulary=None, shape=None, probes=(PROBE,), flags=("float32",)):
    vocabulary = vocabulary or one_hot(SYMBOLS)
    shape = shape or BlockShape(8, 0, (SignalShape("gate"),))
    return cache.declaration_key(hierarchy, vocabulary, shape, probes, flags)


def test_whatever_is_baked_into_a_build_decides_its_key():
    keys = {what: key(**changed) for what, changed in BAKED.items()}
    alike = [what for what, found in keys.items() if list(keys.values()).count(found) > 1]
    assert not alike


def test_parameters_and_initial_values_need_no_other_build():
    other = MODEL.with_parameter("level.2.tau", 99 * ms)
    drawn = [attrs.evolve(p, initial={n: 0.5 for n in p.initial}) for p in other.populations]
    assert key(hierarchy=attrs.evolve(other, populations=drawn)) == key()

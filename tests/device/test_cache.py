"""The build cache. Oracle: a compiler made here that writes down who it is and how often it was
called; the documented contract of a declaration's key.
"""

import attrs
import pytest
import tiny
from brian2 import ms

import fena_sim as fs
from fena_sim.device import build_cache as cache
from fena_sim.device.cuda import toolchain
from fena_sim.device.cuda.devices import CudaDevice
from fena_sim.network.pacemaker import BlockShape
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

        folder = tmp_path / f"sources_{sources}"
        folder.mkdir(exist_ok=True)
        (folder / "unity.cu").write_text(sources)
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


MODEL, SYMBOLS = tiny.model(), "abcdefghijklmnop"
PROBE = fs.Probe("state_1", "r")
#: What a key is made of; each of the others differs from the first by one thing that is baked in.
BAKED = {
    "nothing": {},
    "codes": dict(vocabulary=dense_random(SYMBOLS, 16, seed=1)),
    "other codes": dict(vocabulary=dense_random(SYMBOLS, 16, seed=2)),
    "size": dict(hierarchy=tiny.model(sizes=(8, 6, 4))),
    "dt": dict(hierarchy=MODEL.with_parameter("dt", 0.5 * ms)),
    "capacity": dict(shape=BlockShape(9, (1, 1, 1, 1))),
    "a control within tokens": dict(shape=BlockShape(8, (1, 60, 1, 1))),
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
    shape = shape or BlockShape(8, (1, 1, 1, 1))
    return cache.declaration_key(hierarchy, vocabulary, shape, probes, flags)


def test_whatever_is_baked_into_a_build_decides_its_key():
    keys = {what: key(**changed) for what, changed in BAKED.items()}
    alike = [what for what, found in keys.items() if list(keys.values()).count(found) > 1]
    assert not alike


def test_parameters_and_initial_values_need_no_other_build():
    other = MODEL.with_parameter("level.2.tau", 99 * ms)
    drawn = [attrs.evolve(p, initial={n: 0.5 for n in p.initial}) for p in other.populations]
    assert key(hierarchy=attrs.evolve(other, populations=drawn)) == key()

"""The build cache. Oracle: a compiler made here that writes down who it is and how often it was
called.
"""

import pytest

from fena_sim.device import build_cache as cache
from fena_sim.device.cuda import toolchain
from fena_sim.device.cuda.devices import CudaDevice


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
        (folder / "program.json").write_text("{}")
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

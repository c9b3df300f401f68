"""Oracle: the other device. Compiled C++ and Brian2's NumPy runtime share no generated code."""

import attrs
import numpy as np
import pytest
import tiny
from brian2 import ms

import fena_sim as fs
from fena_sim.device.default import choose_device
from fena_sim.errors import DeviceError

RELATIVE = 1e-9


AGREEMENT = fs.Protocol(
    name="agreement",
    blocks=[tiny.block("fixed", 30), tiny.block("paced", 30, pace=fs.SelfPaced(blank=10 * ms))],
)


@pytest.fixture(scope="module")
def runtime(tiny_fena, tmp_path_factory):
    return fs.run(
        tiny_fena, AGREEMENT, seed=3, device="runtime", out=tmp_path_factory.mktemp("runtime")
    )


@pytest.mark.compile
@pytest.mark.xdist_group("devices agree")
@pytest.mark.parametrize("device", ["cpp", "dense64"])
def test_devices_agree(runtime, tiny_fena, tmp_path, device):
    """30 tokens each at a fixed pace and self-paced, learning, with noise."""
    cpp = fs.run(tiny_fena, AGREEMENT, seed=3, device=device, out=tmp_path)
    for block in AGREEMENT.blocks:
        for kind in ("state", "tokens", "traces"):
            ours, theirs = (getattr(run, kind)(block.name) for run in (cpp, runtime))
            assert set(ours) == set(theirs)
            for name in ours:
                a, b = np.asarray(ours[name], float), np.asarray(theirs[name], float)
                scale = max(np.max(np.abs(b), initial=0), 1e-300)
                assert np.max(np.abs(a - b), initial=0) / scale <= RELATIVE, (
                    block.name,
                    kind,
                    name,
                )
        assert cpp.events(block.name).equals(runtime.events(block.name))
    steps = cpp.tokens("paced")["steps"].values
    assert len(set(steps)) > 5, (
        "the pace must depend on settling for the comparison to mean anything"
    )
    moved = cpp.state("paced")["W_1.w"] - cpp.state("fixed")["W_1.w"]
    assert np.abs(moved).max() > 1e-4, "learning must have changed the weights"


@pytest.mark.compile
def test_single_precision_is_close_and_as_reproducible(tiny_fena, tmp_path):
    """float32 states: near the float64 ones for as long as rounding has not grown, and the same for
    any chunk. Times are the same in both, to the last bit.
    """
    protocol = fs.Protocol(name="agreement", blocks=[tiny.block("few", 6)])
    exact = fs.run(tiny_fena, protocol, seed=3, device="dense64", out=tmp_path)
    runs = [
        fs.run(tiny_fena, protocol, seed=3, device="dense", out=tmp_path / str(k), chunk_tokens=k)
        for k in (6, 2)
    ]
    for run in runs:
        assert run.events("few").equals(exact.events("few"))
    assert set(exact.events("few")["duration"]) == {0.048}
    double, single, again = (run.state("few") for run in (exact, *runs))
    assert single["state_1.r"].dtype == np.float32 and single["W_1.w"].dtype == np.float32
    for name in ("W_1.w", "state_1.r", "error_0.error", "precision_1.trust"):
        assert np.max(np.abs(single[name] - double[name])) <= 1e-4 * np.max(np.abs(double[name])), (
            name
        )
        np.testing.assert_array_equal(single[name], again[name])


@pytest.fixture(params=["CXX", "PATH"])
def no_compiler(request, monkeypatch, tmp_path):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv(request.param, str(tmp_path / "nonexistent"))


@pytest.mark.slow
def test_without_a_compiler_auto_runs_anyway(no_compiler, tiny_fena, tmp_path):
    run = fs.run(tiny_fena, tiny.one_block(2, probes=()), out=tmp_path)
    assert run.manifest["device"] == "runtime"
    assert "was not found" in (run.folder / "log.txt").read_text()


def test_without_a_compiler_cpp_is_refused(no_compiler, tiny_fena, tmp_path):
    with pytest.raises(DeviceError, match="compiler") as caught:
        fs.run(tiny_fena, tiny.one_block(2), device="cpp", out=tmp_path)
    assert "--device runtime" in caught.value.fix
    assert not list(tmp_path.iterdir())


def test_compiler_that_does_not_compile(tiny_fena, tmp_path, monkeypatch):
    compiler = tmp_path / "compiler"
    compiler.write_text('#!/bin/sh\ntest "$1" = --version\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    with pytest.raises(DeviceError, match="does not compile"):
        fs.run(tiny_fena, tiny.one_block(2), device="cpp", out=tmp_path / "out")


@pytest.mark.parametrize(
    "name, hint", [("cp", "did you mean 'cpp'"), ("cuda_standalone", "auto, cpp"), (None, "auto")]
)
def test_unknown_device(name, hint):
    with pytest.raises(DeviceError, match="no device") as caught:
        choose_device(name)
    assert hint in caught.value.fix


def test_parameters_and_seeds_need_no_other_build(tiny_fena):
    """Contract: a build depends on equations, sizes, codes and probes, never on values."""
    from fena_sim.declare.control_signals import CONTROL_SIGNALS
    from fena_sim.device.build_cache import declaration_key
    from fena_sim.network.shape import BlockShape, SignalShape

    controls = tuple(SignalShape(name) for name in CONTROL_SIGNALS)
    shape = BlockShape(capacity=512, steps=0, controls=controls)

    def key(model):
        return declaration_key(model, tiny.VOCABULARY, shape, (), ["g++"])

    assert (
        key(tiny_fena)
        == key(tiny_fena.with_parameter("level.2.tau", 20 * ms))
        == key(
            attrs.evolve(
                tiny_fena, populations=[attrs.evolve(p, initial={}) for p in tiny_fena.populations]
            )
        )
    )
    assert key(tiny_fena) != key(tiny_fena.with_parameter("dt", 0.5 * ms))
    assert key(tiny_fena) != key(tiny.model(sizes=(8, 6)))

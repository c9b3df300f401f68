"""CUDA without a card: the generated kernels run on the CPU, and NVIDIA's compiler builds them.

Oracles: stock C++ standalone (another code generator and another order of addition), the same
program with threads in reverse order, g++'s address sanitizer, counts made by the host layer
against the accounts that the estimate reads.
"""

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import attrs
import numpy as np
import pytest
import tiny

import fena_sim as fs
from brian2_dense.cuda import chains
from fena_sim.device.cuda import estimate, sources, toolchain
from fena_sim.device.cuda.devices import CudaDevice, CudaHostDevice
from fena_sim.device.cuda.preferences import remedy
from fena_sim.device.default import DEVICES, choose_device
from fena_sim.errors import DeviceError
from fena_sim.extras import install_hint
from fena_sim.runs import preview
from fena_sim.runs.plan import Plan
from fena_sim.stimulus import TokenStream, one_hot
from fena_sim.study.certify.certificate import common_period, cut

pytest.importorskip("brian2cuda", reason=f"brian2cuda is not installed: {remedy()}")
SCRIPT = Path(__file__).with_name("cuda_script.py")


def estimate_run(model, protocol):
    return preview.estimate(Plan.of(model, protocol, 0, DEVICES["cuda"]))


@functools.cache  # its sources take seconds to write
def tiny_estimate():
    return estimate_run(tiny.model(), tiny.one_block())


def script(device, dtype, folder, *options, order="forward"):
    folder.mkdir()
    environment = {**os.environ, "FENA_CUDA_ORDER": order, "ASAN_OPTIONS": "detect_leaks=0"}
    finished = subprocess.run(
        [sys.executable, str(SCRIPT), device, dtype, str(folder), *options],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    return dict(np.load(folder / "results.npz"))


def scaled(found, reference):
    return max(
        np.abs(found[name] - array).max() / np.abs(array).max() for name, array in reference.items()
    )


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "bar"), [("float64", 1e-12), ("float32", 1e-5)])
def test_dense_kernels_of_all_shapes_agree_with_stock_cpp(dtype, bar, tmp_path):
    reference = script("cpp_standalone", dtype, tmp_path / "cpp")
    found = script("cuda_host", dtype, tmp_path / "forward")
    assert scaled(found, reference) <= bar
    (tmp_path / "forward" / "reverse").mkdir()
    subprocess.run(
        [str(tmp_path / "forward" / "main"), "--results_dir", "reverse/"],
        cwd=tmp_path / "forward",
        env={**os.environ, "FENA_CUDA_ORDER": "reverse"},
        capture_output=True,
        check=True,
    )
    for file in (tmp_path / "forward" / "reverse").iterdir():
        if file.name.startswith(("_array", "_dynamic_array")):
            assert (
                file.read_bytes() == (tmp_path / "forward" / "results" / file.name).read_bytes()
            ), file.name


@pytest.mark.slow
def test_kernels_stay_within_their_arrays(tmp_path):
    """g++'s address sanitizer ends the program at the first access outside an allocation."""
    script("cuda_host", "float32", tmp_path / "sanitized", "-fsanitize=address", "-O0")


@pytest.fixture(scope="module")
def program():
    """A tiny FENA on cuda_host, with learning, noise, an omitted token and probes: (program, state,
    tables).
    """
    return preview.block_program(Plan.of(tiny.model(), tiny.one_block(), 0, DEVICES["cuda_host"]))


@pytest.mark.compile
@pytest.mark.xdist_group("cuda")  # they share a program
def test_what_is_counted_is_what_was_estimated(program):
    """Launches in a step, and bytes on the device, of a program that runs against the accounts of
    its sources.
    """
    about, period = tiny_estimate(), common_period(tiny.model())
    one, three = (program[0].count(program[1], program[2], 0, n * period) for n in (1, 3))

    def per_step(name):
        return (three[name] - one[name]) / (2 * period)

    launches = (sum(three["launches"].values()) - sum(one["launches"].values())) / (
        2 * period
    ) + per_step("memsets")
    assert launches == pytest.approx(about["launches_per_step"], abs=1), (
        "one token may arrive in the steps between"
    )
    assert per_step("copies_to_host") == pytest.approx(about["copies_per_step"], abs=1)
    samples = 3 * period
    recorded = sum(
        size for name, size in about["other"].items() if name.startswith(("samples", "readout"))
    )
    assert three["device_bytes"] == pytest.approx(
        about["training_bytes"], abs=64 * samples + recorded + 4096
    )
    assert about["training_bytes"] == about["inference_bytes"]


@pytest.mark.slow
@pytest.mark.compile
@pytest.mark.parametrize("units", [None, 24], ids=["rates", "spikes"])
def test_bytes_at_the_first_step_are_exact(units):
    """The host layer counts every allocation: dense matrices, or pathways of spikes with their
    tables and pairs.
    """
    if units is None:
        model, protocol = tiny.model(), tiny.one_block(probes=())
    else:
        vocabulary = one_hot([f"s{k}" for k in range(units)])
        model = fs.load_model(Path(tiny.MODEL).with_name("spiking_sequence.py"), units)
        protocol = fs.Protocol(
            name="p",
            blocks=[fs.Block(name="b", stream=TokenStream.from_ids([0, 1, 2], vocabulary))],
        )
    program, state, tables = preview.block_program(
        Plan.of(model, protocol, 0, DEVICES["cuda_host"])
    )
    assert (
        program.count(state, tables, 0, 1)["device_bytes"]
        == estimate_run(model, protocol)["training_bytes"]
    )


def test_bytes_of_the_synapses_are_exact():
    """Of W (one weight each) 4 bytes per synapse in single precision: no indices, nothing else."""
    about = estimate_run(
        fs.load_model(Path(tiny.MODEL).with_name("fena_gaussian.py"), 16, sizes=(8, 6, 5)),
        tiny.one_block(),
    )
    assert {
        name: size for name, size in about["bytes_per_synapse"].items() if name.startswith("W")
    } == {"W_1": 4, "W_2": 4, "W_3": 4}


@pytest.mark.slow
def test_largest_network_grows_with_memory_and_fits():
    about = tiny_estimate()
    synapses = [size["synapses"] for size in about["largest"]]
    assert [size["gigabytes"] for size in about["largest"]] == [
        5,
        8,
        24,
        80,
    ] and synapses == sorted(synapses)
    least = min(about["bytes_per_synapse"].values())
    assert all(
        size["synapses"] * least < size["gigabytes"] * 2**30 - 600 * 2**20
        for size in about["largest"]
    )


def largest(gigabytes, synapses, per_synapse, linear):
    accounts = {"arrays": [{"owner": "W", "variable": "w", "bytes": per_synapse, "per": "synapse"}]}
    shape = fs.Hierarchy(
        name="one", dt=tiny.model().dt, populations=tiny.model().populations, projections=[]
    )
    return estimate._largest(
        gigabytes, accounts, {"W": synapses}, linear + per_synapse * synapses, shape
    )["scale"]


def test_largest_network_leaves_the_reserve_free():
    """Bytes of the scaled network, linear*s + per_synapse*synapses*s^2, are the card's memory less
    600 MiB.
    """
    scale = largest(5, synapses=10**6, per_synapse=4, linear=10**7)
    assert 10**7 * scale + 4e6 * scale**2 == pytest.approx(5 * 2**30 - 600 * 2**20, rel=1e-6)


def test_no_projection_of_the_largest_network_passes_32_bits():
    """80 GiB would hold 21e9 weights of 4 bytes in one projection."""
    scale = largest(80, synapses=10**6, per_synapse=4, linear=10**7)
    assert 1e6 * scale**2 == pytest.approx(2**31 - 1, rel=1e-9)


@pytest.mark.slow
def test_a_card_must_hold_the_reserve_too(monkeypatch):
    need = tiny_estimate()["training_bytes"]
    cards = [
        estimate.NamedCard(name, need + 600 * 2**20 + more, 1e9, 1e9)
        for name, more in (("enough", 0), ("less", -1))
    ]
    monkeypatch.setattr(estimate, "CARDS", cards)
    found = estimate_run(tiny.model(), tiny.one_block())["cards"]
    assert {card["card"]: card["fits"] for card in found} == {"enough": True, "less": False}


def test_time_per_step_follows_the_stated_model():
    card = estimate.NamedCard("test", 1e9, bandwidth=1e9, peak=1e12)
    steps = [
        dict(
            code="a",
            owner="S",
            interval=1e-3,
            launches=2,
            memsets=1,
            copies=0,
            bytes=0,
            per_synapse=0,
            operations=0,
            operations_per_synapse=0,
        ),
        dict(
            code="b",
            owner="S",
            interval=4e-3,
            launches=1,
            memsets=0,
            copies=1,
            bytes=500,
            per_synapse=10,
            operations=0,
            operations_per_synapse=0,
        ),
    ]
    seconds = 3 * estimate.LAUNCH + (500 + 10 * 1_000_000) / (1e9 * estimate.EFFICIENCY) / 4
    found = estimate._time(card, {"steps": steps}, {"S": 1_000_000}, 1e-3)
    assert found["ms_per_step"] == pytest.approx(1e3 * seconds) and found["bound"] == "memory"


@pytest.mark.compile
@pytest.mark.xdist_group("cuda")  # they share a program
def test_populations_of_a_step_share_launches(program):
    counted = program[0].count(program[1], program[2], 0, 8)["launches"]
    chained = [name for name in counted if name.startswith("_run_kernel_chain_")]
    assert len(chained) >= 3 and not any(
        "_stateupdater" in name and "state_" in name for name in counted
    )


def test_a_chain_runs_its_members_in_order():
    """The text of a chain: each member's units, then a barrier, arguments by name and each once."""
    text = """__global__ void
_run_kernel_X(
    int _N,
    int THREADS_PER_BLOCK,
    ///// KERNEL_PARAMETERS /////
    double* _ptr_array_g_v
    )
{
    using namespace brian;

    int tid = threadIdx.x;
    int _idx = tid;
    int _vectorisation_idx = _idx;
    const int64_t N = 40;
}
void _run_X()
{
    _run_kernel_X<<<num_blocks, num_threads>>>(
            _N,
            num_threads,
            ///// HOST_PARAMETERS /////
            dev_array_g_v
        );
}
"""
    texts = {"A": text.replace("X", "A"), "B": text.replace("X", "B")}
    made = chains.join(texts, ["A", "B"], 7)
    assert re.sub(r"\s+", " ", made).startswith(
        "__global__ void __launch_bounds__(64) _run_kernel_chain_7(double* _ptr_array_g_v) { for (int _k = threadIdx.x; _k < 40; _k += blockDim.x) "
        "unit_A::_step_A(_k, 40, _ptr_array_g_v); __syncthreads(); for (int _k = threadIdx.x; _k < 40; _k += blockDim.x) "
        "unit_B::_step_B(_k, 40, _ptr_array_g_v); }"
    )
    assert (
        "<<<1, 64>>>(dev_array_g_v)" in made
        and "_run_A" not in texts["A"]
        and "__device__ __forceinline__" in texts["A"]
    )


@pytest.mark.compile
def test_chunks_and_resume_on_cuda_host_give_the_same_bytes(tmp_path):
    model, protocol = tiny.model(), tiny.one_block(6)
    whole = fs.run(model, protocol, device="cuda_host", out=tmp_path / "whole")
    pieces = fs.run(model, protocol, device="cuda_host", out=tmp_path / "pieces", chunk_tokens=1)
    for name, values in whole.state("learning").items():
        assert values.tobytes() == pieces.state("learning")[name].tobytes(), name


@pytest.mark.compile
def test_whole_powers_are_products_in_the_precision_of_the_base(tmp_path):
    (tmp_path / "power.cpp").write_text(
        "#include <cmath>\n#include <cstdio>\nusing namespace std;\n#define __host__\n#define __device__\n"
        + sources.POWER
        + """
        int main() {
            static_assert(sizeof(fena_power(1.5f, 2)) == sizeof(float) && sizeof(fena_power(1.5, 2)) == sizeof(double), "kept");
            for (int n = -5; n <= 9; n++) printf("%.17g %.17g\\n", (double) fena_power(-1.3f, n), fena_power(-1.3, n));
            printf("%.17g %.17g\\n", (double) fena_power(1.7f, 0.5f), fena_power(7, 2));
        }"""
    )
    subprocess.run(
        [os.environ.get("CXX", "g++"), "-std=c++17", "-o", "power", "power.cpp"],
        cwd=tmp_path,
        check=True,
    )
    found = np.loadtxt(
        subprocess.run(
            ["./power"], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.splitlines()
    )
    np.testing.assert_allclose(
        found[:-1, 0], float(np.float32(-1.3)) ** np.arange(-5.0, 10.0), rtol=1e-6
    )
    np.testing.assert_allclose(found[:-1, 1], (-1.3) ** np.arange(-5.0, 10.0), rtol=1e-15)
    np.testing.assert_allclose(found[-1], [1.7**0.5, 49], rtol=1e-7)


@pytest.mark.slow
@pytest.mark.skipif(
    toolchain.find() is None, reason=f"no CUDA compiler: {install_hint('nvcc')} brings one"
)
def test_nvcc_builds_the_network_without_atomic_sums(tmp_path):
    """One real compilation and link; its PTX is searched for atomic additions of floating-point
    numbers.
    """
    model = fs.load_model(tiny.MODEL, 16, sizes=(8,))  # a kernel of each kind
    protocol, device = cut(tiny.one_block(), 4), CudaDevice()
    (block,) = Plan.of(model, protocol, 0, device).blocks
    device.generate(tmp_path, model, protocol.vocabulary, block.shape, block.block.probes)
    command = toolchain.find().command(8.6, "main", sources.UNITY)
    subprocess.run([*command, "--keep"], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "main").exists()
    (ptx,) = tmp_path.glob("*.ptx")
    text = ptx.read_text()
    assert re.search(r"\.entry \S*W_1_summed_variable", text), "the dense kernels are in this file"
    dense = [
        kernel
        for kernel in re.findall(r"\.entry (.*?)\n}", text, re.S)
        if "summed_variable" in kernel.split("(")[0]
    ]
    assert dense and not [
        kernel[:80] for kernel in dense if re.search(r"(atom|red)\.[\w.]*\.(add|cas)[\w.]*", kernel)
    ]
    assert "tanh.approx" not in text, "what -use_fast_math makes of tanh"
    on_synapses = dense + [
        kernel
        for kernel in re.findall(r"\.entry (.*?)\n}", text, re.S)
        if "plasticity" in kernel.split("(")[0]
    ]
    assert len(on_synapses) > len(dense)
    assert not [
        kernel[:80]
        for kernel in on_synapses
        if re.search(r"\b(add|sub|mul|fma|div)\.\w*\.?f64", kernel)
    ], "double precision, which cards for consumers do at 1/64 of their speed"


def test_refusals_name_the_object_and_the_reason(tmp_path):
    finished = subprocess.run(
        [sys.executable, "-c", REFUSED], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    first, second, third = finished.stdout.strip().splitlines()
    assert "'operation' cannot run on CUDA" in first and "Python function" in first
    assert "'late_pre' cannot run on CUDA" in second and "40 steps" in second
    assert third == "short and equal delays run"


REFUSED = """
import brian2, numpy as np
from brian2 import ms
from fena_sim.device.cuda import preferences
from fena_sim.device.cuda.devices import CudaHostDevice
preferences.load()
with preferences.set_for(*CudaHostDevice().target()):
    brian2.set_device("cuda_dense", build_on_run=False)
    @brian2.network_operation(name="operation")
    def operation(): pass
    for k, extra in enumerate(([operation], ["late"], ["early"])):
        G = brian2.NeuronGroup(4, "v : 1", threshold="v > 1", reset="v = 0", name=f"g_{k}")
        objects = [G]
        if extra[0] == operation:
            objects.append(operation)
        else:
            S = brian2.Synapses(G, G, on_pre="v += 1", name=extra[0])
            S.connect(i=[0, 1], j=[2, 3])
            S.delay = np.array([1, 40 if extra[0] == "late" else 31])*0.1*ms
            objects.append(S)
        try:
            brian2.Network(*objects).run(1*ms)
            print("short and equal delays run")
        except NotImplementedError as error:
            print(error)
"""


def test_devices_by_name():
    assert isinstance(DEVICES["cuda"], CudaDevice) and isinstance(
        DEVICES["cuda_host"], CudaHostDevice
    )
    assert (DEVICES["cuda"].dtype, DEVICES["cuda64"].dtype) == (np.float32, np.float64)
    if not toolchain.cards():
        with pytest.raises(
            DeviceError, match="device 'cuda' is not available: no .*(card|compiler)"
        ):
            choose_device("cuda")


def test_capability_from_the_environment(monkeypatch):
    monkeypatch.setenv("FENA_CUDA_ARCH", "7.5")
    assert toolchain.capability() == 7.5
    assert "-arch=sm_75" in toolchain.Toolchain(Path("nvcc"), 13.0, [], [], "system").command(
        7.5, "main", "unity.cu"
    )
    monkeypatch.setenv("FENA_CUDA_ARCH", "sm_75")
    with pytest.raises(DeviceError, match="'sm_75' is not a number"):
        toolchain.capability()
    monkeypatch.delenv("FENA_CUDA_ARCH")
    monkeypatch.setattr(toolchain, "cards", lambda: [toolchain.Card("x", 8.9, 2**33)])
    assert toolchain.capability() == 8.9
    monkeypatch.setattr(toolchain, "cards", list)
    assert toolchain.capability() == toolchain.DEFAULT_CAPABILITY


def test_a_toolchain_needs_nvcc_and_curand(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_PATH", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(toolchain, "wheels", list)
    there = toolchain.find()
    assert there is None or there.nvcc != tmp_path / "bin" / "nvcc"
    for name in ("bin/nvcc", "include/curand.h", "lib64/libcurand.so.10"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(
            "#!/bin/sh\necho 'Cuda compilation tools, release 12.4, V12.4.1'\n"
        )
    (tmp_path / "bin/nvcc").chmod(0o755)
    found = toolchain.find()
    assert (found.nvcc, found.version, found.origin) == (tmp_path / "bin/nvcc", 12.4, "system")
    assert f"-Xlinker={tmp_path}/lib64/libcurand.so.10" in found.command(8.6, "main", "unity.cu")


@pytest.mark.compile
def test_a_batch_is_refused(tmp_path):
    model = attrs.evolve(tiny.model(), batch=2)
    protocol = fs.Protocol(
        name="two", blocks=[tiny.block(stream=[tiny.stream(5), tiny.stream(5, 1)])]
    )
    with pytest.raises(DeviceError, match="one stream of tokens at a time"):
        fs.run(model, protocol, device="cuda_host", out=tmp_path)


@pytest.mark.compile
def test_delays_are_those_of_the_network(tmp_path):
    """Conduction delays are relay units, not brian2cuda's queues: spikes after 40 steps are those
    of stock C++.
    """
    file = fs.load_protocol(Path(tiny.MODEL).parents[1] / "protocols" / "spiking_sequence.py")
    short = cut(file.protocol, 6)
    model = fs.load_model(file.model, short.vocabulary.size)
    runs = [
        fs.run(model, short, device=device, out=tmp_path / "runs")
        for device in ("cpp", "cuda_host64")
    ]
    recorded = [block["name"] for block in runs[0].manifest["blocks"] if block["probes"]]
    assert recorded
    for block in recorded:
        traces = [run.traces(block) for run in runs]
        for name in traces[0].data_vars:
            if "spike" in name:
                np.testing.assert_array_equal(traces[0][name], traces[1][name])

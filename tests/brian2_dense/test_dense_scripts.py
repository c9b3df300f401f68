"""Plain Brian2 scripts on the dense device. Oracle: stock C++ standalone, or what a document of
Brian2 promises.
"""

import gc

import brian2
import numpy as np
import pytest
from brian2 import NeuronGroup, StateMonitor, Synapses, ms
from brian2.devices.device import all_devices

from brian2_dense.device import dense_device

MODEL = "Q_post = w*r_pre : 1 (summed)\ndw/dt = r_pre*(Q_post - w)/(50*ms) : 1 (clock-driven)"
pytestmark = pytest.mark.compile


@pytest.fixture
def device():
    """A function that makes a device the current one, freshly; the runtime afterwards."""

    def choose(name, folder, **options):
        for known in ("cpp_standalone", "cpp_dense"):
            all_devices[known].reinit()
        gc.collect()  # names are free again
        brian2.set_device(name, directory=str(folder), with_output=False, **options)
        return brian2.device

    flags, brian2.prefs.codegen.cpp.extra_compile_args_gcc = (
        brian2.prefs.codegen.cpp.extra_compile_args_gcc,
        ["-w", "-O0"],
    )
    yield choose
    brian2.prefs.codegen.cpp.extra_compile_args_gcc = flags
    brian2.prefs.devices.cpp_standalone.openmp_threads = 0
    all_devices["cpp_standalone"].reinit()
    dense_device.reinit()
    brian2.set_device("runtime")


def network(connect=()):
    a = NeuronGroup(5, "dr/dt = (1 - r)/(10*ms) : 1", method="euler", name="a")
    b = NeuronGroup(3, "Q : 1", name="b")
    s = Synapses(a, b, MODEL, method="euler", name="s")
    s.connect(**dict(connect))
    a.r, s.w = "0.1*i", "0.1*i - 0.2*j"
    return a, b, s


def results(a, b, s):
    return [np.array(v) for v in (a.r, b.Q, s.w, s.i, s.j)]


def agree(ours, stock):
    for have, want in zip(ours, stock, strict=True):
        np.testing.assert_allclose(have, want, rtol=0, atol=1e-12)


def test_built_by_run(device, tmp_path):
    """The default: `run` builds and runs. Profiled, and recorded."""

    def script(name):
        device(name, tmp_path / name)
        a, b, s = network()
        m = StateMonitor(s, ["w", "r_pre"], record=[0, 4, 14], name="m")
        net = brian2.Network(a, b, s, m)
        net.run(5 * ms, profile=True)
        profiled = {k.partition("_codeobject")[0] for k, _ in net.get_profiling_info()}
        assert {"s_stateupdater", "s_summed_variable_Q_post"} <= profiled
        return [*results(a, b, s), np.array(m.w), np.array(m.r_pre)]

    stock = script("cpp_standalone")
    agree(script("cpp_dense"), stock)
    assert dense_device.explanations[0].done == "dense"


def test_two_runs_of_a_network_that_changes(device, tmp_path):
    def script(name):
        made = device(name, tmp_path / name, build_on_run=False)
        a, b, s = network()
        net = brian2.Network(a, b, s)
        net.run(2 * ms)
        s.w["i > j"] = "0.5*w"
        net.run(2 * ms)
        s.state_updater.active = False
        b.Q = 3
        net.run(1 * ms)
        made.build(directory=str(tmp_path / name), with_output=False)
        return results(a, b, s)

    agree(script("cpp_dense"), script("cpp_standalone"))


def test_threads(device, tmp_path):
    brian2.prefs.devices.cpp_standalone.openmp_threads = 2

    def script(name):
        device(name, tmp_path / name)
        a, b, s = network()
        brian2.Network(a, b, s).run(3 * ms)
        return results(a, b, s)

    agree(script("cpp_dense"), script("cpp_standalone"))


def test_nothing_is_left_of_earlier_scripts(device, tmp_path):
    """Contract of Brian2's `reinit`; synapses of the same name, first all-to-all and then not, in
    one process.
    """

    def generate(connect):
        made = device("cpp_dense", tmp_path / "same", build_on_run=False)
        a, b, s = network(connect)
        brian2.Network(a, b, s).run(1 * ms)
        made.build(directory=str(tmp_path / "same"), compile=False, run=False)
        code = next(
            c.code.cpp_file
            for c in made.code_objects.values()
            if c.name.startswith("s_summed_variable")
        )
        return made.explanations[0].done, code

    first, dense = generate({})
    second, stock = generate({"condition": "i != j"})
    assert (first, second) == ("dense", "stock")
    assert "_synaptic_post[_idx]" in stock and "_synaptic_post[" not in dense
    assert generate({})[0] == "dense"
    dense_device.reinit()
    assert not (dense_device.explanations or dense_device.dense)


def test_a_connection_made_after_a_build_counts(device, tmp_path):
    made = device("cpp_dense", tmp_path, build_on_run=False)
    a, b, s = network()
    brian2.Network(a, b, s).run(1 * ms)
    made.build(directory=str(tmp_path), compile=False, run=False)
    assert made.explanations[0].done == "dense"
    s.connect(i=0, j=0)
    made.build(directory=str(tmp_path), compile=False, run=False)
    assert [(e.done, e.why) for e in made.explanations] == [
        ("stock", "connect() was called 2 times")
    ]


def test_inserted_code_finds_the_indices_that_it_names(device, tmp_path):
    made = device("cpp_dense", tmp_path, build_on_run=False)
    a, b, s = network()
    made.insert_code("main", "std::cout << brian::_dynamic_array_s__synaptic_post.size();")
    brian2.Network(a, b, s).run(1 * ms)
    made.build(directory=str(tmp_path), compile=False, run=False)
    assert [(e.done, e.why) for e in made.explanations] == [
        ("stock", "inserted code needs their indices")
    ]

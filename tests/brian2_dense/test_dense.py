"""Oracle: stock Brian2 C++ standalone. Every awkward Synapses below, all in one network, ends in
the same state.

Differences are those of the order of summation: 1e-12 relative in float64, 1e-5 in float32, over
500 steps.
"""

import re
from pathlib import Path

import brian2
import numpy as np
import pytest
from brian2 import NeuronGroup, StateMonitor, Synapses, TimedArray, ms, second
from brian2.codegen.cpp_prefs import get_compiler_and_args

from brian2_dense.device import dense_device
from fena_sim.device.cpp import run_compiler
from fena_sim.device.unity import one_translation_unit

pytestmark = pytest.mark.slow

N_PRE, N_POST = 7, 5  # not multiples of the rows of a sweep
PLASTIC = "dw/dt = eta*x_post*r_pre : 1 (clock-driven)\neta : Hz (shared, constant)"


def case(model, dense_=True, source=None, target=None, connect=None, w=True, **kwds):
    return dict(
        model=model, dense=dense_, source=source, target=target, connect=connect or {}, w=w, **kwds
    )


#: Synapses by name. Q and P stand for the variable of the target and of the source into which this
#: one sums.
CASES = {
    "onto_target": case("Q_post = w*r_pre : 1 (summed)\nw : 1"),
    "onto_source": case("P_pre = w*x_post : 1 (summed)\nw : 1"),
    "both_ways": case("Q_post = w*r_pre : 1 (summed)\nP_pre = w*x_post : 1 (summed)\nw : 1"),
    "both_ways_plastic": case(
        f"Q_post = w*r_pre : 1 (summed)\nP_pre = w*x_post : 1 (summed)\n{PLASTIC}", set=dict(eta=3)
    ),
    "plastic_before": case(f"Q_post = w*r_pre : 1 (summed)\n{PLASTIC}", set=dict(eta=3), order=-2),
    "plastic_between": case(
        f"Q_post = w*r_pre : 1 (summed)\nP_pre = w*x_post : 1 (summed)\n{PLASTIC}",
        set=dict(eta=3),
        order=-0.5,
    ),
    "two_sums_one_side": case(
        "Q_post = w*r_pre : 1 (summed)\nQ2_post = w**2*g_pre : 1 (summed)\nw : 1"
    ),
    "indices": case("Q_post = w*r_pre*exp(-abs(i-j)/3.0) : 1 (summed)\nw : 1"),
    "indices_both": case(
        "Q_post = w*(i+1)*r_pre : 1 (summed)\nP_pre = w*(j-i)*x_post : 1 (summed)\nw : 1"
    ),
    "functions": case(
        "Q_post = clip(w*tanh(r_pre), -0.2, 0.2)*int(x_post > 0) : 1 (summed)\nw : 1"
    ),
    "shared": case(
        "Q_post = gain*w*r_pre : 1 (summed)\nw : 1\ngain : 1 (shared)", set=dict(gain=0.7)
    ),
    "constants": case(
        "Q_post = k*w*r_pre : 1 (summed)\nw : 1 (constant)\nk : 1", set=dict(k="i + 0.1*j")
    ),
    "subexpression": case(
        "c = w*r_pre*g_pre : 1\nQ_post = 2*c + 1 : 1 (summed)\nP_pre = c*x_post : 1 (summed)\nw : 1"
    ),
    "eligibility": case(
        """delig/dt = (x_post*r_pre - elig)/(5*ms) : 1 (clock-driven)
                           dw/dt = lr*elig*int(w < 0.5) : 1 (clock-driven)
                           Q_post = w*r_pre + 0.01*elig : 1 (summed)
                           lr : Hz (constant)""",
        set=dict(lr=2),
    ),
    "exact_decay": case(
        "dw/dt = -w/(20*ms) : 1 (clock-driven)\nQ_post = w*r_pre : 1 (summed)", method="exact"
    ),
    "regular_clip": case(
        "Q_post = w*r_pre : 1 (summed)\nw : 1", regularly=("w = clip(w*(1 - 1e-3*i), -0.2, 0.2)", 1)
    ),
    "regular_and_plastic": case(
        f"Q_post = w*r_pre : 1 (summed)\n{PLASTIC}", set=dict(eta=2), regularly=("w *= 0.999", 0.5)
    ),
    "subgroups": case(
        "Q_post = w*r_pre*(j+1) : 1 (summed)\nP_pre = w*x_post : 1 (summed)\nw : 1",
        source=slice(2, 6),
        target=slice(1, 4),
    ),
    "subgroup_source": case(
        f"Q_post = w*r_pre : 1 (summed)\n{PLASTIC}", source=slice(1, 7), set=dict(eta=1)
    ),
    "one_target": case("Q_post = w*r_pre**2/N_pre : 1 (summed)\nw : 1", target=slice(2, 3)),
    "one_source": case("P_pre = w*x_post/N_post : 1 (summed)\nw : 1", source=slice(3, 4)),
    "integer": case("Q_post = w*r_pre*k : 1 (summed)\nw : 1\nk : integer", set=dict(k="i % 3 + j")),
    "boolean": case(
        "Q_post = w*r_pre*int(on) : 1 (summed)\nw : 1\non : boolean", set=dict(on="i > j")
    ),
    "time": case("Q_post = w*r_pre*sin(2*pi*t/(7*ms)) : 1 (summed)\nw : 1"),
    "timed_array": case(
        "Q_post = w*stimulus(t, i)*r_pre : 1 (summed)\nP_pre = w*stimulus(t, j) : 1 (summed)\nw : 1"
    ),
    "user_function_one_pass": case(
        "Q_post = w*r_pre : 1 (summed)\nP_pre = exp(w)*sqrt(abs(x_post)) : 1 (summed)\nw : 1"
    ),
    "recorded": case(f"Q_post = w*r_pre : 1 (summed)\n{PLASTIC}", set=dict(eta=2), monitor=True),
    "weights_by_expression": case("Q_post = w*r_pre : 1 (summed)\nw : 1", w="0.1*cos(i) + 0.02*j"),
    "condition_set": case(
        "Q_post = w*r_pre : 1 (summed)\nw : 1",
        then=lambda s: (s.w.__setitem__("i > j", 0.1), s.w.__setitem__("i == 2", "0.1*j")),
    ),
    "held": case("c = x_post*r_pre : 1 (constant over dt)\nQ_post = w*c : 1 (summed)\nw : 1"),
    "random": case(
        "Q_post = w*r_pre*rand() : 1 (summed)\nP_pre = w*x_post*rand() : 1 (summed)\nw : 1"
    ),
    "noise": case(
        "Q_post = w*r_pre : 1 (summed)\ndw/dt = -w/(20*ms) + 0.01*xi/ms**0.5 : 1 (clock-driven)"
    ),
    "shared_changes": case(
        f"Q_post = gain*w*r_pre : 1 (summed)\n{PLASTIC}\ngain : 1 (shared)",
        set=dict(eta=2, gain=0.5),
        regularly=("gain = gain*0.999 + 1e-4", 0.1),
        when=("groups", -0.7),
        order=-0.5,
    ),
    "last_spike": case(
        "Q_post = w*exp(-(t - lastspike_pre)/(5*ms)) : 1 (summed)\nw : 1",
        regularly=("w += 1e-3*int(not_refractory_pre)", 0.1),
        when=("thresholds", 1),
    ),
    "counts": case("n_big_post = int(w > 0.1) : integer (summed)\nw : 1"),
    "slow": case(f"Q_post = w*r_pre : 1 (summed)\n{PLASTIC}", set=dict(eta=2), dt=0.5 * ms),
    "inactive": case(
        f"Q_post = w*r_pre : 1 (summed)\n{PLASTIC}",
        set=dict(eta=2),
        then=lambda s: setattr(s, "active", False),
    ),
    "certainly": case(
        "Q_post = w*r_pre : 1 (summed)\nw : 1", connect=dict(j="m for m in range(N_post)")
    ),
    "two_each": case("Q_post = w*r_pre : 1 (summed)\nw : 1", dense_=False, connect=dict(n=2)),
    "numbered": case(
        "Q_post = w*r_pre*(1 + copy) : 1 (summed)\nw : 1",
        dense_=False,
        connect=dict(n=2),
        multisynaptic_index="copy",
    ),
    "connected_again": case(
        "Q_post = w*r_pre : 1 (summed)\nw : 1", dense_=False, then=lambda s: s.connect(i=0, j=1)
    ),
    "reads_its_sum": case(
        "P_post = 0.1*w*(r_pre + P_pre) : 1 (summed)\nw : 1", dense_=False, target="a"
    ),
    "carrier": case("Q_post = w*r_pre*h : 1 (summed)\nw : 1\nh : 1", dense_=False),
    "onto_synapses": case(
        "h_post = u*r_pre : 1 (summed)\nu : 1",
        dense_=False,
        target="s_carrier",
        w=None,
        set=dict(u=0.3),
        connect=dict(condition="i == 2"),
    ),
    "one_condition": case(
        "Q_post = w*r_pre : 1 (summed)\nw : 1", dense_=False, connect=dict(condition="i != j")
    ),
    "pairs": case(
        "Q_post = w*r_pre : 1 (summed)\nw : 1",
        dense_=False,
        connect=dict(i=[0, 3, 3, 6], j=[1, 1, 2, 4]),
    ),
    "rule_for_j": case(
        "Q_post = w*r_pre : 1 (summed)\nw : 1", dense_=False, connect=dict(j="i % 5")
    ),
    "spikes": case("w : 1", dense_=False, on_pre="q_spikes_post += w"),
    "delayed_spikes": case(
        "w : 1\ndz/dt = -z/(5*ms) : 1 (event-driven)",
        dense_=False,
        on_pre="z += 1\nq_delayed_post += w*z",
        delay=1.5 * ms,
    ),
}


def declare(cases):
    """The whole network; returns its objects by name."""
    names = list(cases)
    inputs_a = [f"p{k} : 1" for k in range(len(names))]
    inputs_b = [f"q{k} : 1\nqq{k} : 1" for k in range(len(names))]
    total_a = " + ".join(f"p{k}" for k in range(len(names)))
    total_b = " + ".join(f"q{k} + qq{k}" for k in range(len(names)))
    a = NeuronGroup(
        N_PRE,
        "\n".join(
            [
                f"dr/dt = (0.02*({total_a}) - r + sin(30*t/second + i))/(10*ms) : 1",
                "g : 1",
                *inputs_a,
            ]
        ),
        threshold="r > 0.6",
        reset="",
        refractory=2 * ms,
        method="euler",
        name="a",
    )
    b = NeuronGroup(
        N_POST,
        "\n".join(
            [
                f"dx/dt = (0.05*({total_b}) + 0.01*n_big + q_spikes + q_delayed - x)/(5*ms) : 1",
                "dq_spikes/dt = -q_spikes/(3*ms) : 1",
                "dq_delayed/dt = -q_delayed/(3*ms) : 1",
                "n_big : integer",
                *inputs_b,
            ]
        ),
        method="euler",
        name="b",
    )
    rng = np.random.default_rng(5)
    a.r, a.g, b.x = rng.normal(size=N_PRE), rng.uniform(size=N_PRE), rng.normal(size=N_POST)
    stimulus = TimedArray(rng.normal(size=(6, 8)), dt=10 * ms, name="stimulus")
    objects = {"a": a, "b": b}
    for k, (name, c) in enumerate(cases.items()):
        model = re.sub(r"\bP_(pre|post)", rf"p{k}_\1", c["model"])
        model = re.sub(r"\bQ2_post", f"qq{k}_post", re.sub(r"\bQ_post", f"q{k}_post", model))
        source = a if c["source"] is None else a[c["source"]]
        target = (
            b
            if c["target"] is None
            else objects[c["target"]]
            if isinstance(c["target"], str)
            else b[c["target"]]
        )
        options = {
            key: c[key] for key in ("on_pre", "delay", "dt", "multisynaptic_index") if key in c
        }
        synapses = Synapses(
            source,
            target,
            model,
            method=c.get("method", "euler"),
            name=f"s_{name}",
            namespace={"stimulus": stimulus},
            **options,
        )
        synapses.connect(**c["connect"])
        if c["w"] is not None:
            synapses.w = c["w"] if isinstance(c["w"], str) else "0.3*sin(1.7*i + 0.9*j)"
        for variable, value in c.get("set", {}).items():
            setattr(
                synapses,
                variable,
                value
                if isinstance(value, str)
                else value / (second if variable in ("eta", "lr") else 1),
            )
        if "order" in c:
            synapses.state_updater.order = c["order"]
        if "regularly" in c:
            when, place = c.get("when", ("start", 0))
            synapses.run_regularly(
                c["regularly"][0], dt=c["regularly"][1] * ms, when=when, order=place
            )
        c.get("then", lambda s: None)(synapses)
        objects[synapses.name] = synapses
        if c.get("monitor"):
            objects[f"m_{name}"] = StateMonitor(
                synapses, "w", record=[0, 7, 30], dt=1 * ms, name=f"m_{name}"
            )
    return objects


def simulate(device_name, dtype, folder, cases=None):
    """Final values of everything, after 500 steps: {"object.variable": array}; and what was
    explained.
    """
    brian2.set_device(device_name, build_on_run=False, directory=None)
    device = brian2.device
    device.reinit()
    device.activate(build_on_run=False)
    brian2.prefs.core.default_float_dtype = dtype
    brian2.defaultclock.dt = 0.1 * ms
    try:
        brian2.seed(7)
        objects = declare(CASES if cases is None else cases)
        network = brian2.Network(*objects.values(), name="awkward")
        network.run(50 * ms, namespace={})
        device.build(directory=str(folder), compile=False, run=False, with_output=False)
        one_translation_unit(Path(folder))
        run_compiler(
            ["g++", *get_compiler_and_args()[1], "-I.", "-o", "main", "unity.cpp", "-lm"], folder
        )
        device.run(str(folder), "results", with_output=False)
        values = {}
        for name, thing in objects.items():
            if isinstance(thing, StateMonitor):
                values[f"{name}.w"] = np.array(thing.w)
                continue
            variables = (
                ["r", "g"]
                if name == "a"
                else ["x", "q_spikes", "q_delayed"]
                if name == "b"
                else ["i", "j"]
            )
            if name.startswith("s_") and "w" in thing.equations.names:
                variables.append("w")
            if "elig" in getattr(thing, "variables", {}):
                variables.append("elig")
            values.update(
                {
                    f"{name}.{v}": np.array(getattr(thing, f"{v}_" if v not in "ij" else v)[:])
                    for v in variables
                }
            )
        return values, list(dense_device.explanations) if device_name == "cpp_dense" else []
    finally:
        brian2.prefs.core.default_float_dtype = np.float64
        device.reinit()
        brian2.set_device("runtime")


def agree(made, stock, bar):
    assert set(stock) == set(made)
    for name, values in stock.items():
        scale = np.max(np.abs(values), initial=0) or 1.0
        assert np.max(np.abs(made[name].astype(float) - values), initial=0) / scale <= bar, name
        assert np.isfinite(scale), name


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dense")
    return {
        (device, dtype): simulate(device, dtype, folder / f"{device}_{np.dtype(dtype).name}")
        for device in ("cpp_standalone", "cpp_dense")
        for dtype in (np.float64, np.float32)
    }


@pytest.mark.xdist_group("dense")
@pytest.mark.parametrize("dtype, bar", [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_ends_where_stock_brian_ends(results, dtype, bar):
    stock, _ = results["cpp_standalone", dtype]
    made, _ = results["cpp_dense", dtype]
    agree(made, stock, bar)
    assert (
        np.ptp(stock["a.r"]) > 0.1 and stock["b.q_spikes"].any()
    )  # something happened, spikes too


@pytest.mark.xdist_group("dense")
def test_says_what_was_lowered_and_why_not(results):
    _, explanations = results["cpp_dense", np.float64]
    first = {}
    for e in explanations:
        first.setdefault(e.synapses.removeprefix("s_"), e)
    assert {name: e.done == "dense" for name, e in first.items()} == {
        name: c["dense"] for name, c in CASES.items()
    }
    assert "spikes" in first["spikes"].why and "condition" in first["one_condition"].why


@pytest.mark.xdist_group("dense")
def test_fuses_by_the_written_rule(results):
    _, explanations = results["cpp_dense", np.float64]
    joins = {e.synapses.removeprefix("s_"): [] for e in explanations}
    for e in explanations:
        if "joins" in e.done or "stands apart" in e.done:
            joins[e.synapses.removeprefix("s_")].append("joins" in e.done)
    assert joins["both_ways"] == [True]  # two sums over the same weights: one pass
    assert joins["plastic_between"] == [
        True,
        True,
    ]  # and the plasticity, evaluated before the neurons change
    assert joins["both_ways_plastic"][-1] is False  # after the neurons have changed it must wait

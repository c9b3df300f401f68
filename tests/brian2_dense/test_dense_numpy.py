"""Oracle: Brian2's own NumPy target, on the awkward Synapses of test_dense, on statements made for
the differences between one-dimensional and broadcast arrays, and on every shipped model.
"""

from functools import partial
from pathlib import Path

import brian2
import numpy as np
import pytest
import tiny
from brian2 import (
    NeuronGroup,
    Synapses,
    TimedArray,
    check_units,
    implementation,
    linked_var,
    ms,
    prefs,
)
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.codegen.translation import make_statements
from brian2.core.variables import ArrayVariable
from hypothesis import given, settings
from hypothesis import strategies as st
from test_dense import CASES, declare

import fena_sim as fs
from brian2_dense.numpy_functions import add_outer
from brian2_dense.numpy_target import NumpyDenseCodeObject

ROOT = Path(__file__).resolve().parents[2]
BARS = [(np.float64, 1e-12), (np.float32, 1e-5)]


@implementation("numpy", discard_units=True)
@check_units(x=1, y=1, result=1)
def one_by_one(x, y):
    """A function that knows only one-dimensional arrays, or scalars."""
    assert np.ndim(x) < 2 and np.ndim(y) < 2
    return np.array([a - 2 * b for a, b in np.broadcast(x, y)])


@pytest.fixture(autouse=True)
def preferences():
    """As they were, after every test."""
    brian2.set_device("runtime")
    before = (
        prefs.codegen.target,
        prefs.core.default_float_dtype,
        prefs.codegen.loop_invariant_optimisations,
    )
    yield
    (
        prefs.codegen.target,
        prefs.core.default_float_dtype,
        prefs.codegen.loop_invariant_optimisations,
    ) = before


def run(make, target, dtype=np.float64, duration=50 * ms):
    """(values of everything, code of every code object) after 500 steps of what `make` declares."""
    prefs.codegen.target, prefs.core.default_float_dtype = target, dtype
    brian2.defaultclock.dt = 0.1 * ms
    brian2.seed(3)
    objects = make()
    brian2.Network(*objects.values()).run(duration, namespace={})
    values, code = {}, {}
    for name, thing in objects.items():
        values |= {
            f"{name}.{v}": np.array(variable.get_value(), float)
            for v, variable in thing.variables.items()
            if isinstance(variable, ArrayVariable) and getattr(variable.owner, "name", None) == name
        }
        code |= {
            (name, made.name): str(made.code)
            for part in (thing, *thing.contained_objects)
            for made in part.code_objects
        }
    return values, code


def assert_equal(made, stock, bar):
    assert set(made) == set(stock)
    for name, values in stock.items():
        scale = np.max(np.abs(values), initial=0) or 1.0
        assert np.max(np.abs(made[name] - values), initial=0) / scale <= bar, name


@pytest.fixture(scope="module", params=BARS, ids=["float64", "float32"])
def awkward(request):
    dtype, bar = request.param
    before = prefs.codegen.target, prefs.core.default_float_dtype
    results = {
        target: run(partial(declare, CASES), target, dtype) for target in ("numpy", "numpy_dense")
    }
    prefs.codegen.target, prefs.core.default_float_dtype = before
    return results, bar


@pytest.mark.slow
def test_ends_where_stock_brian_ends(awkward):
    results, bar = awkward
    (stock, _), (made, _) = results["numpy"], results["numpy_dense"]
    assert_equal(made, stock, bar)
    assert (
        np.ptp(stock["a.r"]) > 0.1 and stock["b.q_spikes"].any()
    )  # something happened, spikes too
    assert np.ptp(stock["m_recorded.w"], axis=0).min() > 0


@pytest.mark.slow
def test_stock_code_where_not_all_to_all(awkward):
    """Other connections run as Brian2 wrote them, to the letter; all-to-all ones without their
    index arrays.
    """
    results, _ = awkward
    (_, stock), (_, made) = results["numpy"], results["numpy_dense"]
    assert set(stock) == set(made)
    for name, case in CASES.items():
        dense_kinds = [
            key
            for key in made
            if key[0] == f"s_{name}"
            and ("summed" in key[1] or "stateupdater" in key[1] or "run_regularly" in key[1])
        ]
        for key in dense_kinds:
            # Random numbers are drawn in Brian2's order. What keeps synapses stock in C++ need not
            # do so here.
            if (case["dense"] or name in ("reads_its_sum", "carrier")) and "rand" not in stock[key]:
                assert "bincount" not in made[key] and "_synaptic_pre]" not in made[key], key
            else:
                assert sorted(made[key].splitlines()) == sorted(stock[key].splitlines()), key
    others = [key for key in made if not key[0].startswith("s_")]
    assert others and all(
        sorted(made[key].splitlines()) == sorted(stock[key].splitlines()) for key in others
    )


def two_groups():
    a = NeuronGroup(
        6,
        "dr/dt = (sin(i + 30*t/second) - r)/(10*ms) : 1\np : 1\nlevel : 1 (shared)\nv = r**2 : 1",
        method="euler",
        name="a",
    )
    b = NeuronGroup(
        4,
        "dx/dt = (cos(i + 50*t/second) + 0.01*q - x)/(5*ms) : 1\nq : 1\nx_again : 1 (linked)",
        method="euler",
        name="b",
    )
    b.x_again = linked_var(a, "level")
    a.r, b.x, a.level = "0.1*i", "0.3 - 0.1*i", 0.25
    return {"a": a, "b": b}


#: Statements on synapses: (model, code that runs regularly, whether it becomes dense).
STATEMENTS = {
    "temporary_column_grows": ("Q = k : 1", "grown = r_pre\ngrown += w\nk = grown", True),
    "temporary_is_reused": (
        "Q = k : 1",
        "value = r_pre\nk = value\nvalue = x_post\nw += 0.01*value*k",
        True,
    ),
    "temporary_changes_axes": (
        "Q = k : 1",
        "value = x_post\nk = value*r_pre\nvalue = r_pre\nw += 0.001*value*x_post",
        True,
    ),
    "kept_for_later": ("Q = w : 1", "new = 0.1*w + x_post\nw = r_pre\nk = new", True),
    "two_changes": (
        "Q = w*k : 1",
        "dk = 0.1*(w - k)\ndw = 0.1*(r_pre*x_post - w)\nk = k + dk\nw = w + dw",
        True,
    ),
    "rank_one_down": ("Q = w : 1", "w -= 0.01*r_pre*x_post/(1 + r_pre**2)", True),
    "shared_changes": ("Q = w*gain : 1", "gain = 0.99*gain\nw += gain*0.01*r_pre", True),
    "column_into_matrix": ("Q = k*w : 1", "k = r_pre", True),
    "number_into_matrix": ("Q = k*w : 1", "k = 2", True),
    "integers_do_not_overflow": ("Q = w*(i + 100000)*(i + 100000)*1e-9 : 1", "k = i*j", True),
    "division": ("Q = w/(2 + r_pre)/(3 + x_post)/2 : 1", "w = w/(1 + 0.01*x_post)/1.001", True),
    "divided_by_integers": (
        "Q = w*r_pre/N_pre/N_post : 1",
        "w += 0.01*r_pre*x_post/N_pre - w/N_post**3",
        True,
    ),
    "an_integer_changes": (
        "Q = w*n : 1\nn : integer",
        "n = 1 + int(w > 0)*n - n//3\nk = n/4",
        True,
    ),
    "signs": ("Q = -w*-r_pre - (w - r_pre)*x_post : 1", "w = -w", True),
    "no_synaptic_variable": ("Q = r_pre*x_post + 1 : 1", "k = r_pre > x_post and w > 0", True),
    "only_a_number": ("Q = 0.5 : 1", "k = 1", True),
    "counts": (
        "Q = N_outgoing_of*w : 1\nN_outgoing_of = N_outgoing + 2*N_incoming : 1",
        "k = N_incoming",
        True,
    ),
    "user_function": (
        "Q = one_by_one(r_pre, x_post)*w + one_by_one(r_pre, 1) : 1",
        "k = one_by_one(x_post, 1)",
        True,
    ),
    "timed_arrays": ("Q = w*one(t)*two(t, j) : 1", "k = two(t, i % 4)", True),
    "shared_and_linked": (
        "Q = w*level_pre*x_again_post*v_pre : 1",
        "w = clip(w, -level_pre, 1)",
        True,
    ),
    "random_numbers": ("Q = w : 1", "w += 0.01*randn()", False),
    "writes_to_neurons": ("Q = w : 1", "p_pre += 0.01*w", False),
}


def statements_network(names=tuple(STATEMENTS)):
    objects = two_groups()
    rng = np.random.default_rng(8)
    namespace = {
        "one": TimedArray(rng.normal(size=6), dt=10 * ms),
        "one_by_one": one_by_one,
        "two": TimedArray(rng.normal(size=(6, 8)), dt=10 * ms),
    }
    for name in names:
        model, code, _ = STATEMENTS[name]
        equations = model.replace("Q = ", "q_post = ").replace(": 1", ": 1 (summed)", 1)
        equations += "\nw : 1\nk : 1\ngain : 1 (shared)"
        target = NeuronGroup(4, "q : 1\nx : 1 (linked)\nx_again : 1 (linked)", name=f"t_{name}")
        target.x, target.x_again = linked_var(objects["b"], "x"), linked_var(objects["a"], "level")
        s = Synapses(objects["a"], target, equations, name=f"s_{name}", namespace=namespace)
        s.connect()
        s.w, s.k, s.gain = "0.3*sin(1.7*i + 0.9*j)", "0.1*i - 0.2*j", 0.7
        s.run_regularly(code, dt=0.3 * ms)
        objects |= {target.name: target, s.name: s}
    return objects


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.parametrize("dtype, bar", BARS)
@pytest.mark.parametrize("optimised", [True, False])
def test_statements(dtype, bar, optimised, monkeypatch):
    prefs.codegen.loop_invariant_optimisations = optimised
    # Brian2 caches statements regardless of that preference.
    monkeypatch.setattr(
        "brian2.codegen.generators.base.make_statements", make_statements.__wrapped__
    )
    (stock, stock_code), (made, made_code) = (
        run(statements_network, target, dtype) for target in ("numpy", "numpy_dense")
    )
    assert_equal(made, stock, bar)
    for owner, name in made_code:
        if "run_regularly" in name:
            same = sorted(made_code[owner, name].splitlines()) == sorted(
                stock_code[owner, name].splitlines()
            )
            assert same != STATEMENTS[owner.removeprefix("s_")][2], name


def test_an_earlier_value_is_kept():
    """Contract: statements run in order. (Stock NumPy's `old` would change with w here.)"""
    prefs.codegen.target = "numpy_dense"
    brian2.defaultclock.dt = 0.1 * ms
    source, target = NeuronGroup(3, "r : 1", name="source"), NeuronGroup(2, "x : 1", name="target")
    s = Synapses(source, target, "w : 1\nk : 1", name="s")
    s.connect()
    s.run_regularly("old = w\nw += r_pre\nk = w - old")
    source.r = [1, 2, 3]
    brian2.Network(source, target, s).run(0.3 * ms, namespace={})
    np.testing.assert_array_equal(s.w[:], np.repeat([3.0, 6.0, 9.0], 2))
    np.testing.assert_array_equal(s.k[:], np.repeat([1.0, 2.0, 3.0], 2))


@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from([np.float64, np.float32]),
    st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=50)
def test_add_outer_changes_the_matrix_itself(n, m, before, after, dtype, seed):
    """Oracle: NumPy's broadcasting; around the matrix nothing changes."""
    rng = np.random.default_rng(seed)
    memory = rng.integers(-9, 9, before + n * m + after).astype(dtype)
    column, row = (
        rng.integers(-9, 9, (n, 1)).astype(float),
        rng.integers(-9, 9, (1, m)).astype(float),
    )
    expected = memory.copy()
    expected[before : before + n * m] += (column * row).ravel().astype(dtype)
    add_outer(memory[before : before + n * m].reshape(n, m), column, row)
    np.testing.assert_array_equal(memory, expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    "connect",
    [
        dict(i=[0, 0, 1, 1, 2, 2], j=[0, 1, 0, 1, 0, 1]),
        dict(i=[0, 1, 2, 0, 1, 2], j=[0, 0, 0, 1, 1, 1]),
        dict(i=[0, 0, 0, 0, 0, 0], j=[0, 1, 0, 1, 0, 1]),
        dict(p=1.0),
    ],
)
def test_pairs_decide_not_how_they_were_given(connect):
    """Pairs in the order of connect() are as good as connect(); the same number in another order is
    not.
    """

    def make():
        source, target = (
            NeuronGroup(3, "r : 1", name="source"),
            NeuronGroup(2, "x : 1", name="target"),
        )
        s = Synapses(source, target, "x_post = w*r_pre*(1 + i + 7*j) : 1 (summed)\nw : 1", name="s")
        s.connect(**connect)
        source.r, s.w = [1, 2, 3], [1, 20, 300, 4000, 5e4, 6e5]
        return {"source": source, "target": target, "s": s}

    (stock, _), (made, code) = (
        run(make, target, duration=0.1 * ms) for target in ("numpy", "numpy_dense")
    )
    assert_equal(made, stock, 1e-12)
    ordered = (
        list(stock["s._synaptic_pre"]) == [0, 0, 1, 1, 2, 2]
        and list(stock["s._synaptic_post"]) == [0, 1] * 3
    )
    assert all(("bincount" in text) != ordered for (owner, _), text in code.items() if owner == "s")


MODELS = {path.stem: path for path in tiny.SHIPPED}


@pytest.mark.slow
@pytest.mark.parametrize("dtype, bar", BARS)
@pytest.mark.parametrize("name", MODELS)
def test_shipped_models(name, dtype, bar, monkeypatch, tmp_path):
    """500 steps or more, learning, with noise where the model has any."""
    model = fs.load_model(MODELS[name], 16)
    tokens = -(-500 * model.dt // (50 * ms))
    block = fs.Block(
        name="learning",
        stream=tiny.stream(int(tokens)),
        pace=fs.FixedPace(duration=40 * ms, blank=10 * ms),
        controls=dict(temperature=0.02),
    )
    prefs.core.default_float_dtype = dtype
    states = []
    for target in (NumpyCodeObject, NumpyDenseCodeObject):
        monkeypatch.setattr("fena_sim.device.runtime.NumpyDenseCodeObject", target)
        states.append(
            fs.run(
                model,
                fs.Protocol(name="agreement", blocks=[block]),
                seed=3,
                device="runtime",
                out=tmp_path / target.class_name,
            ).state("learning")
        )
        assert prefs.codegen.target == target.class_name
    stock, made = (
        {key: np.asarray(values, float) for key, values in state.items()} for state in states
    )
    for state in (stock, made):
        if dtype == np.float32 and "inhibition_0.pooled" in state:
            pooled = state["inhibition_0.pooled"]
            state["inhibition_0.pooled"] = np.log(pooled)  # as precise as its exponents
        for key, values in state.items():
            if key.endswith(".demand"):  # a mean square of errors, weighted
                values = np.sqrt(values)
            if key.endswith((".demand", ".error", ".feedback", ".mean_square")):
                # Settled errors are differences of rates and of probabilities, and round as they do.
                state[key] = np.append(values, 1)
    assert_equal(made, stock, bar)

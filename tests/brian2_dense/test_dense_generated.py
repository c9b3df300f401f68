"""Oracle: stock Brian2 C++ standalone, on Synapses whose equations, order and subgroups were
generated.

A network of a dozen of them is one example, because each has to be compiled.
"""

import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_dense import N_POST, N_PRE, agree, case, simulate

pytestmark = pytest.mark.slow

LEAVES = st.sampled_from(
    [
        "r_pre",
        "g_pre",
        "x_post",
        "w",
        "gain",
        "c",
        "0.3",
        "i/7.0",
        "j/5.0",
        "1.0/N_pre",
        "sin(30*t/second)",
    ]
)
#: Continuous, so that rounding stays rounding; comparisons are of integers only.
FUNCTIONS = st.sampled_from(
    [
        "tanh({0})",
        "clip({0}, -0.4, 0.4)",
        "exp(-abs({0}))",
        "({0} + {1})",
        "({0} - {1})",
        "{0}*{1}",
        "{0}*int(i > j)",
        "{0}*int((i + j) % 2 == 0)",
        "sqrt(1 + ({0})**2)",
    ]
)


def nested(inner):
    return st.builds(lambda f, a, b: f.format(a, b), FUNCTIONS, inner, inner)


EXPRESSIONS = st.recursive(LEAVES, nested, max_leaves=5)


def part(size):
    """A (sub)group: None for the whole."""
    return st.none() | st.tuples(st.integers(0, size - 2), st.integers(1, size)).filter(
        lambda p: p[0] < p[1]
    ).map(lambda p: slice(*p))


@st.composite
def synapses(draw):
    sums = draw(
        st.lists(
            st.sampled_from(["Q_post", "Q2_post", "P_pre"]), min_size=1, max_size=3, unique=True
        )
    )
    inner = re.sub(r"\bc\b", "g_pre", draw(EXPRESSIONS))
    lines = [f"{name} = 0.2*tanh({draw(EXPRESSIONS)}) : 1 (summed)" for name in sums]
    lines += [f"c = {inner} : 1", "gain : 1 (shared)"]
    learns = draw(st.booleans())
    lines.append(
        f"dw/dt = (tanh({draw(EXPRESSIONS)}) - w)/(20*ms) : 1 (clock-driven)" if learns else "w : 1"
    )
    options = {"order": draw(st.sampled_from([-2, -1, -0.7, -0.5, 0, 1]))} if learns else {}
    if draw(st.booleans()):
        code = draw(
            st.sampled_from(
                ["w = clip(w + 1e-2*({0}), -1, 1)", "gain = 0.999*gain + 1e-4", "w *= 0.999"]
            )
        )
        options.update(
            regularly=(code.format(draw(EXPRESSIONS)), draw(st.sampled_from([0.1, 0.5]))),
            when=(
                draw(st.sampled_from(["start", "groups", "end"])),
                draw(st.sampled_from([-2, -0.7, 0.5])),
            ),
        )
    return case(
        "\n".join(lines),
        source=draw(part(N_PRE)),
        target=draw(part(N_POST)),
        set=dict(gain=0.7),
        **options,
    )


@settings(
    derandomize=True,
    max_examples=2,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(synapses(), min_size=12, max_size=12))
def test_generated_synapses_end_where_stock_brian_ends(generated):
    cases = {f"g{k}": c for k, c in enumerate(generated)}
    with tempfile.TemporaryDirectory() as folder:
        for dtype, bar in ((np.float64, 1e-12), (np.float32, 1e-5)):
            stock, _ = simulate("cpp_standalone", dtype, Path(folder, f"stock{bar}"), cases)
            made, explanations = simulate("cpp_dense", dtype, Path(folder, f"dense{bar}"), cases)
            agree(made, stock, bar)
            assert {e.done for e in explanations if e.done in ("dense", "stock")} == {"dense"}

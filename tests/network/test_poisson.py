"""Oracles: Philox and inversion of the Poisson distribution in Python's integers and decimals, the
published distribution (scipy.stats), and the NumPy function for those in C++ and Cython.
"""

import ctypes
import math
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, ms, prefs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fena_sim.network import poisson
from fena_sim.network.poisson import COUNTER_POISSON, counter_poisson, counter_poisson_ahead

MEANS = (0.0, 1e-9, 0.02, 0.7, 5.0, 30.0, 255.9, 256.0, 256.1, 700.0, 2000.0)


def philox(counter, key):
    """Philox4x32-10 in Python's integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [q >> 32 ^ c[1] ^ k[0], q % 2**32, p >> 32 ^ c[3] ^ k[1], p % 2**32]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


def inverted(seed, stream, unit, step, mean):
    """The count, by the distribution function of SciPy, of every part of the mean."""
    parts = math.ceil(mean / 256)
    total = 0
    for part in range(parts):
        counter = (unit % 2**32, step % 2**32, step >> 32, stream % 2**32)
        a, b, *_ = philox(counter, (seed % 2**32, int.from_bytes(b"POIS") + part))
        uniform = Fraction(2 * ((a >> 5) * 2**26 + (b >> 6)) + 1, 2**54)
        total += stats.poisson.ppf(float(uniform), mean / parts)
    return total


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**31 - 1),
    st.integers(0, 10**6),
    st.integers(0, 2**40),
    st.floats(0, 900),
)
def test_a_count_is_the_inverse_at_philox_uniform(seed, stream, unit, step, mean):
    assert counter_poisson(seed, stream, unit, step, mean) == inverted(
        seed, stream, unit, step, mean
    )


@pytest.mark.parametrize("mean", MEANS[2:])
def test_counts_have_the_poisson_distribution(mean):
    counts = counter_poisson(5, 2, np.arange(100)[:, None], np.arange(400), mean).ravel()
    law = stats.poisson(mean)
    n = len(counts)
    assert abs(counts.mean() - mean) < 4 * np.sqrt(mean / n)
    # the variance of a sample variance: (fourth central moment - variance^2)/n
    spread = np.sqrt((mean + 2 * mean**2) / n)
    assert abs(counts.var() - mean) < 4 * spread
    edges = np.unique(law.ppf(np.linspace(0.001, 0.999, 21)))
    seen = np.bincount(np.searchsorted(edges, counts), minlength=len(edges) + 1)
    expected = n * np.diff(np.concatenate([[0], law.cdf(edges), [1]]))
    enough = expected > 5
    assert (
        stats.chisquare(
            np.append(seen[enough], seen[~enough].sum() + 1e-9),
            np.append(expected[enough], expected[~enough].sum() + 1e-9),
        ).pvalue
        > 1e-3
    )


def test_units_and_steps_are_independent():
    counts = counter_poisson(5, 2, np.arange(100)[:, None], np.arange(1000), 3.0)
    for a, b in ((counts[:-1], counts[1:]), (counts[:, :-1], counts[:, 1:])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4 / np.sqrt(a.size)


def test_every_part_of_the_key_matters():
    steps = np.arange(20)
    base = counter_poisson(1, 1, 1, steps, 40.0)
    for seed, stream, unit, later in ((2, 1, 1, 0), (1, 2, 1, 0), (1, 1, 2, 0), (1, 1, 1, 2**32)):
        assert (counter_poisson(seed, stream, unit, steps + later, 40.0) != base).any()


def test_a_mean_that_is_no_number_is_seen():
    means = [0.0, -1.0, np.nan, np.inf, 1e300]
    np.testing.assert_array_equal(
        counter_poisson(1, 1, 1, 1, means), [0.0, 0.0, np.nan, np.inf, 1e300]
    )


def test_steps_computed_ahead_are_the_same():
    """Oracle: every step by itself; backwards, with means that change in between."""
    units = np.arange(5, dtype=np.int32)
    for step in (0, 1, 63, 64, 65, 5, 2**32 + 7, 6):
        for mean in (0.5, np.linspace(0, 600, 5)):
            np.testing.assert_array_equal(
                counter_poisson_ahead(3, 4, units, np.int64(step), mean),
                counter_poisson(3, 4, units, step, mean),
            )


def arguments():
    rng = np.random.default_rng(0)
    unit, step = rng.integers(0, 10**6, 300), rng.integers(0, 2**40, 300)
    return unit, step, np.resize([*MEANS, -1.0, np.nan, np.inf], 300)


@pytest.mark.compile
@pytest.mark.parametrize("flags", ["-O1", "-O3 -ffast-math -fno-finite-math-only -march=native"])
def test_the_function_in_cpp(flags, tmp_path):
    """With the flags of Brian2 too."""
    code = "#include <cmath>\n#include <cstdint>\nusing namespace std;\n" + poisson._C_CODE.replace(
        "PREFIX", "static inline"
    )
    code += (
        'extern "C" double call(long a, long b, long c, long d, double e)'
        "{ return counter_poisson(a, b, c, d, e); }"
    )
    source, library = tmp_path / "poisson.cpp", tmp_path / "poisson.so"
    source.write_text(code)
    # Linked without the flags: -ffast-math would let the whole process flush small numbers to zero.
    made = tmp_path / "poisson.o"
    subprocess.run(["g++", *flags.split(), "-fPIC", "-c", source, "-o", made], check=True)
    subprocess.run(["g++", "-shared", made, "-o", library], check=True)
    call = ctypes.CDLL(library).call
    call.restype, call.argtypes = ctypes.c_double, [*[ctypes.c_long] * 4, ctypes.c_double]
    unit, step, mean = arguments()
    found = [call(7, 3, u, s, m) for u, s, m in zip(unit.tolist(), step.tolist(), mean)]
    np.testing.assert_array_equal(found, counter_poisson(7, 3, unit, step, mean))


@pytest.mark.compile
@pytest.mark.slow
def test_the_function_in_cython():
    """In a code object that takes normal deviates too."""
    from fena_sim.network.noise import COUNTER_NORMAL, counter_normal

    old = prefs.codegen.target
    prefs.codegen.target = "cython"
    try:
        namespace = {"counted": COUNTER_POISSON, "drawn": COUNTER_NORMAL}
        group = NeuronGroup(len(MEANS), "m : 1\nx : 1\ny : 1", namespace=namespace, dt=1 * ms)
        group.m = MEANS
        group.run_regularly("x = counted(7, 3, i, t_in_timesteps, m)\ny = drawn(7, 3, i, 1)")
        Network(group).run(5 * ms)
        np.testing.assert_array_equal(
            group.x[:], counter_poisson(7, 3, np.arange(len(MEANS)), 4, np.array(MEANS))
        )
        np.testing.assert_allclose(group.y[:], counter_normal(7, 3, np.arange(len(MEANS)), 1))
    finally:
        prefs.codegen.target = old

"""Oracles: NumPy for the hand-written C++, the closed form for the limit, a loop of one step for
the peers' interface.
"""

import numpy as np
import pytest

from fena_sim.bench.arrays import Numpy
from fena_sim.bench.limit import limit_seconds, operations
from fena_sim.bench.native import Hand, compiled, numbers
from fena_sim.bench.networks import NETWORKS, Case, initial_state
from fena_sim.bench.speed import TOLERANCE
from fena_sim.bench.worker import difference

pytestmark = pytest.mark.compile


def plain(case, steps):
    """The equations of networks.py written once more, unit by unit sums as einsum, all streams at
    once.
    """
    s = {name: v.astype(float) for name, v in initial_state(case).items()}
    top = len(case.sizes) - 1
    for _ in range(steps):
        old = {name: v.copy() for name, v in s.items()}
        phi = {level: np.tanh(old[f"r{level}"]) for level in range(1, top + 1)}
        fb = {}
        for level in range(1, top + 1):
            w, eps = old[f"w{level}"], old[f"eps{level - 1}"]
            mu = np.einsum("ij,ib->jb", w, phi[level])
            fb[level] = np.einsum("ij,jb->ib", w, eps)
            if case.plastic:
                s[f"w{level}"] = w + 1e-3 * 0.02 * np.einsum("ib,jb->ij", phi[level], eps)
            s[f"eps{level - 1}"] = eps + 1e-3 * (old[f"r{level - 1}"] - mu - eps) / 2e-3
        for level in range(1, top + 1):
            loss = 0.1 * old[f"r{level}"] if level == top else s[f"eps{level}"]
            s[f"r{level}"] = (
                old[f"r{level}"] + 1e-3 * (fb[level] * (1 - phi[level] ** 2) - loss) / 20e-3
            )
    return s


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("plastic", [True, False])
@pytest.mark.parametrize("batch", [1, 3])
def test_numpy_and_hand_written_compute_the_equations(dtype, plastic, batch):
    for network in ("tiny", "1e4"):  # widths that no vector divides, and rows that no sweep divides
        case = Case(network, dtype, plastic, batch)
        expected = plain(case, 50)
        assert difference(Numpy(case).state(), expected) <= TOLERANCE[dtype]
        for rows in (2, 4, 6, 8) if batch == 1 else (1, 2, 4):
            assert difference(Hand(case, rows=rows).state(), expected) <= TOLERANCE[dtype], rows


def test_the_check_sees_a_wrong_network():
    plastic, fixed = (Numpy(Case("tiny", "float64", plastic)).state() for plastic in (True, False))
    assert difference(plastic, fixed) > 10 * TOLERANCE["float64"]


def test_limit_in_closed_form():
    case = Case("small", plastic=True, batch=2)
    assert case.synapses == 64 * 256 + 256 * 128 + 128 * 64 == 57344
    assert operations(case) == 6 * 57344 * 2
    assert operations(Case("small", plastic=False)) == 4 * 57344
    assert (
        limit_seconds(case, pass_seconds=1.0, operations_per_second=1e9) == 1.0
    )  # bandwidth limits
    assert limit_seconds(case, pass_seconds=1e-9, operations_per_second=1e9) == pytest.approx(
        6 * 57344 * 2 / 1e9
    )


def test_limit_is_measured():
    """Other processes make a measurement slower, never faster, so one of many tells the machine's."""

    def measured(n):
        return numbers(compiled("limit.cpp"), "float32", n, 1)

    assert any(measured(2**24)[0] > 16 * measured(2**16)[0] for _ in range(30)), (
        "256 times the bytes cannot take less"
    )
    seconds, rate = measured(2**16)
    assert seconds > 4 * 2**16 / 1e13 and 0 < rate < 1e13


@pytest.mark.parametrize("name", list(NETWORKS))
def test_scaled_networks_have_the_size_in_their_name(name):
    if name[0].isdigit():
        assert Case(name).synapses == pytest.approx(float(name), rel=0.05)

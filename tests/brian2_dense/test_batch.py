"""Oracle: a NumPy integration of the same equations, stream by stream, with the changes of the
weights added up.
"""

import brian2
import numpy as np
import pytest
from brian2 import NeuronGroup, ms, second
from brian2.codegen.cpp_prefs import get_compiler_and_args

from brian2_dense.batch import BatchedSynapses
from fena_sim.device.cpp import run_compiler
from fena_sim.device.unity import one_translation_unit

pytestmark = pytest.mark.compile

N_PRE, N_POST, STEPS = 7, 5, 300
DT, TAU_R, TAU_X, ETA, DECAY, EVERY = 1e-4, 10e-3, 5e-3, 0.3, 0.99, 10
MODEL = """
mu_post = w*r_pre*(i + 1)/N_pre : 1 (summed)
fb_pre = w*x_post*(j + 1)/N_post + 0.01*w : 1 (summed)
dw/dt = eta*(x_post*r_pre - 0.1*w) : 1 (clock-driven)
eta : Hz (shared, constant)
"""
rng = np.random.default_rng(11)
W = 0.1 * rng.normal(size=(N_PRE, N_POST))


@pytest.fixture
def device():
    brian2.set_device("cpp_dense", build_on_run=False, directory=None)
    brian2.device.reinit()
    brian2.device.activate(build_on_run=False)
    brian2.defaultclock.dt = DT * second
    yield brian2.device
    brian2.device.reinit()
    brian2.set_device("runtime")


def groups(batch, r=None, x=None):
    a = NeuronGroup(
        N_PRE * batch,
        "dr/dt = (fb - r + sin(30*t/second + i))/(10*ms) : 1\nfb : 1",
        method="euler",
        name="a",
    )
    b = NeuronGroup(N_POST * batch, "dx/dt = (mu - x)/(5*ms) : 1\nmu : 1", method="euler", name="b")
    if r is not None:
        a.r, b.x = r.ravel(), x.ravel()
    return a, b


def by_numpy(r, x, order):
    """r (batch, N_PRE), x (batch, N_POST): states after STEPS; the plasticity of a step before or
    after its sums.
    """
    w, (batch, _) = W.copy(), r.shape
    phase = np.arange(batch * N_PRE).reshape(batch, N_PRE)
    gain_i, gain_j = (np.arange(N_PRE) + 1) / N_PRE, (np.arange(N_POST) + 1) / N_POST

    def plasticity():
        return w + DT * ETA * sum(np.outer(r[b], x[b]) - 0.1 * w for b in range(batch))

    for step in range(STEPS):
        if order == "before":
            w = plasticity()
        mu = np.array([(r[b] * gain_i) @ w for b in range(batch)])
        fb = np.array([w @ (x[b] * gain_j) + 0.01 * w.sum(axis=1) for b in range(batch)])
        if order == "after":
            w = plasticity()
        r, x = (
            r + DT / TAU_R * (fb - r + np.sin(30 * step * DT + phase)),
            x + DT / TAU_X * (mu - x),
        )
        if step % EVERY == 0:
            w = w * DECAY  # once, however many streams there are
    return w, r, x


@pytest.mark.parametrize("batch", [2, 5])  # pairs of streams, and one left over
@pytest.mark.parametrize("order", ["before", "after"])
def test_streams_share_weights_and_add_their_changes(device, tmp_path, batch, order):
    r, x = rng.normal(size=(batch, N_PRE)), rng.normal(size=(batch, N_POST))
    a, b = groups(batch, r, x)
    s = BatchedSynapses(a, b, MODEL, batch=batch, method="euler", name="s")
    s.connect()
    s.w, s.eta = W.ravel(), ETA / second
    s.state_updater.order = -2 if order == "before" else -0.5
    s.run_regularly(f"w *= {DECAY}", dt=EVERY * DT * second, when="end")
    network = brian2.Network(a, b, s)
    network.run(STEPS * DT * second)
    device.build(directory=str(tmp_path), compile=False, run=False, with_output=False)
    one_translation_unit(tmp_path)
    run_compiler(
        ["g++", *get_compiler_and_args()[1], "-I.", "-o", "main", "unity.cpp", "-lm"], tmp_path
    )
    device.run(str(tmp_path), "results", with_output=False)
    got = (np.array(s.w), np.array(a.r), np.array(b.x))
    for have, want in zip(got, by_numpy(r, x, order)):
        assert np.isfinite(want).all()
        np.testing.assert_allclose(have, want.ravel(), rtol=0, atol=1e-12 * np.max(np.abs(want)))
    assert len(s.w) == N_PRE * N_POST and list(s.i[:6]) == [0] * N_POST + [1]


def test_says_what_cannot_be_shared(device):
    a, b = groups(2)
    with pytest.raises(ValueError, match="'a' has 14 units.*3 streams"):
        BatchedSynapses(a, b, "w : 1", batch=3)
    with pytest.raises(NotImplementedError, match="subgroup"):
        BatchedSynapses(a[:6], b, "w : 1", batch=2)
    with pytest.raises(NotImplementedError, match="spikes"):
        BatchedSynapses(a, b, "w : 1", on_pre="mu_post += w", batch=2)


def test_needs_the_dense_device():
    a, b = groups(2)
    with pytest.raises(NotImplementedError, match="cpp_dense"):
        BatchedSynapses(a, b, "w : 1", batch=2).connect()


def test_neurons_change_through_sums_only(device, tmp_path):
    a, b = groups(2)
    s = BatchedSynapses(a, b, "w : 1", batch=2, name="s")
    s.connect()
    s.run_regularly("mu_post = w")
    brian2.Network(a, b, s).run(1 * ms)
    with pytest.raises(NotImplementedError, match="'s'.*neurons"):
        device.build(directory=str(tmp_path), compile=False, run=False)

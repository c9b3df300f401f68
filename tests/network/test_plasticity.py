"""Plasticity steps. Oracle: docs/network.md (every right-hand side from the same state), as Euler
steps in NumPy.
"""

import numpy as np
import tiny
from brian2 import ms

import fena_sim as fs


def test_all_right_hand_sides_are_of_the_same_state(tmp_path):
    unit = fs.Population(name="unit", size=2, equations="x : 1", initial=dict(x=[1.0, 2.0]))
    rule = fs.Plasticity(
        equations="dw/dt = v/tau : 1\ndv/dt = -w*x_pre*x_post/tau : 1",
        clock=4 * ms,
        parameters=dict(tau=20 * ms),
    )
    synapses = fs.Projection(
        name="s", source="unit", target="unit", plasticity=rule, initial=dict(w=1.0, v=0.5)
    )
    model = fs.Hierarchy(name="rotor", populations=[unit], projections=[synapses])
    run = fs.run(
        model, tiny.one_block(2, probes=(), controls={}), device="runtime", out=tmp_path
    )  # 120 ms
    w, v, product = np.ones(4), np.full(4, 0.5), np.outer([1, 2], [1, 2]).ravel()
    for _ in range(30):
        w, v = w + 0.2 * v, v - 0.2 * w * product
    np.testing.assert_allclose(run.state("learning")["s.w"], w, rtol=1e-12)
    np.testing.assert_allclose(run.state("learning")["s.v"], v, rtol=1e-12)

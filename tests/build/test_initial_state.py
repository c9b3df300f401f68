"""Weights given as an array (n_source, n_target) are those of its pairs. Oracle: NumPy's vector-matrix products."""

import numpy as np
import pytest
import tiny

import fena_sim as fs

W = np.random.default_rng(5).normal(size=(3, 4))
X = np.array([1.0, -0.5, 2.0])


@pytest.mark.parametrize("connect, mask", [("all", np.ones((3, 4))), ("i <= j", np.triu(np.ones((3, 4))))])
@pytest.mark.parametrize("device", ["runtime", "dense64"])
def test_sums_are_products_with_the_given_matrix(device, connect, mask, tmp_path):
    populations = [fs.Population(name="source", size=3, equations="x : 1\nback : 1", initial=dict(x=X)),
                   fs.Population(name="target", size=4, equations="there : 1")]
    synapses = fs.Projection(name="w", source="source", target="target", connect=connect, initial=dict(w=W), equations="""
        w : 1
        there_post = w*x_pre : 1 (summed)
        back_pre = w*there_post : 1 (summed)""")
    model = fs.Hierarchy(name="products", populations=populations, projections=[synapses])
    state = fs.run(model, tiny.one_block(2, probes=(), controls={}), device=device, out=tmp_path).state("learning")
    np.testing.assert_allclose(state["target.there"], X @ (mask * W), rtol=1e-14)
    np.testing.assert_allclose(state["source.back"], (mask * W) @ (X @ (mask * W)), rtol=1e-14)

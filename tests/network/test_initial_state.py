"""Weights given as an array (n_source, n_target) are those of its pairs. Oracle: NumPy's
vector-matrix products. What one block's state hands to another follows the documented contract.
"""

import numpy as np
import pytest
import tiny

import fena_sim as fs
from fena_sim.runs.start import carried

X = np.array([1.0, -0.5, 2.0])


@pytest.mark.compile
@pytest.mark.parametrize(
    "n_target", [3, 4]
)  # with a square matrix only the numbers can tell that it was transposed
@pytest.mark.parametrize("connect", ["all", "i <= j"])
@pytest.mark.parametrize("device", ["runtime", "dense64"])
def test_sums_are_products_with_the_given_matrix(device, connect, n_target, tmp_path):
    given = np.random.default_rng(5).normal(size=(3, n_target))
    w = given if connect == "all" else np.triu(given)
    populations = [
        fs.Population(name="source", size=3, equations="x : 1\nback : 1", initial=dict(x=X)),
        fs.Population(name="target", size=n_target, equations="there : 1"),
    ]
    synapses = fs.Projection(
        name="w",
        source="source",
        target="target",
        connect=connect,
        initial=dict(w=given),
        equations="""
        w : 1
        there_post = w*x_pre : 1 (summed)
        back_pre = w*there_post : 1 (summed)""",
    )
    model = fs.Hierarchy(name="products", populations=populations, projections=[synapses])
    state = fs.run(
        model, tiny.one_block(2, probes=(), controls={}), device=device, out=tmp_path
    ).state("learning")
    np.testing.assert_allclose(state["target.there"], X @ w, rtol=1e-12)
    np.testing.assert_allclose(state["source.back"], w @ (X @ w), rtol=1e-12)


def test_what_was_of_its_block_alone_is_not_carried_into_another():
    """Signals, which the next block may give otherwise, and phases of modalities, which it may not have.
    What else is not there is of another model, and stays, to be refused.
    """
    population = fs.Population(
        name="p", size=1, equations="x = drive + token_code : 1", signals={"drive": 0.0}
    )
    model = fs.Hierarchy(name="m", populations=[population])
    of_block = ["p.drive", "p.mean_drive", "p.row_of_drive", "p.stimulus_noise"]
    of_block += ["pacemaker.phase_of_sound"]
    of_model = ["p.y", "p.mean_x", "q.drive", "pacemaker.steps"]
    state = {name: np.zeros(1) for name in of_block + of_model}
    assert list(carried(model, state)) == of_model

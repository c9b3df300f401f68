"""FENA with flat memories and its variants from outside, whatever their equations: what a token, a blank and a
control signal may change.

Oracle: the model's documented contract (README, docs/model.md). Their equations are checked in
`oracles/`.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tiny

import fena_sim as fs
from fena_sim.declare.protocol.timeline import timeline
from fena_sim.device.default import choose_device
from fena_sim.network.initial_state import initial_state
from fena_sim.network.pacemaker import table_values
from fena_sim.network.shape import BlockShape
from fena_sim.stimulus import TokenStream

#: Each with what it tells, on the last step before a token, of the token to come.
MODELS = {
    "fena_flat_memory": "probability",
    "fena_learned_feedback": "probability",
    "fena_gaussian": "prediction",
    "fena_errors_only": "prediction",
}
#: A worker of the tests builds a model's network once. All but the first model are slow.
EACH = [
    pytest.param(
        name, marks=[pytest.mark.xdist_group(name), *([pytest.mark.slow] if number else [])]
    )
    for number, name in enumerate(MODELS)
]
PERIOD, BLANK = 60, 12


def load(name):
    return fs.load_model(Path(__file__).parents[2] / "models" / f"{name}.py", 16, sizes=(8, 6, 5))


def block_of(**controls):
    return tiny.block(n=4, controls=controls, probes=(), stream=tiny.stream(4, seed=2)[:3])


@cache
def network(name):
    """A model, the shape of its blocks, and its program."""
    model = load(name)
    shape = BlockShape.of(timeline(block_of(), model.dt), capacity=8)
    return model, shape, choose_device("dense64")[0].build(model, tiny.VOCABULARY, shape, ())


def states(name, steps, changed=None, **controls):
    """The network's state after each number of `steps` of a block of random tokens, from the
    initial values with `changed`.
    """
    model, shape, program = network(name)
    line = timeline(block_of(**controls), model.dt)
    start = program.complete(
        {**initial_state(model, seed=1), "pacemaker.hold": np.array([line.hold]), **(changed or {})}
    )
    return [program.run(start, table_values(line, 0, shape), 0, n)[0] for n in steps]


def learned(name):
    """Names of everything that lasts: weights, biases, what both have spent, and precisions."""
    model = load(name)
    weights = [
        f"{p.name}.{e.varname}"
        for p in model.projections
        if p.plasticity
        for e in p.plasticity.clock_driven
    ]
    units = [
        f"{p.name}.{v}"
        for p in model.populations
        for v in ("bias", "spent", "log_precision")
        if v in p.variables
    ]
    assert weights and units
    return weights + units


@pytest.mark.compile
@pytest.mark.parametrize("name", EACH)
def test_a_prediction_does_not_know_the_coming_token(name, tmp_path):
    """Streams that differ in token 3 alone: predictions of tokens 0 to 3 are the same to the bit,
    that of token 4 is not.
    """
    tokens, predictions = [0, 3, 1, 2, 5], []
    for coming in (2, 9):
        tokens[3] = coming
        stream = TokenStream.from_ids(tokens, tiny.VOCABULARY)
        run = fs.run(
            load(name),
            tiny.one_block(stream=stream, controls={}, probes=()),
            device="dense64",
            out=tmp_path,
        )
        predictions.append(run.tokens("learning")[MODELS[name]].values)
    np.testing.assert_array_equal(predictions[0][:4], predictions[1][:4])
    assert (predictions[0][4] != predictions[1][4]).all() and np.ptp(
        predictions[0], axis=0
    ).min() > 0


@pytest.mark.compile
@pytest.mark.parametrize("name", EACH)
def test_nothing_is_learned_in_the_blank(name):
    before, shown, blank, again = states(name, [0, PERIOD, PERIOD + BLANK, 2 * PERIOD])
    for variable in learned(name):
        np.testing.assert_array_equal(blank[variable], shown[variable], variable)
        assert (again[variable] != blank[variable]).any(), (
            f"{variable} must learn from a token, for this to mean anything"
        )
    assert (blank["state_1.r"] != shown["state_1.r"]).all(), "the states go on moving in the blank"


@pytest.mark.compile
@pytest.mark.parametrize("name", EACH)
def test_without_plasticity_nothing_is_learned(name):
    before, after = states(name, [0, 2 * PERIOD], plasticity_gain=0.0)
    for variable in learned(name):
        np.testing.assert_array_equal(after[variable], before[variable], variable)


@pytest.mark.compile
@pytest.mark.parametrize("name", EACH)
def test_noise_is_what_the_temperature_lets_in(name):
    other = {f"state_{level}.noise_seed": np.array([5]) for level in (1, 2, 3)}
    for temperature, same in ((0.0, True), (0.02, False)):
        (one,), (two,) = (
            states(name, [PERIOD], changed, temperature=temperature) for changed in (None, other)
        )
        for level in (1, 2, 3):
            assert np.array_equal(one[f"state_{level}.r"], two[f"state_{level}.r"]) is same


@pytest.mark.compile
@pytest.mark.parametrize("name", EACH)
def test_a_level_that_is_knocked_out_says_nothing_and_goes_on(name):
    """What level 1 says of tokens, level 2 of level 1, level 3 of level 2."""
    below = "prediction_0" if MODELS[name] == "probability" else "error_0"
    heard = [f"{below}.prediction", "error_1.prediction", "error_2.prediction"]
    for level in range(4):
        (state,) = states(name, [PERIOD - 1], knocked_out=float(level))
        silent = [not state[variable].any() for variable in heard]
        assert silent == [level == 1, level == 2, level == 3]
        if level:
            assert state[f"state_{level}.feedback"].all(), "errors still ascend to it"

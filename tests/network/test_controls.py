"""What the network hears of a block's control signals. Oracle: the declared numbers and functions,
evaluated here at the time of every step; each population holds the signal under a name of its own.
"""

import numpy as np
import pytest
from brian2 import ms, second

import fena_sim as fs
from fena_sim.stimulus import TokenStream, one_hot

#: Steps of 1 ms: no two tokens take as long, and the longest one is not the last.
BLANK, SHOWN = np.array([3, 2, 5, 4]), np.array([6, 4, 8, 5])
STEPS = np.arange((BLANK + SHOWN).sum())
TOKEN = np.repeat(range(4), BLANK + SHOWN)


def presented(probes):
    """Four tokens with all signals, the third one omitted."""
    return fs.Block(
        name="b",
        stream=TokenStream.from_list(["a", "b", None, "a"], one_hot("ab")),
        pace=fs.FixedPace(duration=SHOWN * ms, blank=BLANK * ms),
        controls={name: value for name, (value, _) in SIGNALS.items()},
        omission_gate=0.5,
        probes=probes,
    )


@pytest.fixture(scope="module", params=[100, 1], ids=["whole", "token by token"])
def heard(request, tmp_path_factory):
    """(events, {signal: value in every step}) of a block, in one chunk or in several."""
    names = [*SIGNALS, "predicting"]
    equations = "".join(f"heard_{name} = {name} : 1\n" for name in names)
    listener = fs.Population(name="listener", size=1, level=2, equations=equations)
    model = fs.Hierarchy(name="hears", populations=[listener], dt=1 * ms)
    block = presented([fs.Probe("listener", [f"heard_{name}" for name in names], interval=1 * ms)])
    run = fs.run(
        model,
        fs.Protocol(name="controls", blocks=[block]),
        device="runtime",
        out=tmp_path_factory.mktemp("controls"),
        chunk_tokens=request.param,
    )
    traces = run.traces("b")
    return run.events("b"), {name: traces[f"listener.heard_{name}"][:, 0] for name in names}


def course(t):
    return t / (10 * ms)


#: {signal: (as declared, expected in every step)}; the third token is omitted.
START = np.concatenate([[0], np.cumsum(BLANK + SHOWN)[:-1]])
PRESENTED = STEPS - START[TOKEN] >= BLANK[TOKEN]
SIGNALS = {
    "temperature": ([0.1, 0.4, 0.2, 0.3], np.array([0.1, 0.4, 0.2, 0.3])[TOKEN]),
    "plasticity_gain": (course, STEPS / 10),
    "precision_gain": (2.5, np.full(len(STEPS), 2.5)),
    "knocked_out": ([0, 2, 0, 2], np.array([0, 2, 0, 2])[TOKEN]),
    "gate": (
        lambda t: 1 - t / (1 * second),
        PRESENTED * (1 - STEPS / 1000) * (1 - (TOKEN == 2) / 2),
    ),
}


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_has_its_value_in_every_step(name, heard):
    np.testing.assert_allclose(heard[1][name], SIGNALS[name][1], rtol=1e-12)


def test_a_level_predicts_unless_it_is_knocked_out(heard):
    np.testing.assert_array_equal(heard[1]["predicting"], np.array([1, 0, 1, 0])[TOKEN])


def test_the_gate_in_the_event_table_is_the_largest_of_the_presentation(heard):
    events, signals = heard
    largest = [signals["gate"].to_numpy()[TOKEN == k].max() for k in range(4)]
    np.testing.assert_allclose(events["gate"], largest, rtol=1e-12)


FLAGS = ("presenting", "arriving")


def test_a_population_whose_synapses_read_a_signal_is_not_a_step_behind(tmp_path):
    """Such a population holds a copy of the signal; what it computes once per step reads it too."""
    names = [*SIGNALS, "predicting", *FLAGS]
    listener = fs.Population(
        name="listener",
        size=2,
        level=2,
        equations="".join(f"once_{name} = {name} : 1 (constant over dt)\n" for name in names)
        + "".join(f"live_{name} = {name} : 1\n" for name in names)
        + "heard : 1\n",
    )
    reads = fs.Projection(
        name="reads",
        source="listener",
        target="listener",
        equations="heard_post = ({}) : 1 (summed)".format("+".join(f"{n}_post" for n in names)),
    )
    model = fs.Hierarchy(name="copies", populations=[listener], projections=[reads], dt=1 * ms)
    probed = [f"{kind}_{name}" for kind in ("once", "live") for name in names]
    block = presented([fs.Probe("listener", [*probed, "heard"], interval=1 * ms)])
    protocol = fs.Protocol(name="copied", blocks=[block])
    traces = fs.run(model, protocol, device="runtime", out=tmp_path).traces("b")
    expected = {name: value for name, (_, value) in SIGNALS.items()}
    expected["predicting"] = np.array([1, 0, 1, 0])[TOKEN]
    expected["presenting"] = PRESENTED
    expected["arriving"] = STEPS - START[TOKEN] == BLANK[TOKEN]
    for kind in ("once", "live"):
        for name in names:
            found = traces[f"listener.{kind}_{name}"]
            np.testing.assert_allclose(found[:, 0], expected[name], rtol=1e-12, err_msg=name)
    # A sample is of the beginning of a step, as in Brian2: it holds what was summed in the step before.
    total = 2 * sum(1.0 * expected[name] for name in names)
    np.testing.assert_allclose(traces["listener.heard"][1:, 0], total[:-1], rtol=1e-12)

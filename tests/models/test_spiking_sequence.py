"""Oracles: the closed form of the pair rule, that of the interspike interval, and agreement of
chunks and devices.
"""

from pathlib import Path

import attrs
import numpy as np
import pytest
from brian2 import Quantity, ms, mV

from fena_sim import (
    Block,
    FixedPace,
    Hierarchy,
    Plasticity,
    Population,
    Probe,
    Projection,
    Protocol,
    load_model,
)
from fena_sim.declare.protocol.block import INITIAL
from fena_sim.load.user_file import load_file
from fena_sim.network.initial_state import initial_state
from fena_sim.runs.execute import run
from fena_sim.stimulus import TokenStream, one_hot

ROOT = Path(__file__).parents[2]
MODEL = load_file(ROOT / "models" / "spiking_sequence.py", "model")
SEQUENCE = load_file(ROOT / "protocols" / "spiking_sequence.py", "protocol")
DT = 0.5 * ms
A_PLUS, A_MINUS, TAU = 0.005, 0.00525, 20.0
LAGS = (1, 2, 5, 12.5, 20, 60)  # ms
START = 0.5
pytestmark = [pytest.mark.compile, pytest.mark.xdist_group("spiking_sequence")]


# -- the plasticity rule ---------------------------------------------------------------------------


def pair_model(initial=START):
    """Two neurons that fire at their token; synapses with the model's rule, without and with a
    delay of 3 ms.
    """
    rule = Plasticity(
        equations=MODEL.TRACES,
        on_pre=MODEL.ON_PRE,
        on_post=MODEL.ON_POST,
        parameters=dict(a_plus=A_PLUS, a_minus=A_MINUS, tau_stdp=TAU * ms),
    )
    cell = Population(
        name="cell",
        size=2,
        equations="v : 1",
        threshold="v > 0.5",
        reset="v = 0",
        on=dict(onset="v = token_code"),
    )
    plastic = [
        Projection(
            name=name,
            source="cell",
            target="cell",
            connect="i != j",
            delay=delay,
            equations="w : 1",
            initial=dict(w=initial),
            plasticity=rule,
        )
        for name, delay in (("prompt", None), ("late", 3 * ms))
    ]
    return Hierarchy(name="pairs", populations=[cell], projections=plastic, dt=DT)


def pairs(lags, gain=1.0):
    """One block for each lag, in which "a" and then "b" fire once, and nothing for 0.5 s."""
    stream = TokenStream.from_list(["a", "b"], one_hot("ab"))
    blocks = [
        Block(
            name=f"lag_{k}",
            stream=stream,
            start_from=INITIAL,
            controls=dict(plasticity_gain=gain),
            pace=FixedPace(duration=Quantity([DT, 500 * ms]), blank=Quantity([DT, lag * ms - DT])),
        )
        for k, lag in enumerate(lags)
    ]
    return Protocol(name="pairs", blocks=blocks)


@pytest.fixture(scope="module")
def changes(tmp_path_factory):
    """Weight changes {projection: (lag, [a to b, b to a])}."""
    pair_run = run(pair_model(), pairs(LAGS), device="cpp", out=tmp_path_factory.mktemp("pairs"))
    return {
        name: np.array([pair_run.state(block)[f"{name}.w"] for block in pair_run.blocks]) - START
        for name in ("prompt", "late")
    }


def test_isolated_pairs_change_the_weight_as_song_et_al_say(changes):
    lags = np.array(LAGS)
    np.testing.assert_allclose(changes["prompt"][:, 0], A_PLUS * np.exp(-lags / TAU), rtol=1e-9)
    np.testing.assert_allclose(changes["prompt"][:, 1], -A_MINUS * np.exp(-lags / TAU), rtol=1e-9)


def test_a_delay_shifts_the_lag(changes):
    """A spike counts when it reaches the synapse: 3 ms later."""
    forward, backward = np.array(LAGS) - 3, np.array(LAGS) + 3
    expected = np.where(forward > 0, A_PLUS, -A_MINUS) * np.exp(-np.abs(forward) / TAU)
    np.testing.assert_allclose(changes["late"][:, 0], expected, rtol=1e-9)
    np.testing.assert_allclose(changes["late"][:, 1], -A_MINUS * np.exp(-backward / TAU), rtol=1e-9)


def test_weights_stay_between_their_bounds_and_without_gain_where_they_are(tmp_path):
    def after(declared, gain=1.0):
        return run(declared, pairs([2], gain), device="cpp", out=tmp_path).state("lag_0")[
            "prompt.w"
        ]

    np.testing.assert_array_equal(after(pair_model(np.array([[0, 1.0], [0.0, 0]]))), [1, 0])
    np.testing.assert_array_equal(after(pair_model(), gain=0.0), [START, START])


# -- the neurons -----------------------------------------------------------------------------------


def test_interspike_intervals(tmp_path):
    """tau ln(D/(D - 16 mV)) to the first spike, 5 ms + tau ln((D - 10 mV)/(D - 16 mV)) between
    spikes.
    """
    driven = load_model(ROOT / "models" / "spiking_sequence.py", input_size=2).with_parameter(
        "drive", 200 * mV
    )
    stream = TokenStream.from_list(["a"], one_hot("ab"))
    block = Block(
        name="constant",
        stream=stream,
        probes=[Probe("afferent", "spikes")],
        pace=FixedPace(duration=100 * ms, blank=0.1 * ms),
    )
    spikes = run(driven, Protocol(name="p", blocks=[block]), device="cpp", out=tmp_path).traces(
        "constant"
    )
    times = 1e3 * spikes["afferent.spike_time"].to_numpy() - 0.1
    assert times[0] == pytest.approx(20 * np.log(200 / 184), abs=0.2)
    np.testing.assert_allclose(np.diff(times), 5 + 20 * np.log(190 / 184), atol=0.2)


# -- the whole model -------------------------------------------------------------------------------


def model(input_size):
    return load_model(ROOT / "models" / "spiking_sequence.py", input_size=input_size, dt=DT)


def recorded():
    """A few tokens with plasticity on and everything recorded."""
    test = SEQUENCE.protocol(symbols="abcd", test_repetitions=2).blocks[0]
    return Protocol(name="recorded", blocks=[attrs.evolve(test, controls={})])


def test_chunks_and_devices_agree(tmp_path):
    runs = {
        (device, chunk): run(
            model(4), recorded(), device=device, chunk_tokens=chunk, out=tmp_path / str(chunk)
        )
        for device, chunk in (("cpp", 8), ("cpp", 1), ("cpp", 3), ("runtime", 8), ("runtime", 3))
    }
    whole, state = runs["cpp", 8].traces("before").load(), runs["cpp", 8].state("before")
    assert whole.sizes["sequence_spike"] > 20
    assert np.ptp(state["recurrent.w"] - initial_state(model(4), seed=0)["recurrent.w"]) > 0
    for (device, _), other in runs.items():
        traces = other.traces("before").load()
        for name in (
            "afferent.spike_time",
            "afferent.spike_unit",
            "sequence.spike_time",
            "sequence.spike_unit",
        ):
            np.testing.assert_array_equal(traces[name], whole[name])
        rounding = dict(rtol=0 if device == "cpp" else 1e-9, atol=0 if device == "cpp" else 1e-15)
        for name, values in other.state("before").items():
            if not name.startswith("pacemaker."):  # which counts within its chunk
                np.testing.assert_allclose(values, state[name], **rounding, err_msg=name)


def test_a_repeated_list_leaves_its_direction(tmp_path):
    protocol = SEQUENCE.protocol(symbols="abcdef", repetitions=30)
    found = SEQUENCE.summary([run(model(6), protocol, device="cpp", out=tmp_path)])
    assert abs(found["asymmetry_before"]) < 0.1
    assert found["asymmetry_after"] > 0.5
    assert found["anticipation_after"] > found["anticipation_before"] + 1  # mV

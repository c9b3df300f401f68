"""Oracles: the undelayed projection, shifted by delay/dt steps; for spikes also Brian2's own
Synapses(delay=...).
"""

import brian2
import numpy as np
import pytest
from brian2 import NeuronGroup, StateMonitor, Synapses, TimedArray, ms

from fena_sim import Block, FixedPace, Hierarchy, Population, Probe, Projection, Protocol
from fena_sim.runs.execute import run
from fena_sim.stimulus import TokenStream, Vocabulary

STEPS = (1, 3, 11)  # the last is longer than a token's period
PERIOD = 8
DECAY = 5 * ms
pytestmark = [pytest.mark.compile, pytest.mark.xdist_group("delay")]
CODES = np.array([[0.7, 0.0, 1.0], [0.0, 1.2, 0.8]])
TOKENS = "abbabaab"
SOURCE = """
dtrace/dt = -trace/decay : 1
v : 1
x = 2*v - echo : 1
echo : 1
"""
TARGET = "\n".join(
    f"rate_{k} : 1\ndspiked_{k}/dt = -spiked_{k}/decay : 1\ncarried_{k} : 1" for k in (0, *STEPS)
)


def model():
    """Three units that fire at the tokens of their code, their `x` and spikes sent over 0, 1, 3 and
    11 steps.
    """
    source = Population(
        name="source",
        size=3,
        equations=SOURCE,
        parameters=dict(decay=DECAY),
        threshold="v > 0.5",
        reset="v = 0; trace += 1",
        on=dict(blank_onset="v = 0.1", onset="v = token_code"),
        order=5,
    )
    target = Population(
        name="target", size=3, equations=TARGET, parameters=dict(decay=DECAY), order=20
    )
    # `x` subtracts an input that is summed within the step, so it is complete only when it is read.
    projections = [
        Projection(
            name="own",
            source="source",
            target="source",
            connect="one_to_one",
            equations="echo_post = trace_pre : 1 (summed)",
        )
    ]
    for k in (0, *STEPS):
        delay = k * ms if k else None
        projections += [
            Projection(
                name=f"rates_{k}",
                source="source",
                target="target",
                connect="one_to_one",
                delay=delay,
                equations=f"rate_{k}_post = x_pre : 1 (summed)",
            ),
            Projection(
                name=f"spikes_{k}",
                source="source",
                target="target",
                connect="i <= j",
                delay=delay,
                on_pre=f"spiked_{k}_post += 1 + i; carried_{k}_post += v_pre",
            ),
        ]
    return Hierarchy(
        name="delays", populations=[source, target], projections=projections, dt=1 * ms
    )


@pytest.fixture(scope="module", params=["runtime", "cpp"])
def traces(request, tmp_path_factory):
    """Traces of `target` from one chunk for the block, and from a chunk for every token."""
    stream = TokenStream.from_list(list(TOKENS), Vocabulary(symbols="ab", codes=CODES))
    probe = Probe(
        "target", [f"{what}_{k}" for what in ("rate", "spiked", "carried") for k in (0, *STEPS)]
    )
    block = Block(
        name="block", stream=stream, pace=FixedPace(duration=3 * ms, blank=5 * ms), probes=[probe]
    )
    protocol, out = Protocol(name="delays", blocks=[block]), tmp_path_factory.mktemp(request.param)
    runs = [
        run(model(), protocol, device=request.param, chunk_tokens=chunk, out=out / str(chunk))
        for chunk in (len(stream), 1)
    ]
    return [finished.traces("block").load() for finished in runs]


@pytest.mark.parametrize("steps", STEPS)
def test_rates_arrive_after_exactly_the_delay(traces, steps):
    direct = traces[0]["target.rate_0"].to_numpy()
    # The first sample shows the target before anything was read.
    expected = np.vstack([np.zeros((1 + steps, 3)), direct[1:]])[: len(direct)]
    assert np.ptp(direct, axis=0).min() > 1
    np.testing.assert_array_equal(traces[0][f"target.rate_{steps}"], expected)


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("what", ["spiked", "carried"])
def test_spikes_act_after_exactly_the_delay(traces, what, steps):
    direct = traces[0][f"target.{what}_0"].to_numpy()
    expected = np.vstack([np.zeros((steps, 3)), direct])[: len(direct)]
    assert direct.max(axis=0).min() > 0.5
    np.testing.assert_array_equal(traces[0][f"target.{what}_{steps}"], expected)


@pytest.mark.parametrize("steps", (0, *STEPS))
def test_spikes_act_as_in_brian2(traces, steps):
    brian2.set_device("runtime")
    shown = np.zeros((PERIOD * len(TOKENS), 3))
    shown[5::PERIOD] = CODES[["ab".index(token) for token in TOKENS]]
    source = NeuronGroup(
        3,
        "v = shown(t, i) : 1",
        threshold="v > 0.5",
        reset="",
        dt=1 * ms,
        namespace=dict(shown=TimedArray(shown, dt=1 * ms)),
    )
    target = NeuronGroup(
        3, "du/dt = -u/decay : 1", method="euler", dt=1 * ms, namespace=dict(decay=DECAY)
    )
    synapses = Synapses(source, target, on_pre="u_post += 1 + i", delay=steps * ms, dt=1 * ms)
    synapses.connect("i <= j")
    monitor = StateMonitor(target, "u", record=True, when="start", dt=1 * ms)
    brian2.Network(source, target, synapses, monitor).run(len(shown) * ms)
    np.testing.assert_allclose(traces[0][f"target.spiked_{steps}"], monitor.u.T, rtol=1e-13)


def test_a_chunk_boundary_leaves_no_trace(traces):
    assert traces[1].identical(traces[0])

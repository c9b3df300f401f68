"""Oracle: the same run in chunks of another length. Chunks must leave no trace in any result."""

import pytest
import tiny
from brian2 import ms, mV

import fena_sim as fs

pytestmark = pytest.mark.compile


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_chunks_leave_no_trace(chunk, tiny_fena, uninterrupted, fingerprint, tidy, tmp_path):
    run = fs.run(tiny_fena, tiny.everything(), device="dense64", out=tmp_path, chunk_tokens=chunk)
    assert fingerprint(run.folder) == fingerprint(uninterrupted.folder)
    tidy(run.folder)


@pytest.mark.parametrize("pace", [None, fs.SelfPaced(blank=10 * ms)], ids=["fixed", "self-paced"])
def test_chunks_leave_no_trace_at_runtime(pace, tiny_fena, fingerprint, tmp_path):
    options = {} if pace is None else {"pace": pace}
    runs = [
        fs.run(
            tiny_fena,
            tiny.one_block(4, **options),
            device="runtime",
            out=tmp_path / str(chunk),
            chunk_tokens=chunk,
        )
        for chunk in (3, 100)
    ]
    assert fingerprint(runs[0].folder) == fingerprint(runs[1].folder)


@pytest.mark.parametrize("device", ["dense64", "dense"])
def test_chunks_leave_no_trace_in_streams(device, fingerprint, tmp_path):
    """Two streams side by side, learning, with noise, at both paces."""
    model = tiny.model().with_parameter("batch", 2)
    two = [tiny.stream(6, 0), tiny.stream(6, 1)]
    protocol = fs.Protocol(
        name="two",
        blocks=[
            tiny.block(stream=two),
            tiny.block("paced", stream=two, pace=fs.SelfPaced(blank=10 * ms)),
        ],
    )
    runs = [
        fs.run(model, protocol, device=device, out=tmp_path / str(chunk), chunk_tokens=chunk)
        for chunk in (1, 4, 100)
    ]
    assert fingerprint(runs[0].folder) == fingerprint(runs[1].folder) == fingerprint(runs[2].folder)
    steps = runs[0].tokens("paced")["steps"].values
    assert steps.shape == (6,) and len(set(steps)) > 1, "the pace must depend on settling"
    iterations = runs[0].tokens("paced")["iterations"]
    assert iterations.dims == ("event", "stream") and (iterations[:, 0] != iterations[:, 1]).any()


def spiking_model():
    """Integrate-and-fire units driven by the tokens, delayed plastic synapses to a second
    population.
    """
    equations = (
        "dv/dt = (drive - v)/tau + 3*mV*sqrt(2*temperature/tau)*noise : volt (unless refractory)"
    )
    common = dict(
        parameters=dict(tau=8 * ms, v_threshold=10 * mV),
        threshold="v > v_threshold",
        reset="v = 0*mV",
        refractory=3 * ms,
    )
    source = fs.Population(
        name="source",
        size=16,
        equations=f"{equations}\ndrive : volt",
        on=dict(blank_onset="drive = 0*mV", onset="drive = 40*mV*token_code"),
        **common,
    )
    target = fs.Population(
        name="target", size=5, equations=equations.replace("drive", "5*mV"), **common
    )
    rule = fs.Plasticity(
        equations="dlately/dt = -lately/(9*ms) : 1 (event-driven)",
        on_pre="lately += 1",
        on_post="w = clip(w + 0.1*mV*lately, 0*mV, 12*mV)",
    )
    synapses = fs.Projection(
        name="synapses",
        source="source",
        target="target",
        equations="w : volt",
        delay=7 * ms,
        on_pre="v_post += w",
        plasticity=rule,
        initial=dict(w=fs.Uniform(4 * mV, 9 * mV)),
    )
    return fs.Hierarchy(name="spiking", populations=[source, target], projections=[synapses])


def test_chunks_leave_no_trace_in_spikes(fingerprint, tmp_path):
    probes = [
        fs.Probe("target", ["spikes", "v"], interval=3 * ms),
        fs.Probe("source", "spikes", units=range(8)),
    ]
    protocol = tiny.one_block(8, probes=probes, pace=fs.FixedPace(duration=40 * ms, blank=10 * ms))
    runs = [
        fs.run(
            spiking_model(),
            protocol,
            device="dense64",
            out=tmp_path / str(chunk),
            chunk_tokens=chunk,
        )
        for chunk in (1, 3, 100)
    ]
    assert len(runs[0].traces("learning")["target.spike_time"]) > 5, "the comparison needs spikes"
    assert fingerprint(runs[0].folder) == fingerprint(runs[1].folder) == fingerprint(runs[2].folder)

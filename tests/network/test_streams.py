"""Oracle: networks without a batch. Each of B streams side by side is what a network of its own is,
fed that stream.
"""

import numpy as np
import pytest
import tiny
from brian2 import ms

import fena_sim as fs
from fena_sim.errors import DeclarationError
from fena_sim.measure import settling_iterations

pytestmark = pytest.mark.compile

B = 3
STREAMS = [tiny.stream(6, seed) for seed in range(B)]


def apart(batch=1, sigma=0.0):
    """Populations without projections, that use everything a stream may differ in; initial values
    are the same in all.
    """
    senses = fs.Population(
        name="senses",
        size=16,
        level=0,
        parameters=dict(tau=10 * ms, sigma=sigma),
        initial=dict(x=np.linspace(-1, 1, 16)),
        on=dict(onset="seen = (1 + i/N)*token_code"),
        links=dict(mean="common.y"),
        equations="""
            dx/dt = (-x + gate*token_code*(1 + i) + mean + number*N)/tau + sigma*sqrt(2/tau)*noise : 1
            number = i : integer
            seen : 1""",
    )
    common = fs.Population(
        name="common",
        size=1,
        level=0,
        parameters=dict(tau=30 * ms),
        equations="""
        dy/dt = (gate - y)/tau : 1""",
        initial=dict(y=0.25),
    )
    copy = fs.Population(
        name="copy",
        size=16,
        level=0,
        links=dict(x="senses.x"),
        equations="twice = 2*x : 1\nkept : 1",
        on=dict(blank_onset="kept = twice"),
    )
    return fs.Hierarchy(
        name="apart",
        batch=batch,
        populations=[senses, common, copy],
        readouts=[
            fs.Readout(name="kept", variables=["copy.kept"], when="last"),
            fs.Readout(name="y", variables=["common.y"], when="mean"),
        ],
    )


def protocol(stream, **options):
    probes = [
        fs.Probe("senses", ["x", "seen", "mean"], units=[0, 3, 9], window=(-3 * ms, 7 * ms)),
        fs.Probe("common", "y"),
    ]
    block = fs.Block(
        name="shown", stream=stream, omission_gate=0.5, **{"probes": probes, **options}
    )
    return fs.Protocol(name="streams", blocks=[block])


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    return fs.run(
        apart(B),
        protocol(STREAMS),
        device="dense64",
        out=tmp_path_factory.mktemp("together"),
        chunk_tokens=4,
    )


def test_measures_take_one_stream(together):
    with pytest.raises(DeclarationError, match="3 streams") as caught:
        settling_iterations(together, "shown")
    assert "run.streams" in caught.value.fix
    assert (
        settling_iterations(together.streams[1], "shown") == 48
    )  # nothing to settle: every step counts


@pytest.mark.parametrize("number", range(B))
def test_a_stream_is_what_it_is_alone(number, together, tmp_path):
    alone, stream = (
        fs.run(apart(), protocol(STREAMS[number]), device="dense64", out=tmp_path),
        together.streams[number],
    )
    assert stream.events("shown").equals(alone.events("shown"))
    for kind in ("tokens", "traces", "state"):
        ours, theirs = getattr(stream, kind)("shown"), getattr(alone, kind)("shown")
        assert set(theirs) - set(ours) <= {"pacemaker.token_row"}, (
            "with a batch every stream has a row of its own"
        )
        for name in set(ours) - {"senses.noise"}:  # each has its own, here without effect
            np.testing.assert_allclose(
                ours[name], theirs[name], rtol=1e-12, atol=1e-15, err_msg=f"{kind} {name}"
            )
    assert np.ptp(alone.traces("shown")["senses.x"].values) > 1


def test_names_of_dimensions(together):
    assert together.tokens("shown")["kept"].dims == ("event", "stream", "unit")
    assert together.tokens("shown")["y"].dims == ("event", "stream", "level")
    traces = together.traces("shown")
    assert traces["senses.x"].dims == ("time_senses", "stream", "senses_unit")
    assert traces["senses.x"].sizes["senses_unit"] == 3 and traces["common.y"].shape == (360, B, 1)
    events = together.events("shown")
    assert events["stream"].tolist() == np.repeat(range(B), 6).tolist()
    assert events["gate"].tolist() == [0.5 if token < 0 else 1 for token in events["token"]]


def test_noise_of_streams_is_independent_and_of_the_first_as_alone(tmp_path):
    """The leak is linear: deviates are what is left of the difference that noise makes, sqrt(2 tau
    dt) sigma/tau each.
    """

    def x(batch, sigma):
        model, stream = apart(batch, sigma), STREAMS[:1] * batch
        probe = fs.Probe("senses", "x", units=[0, 3, 9])
        return (
            fs.run(model, protocol(stream, probes=[probe]), device="dense64", out=tmp_path)
            .traces("shown")["senses.x"]
            .values
        )

    noisy, silent = x(B, 1.0), x(B, 0.0)
    np.testing.assert_allclose(noisy[:, 0], x(1, 1.0), rtol=1e-12)
    made = (noisy - silent).reshape(len(noisy), -1)
    deviates = (made[1:] - 0.9 * made[:-1]) / np.sqrt(2 * 0.1)
    assert abs(deviates.std() - 1) < 5 / np.sqrt(2 * deviates.size)
    assert np.abs(np.corrcoef(deviates.T) - np.eye(9)).max() < 5 / np.sqrt(len(deviates))

"""The rate of change by which settling is judged. Oracles: the iterations that the network counted
itself, and the rates of its states as another probe recorded them.
"""

import attrs
import numpy as np
import pytest
import tiny
from brian2 import ms

import fena_sim as fs
from fena_sim.errors import ProtocolError, UnknownNameError
from fena_sim.measure import settling_at

RATE = fs.Probe("pacemaker", "rate")


def protocol(n=9, **options):
    return fs.Protocol(
        name="judged",
        blocks=[
            tiny.block(n=n, probes=[RATE]),
            tiny.block("paced", n, pace=fs.SelfPaced(blank=10 * ms), probes=[RATE]),
        ],
    )


@pytest.mark.compile
@pytest.mark.parametrize("device", ["dense64", "dense", "runtime"])
def test_the_recorded_rate_gives_the_recorded_iterations(device, tiny_fena, tmp_path):
    run = fs.run(tiny_fena, protocol(), device=device, out=tmp_path, chunk_tokens=4)
    own = float(tiny_fena.settling.tolerance)
    for block in run.blocks:
        tokens = run.tokens(block)
        found = settling_at(run, block, [own, own / 2, 2 * own])
        np.testing.assert_array_equal(found.sel(tolerances=own), tokens["iterations"])
        assert (found.sel(tolerances=own / 2) >= found.sel(tolerances=own)).all()
    settled = (tokens["iterations"] < tokens["steps"]).to_numpy()
    assert settled.any() and (tokens["iterations"] > 0).any(), (
        "some tokens must settle, for the count to mean anything"
    )


@pytest.mark.slow
def test_the_rate_is_that_of_the_states(tiny_fena, tmp_path):
    """RMS of how far the states moved per step; temperature 0, so that the drift is all that moves
    them.
    """
    states = [fs.Probe(f"state_{level}", "r") for level in (1, 2, 3)]
    run = fs.run(
        tiny_fena,
        tiny.one_block(4, controls={}, probes=[RATE, *states]),
        device="runtime",
        out=tmp_path,
    )
    traces = run.traces("learning")
    r = np.concatenate([traces[f"state_{level}.r"].values for level in (1, 2, 3)], axis=1)
    moved = np.sqrt((np.diff(r, axis=0) ** 2).mean(axis=1)) / 1e-3
    np.testing.assert_allclose(traces["pacemaker.rate"].values[:-1, 0], moved, rtol=1e-9)
    assert traces["pacemaker.rate"].attrs["units"] == "second ** -1"


@pytest.mark.compile
def test_every_stream_has_a_rate_of_its_own(tmp_path):
    model = tiny.model().with_parameter("batch", 2)
    block = tiny.block(stream=[tiny.stream(6, 0), tiny.stream(6, 1)], probes=[RATE])
    run = fs.run(model, fs.Protocol(name="judged", blocks=[block]), device="dense64", out=tmp_path)
    iterations = []
    for stream in run.streams:
        iterations.append(stream.tokens("learning")["iterations"].values)
        found = settling_at(stream, "learning", [model.settling.tolerance])
        np.testing.assert_array_equal(found.to_numpy()[:, 0], iterations[-1])
    assert not np.array_equal(*iterations)


def test_what_cannot_be_recorded(tiny_fena, tmp_path):
    def refused(model, probe):
        fs.run(model, tiny.one_block(2, probes=[probe]), device="runtime", out=tmp_path)

    with pytest.raises(UnknownNameError, match="no variable 'rat'"):
        refused(tiny_fena, fs.Probe("pacemaker", "rat"))
    with pytest.raises(ProtocolError, match="does not say when it has settled"):
        refused(attrs.evolve(tiny_fena, settling=None), RATE)
    assert not list(tmp_path.iterdir())

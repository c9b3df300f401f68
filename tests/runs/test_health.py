"""Oracle: x doubles at every step of dx/dt = x/dt by Euler's method, so x(n) = x(0) 2^n overflows
at a known step.

For FENA, whose explosion has no closed form, the oracle is the network itself: run in one go to the
step before the one that the message names it is finite, and one step further it is not.
"""

import re

import numpy as np
import pytest
import tiny
from brian2 import ms

import fena_sim as fs
from fena_sim.declare.protocol.timeline import timeline
from fena_sim.device.default import choose_device
from fena_sim.errors import NonFiniteError
from fena_sim.network.initial_state import initial_state
from fena_sim.network.pacemaker import table_values
from fena_sim.network.shape import BlockShape
from fena_sim.runs.health import GROWN, beyond, not_finite
from fena_sim.runs.live.progress import Silent
from fena_sim.runs.resources import TABLE_ROWS
from fena_sim.runs.store.files import load_arrays
from fena_sim.stimulus import TokenStream

pytestmark = pytest.mark.compile

PERIOD = 60  # steps per token
OVERFLOW = 1024  # 2^1024 is the first power of two beyond float64


def doubling(start, rate="1/ms"):
    calm = fs.Population(
        name="calm", size=16, level=1, equations="y : 1", on=dict(onset="y = token_code")
    )
    wild = fs.Population(
        name="wild",
        size=3,
        level=2,
        equations=f"dx/dt = {rate}*x : 1",
        initial=dict(x=[0, start, 0]),
    )
    return fs.Hierarchy(name="doubling", populations=[calm, wild])


@pytest.mark.parametrize("device", ["cpp", "runtime"])
@pytest.mark.parametrize("exponent, chunk", [(4, 100), (3, 100), (4, 3), (3, 5)])
def test_first_bad_step(device, exponent, chunk, tmp_path):
    """With x(0) = 2^4 the last step of token 16 overflows, with x(0) = 2^3 the first step of token
    17.
    """
    step = OVERFLOW - exponent
    token = (step - 1) // PERIOD
    protocol = tiny.one_block(20, probes=())
    with pytest.raises(NonFiniteError) as caught:
        fs.run(doubling(2.0**exponent), protocol, device=device, out=tmp_path, chunk_tokens=chunk)
    symbol = protocol.blocks[0].stream.events["symbol"].iloc[token]
    what = caught.value.what
    assert "population wild, level 2, element 1" in what
    assert f"token {token} ({symbol!r})" in what
    assert what.endswith(f"step {step}")
    (folder,) = tmp_path.iterdir()
    kept = sorted((folder / "checkpoints" / "learning").glob("*.npz"))
    assert len(kept) == min(2, (step - 1) // (chunk * PERIOD)), (
        "checkpoints of the finite chunks before, at most two"
    )
    for path in kept:
        assert np.isfinite(load_arrays(path)[0]["wild.x"]).all()


def test_first_bad_step_of_a_stream(tmp_path):
    """Behind the gate x doubles only while a token is presented, 48 times each: only in the stream
    that is not all omitted.
    """
    tokens = tiny.stream(24).events["token"].clip(lower=0)
    streams = [TokenStream.from_ids(ids, tiny.VOCABULARY) for ids in (np.full(24, -1), tokens)]
    model = doubling(2.0**4, rate="gate/ms").with_parameter("batch", 2)
    with pytest.raises(NonFiniteError) as caught:
        fs.run(model, tiny.one_block(24, probes=(), stream=streams), device="dense64", out=tmp_path)
    token, step = divmod(OVERFLOW - 4 - 1, 48)
    assert "population wild, level 2, element 1 of stream 1" in caught.value.what
    assert f"token {token} ({streams[1].events['symbol'].iloc[token]!r})" in caught.value.what
    assert caught.value.what.endswith(f"step {token * PERIOD + 12 + step + 1}")


# -- large, but finite -------------------------------------------------------------------------


def grown(model, tmp_path, device="runtime", n=15, chunk=100, **options):
    """(warnings of the manifest, log) of a finished run."""
    protocol = tiny.one_block(n, probes=(), **options)
    run = fs.run(model, protocol, device=device, out=tmp_path, chunk_tokens=chunk)
    assert run.finished
    return run.manifest["warnings"], (run.folder / "log.txt").read_text()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("device", ["cpp", "runtime"])
@pytest.mark.parametrize("chunk", [100, 3])
def test_a_state_that_has_grown_is_warned_of_once(device, chunk, sign, tmp_path):
    """2^-80 doubles 120 times until it is 2^40, the first power of two from 10^12 on: in the last
    step of token 1. It stays finite to the end.
    """
    warnings, log = grown(doubling(sign * 2.0**-80), tmp_path, device, chunk=chunk)
    assert 2.0**39 < 1e12 <= GROWN <= 2.0**40
    symbol = tiny.one_block(15).blocks[0].stream.events["symbol"].iloc[1]
    (warning,) = warnings
    assert (
        "wild.x has grown to 1e+12 or more (population wild, level 2, element 1) at token 1 "
        f"({symbol!r}) of block 'learning', step 120"
    ) in warning
    assert "the run goes on" in warning and "dt=0.5*ms" in warning
    assert log.count(warning) == 1


@pytest.mark.parametrize(
    "model",
    [
        doubling(2.0**-900),  # below it to the end
        doubling(2.0**50, rate="0/ms"),  # beyond it from the beginning
        fs.Hierarchy(  # a parameter, which does not grow
            name="large",
            populations=[
                *doubling(0.0).populations[:1],
                fs.Population(
                    name="wild",
                    size=3,
                    equations="dx/dt = (1 - a*x/a)/(10*ms) : 1",
                    parameters=dict(a=1e15),
                ),
            ],
        ),
    ],
)
def test_no_warning_where_nothing_has_grown(model, tmp_path):
    warnings, log = grown(model, tmp_path)
    assert warnings == [] and "warning" not in log


def test_the_warning_is_shown_and_outlasts_an_interruption(tmp_path):
    """Shown as every line of the log; the second session adds none and keeps that of the first."""

    class Stopped(Exception):
        pass

    class Stops(Silent):
        lines: list = []

        def log(self, text):
            self.lines.append(text)

        def chunk(self, block, done, *others):
            if done >= 6:
                raise Stopped

    model, protocol = doubling(2.0**-80), tiny.one_block(15, probes=())
    with pytest.raises(Stopped):
        fs.run(model, protocol, device="runtime", out=tmp_path, chunk_tokens=3, progress=Stops())
    (warning,) = [line for line in Stops.lines if line.startswith("warning")]
    run = fs.run(model, protocol, device="runtime", out=tmp_path, chunk_tokens=3)
    assert run.manifest["sessions"] == 2 and run.manifest["warnings"] == [warning]
    assert (run.folder / "log.txt").read_text().count(warning) == 1


def test_beyond():
    """NaN, either sign, the limit itself; not integers, not the pacemaker, not what is empty."""
    state = {
        "a.nan": np.array([0, np.nan]),
        "a.high": np.array([0, 2.0]),
        "a.low": np.array([-2.0, 0], dtype=np.float32),
        "a.calm": np.array([-1.9, 1.9]),
        "a.whole": np.array([5]),
        "a.none": np.zeros(0),
        "pacemaker.steps": np.array([9.0]),
    }
    assert beyond(state, 2.0) == ["a.nan", "a.high", "a.low"]
    assert not_finite(state) == ["a.nan"]
    assert not_finite({"a.x": np.array([-np.inf, 1])}) == ["a.x"]


def test_error_units_that_explode(tiny_fena, tmp_path):
    """An Euler step of 3.3 time constants multiplies their deviation by -2.3."""
    model = tiny_fena.with_parameter("tau_e", 0.3 * ms)
    protocol = tiny.one_block(24)
    with pytest.raises(NonFiniteError) as caught:
        fs.run(model, protocol, device="dense64", out=tmp_path, chunk_tokens=3)
    owner, level, token, symbol, step = re.match(
        r"(\w+)\.\w+ is .* level (\d), .* token (\d+) \('(.*)'\) of block 'learning', step (\d+)$",
        caught.value.what,
    ).groups()
    named = {
        **{p.name: p.level for p in model.populations},
        **{p.name: model.population(p.target).level for p in model.projections},
    }
    assert named[owner] == int(level)
    assert int(token) == (int(step) - 1) // PERIOD
    assert protocol.blocks[0].stream.events["symbol"].iloc[int(token)] == symbol

    block = protocol.blocks[0]
    line = timeline(block, model.dt)
    shape = BlockShape.of(line, TABLE_ROWS)
    program = choose_device("dense64")[0].build(model, protocol.vocabulary, shape, block.probes)
    start = program.complete(initial_state(model, 0))
    finite = []
    for steps in (int(step) - 1, int(step)):
        state, _ = program.run(start, table_values(line, 0, shape), 0, steps)
        finite.append(
            all(
                np.isfinite(v).all() for name, v in state.items() if name.partition(".")[0] in named
            )
        )
    assert finite == [True, False]

"""Oracle: the contract that every wrong block, pace, control, probe or protocol file is refused,
with a fix.
"""

import numpy as np
import pytest
import tiny
from brian2 import ms, mV

from fena_sim import Block, FixedPace, Probe, Protocol, SelfPaced, load_protocol
from fena_sim.declare.protocol.timeline import timeline
from fena_sim.errors import DeclarationError, FenaError, ProtocolError, UnitError, UnknownNameError
from fena_sim.stimulus import TokenStream, dense_random, one_hot

N = 6


def block(**options):
    return Block(**{"name": "a", "stream": tiny.stream(N), **options})


def laid_out(dt=1 * ms, **options):
    return timeline(block(**options), dt)


def protocol(*blocks, name="p"):
    return Protocol(name=name, blocks=blocks)


WRONG = {
    # pace
    "duration of zero": (
        ProtocolError,
        "duration must be positive",
        lambda: FixedPace(duration=0 * ms, blank=12 * ms),
    ),
    "negative duration": (
        ProtocolError,
        "duration must be positive",
        lambda: FixedPace(duration=-48 * ms, blank=12 * ms),
    ),
    "duration of NaN": (
        ProtocolError,
        "duration must be positive",
        lambda: FixedPace(duration=np.nan * ms, blank=12 * ms),
    ),
    "endless duration": (
        ProtocolError,
        "duration must be positive",
        lambda: FixedPace(duration=np.inf * ms, blank=12 * ms),
    ),
    "duration without a unit": (
        UnitError,
        "duration must be a time",
        lambda: FixedPace(duration=48, blank=12 * ms),
    ),
    "duration in volt": (
        UnitError,
        "duration must be a time",
        lambda: FixedPace(duration=48 * mV, blank=12 * ms),
    ),
    "one duration of zero": (
        ProtocolError,
        "duration of token 1 must be positive, not 0. s",
        lambda: FixedPace(duration=[48, 0] * ms, blank=12 * ms),
    ),
    "blank of zero": (ProtocolError, "blank must be positive", lambda: FixedPace(blank=0 * ms)),
    "duration as a text": (
        ProtocolError,
        "duration is '48 ms'",
        lambda: FixedPace(duration="48 ms"),
    ),
    "duration in a list": (ProtocolError, "duration is", lambda: FixedPace(duration=[48 * ms])),
    "misspelt": (ProtocolError, "'duraton'", lambda: FixedPace(duraton=48 * ms)),
    "asynchronies of another number": (
        ProtocolError,
        r"shape \(3,\), durations of \(2,\)",
        lambda: FixedPace(duration=[4, 5] * ms, onset_asynchrony=[8, 9, 10] * ms),
    ),
    "an age": (ProtocolError, "longer than", lambda: laid_out(pace=FixedPace(blank=1e20 * ms))),
    "several times at a pace of its own": (
        ProtocolError,
        "one time",
        lambda: SelfPaced(longest=[40, 48] * ms),
    ),
    "both": (ProtocolError, "not both", lambda: FixedPace(blank=12 * ms, onset_asynchrony=60 * ms)),
    "onset asynchrony of the duration": (
        ProtocolError,
        "no blank",
        lambda: FixedPace(onset_asynchrony=48 * ms),
    ),
    "blank below dt": (
        ProtocolError,
        "shorter than dt",
        lambda: laid_out(pace=FixedPace(blank=0.4 * ms)),
    ),
    "blank off the grid": (
        ProtocolError,
        "not a multiple",
        lambda: laid_out(pace=FixedPace(blank=1.5 * ms)),
    ),
    "duration off the grid": (
        ProtocolError,
        "not a multiple",
        lambda: laid_out(pace=FixedPace(duration=48.5 * ms, blank=2 * ms)),
    ),
    "off another grid": (ProtocolError, "not a multiple", lambda: laid_out(dt=5 * ms)),
    "durations of another number": (
        ProtocolError,
        "5 values for 6 tokens",
        lambda: laid_out(pace=FixedPace(duration=[10] * 5 * ms, blank=12 * ms)),
    ),
    "self-paced off the grid": (
        ProtocolError,
        "not a multiple",
        lambda: laid_out(pace=SelfPaced(hold=1.5 * ms)),
    ),
    "hold of zero": (ProtocolError, "hold must be positive", lambda: SelfPaced(hold=0 * ms)),
    "shortest beyond longest": (ProtocolError, "exceeds", lambda: SelfPaced(shortest=60 * ms)),
    "no pace": (ProtocolError, "pace is", lambda: block(pace=48 * ms)),
    # controls
    "unknown control": (
        UnknownNameError,
        "'temprature'",
        lambda: block(controls=dict(temprature=1)),
    ),
    "control of another length": (
        ProtocolError,
        "5 values for 6 tokens",
        lambda: block(controls=dict(gate=np.ones(5))),
    ),
    "control table": (
        ProtocolError,
        "12 values for 6 tokens",
        lambda: block(controls=dict(gate=np.ones((6, 2)))),
    ),
    "negative control": (
        ProtocolError,
        "negative or not finite",
        lambda: laid_out(controls=dict(temperature=-0.1)),
    ),
    "control of NaN": (
        ProtocolError,
        "negative or not finite",
        lambda: laid_out(controls=dict(gate=[1, 1, np.nan, 1, 1, 1])),
    ),
    "control function of NaN": (
        ProtocolError,
        "negative or not finite",
        lambda: laid_out(controls=dict(gate=lambda t: np.where(t > 1 * ms, np.nan, 1))),
    ),
    "control with a unit": (UnitError, "has units", lambda: laid_out(controls=dict(gate=3 * mV))),
    "control function with a unit": (
        UnitError,
        "has units",
        lambda: laid_out(controls=dict(gate=lambda t: t)),
    ),
    "control text": (ProtocolError, "is 'open'", lambda: block(controls=dict(gate="open"))),
    "control function that fails": (
        ProtocolError,
        "cannot be used",
        lambda: laid_out(controls=dict(gate=lambda t: t + 1)),
    ),
    "control function of another shape": (
        ProtocolError,
        "cannot be used",
        lambda: laid_out(controls=dict(gate=lambda t: np.ones(7))),
    ),
    # blocks
    "no stream": (ProtocolError, r"stream\[0\] is 's00'", lambda: block(stream=["s00"])),
    "an empty list of streams": (ProtocolError, r"stream is \[\]", lambda: block(stream=[])),
    "streams of two lengths": (
        ProtocolError,
        "6 and of 5 tokens",
        lambda: block(stream=[tiny.stream(6), tiny.stream(5)]),
    ),
    "streams of two vocabularies": (
        ProtocolError,
        "different vocabularies",
        lambda: block(stream=[tiny.stream(1), TokenStream.from_ids([0], one_hot("ab"))]),
    ),
    "block name": (ProtocolError, "identifier", lambda: block(name="a b")),
    "block without a name": (ProtocolError, "name is None", lambda: block(name=None)),
    "no probe": (ProtocolError, r"probes\[0\] is 'state_1'", lambda: block(probes=["state_1"])),
    # probes
    "probe interval of zero": (
        ProtocolError,
        "interval must be positive",
        lambda: Probe("a", "x", interval=0 * ms),
    ),
    "probe interval without a unit": (
        UnitError,
        "interval must be a time",
        lambda: Probe("a", "x", interval=2),
    ),
    "probe of nothing": (ProtocolError, "at least one", lambda: Probe("a", [])),
    "probe of no unit": (ProtocolError, "at least one", lambda: Probe("a", "x", units=[])),
    "empty window": (ProtocolError, "empty", lambda: Probe("a", "x", window=(3 * ms, 3 * ms))),
    "window without units": (UnitError, "two times", lambda: Probe("a", "x", window=(-12, 48))),
    "window of one time": (UnitError, "two times", lambda: Probe("a", "x", window=(48 * ms,))),
    # protocols
    "no blocks": (ProtocolError, "at least one Block", lambda: protocol()),
    "no block": (ProtocolError, r"blocks\[0\] is 'a'", lambda: protocol("a")),
    "protocol name": (ProtocolError, "identifier", lambda: protocol(block(), name="../p")),
    "two blocks of a name": (ProtocolError, "taken", lambda: protocol(block(), block())),
    "reserved block name": (ProtocolError, "taken", lambda: protocol(block(name="initial"))),
    "start from a later block": (
        UnknownNameError,
        "'b'",
        lambda: protocol(block(start_from="b"), block(name="b")),
    ),
    "start from nowhere": (
        UnknownNameError,
        "'aa'",
        lambda: protocol(block(), block(name="b", start_from="aa")),
    ),
    "other codes": (
        ProtocolError,
        "another vocabulary",
        lambda: protocol(
            block(),
            block(
                name="b",
                stream=TokenStream.from_ids(
                    [0, 1], dense_random(tiny.VOCABULARY.symbols, 16, seed=0)
                ),
            ),
        ),
    ),
    "other symbols": (
        ProtocolError,
        "another vocabulary",
        lambda: protocol(
            block(),
            block(name="b", stream=TokenStream.from_ids([0, 1], one_hot("abcdefghijklmnop"))),
        ),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong(case):
    kind, message, declare = WRONG[case]
    with pytest.raises(kind, match=message) as caught:
        declare()
    assert isinstance(caught.value, FenaError) and caught.value.fix


def test_times_per_token():
    """The grid of a block with its own time for every token."""
    line = laid_out(
        pace=FixedPace(duration=np.arange(1, 7) * ms, onset_asynchrony=10 * ms), dt=0.5 * ms
    )
    assert line.longest.tolist() == [2, 4, 6, 8, 10, 12]
    assert (line.blank + line.longest).tolist() == [20] * 6


RIGHT = "import sys\nsys.path.insert(0, {tests!r})\nimport tiny\ndef protocol(n=3): return tiny.one_block(n)\n".format(
    tests=str(tiny.Path(tiny.__file__).parent)
)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "no function protocol"),
        ("def protocol(): return 3", "returned int"),
        ("def protocol(): raise RuntimeError('oh dear')", "oh dear"),
        ("1/0", "ZeroDivisionError"),
        ("def protocol(", "SyntaxError"),
        (
            RIGHT.replace("one_block(n)", "one_block(n, controls=dict(gat=1))"),
            "unknown control signal",
        ),
    ],
)
def test_wrong_protocol_file(text, message, tmp_path):
    path = tmp_path / "protocol.py"
    path.write_text(text)
    with pytest.raises((ProtocolError, DeclarationError), match=message) as caught:
        load_protocol(path)
    assert caught.value.fix


def test_protocol_file(tmp_path):
    path = tmp_path / "protocol.py"
    path.write_text(RIGHT)
    assert len(load_protocol(path, n=5).protocol.blocks[0].stream) == 5
    with pytest.raises(UnknownNameError, match="'m' is not an option"):
        load_protocol(path, m=5)
    with pytest.raises(UnknownNameError, match="no protocol file") as caught:
        load_protocol(tmp_path / "protocl.py")
    assert "did you mean 'protocol.py'" in caught.value.fix

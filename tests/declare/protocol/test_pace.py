"""Times of a pace. Oracle: the contract that a refused time names its token and shows one value, and
that the code in the fix gives times that are taken.
"""

import numpy as np
import pytest
import tiny
from brian2 import ms

from fena_sim import Block, FixedPace
from fena_sim.declare.protocol.timeline import timeline
from fena_sim.errors import ProtocolError

FRAME = 1000 / 60 * ms


def laid_out(n, pace, dt=1 * ms):
    return timeline(Block(name="a", stream=tiny.stream(n), pace=pace), dt)


def test_the_pace_has_defaults():
    pace = FixedPace()
    assert pace.duration == 48 * ms and pace.blank == 12 * ms and pace.onset_asynchrony is None
    assert FixedPace(duration=20 * ms).blank == 12 * ms
    assert abs(FixedPace(onset_asynchrony=60.5 * ms).blank - 12.5 * ms) < 1e-9 * ms
    plain = Block(name="a", stream=tiny.stream(2))
    assert plain.pace.duration == pace.duration and plain.pace.blank == pace.blank


def test_one_of_a_thousand_jittered_times_is_named():
    blank = np.full(1000, 12.0) * ms
    blank[17] = 11.7 * ms
    with pytest.raises(ProtocolError) as caught:
        laid_out(1000, FixedPace(blank=blank), dt=0.5 * ms)
    assert caught.value.what == "blank of token 17 = 11.7 ms is not a multiple of dt = 0.5 ms"
    assert "11.5 ms here" in caught.value.fix and len(str(caught.value)) < 300
    blank[17] = -1 * ms
    with pytest.raises(ProtocolError, match="blank of token 17 must be positive, not -1. ms"):
        FixedPace(blank=blank)


@pytest.mark.parametrize("name", ["duration", "blank", "onset_asynchrony"])
@pytest.mark.parametrize(
    "times", [FRAME * 2, np.random.default_rng(0).uniform(30, 50, 40) * ms], ids=["60 Hz", "jitter"]
)
@pytest.mark.parametrize("dt", [0.5 * ms, 0.1 * ms, 1 * ms])
def test_the_code_in_the_fix_rounds(name, times, dt):
    others = {} if name == "duration" else {"duration": 10 * ms}
    with pytest.raises(ProtocolError, match=f"{name}.* is not a multiple of dt") as caught:
        laid_out(40, FixedPace(**{name: times}, **others), dt)
    code = caught.value.fix.split(": ")[1].split(", which")[0]
    rounded = eval(code, {"np": np, "ms": ms, name: times})
    assert np.all(abs(rounded - times) <= dt / 2 * (1 + 1e-9))
    line = laid_out(40, FixedPace(**{name: rounded}, **others), dt)
    steps = line.blank + (line.longest if name == "onset_asynchrony" else 0)
    shown = line.longest if name == "duration" else steps
    np.testing.assert_allclose(shown * float(dt), np.broadcast_to(rounded, 40), rtol=1e-9)

"""Oracle: arithmetic of whole steps in decimal fractions."""

from decimal import Decimal

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fena_sim.show.export.contents import Contents, contents

BLOCK = Contents(
    name="b",
    about={},
    first_step=0,
    steps=0,
    dt=1e-3,
    events=None,
    others={},
    tokens=None,
    signals=[],
    spikes={},
    owners={},
)


@pytest.mark.parametrize("dt", ["0.001", "0.0001", "0.0005", "0.000025"])
@given(
    first=st.integers(0, 10**7),
    periods=st.lists(st.tuples(st.integers(1, 500), st.integers(1, 5000)), min_size=1, max_size=50),
)
def test_what_adjoins_in_steps_adjoins_in_time(dt, first, periods):
    block = attrs.evolve(BLOCK, first_step=first, dt=float(dt))
    blank, shown = np.array(periods).T
    start = np.concatenate([[0], np.cumsum(blank + shown)[:-1]])
    # as an event table gives them, with a duration in single precision
    blank_onset, onset = start * block.dt, (start + blank) * block.dt
    duration = (shown.astype(np.float32) * np.float32(block.dt)).astype(float)
    begin, end = block.in_session(blank_onset), block.in_session(onset + duration)
    assert begin[1:].tolist() == end[:-1].tolist()
    exact = [float((first + int(step)) * Decimal(dt)) for step in start]
    assert begin.tolist() == exact
    assert block.in_block(blank_onset).tolist() == [
        float(int(step) * Decimal(dt)) for step in start
    ]
    assert block.offset == begin[0]


def test_wide_recordings_are_read_a_few_samples_at_a_time(made, monkeypatch):
    """Of five units in single precision a sample takes 20 bytes."""
    (first,) = contents(made.run, ["first"])
    rates = next(signal for signal in first.signals if signal.name == "rate.r")
    assert rates.at_once == 8192
    for most, samples in ((70, 3), (1, 1)):
        monkeypatch.setattr("fena_sim.show.export.contents.MOST_BYTES", most)
        pieces = list(rates.pieces())
        assert [start for start, _ in pieces] == list(range(0, 300, samples))
        np.testing.assert_array_equal(np.concatenate([v for _, v in pieces]), made.rates)

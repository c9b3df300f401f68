"""What a program records. Oracle: the documented contract, on recordings written by hand."""

import numpy as np
import pytest
import tiny
from brian2 import ms

import fena_sim as fs
from fena_sim.declare.protocol.timeline import event_table, timeline
from fena_sim.device.recordings import Recordings
from fena_sim.network.monitors import DEPARTURE, ONSET, SAMPLES, SPIKES, Monitored

PACE = Monitored(DEPARTURE, "pacemaker", ("iterations", "steps"), 1)
SHARED = Monitored(DEPARTURE, "streams", ("iterations",), 2)
KEPT = Monitored(DEPARTURE, "state", ("f", "mean_f"), 2)
CAME = Monitored(ONSET, "state", ("f",), 2)
SAMPLED = Monitored(SAMPLES, "state", ("f",), 2)
SPIKED = Monitored(SPIKES, "state", (), 2)
#: Two tokens, of 2 and 4 steps, and a third that has only arrived; 2 units.
RAW = {
    PACE: (
        np.array([0.003, 0.008]),
        np.zeros(2, int),
        {"iterations": np.array([1.0, 4.0]), "steps": np.array([2.0, 4.0])},
    ),
    KEPT: (
        np.repeat([0.003, 0.008], 2),
        np.array([0, 1, 0, 1]),
        {"f": np.array([1.0, 2.0, 3.0, 4.0]), "mean_f": np.array([10.0, 20.0, 40.0, 80.0])},
    ),
    CAME: (
        np.repeat([0.001, 0.004, 0.009], 2),
        np.array([0, 1, 0, 1, 0, 1]),
        {"f": np.arange(6.0)},
    ),
    SAMPLED: (np.array([0.0, 0.001, 0.002]), None, {"f": np.arange(6.0).reshape(3, 2)}),
    SPIKED: (np.array([0.002, 0.002, 0.005]), np.array([0, 1, 0]), {}),
}


def same(a, b):
    left, right = a.to_arrays(), b.to_arrays()
    assert set(left) == set(right)
    for name, values in left.items():
        assert values.dtype == right[name].dtype
        np.testing.assert_array_equal(values, right[name], err_msg=name)


def test_token_ends():
    ends = Recordings.read(RAW).ends
    assert len(ends) == 2 and ends.steps.tolist() == [2, 4] and ends.iterations.tolist() == [1, 4]
    assert ends.last_step(0.001).tolist() == [3, 8]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_are_whole_numbers_in_any_precision(dtype):
    """So that their times are: a fifth of a second is .2, and not .20000000298."""
    _, unit, values = RAW[PACE]
    long = {**values, "steps": np.array([2000.0, 2.0**24 - 1]).astype(dtype)}
    ends = Recordings.read({**RAW, PACE: (np.array([0.2, 1678.0]), unit, long)}).ends
    assert ends.steps.dtype == np.int64 and ends.steps.tolist() == [2000, 2**24 - 1]
    block = fs.Block(name="b", stream=tiny.stream(2), pace=fs.FixedPace(blank=0.1 * ms))
    table = event_table(block, timeline(block, 0.1 * ms), np.array([0, 2001]), ends.steps, 0.1 * ms)
    assert table["duration"].dtype == np.float64
    assert [f"{value:.12g}" for value in table["duration"]] == ["0.2", "1677.7215"]


def test_with_a_batch_every_stream_has_iterations():
    t, i = np.repeat([0.003, 0.008], 2), np.array([0, 1, 0, 1])
    raw = {**RAW, SHARED: (t, i, {"iterations": np.array([1.0, 2.0, 3.0, 4.0])})}
    assert Recordings.read(raw).ends.iterations.tolist() == [[1, 2], [3, 4]]


def test_readouts_are_asked_for_by_their_declaration():
    found = Recordings.read(RAW)

    def of(when, scale=1.0):
        readout = fs.Readout(name="f", variables=["state.f"], when=when, scale=scale)
        return found.readout(readout, "state.f").tolist()

    assert of("last") == [[1, 2], [3, 4]]
    assert of("last", scale=10.0) == [[10, 20], [30, 40]]
    assert of("mean") == [[5, 10], [10, 20]]  # sums over 2 and 4 steps
    assert of("before_onset") == [[0, 1], [2, 3], [4, 5]]  # the third token has not left


def test_probes():
    found = Recordings.read(RAW)
    assert found.samples("state").values["f"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert found.spikes("state").unit.tolist() == [0, 1, 0]
    assert found.spikes("state").t.tolist() == [0.002, 0.002, 0.005]


def test_events_in_any_order_are_sorted_by_time_and_unit():
    """As threads note them: the units of a step in any order."""
    mixed = {}
    for what, (t, i, values) in RAW.items():
        swap = slice(None) if i is None else np.argsort(t + 1e-6 * i * -1, kind="stable")
        mixed[what] = (
            t[swap],
            None if i is None else i[swap],
            {name: array[swap] for name, array in values.items()},
        )
    assert mixed[KEPT][1].tolist() == [1, 0, 1, 0]
    same(Recordings.read(mixed, in_order=False), Recordings.read(RAW))


def test_arrays_and_back(tmp_path):
    """Also from an open file, of which samples need not be read."""
    found = Recordings.read(RAW)
    same(Recordings.from_arrays(found.to_arrays()), found)
    np.savez(tmp_path / "part.npz", **found.to_arrays())
    with np.load(tmp_path / "part.npz") as archive:
        same(Recordings.from_arrays(archive), found)
        same(Recordings.from_arrays(archive, samples=False), found.without_samples())


def test_chunks_join():
    """The second chunk of a block holds no token."""
    first = Recordings.read(RAW)
    empty = Recordings.read(
        {
            what: (
                t[:0],
                None if i is None else i[:0],
                {name: array[:0] for name, array in values.items()},
            )
            for what, (t, i, values) in RAW.items()
        }
    )
    assert len(empty.ends) == 0
    same(Recordings.concatenate([first, empty]), first)
    twice = Recordings.concatenate([first, empty, first])
    assert twice.ends.steps.tolist() == [2, 4, 2, 4] and len(twice.spikes("state").t) == 6

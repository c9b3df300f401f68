"""Oracle: what was written into the run by hand, read back by plain neo."""

import handmade
import numpy as np
import pytest

neo = pytest.importorskip("neo", reason="needs the extra neo")
pytest.importorskip("nixio", reason="needs the extra neo")

from fena_sim.show.export.neo import quantity, write_neo  # noqa: E402  (after the skip)


def read(run, path, blocks=()):
    write_neo(run, path, blocks)
    io = neo.NixIO(str(path), mode="ro")
    try:
        return io.read_block()
    finally:
        io.close()


@pytest.fixture(scope="module")
def block(made, tmp_path_factory):
    return read(made.run, tmp_path_factory.mktemp("neo") / "run.nix")


def test_a_segment_per_block(made, block):
    assert [segment.name for segment in block.segments] == ["first", "silent", "second"]
    assert block.name == made.run.id and block.annotations["seed"] == "0"
    assert block.annotations["parameter state_1.tau"] == "14. ms"


def test_signals_are_the_same_numbers_with_units(made, block):
    signals = {signal.name: signal for signal in block.segments[0].analogsignals}
    rates, volts = signals["rate.r"], signals["cell.v"]
    assert (
        rates.dtype == np.float32
        and rates.dimensionality.string == "dimensionless"
        and volts.dimensionality.string == "V"
    )
    np.testing.assert_array_equal(rates.magnitude, made.rates)
    np.testing.assert_array_equal(volts.magnitude, made.volts)
    assert float(rates.sampling_rate.rescale("Hz")) == 1000 and rates.array_annotations[
        "unit"
    ].tolist() == [0, 1, 2, 3, 4]
    (windowed,) = block.segments[2].irregularlysampledsignals
    np.testing.assert_array_equal(windowed.magnitude, made.windowed["rate.r"])
    np.testing.assert_array_equal(windowed.times.magnitude, made.windowed["time"])


def test_spikes_and_tokens(made, block):
    trains = {train.annotations["unit"]: train for train in block.segments[0].spiketrains}
    assert sorted(trains) == [0, 1, 2]
    for unit, train in trains.items():
        np.testing.assert_array_equal(train.magnitude, made.times[made.units == unit])
    for segment in block.segments:
        (epoch,), (onsets,), table = segment.epochs, segment.events, made.run.events(segment.name)
        assert epoch.labels.tolist() == table["symbol"].tolist()
        np.testing.assert_array_equal(onsets.times.magnitude, table["onset"])
        np.testing.assert_allclose(
            (epoch.times + epoch.durations).magnitude, table["onset"] + table["duration"]
        )
        for column in table:
            assert epoch.array_annotations[column].tolist() == table[column].tolist(), column


def test_streams_side_by_side(two_streams, tmp_path):
    signals = read(two_streams.run, tmp_path / "b.nix").segments[0].analogsignals
    assert [signal.name for signal in signals] == ["rate.r stream 0", "rate.r stream 1"]
    np.testing.assert_array_equal(signals[1].magnitude, two_streams.values[:, 1])


def test_units_without_a_name_are_written_in_base_units():
    assert (
        quantity(handmade.VOLT).dimensionality.string == "V"
        and quantity("second ** -1").dimensionality.string == "Hz"
    )
    field = quantity("metre * kilogram * second ** -3 * amp ** -1")  # V/m
    assert float((1 * field).rescale("V/m")) == 1

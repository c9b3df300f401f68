"""Oracle: what was written into the run by hand, read back by plain neo."""

import json

import handmade
import numpy as np
import pytest
import texts
from hypothesis import given, settings

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
    windowed = {s.name: s for s in block.segments[2].irregularlysampledsignals}["rate.r"]
    np.testing.assert_array_equal(windowed.magnitude, made.windowed["rate.r"])
    np.testing.assert_array_equal(windowed.times.magnitude, made.windowed["time"])


def test_readouts_are_at_the_onsets(made, block):
    for segment in block.segments:
        found = {s.name: s for s in segment.irregularlysampledsignals}
        table = made.tables[segment.name]
        for name, values in made.tokens[segment.name].data_vars.items():
            kept = found[f"readout {name}"]
            np.testing.assert_array_equal(kept.magnitude, values.values.reshape(len(table), -1))
            np.testing.assert_allclose(kept.times.rescale("s").magnitude, table["onset"])
            numbers = kept.array_annotations["unit"].tolist()
            assert numbers == list(range(values[0].size))  # levels 0 and 1, units


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


def assert_labels_come_back(folder, symbols, labels):
    table = texts.table(symbols, labels)
    run = handmade.write(folder / "run", {"b": (table, None, None)})
    (segment,) = read(run, folder / "run.nix").segments
    for kept in (segment.epochs[0], segment.events[0]):
        names = json.loads(kept.annotations.get("label_names", "{}"))
        as_json = json.loads(kept.annotations.get("texts_as_json", "[]"))

        def texts_of(values, column):
            return [json.loads(v) for v in values] if column in as_json else list(values)

        assert texts_of(kept.labels.tolist(), "symbol") == symbols
        if kept is segment.events[0]:
            continue
        found = {names.get(name, name): name for name in kept.array_annotations}
        assert len(found) == 6 + len(labels)
        for label, values in labels.items():
            column = kept.array_annotations[found[label]].tolist()
            assert all(map(texts.same, texts_of(column, found[label]), values)), label


@pytest.mark.slow
@settings(max_examples=10)
@given(texts.SYMBOLS, texts.LABELS)
def test_any_text_comes_back_as_it_was(tmp_path_factory, symbols, labels):
    """In a symbol, a label, or a label's name."""
    assert_labels_come_back(tmp_path_factory.mktemp("any"), symbols, labels)


@pytest.mark.slow
def test_any_name_of_a_label(tmp_path):
    """All at once, with those that neo uses for itself."""
    own = ["neo_name", "nix_name", "file_datetime", "label_names", "texts_as_json"]
    own += [name for name in dir(neo.Epoch) if not name.startswith("__")]
    names = {*texts.USED, *filter(None, texts.AWKWARD), *own} - texts.RESERVED
    labels = {name: [f"{name} {row}" for row in range(3)] for name in sorted(names)}
    assert_labels_come_back(tmp_path, list("abc"), labels)


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

"""Runs that hold everything a run can hold (`whole.py`), in every format. Oracle: the run's own arrays
and tables, read back by the library of each format; the findings of nwbinspector and of the BIDS
validator.
"""

import json
import subprocess

import numpy as np
import pandas as pd
import pytest
from brian2 import ms
from test_bids import VALIDATOR, rows

from fena_sim.errors import FenaError, UnknownNameError
from fena_sim.show.export.bids import write_bids
from fena_sim.show.export.csv import write_csv

pytestmark = pytest.mark.slow


@pytest.fixture(params=["everything", pytest.param("beside", marks=pytest.mark.compile)])
def run(request):
    return request.getfixturevalue(request.param)


def recorded(run):
    """(block, "probe.variable", its samples) of all that was sampled, and the same of spikes' times."""
    for block in run.blocks:
        if run.has("traces", block):
            traces = run.traces(block)
            for name, values in traces.data_vars.items():
                if not name.endswith(".spike_unit"):
                    yield block, name, values


def spikes(run, block, name):
    """{(probe, unit): times} of a variable "probe.spike_time"."""
    probe, traces = name.partition(".")[0], run.traces(block)
    units, times = traces[f"{probe}.spike_unit"].values, traces[name].values
    return {(probe, unit): times[units == unit] for unit in np.unique(units)}


def blocks_begin(run):
    """{block: s since the session's start}: blocks follow one another; the first has a pause of 5 ms."""
    begin, found = 0.0, {}
    for block in run.blocks:
        table = run.events(block)
        found[block] = begin
        begin += (table["onset"] + table["duration"]).max() + 0.005 * (block == "exam")
    return found


def synapses_of(traces, probe):
    return {end: traces[f"{probe}_{end}"].values for end in ("source", "target")}


def test_the_run_holds_all_of_it(everything):
    held = {name for _, name, _ in recorded(everything)}
    expected = {"picture.r", "picture.attended", "slow.r", "between.r", "both.x", "sound.r"}
    expected |= {"afferents.v", "afferents.spike_time", "two.spike_time", "pacemaker.rate", "W.w"}
    expected |= {"onto_one.w", "strength.w_norm", "outgoing.w_source_norm"}
    assert held == expected | {"incoming.w_target_norm", "spread.w_histogram"}
    assert all(spikes(everything, "exam", f"{probe}.spike_time") for probe in ("afferents", "two"))
    assert everything.modalities("exam") == ("picture", "sound")


def test_nwb(run, tmp_path):
    pynwb = pytest.importorskip("pynwb", reason="needs the extra nwb")
    from fena_sim.show.export.nwb import write_nwb

    path, begins = tmp_path / "run.nwb", blocks_begin(run)
    write_nwb(run, path)
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        sampled = 0
        for block, name, values in recorded(run):
            if name.endswith(".spike_time"):
                units = file.units.to_dataframe().set_index(["probe", "unit"])
                for key, times in spikes(run, block, name).items():
                    found = units.loc[key]
                    assert found["population"] == "afferents"
                    np.testing.assert_allclose(found["spike_times"], times + begins[block])
                continue
            sampled += 1
            kept, time = file.acquisition[f"{block}.{name}"], values[values.dims[0]].values
            if f"{values.dims[0]}_tokens" in values.coords or len(values) < max(values.shape[1:]):
                data, times = kept["value"].data[:], kept["time"].data[:]
                if f"{values.dims[0]}_tokens" in values.coords:
                    ended = values[f"{values.dims[0]}_tokens"].values
                    np.testing.assert_array_equal(kept["tokens"].data[:], ended)
            else:
                data = kept.data[:]
                rate = kept.rate and kept.starting_time + np.arange(len(data)) / kept.rate
                times = rate if kept.rate else kept.timestamps[:]
            np.testing.assert_array_equal(data, values.values)
            assert data.dtype == values.dtype
            np.testing.assert_allclose(times, time + begins[block], atol=1e-9)
            probe = name.partition(".")[0]
            about = kept.description
            if values.dims[-1].endswith("_synapse"):
                columns = file.analysis[f"{block}.{probe}.columns"]
                for end, numbers in synapses_of(run.traces(block), probe).items():
                    np.testing.assert_array_equal(columns[end].data[:], numbers)
                assert "of projection W in" in about
            if probe in ("slow", "between"):
                assert "of population picture in" in about or probe == "between"
            if probe == "spread":
                columns = file.analysis[f"{block}.spread.columns"]
                np.testing.assert_allclose(columns["bin_start"].data[:], np.arange(-1, 2, 0.5))
                np.testing.assert_allclose(columns["bin_stop"].data[:], np.arange(-0.5, 2.5, 0.5))
        assert sampled == len(file.acquisition)
        trials = file.trials.to_dataframe()
        for block in run.blocks:
            part, table, kept = (
                trials[trials["block"] == block],
                run.events(block),
                run.tokens(block),
            )
            assert sorted(part["onset"]) == sorted(table["onset"])
            if run.batch == 1:
                for column in table:
                    assert part[column].equals(table[column].set_axis(part.index)), column
                for name, values in kept.data_vars.items():
                    np.testing.assert_array_equal(np.stack(part[f"readout_{name}"]), values)
        if run.batch == 1:
            sounds = file.intervals["sound_tokens"].to_dataframe()
            assert sounds["symbol"].tolist() == ["b", "", "a", "b"]
            assert sounds["loud"].tolist() == [True, False, True, True]
        assert json.loads(file.stimulus_notes) == run.manifest["inputs"]["protocol"]
    inspector = pytest.importorskip("nwbinspector", reason="needs the package nwbinspector")
    findings = list(inspector.inspect_nwbfile(nwbfile_path=str(path)))
    grave = {"CRITICAL", "BEST_PRACTICE_VIOLATION", "ERROR", "PYNWB_VALIDATION"}
    assert findings and not [f for f in findings if f.importance.name in grave]


def test_neo(run, tmp_path):
    neo = pytest.importorskip("neo", reason="needs the extra neo")
    pytest.importorskip("nixio", reason="needs the extra neo")
    from fena_sim.show.export.neo import write_neo

    write_neo(run, tmp_path / "run.nix")
    io = neo.NixIO(str(tmp_path / "run.nix"), mode="ro")
    try:
        whole = io.read_block()
    finally:
        io.close()
    segments = {segment.name: segment for segment in whole.segments}
    assert list(segments) == run.blocks
    for block, name, values in recorded(run):
        segment = segments[block]
        if name.endswith(".spike_time"):
            trains = {train.name: train for train in segment.spiketrains}
            for (probe, unit), times in spikes(run, block, name).items():
                train = trains[f"{probe} {unit}"]
                np.testing.assert_array_equal(train.rescale("s").magnitude, times)
                assert train.annotations["population"] == "afferents"
            continue
        found = {s.name: s for s in (*segment.analogsignals, *segment.irregularlysampledsignals)}
        parts = {name: values.values}
        if "stream" in values.dims:
            parts = {f"{name} stream {k}": values.values[:, k] for k in (0, 1)}
        for title, expected in parts.items():
            signal = found[title]
            np.testing.assert_array_equal(signal.magnitude, expected)
            time = values[values.dims[0]].values
            np.testing.assert_allclose(signal.times.rescale("s").magnitude, time, atol=1e-9)
            if f"{values.dims[0]}_tokens" in values.coords:
                ended = values[f"{values.dims[0]}_tokens"].values
                np.testing.assert_array_equal(signal.annotations["tokens"], ended)
            probe = name.partition(".")[0]
            if values.dims[-1].endswith("_synapse"):
                for end, numbers in synapses_of(run.traces(block), probe).items():
                    np.testing.assert_array_equal(signal.array_annotations[end], numbers)
                assert signal.annotations["owner"] == "W"
            if probe == "spread":
                starts = signal.array_annotations["bin_start"]
                np.testing.assert_allclose(starts, np.arange(-1, 2, 0.5))
    for block in run.blocks:
        found = {s.name: s for s in segments[block].irregularlysampledsignals}
        table = run.events(block)
        for name, values in run.tokens(block).data_vars.items():
            parts = {f"readout {name}": (values, table)}
            if "stream" in values.dims:
                parts = {
                    f"readout {name} stream {k}": (
                        values.isel(stream=k),
                        table[table["stream"] == k],
                    )
                    for k in (0, 1)
                }
            for title, (some, tokens) in parts.items():
                kept = found[title].magnitude
                np.testing.assert_array_equal(kept, some.values.reshape(len(some), -1))
                onsets = found[title].times.rescale("s").magnitude
                np.testing.assert_array_equal(onsets, tokens["onset"][: len(some)])
        epochs = {epoch.name: epoch for epoch in segments[block].epochs}
        assert epochs["tokens"].labels.tolist() == table["symbol"].tolist()
        for population in run.modalities(block)[1:]:
            symbols = run.events(block, population)["symbol"].tolist()
            assert epochs[f"tokens of {population}"].labels.tolist() == symbols


def test_csv(run, tmp_path):
    write_csv(run, tmp_path / "csv")
    tables = {
        path.stem: pd.read_csv(path, keep_default_na=False, float_precision="round_trip")
        for path in (tmp_path / "csv").glob("*.csv")
    }
    for block, name, values in recorded(run):
        probe, variable = name.split(".")
        if variable == "spike_time":
            table = tables[f"{block}_spikes"]
            mine = table[table["population"] == probe]
            for (_, unit), times in spikes(run, block, name).items():
                np.testing.assert_array_equal(mine["time"][mine["unit"] == unit], times)
            continue
        table = tables[f"{block}_traces"]
        mine = table[table["variable"] == name]
        np.testing.assert_array_equal(mine["value"].to_numpy(values.dtype), values.values.ravel())
        if values.dims[-1].endswith("_synapse"):
            columns = tables[f"{block}_columns"]
            for end, numbers in synapses_of(run.traces(block), probe).items():
                found = columns[end][columns["variable"] == name].astype(int)
                np.testing.assert_array_equal(found, numbers)
        if f"{values.dims[0]}_tokens" in values.coords:
            readings = tables[f"{block}_readings"]
            mine = readings[readings["variable"] == name]
            np.testing.assert_array_equal(mine["tokens"], values[f"{values.dims[0]}_tokens"])
            np.testing.assert_array_equal(mine["time"], values[values.dims[0]])
    if run.batch == 1:
        columns = tables["exam_columns"]
        mine = columns[columns["variable"] == "spread.w_histogram"]
        np.testing.assert_allclose(mine["bin_stop"].astype(float), np.arange(-0.5, 2.5, 0.5))
        assert tables["exam.sound_events"]["symbol"].tolist() == ["b", "", "a", "b"]
    about = json.loads((tmp_path / "csv" / "datapackage.json").read_text("utf-8"))
    assert {entry["path"] for entry in about["resources"]} == {f"{stem}.csv" for stem in tables}
    for entry in about["resources"]:
        fields = [field["name"] for field in entry["schema"]["fields"]]
        assert fields == list(tables[entry["path"].removesuffix(".csv")])


def test_bids(run, tmp_path):
    write_bids(run, tmp_path / "bids")
    place = tmp_path / "bids" / "sub-seed0" / "beh"
    expected = {}
    for block in run.blocks:
        table = run.events(block)
        expected[block] = table
        if run.batch > 1:
            del expected[block]
            expected |= {f"{block}_acq-stream{k}": t for k, t in table.groupby("stream")}
        for population in run.modalities(block)[1:]:
            expected[f"{block}_acq-{population}"] = run.events(block, population)
    for task, table in expected.items():
        records = rows(place / f"sub-seed0_task-{task}_events.tsv")
        assert [r["trial_type"] for r in records] == [s or "omission" for s in table["symbol"]]
        np.testing.assert_allclose([float(r["onset"]) for r in records], table["onset"], rtol=1e-11)
    assert len(list(place.glob("*.tsv"))) == len(expected)
    if not VALIDATOR:
        pytest.skip("bids-validator-deno is not installed")
    done = subprocess.run([VALIDATOR, tmp_path / "bids", "--json"], capture_output=True, text=True)
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []


def test_mne(run, tmp_path):
    """What has one clock is in one file; units, synapses and bins are channels."""
    mne = pytest.importorskip("mne", reason="needs the extra mne")
    from fena_sim.show.export.mne import write_mne

    for block, name, values in recorded(run):
        if name.endswith(".spike_time") or values.dims[0] not in ("time", "time_picture"):
            continue
        if f"{values.dims[0]}_tokens" in values.coords:
            continue
        path = tmp_path / f"{block}.{name}-epo.fif"
        window = (0 * ms, 5 * ms)
        write_mne(run, path, [block], window=window, variables=[name])
        trials = mne.read_epochs(path, verbose="error")
        time, table = values[values.dims[0]].values, run.events(block)
        channels = [f"{name} {unit:03d}" for unit in values[values.dims[-1]].values]
        assert trials.ch_names == channels
        assert len(trials) == len(table)
        for row, data in zip(table.itertuples(), trials.get_data(), strict=True):
            first = np.abs(time - row.onset).argmin()
            part = values.values[first : first + 5]
            part = part[:, row.stream] if run.batch > 1 else part
            np.testing.assert_allclose(data, part.T, rtol=1e-6, atol=1e-9)


def test_mne_refuses_what_has_no_one_clock(everything, tmp_path):
    pytest.importorskip("mne", reason="needs the extra mne")
    from fena_sim.show.export.mne import write_mne

    with pytest.raises(FenaError, match="sampled at different times") as caught:
        write_mne(everything, tmp_path / "x-epo.fif", ["exam"])
    assert "--variable" in caught.value.fix
    with pytest.raises(UnknownNameError, match="no samples of 'afferents.spikes'"):
        write_mne(everything, tmp_path / "x-epo.fif", ["exam"], variables=["afferents.spikes"])
    assert not list(tmp_path.iterdir())


def test_mne_has_the_tokens_of_every_modality(everything, tmp_path):
    """Pictures are trials and sounds, 3 ms before, annotations; or the other way round."""
    mne = pytest.importorskip("mne", reason="needs the extra mne")
    from fena_sim.show.export.mne import write_mne

    options = dict(blocks=["exam"], variables=["picture.r"], window=(-4 * ms, 5 * ms))
    pictures, sounds = everything.events("exam"), everything.events("exam", "sound")
    write_mne(everything, tmp_path / "p-epo.fif", **options)
    trials = mne.read_epochs(tmp_path / "p-epo.fif", verbose="error")
    assert set(trials.event_id) == {"exam/picture/presented", "exam/picture/omitted"}
    assert trials["picture"].metadata["symbol"].tolist() == pictures["symbol"].tolist()
    notes = trials.annotations
    assert notes.description.tolist() == [
        "exam/sound/b", "exam/sound/omitted", "exam/sound/a", "exam/sound/b",
    ]  # fmt: skip
    np.testing.assert_allclose(notes.onset, sounds["onset"], rtol=1e-6)
    np.testing.assert_allclose(notes.duration, sounds["duration"], rtol=1e-6)
    for column in set(sounds) - {"onset", "duration"}:
        assert [extra[column] for extra in notes.extras] == sounds[column].tolist(), column
    assert [e["onset_in_block"] for e in notes.extras] == sounds["onset"].tolist()
    for number, found in enumerate(trials.get_annotations_per_epoch()[:4]):
        lead = sounds["onset"][number] - pictures["onset"][number]
        mine = [when for when, _, _ in found if abs(when - lead) < 1e-6]
        assert lead == pytest.approx(-0.003) and len(mine) == 1

    write_mne(everything, tmp_path / "s-epo.fif", tokens_of="sound", by="loud", **options)
    trials = mne.read_epochs(tmp_path / "s-epo.fif", verbose="error")
    assert trials["exam/sound/True"].metadata["symbol"].tolist() == ["b", "a", "b"]
    assert trials.annotations.description.tolist() == [
        f"exam/picture/{symbol or 'omitted'}" for symbol in pictures["symbol"]
    ]
    write_mne(everything, tmp_path / "s-ave.fif", tokens_of="sound", by="loud", **options)
    averages = mne.read_evokeds(tmp_path / "s-ave.fif", verbose="error")
    assert [e.comment for e in averages] == ["exam/sound: False", "exam/sound: True"]
    assert [e.nave for e in averages] == [1, 3]
    with pytest.raises(UnknownNameError, match="'smell' has no tokens"):
        write_mne(everything, tmp_path / "x-epo.fif", tokens_of="smell", **options)
    assert not (tmp_path / "x-epo.fif").exists()

"""NWB (Neurodata Without Borders, nwb.org), by pynwb."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from ...runs.store.events import as_text
from ...runs.store.run import Run
from ...runs.store.units import symbol
from .contents import Contents, contents, description
from .files import appearing, needed
from .hdf5 import column_names, without_nul
from .nwb_signals import columns_of, written

#: NCBI taxonomy has an entry for what no species has: "synthetic construct". NWB asks for a subject
#: with a species.
SYNTHETIC = "http://purl.obolibrary.org/obo/NCBITaxon_32630"
TRIALS = {
    "start_time": "start of the token's blank",
    "stop_time": "end of its presentation",
    "block": "block of the protocol",
    "onset": "the token appears, in s since the block's start",
    "duration": "of the presentation, in s",
    "blank_onset": "start of the blank before the token, in s since the block's start",
    "token": "number in the vocabulary, -1 where omitted",
    "symbol": "the token, empty where omitted",
    "gate": "largest sensory gate of the token",
    "stream": "of the streams presented side by side",
}

#: Columns that NWB gives a meaning, or that are written beside the event table. Labels of these
#: names, and of those of the table's own attributes, are written under another (`column_names`).
TAKEN = {
    "id",
    "start_time",
    "stop_time",
    "block",
    "tags",
    "tags_index",
    "timeseries",
    "timeseries_index",
}
#: Said of a column whose texts are JSON.
AS_JSON = "each text as JSON, since one of them holds NUL, which HDF5 cannot"


def write_nwb(run: Run, path: str | Path, blocks: Sequence[str] = (), force: bool = False) -> None:
    """Write a run as one NWB file.

    Times are in seconds of one session in which the blocks follow one another (table ``epochs``).
    Sampled variables are TimeSeries "block.variable" in acquisition, (time, [stream,] unit), in
    their own units ("1" for none). What was read where the network paused, weights among it, is a
    table there, with a row per reading (time, tokens, value), and so is a recording with fewer samples
    than columns. "block.probe.columns" in analysis has the units that each recorded synapse joins, and
    the edges of bins. Spikes are the table ``units``, of which each row is a neuron;
    tokens are the table ``trials`` with all columns of the event tables and, as "readout_...",
    everything that was kept per token. Columns that not all blocks have are NaN (empty for text)
    elsewhere. A label whose name NWB cannot use is written under another, and the column's
    description has its own; where a text of a column holds NUL, each is written as JSON, and the
    description says so. If no neuron fired at all, the table ``silent_units`` in analysis lists
    those recorded in the place of ``units``. Populations, projections, parameters, vocabulary and provenance (seed, device,
    versions) are tables in analysis; the notes are the declaration of the model as JSON, those on
    stimuli that of the protocol. The subject is a synthetic construct, the network of this seed.

    Parameters
    ----------
    run : Run
    path : str or Path
        Ends in .nwb.
    blocks : sequence of str
        All if empty.
    force : bool
        Replace an earlier file.

    Raises
    ------
    FenaError
        If pynwb is missing, the file is there, the run is not finished or has no such block;
        ResourceError if the disk is full.
    """
    pynwb = needed("pynwb", "nwb")
    with appearing(path, force, ".nwb") as made:
        about, model = description(run), run.manifest["model"]
        simulator = pynwb.device.Device(
            name="simulator", description=f"fena_sim on device {about['device']}, dt {about['dt']}"
        )
        file = pynwb.NWBFile(
            session_description=f"Simulation of {about['protocol']}. Measured signal: {about['measured signal']}",
            identifier=run.id,
            session_id=run.id,
            experiment_description=about["protocol"],
            session_start_time=datetime.fromisoformat(run.manifest["started"]).replace(tzinfo=UTC),
            keywords=["simulation", "predictive coding", model["name"]],
            source_script=about["command"],
            source_script_file_name=run.manifest["command"][0],
            notes=json.dumps(run.manifest["inputs"]["model"], sort_keys=True),
            stimulus_notes=json.dumps(run.manifest["inputs"]["protocol"], sort_keys=True),
            subject=pynwb.file.Subject(
                subject_id=f"{model['name']}-seed{run.seed}",
                species=SYNTHETIC,
                sex="U",
                age="P0D",
                description=f"Simulated network with seed {run.seed}. {about['model']}",
            ),
            devices=[simulator],
        )
        trials: list[tuple[dict, pd.DataFrame, dict]] = []
        others: dict[str, list[tuple[dict, pd.DataFrame, dict]]] = {}
        spikes: dict[tuple[str, str, int], list[tuple[Contents, np.ndarray]]] = {}
        file.add_epoch_column(
            "start_from",
            "initial, or the block (RUN:BLOCK of another run) whose last state it begins with",
        )
        file.add_epoch_column("self_paced", "whether tokens leave when the network has settled")
        for recording in contents(run, blocks):
            file.add_epoch(
                start_time=recording.offset,
                stop_time=float(recording.in_session(recording.duration)),
                tags=[recording.name],
                start_from=str(recording.about["start_from"]),
                self_paced=bool(recording.about["self_paced"]),
            )
            for signal in recording.signals:
                file.add_acquisition(written(pynwb, recording, signal))
            for table in columns_of(pynwb, recording):
                file.add_analysis(table)
            for probe, (times, units, recorded) in recording.spikes.items():
                owner = recording.owners.get(probe, probe)
                for unit in recorded:
                    spikes.setdefault((owner, probe, int(unit)), []).append(
                        (recording, times[units == unit] + recording.offset)
                    )
            trials.append(_trials(recording, recording.events, recording.tokens))
            for population, events in recording.others.items():
                others.setdefault(population, []).append(_trials(recording, events))
        file.trials = _trials_table(pynwb, trials, "trials", "tokens, one row each")
        for population, rows in others.items():
            about_them = f"tokens of the population {population}, one row each"
            file.add_time_intervals(_trials_table(pynwb, rows, f"{population}_tokens", about_them))
        _add_units(pynwb, file, spikes, run)
        for table in _about(pynwb, run, about):
            file.add_analysis(table)
        with pynwb.NWBHDF5IO(str(made), "w") as io:
            io.write(file)


def _trials(recording, events, tokens=None):
    """(columns of their own, the event table, {readout: (values, units)}), all in order of time."""
    start = recording.in_session(events["blank_onset"])
    own = {
        "start_time": start,
        "stop_time": recording.in_session(events["onset"] + events["duration"]),
        "block": np.full(len(events), recording.name, dtype=object),
    }
    # streams side by side: NWB wants trials in order of time
    order = np.argsort(start, kind="stable")
    kept = {
        f"readout_{name}": (values[order], tokens[name].attrs["units"])
        for name, values in (() if tokens is None else _per_token(tokens))
    }
    return {name: values[order] for name, values in own.items()}, events.iloc[order], kept


def _per_token(tokens):
    """(name, values in the order of the event table) of what was kept; what streams share is
    repeated for each.
    """
    streams = tokens.sizes.get("stream", 1)
    for name in sorted(tokens.data_vars):
        values = tokens[name]
        if "stream" in values.dims:
            values = values.transpose("stream", "event", ...).to_numpy()
            yield name, values.reshape(-1, *values.shape[2:])
        else:
            yield name, np.concatenate([values.to_numpy()] * streams)


def _trials_table(pynwb, trials, title, about_all):
    tables = [events for _, events, _ in trials]
    columns = [
        pynwb.core.VectorData(
            name=name,
            description=TRIALS[name],
            data=np.concatenate([own[name] for own, _, _ in trials]).tolist(),
        )
        for name in trials[0][0]
    ]
    readouts = dict.fromkeys(name for _, _, kept in trials for name in kept)
    labels = dict.fromkeys(name for events in tables for name in events)
    taken = {*TAKEN, *readouts, *dir(pynwb.epoch.TimeIntervals)}
    for label, name in column_names(labels, taken).items():
        data, as_json = _label(tables, label)
        # a label may have the name of one of the columns that are written beside the table
        known = TRIALS.get(label) if label not in trials[0][0] else None
        about = [known or f"label {label!r} of the stimulus"]
        about += ["NaN or empty in blocks without it"] * any(label not in part for part in tables)
        about += [AS_JSON] * as_json
        columns.append(pynwb.core.VectorData(name=name, description="; ".join(about), data=data))
    for name in readouts:
        shape, units = next(
            (kept[name][0].shape[1:], kept[name][1]) for _, _, kept in trials if name in kept
        )
        parts = [
            kept[name][0] if name in kept else np.full((len(part), *shape), np.nan)
            for _, part, kept in trials
        ]
        columns.append(
            pynwb.core.VectorData(
                name=name,
                data=np.concatenate(parts),
                description=(
                    f"{name.removeprefix('readout_')}, kept for every token, in {symbol(units)}"
                ),
            )
        )
    return pynwb.epoch.TimeIntervals(name=title, description=about_all, columns=columns)


def _label(tables, label):
    """(values of a column of the event tables in all of them, whether they are JSON)."""
    kinds = {part[label].dtype.kind for part in tables if label in part}
    if kinds <= set("uifb"):
        parts = [
            part[label].to_numpy() if label in part else np.full(len(part), np.nan)
            for part in tables
        ]
        if len({part.dtype.kind for part in parts}) == 1:
            return np.concatenate(parts), False
        numbers = np.concatenate([part.astype(float) for part in parts])
        exact = [
            int(v) for part in parts if part.dtype.kind in "ui" for v in part if abs(v) > 2**53
        ]
        if not exact:
            return numbers, False
    return without_nul(  # text in one block is text in all
        [
            text
            for part in tables
            for text in (as_text(part[label]) if label in part else [""] * len(part))
        ]
    )


def _add_units(pynwb, file, spikes, run):
    if not any(len(times) for pieces in spikes.values() for _, times in pieces):
        if spikes:  # tools take a table of units without any spike for a mistake
            names, probes, numbers = zip(*spikes, strict=True)
            about = "neurons whose spikes were recorded, of which none fired"
            silent = _texts(pynwb, "silent_units", about, population=names, probe=probes)
            silent.add_column("unit", "number in the population", data=list(numbers))
            file.add_analysis(silent)
        return
    file.add_unit_column("population", "population of the model")
    file.add_unit_column(
        "probe", "what the recording is called: as the population, if it has no name"
    )
    file.add_unit_column("unit", "number in the population")
    for (population, probe, unit), pieces in spikes.items():
        file.add_unit(
            spike_times=np.concatenate([times for _, times in pieces]),
            population=population,
            probe=probe,
            unit=unit,
            obs_intervals=[[r.offset, float(r.in_session(r.duration))] for r, _ in pieces],
        )
    file.units.resolution = float(next(iter(spikes.values()))[0][0].tokens.attrs["dt_s"])


def _about(pynwb, run, about):
    """Tables that say what was simulated."""
    model, vocabulary = run.manifest["inputs"]["model"], run.manifest["vocabulary"]
    parameters = run.manifest["model"]["parameters"]
    yield _texts(
        pynwb,
        "provenance",
        "where the run comes from",
        title=list(about),
        value=list(about.values()),
    )
    if parameters:
        yield _texts(
            pynwb,
            "model_parameters",
            "parameters of the model, with units",
            parameter=list(parameters),
            value=list(parameters.values()),
        )
    members = {
        "population": ("role", "level", "size", "equations"),
        "projection": ("source", "target", "equations", "plasticity"),
    }
    for kind, keys in members.items():
        rows = model[f"{kind}s"]
        if rows:
            yield _texts(
                pynwb,
                f"model_{kind}s",
                f"{kind}s of the model; the notes have every detail",
                **{kind: [row["name"] for row in rows]},
                **{key: [_text(row[key]) for row in rows] for key in keys},
            )
    yield _texts(pynwb, "vocabulary", "tokens by their number", symbol=vocabulary["symbols"])


def _text(value):
    if isinstance(value, dict):
        value = value.get("equations", json.dumps(value, sort_keys=True))
    return "none" if value is None else str(value).strip()


def _texts(pynwb, table, about, /, **columns):
    return pynwb.core.DynamicTable(
        name=table,
        description=about,
        columns=[
            pynwb.core.VectorData(
                name=key,
                description=f"{key} of each row{f'; {AS_JSON}' if as_json else ''}",
                data=texts,
            )
            for key, (texts, as_json) in (
                (key, without_nul(list(texts))) for key, texts in columns.items()
            )
        ],
    )

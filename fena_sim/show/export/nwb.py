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
from .contents import AT_ONCE, Contents, contents, description
from .files import appearing, needed

#: NCBI taxonomy has an entry for what no species has: "synthetic construct". NWB asks for a subject
#: with a species.
SYNTHETIC = "http://purl.obolibrary.org/obo/NCBITaxon_32630"
TRIALS = {
    "start_time": "start of the token's blank",
    "stop_time": "end of its presentation",
    "block": "block of the protocol",
    "onset": "start of the blank, in s since the block's start",
    "arrival": "the token appears, in s since the block's start",
    "duration": "of the presentation, in s",
    "token": "number in the vocabulary, -1 where omitted",
    "symbol": "the token, empty where omitted",
    "gate": "largest sensory gate of the token",
    "stream": "of the streams presented side by side",
}

#: Labels of these names get the suffix "_id": NWB uses them.
TAKEN = ("id", "start_time", "stop_time", "block", "tags", "timeseries")


def write_nwb(run: Run, path: str | Path, blocks: Sequence[str] = (), force: bool = False) -> None:
    """Write a run as one NWB file.

    Times are in seconds of one session in which the blocks follow one another (table ``epochs``).
    Sampled variables are TimeSeries "block.variable" in acquisition, (time, [stream,] unit), in
    their own units ("1" for none); spikes are the table ``units``, of which each row is a neuron;
    tokens are the table ``trials`` with all columns of the event tables and, as "readout_...",
    everything that was kept per token. Columns that not all blocks have are NaN (empty for text)
    elsewhere. Populations, projections, parameters, vocabulary and provenance (seed, device,
    versions) are tables in analysis; the notes are the declaration of the model as JSON. The
    subject is a synthetic construct, the network of this seed.

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
            subject=pynwb.file.Subject(
                subject_id=f"{model['name']}-seed{run.seed}",
                species=SYNTHETIC,
                sex="U",
                age="P0D",
                description=f"Simulated network with seed {run.seed}. {about['model']}",
            ),
            devices=[simulator],
        )
        trials: list[tuple[pd.DataFrame, dict]] = []
        spikes: dict[tuple[str, int], list[tuple[Contents, np.ndarray]]] = {}
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
                file.add_acquisition(_series(pynwb, recording, signal))
            for population, (times, units, recorded) in recording.spikes.items():
                for unit in recorded:
                    spikes.setdefault((population, int(unit)), []).append(
                        (recording, times[units == unit] + recording.offset)
                    )
            trials.append(_trials(recording))
        file.trials = _trials_table(pynwb, trials)
        _add_units(file, spikes, run)
        for table in _about(pynwb, run, about):
            file.add_analysis(table)
        with pynwb.NWBHDF5IO(str(made), "w") as io:
            io.write(file)


def _series(pynwb, recording, signal):
    """A TimeSeries whose samples are read from the run piece by piece while the file is written."""
    from hdmf.backends.hdf5 import H5DataIO
    from hdmf.data_utils import GenericDataChunkIterator

    class Pieces(GenericDataChunkIterator):
        def _get_data(self, selection):
            return signal.values[selection].to_numpy()

        def _get_maxshape(self):
            return signal.values.shape

        def _get_dtype(self):
            return signal.values.dtype

    piece = (min(len(signal.time), AT_ONCE), *signal.values.shape[1:])
    pieces = Pieces(buffer_shape=piece, chunk_shape=piece)
    if signal.rate is None:
        timing = {"timestamps": signal.time + recording.offset}
    else:
        timing = {"starting_time": recording.offset + float(signal.time[0]), "rate": signal.rate}
    population, _, variable = signal.name.partition(".")
    columns = "streams and units" if signal.values.ndim == 3 else "units"
    numbers = signal.unit_numbers.tolist()
    return pynwb.TimeSeries(
        name=f"{recording.name}.{signal.name}",
        data=H5DataIO(pieces, compression="gzip"),
        unit=signal.units,
        description=f"{variable} of population {population} in block {recording.name}",
        comments=f"Columns: {columns} of the population; units {numbers}",
        **timing,
    )


def _trials(recording):
    """(event table with its session times and the block's name, {readout: values in its order})."""
    table = recording.events.rename(
        columns=lambda name: f"{name}_id" if name in TAKEN else name.replace("/", "_")
    )
    kept = {
        f"readout_{name}": (values, recording.tokens[name].attrs["units"])
        for name, values in _per_token(recording.tokens)
    }
    start = recording.in_session(table["onset"])
    table.insert(0, "start_time", start)
    table.insert(1, "stop_time", recording.in_session(table["arrival"] + table["duration"]))
    table.insert(2, "block", recording.name)
    order = np.argsort(
        start, kind="stable"
    )  # streams side by side: NWB wants trials in order of time
    return table.iloc[order], {
        name: (values[order], units) for name, (values, units) in kept.items()
    }


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


def _trials_table(pynwb, trials):
    table = pd.concat([table for table, _ in trials], ignore_index=True)
    columns = []
    for name in table.columns:
        lacking = any(name not in part for part, _ in trials)
        kinds = {part[name].dtype.kind for part, _ in trials if name in part}
        if not kinds <= set("ifb"):  # text in one block is text in all
            data = [
                text
                for part, _ in trials
                for text in (as_text(part[name]) if name in part else [""] * len(part))
            ]
        else:
            data = (
                table[name].astype(float).to_numpy()
                if lacking or len(kinds) > 1
                else table[name].to_numpy()
            )
        about = TRIALS.get(name, "label of the stimulus") + (
            "; NaN or empty in blocks without it" if lacking else ""
        )
        columns.append(pynwb.core.VectorData(name=name, description=about, data=data))
    for name in dict.fromkeys(name for _, kept in trials for name in kept):
        shape, units = next(
            (kept[name][0].shape[1:], kept[name][1]) for _, kept in trials if name in kept
        )
        parts = [
            kept[name][0] if name in kept else np.full((len(part), *shape), np.nan)
            for part, kept in trials
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
    return pynwb.epoch.TimeIntervals(
        name="trials", description="tokens, one row each", columns=columns
    )


def _add_units(file, spikes, run):
    if not spikes:
        return
    file.add_unit_column("population", "population of the model")
    file.add_unit_column("unit", "number in the population")
    for (population, unit), pieces in spikes.items():
        file.add_unit(
            spike_times=np.concatenate([times for _, times in pieces]),
            population=population,
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
            pynwb.core.VectorData(name=key, description=f"{key} of each row", data=list(texts))
            for key, texts in columns.items()
        ],
    )

"""CSV: tidy tables that any program reads, with a description of their columns."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ...runs.store.run import Run
from ...runs.store.units import symbol
from .contents import contents, description
from .files import DESCRIPTION, appearing

#: RFC 4180: comma, quotes where needed, CR LF.
FORMAT = dict(index=False, lineterminator="\r\n", encoding="utf-8")
TIMES = {
    "onset": "the token appears, since the block's start",
    "duration": "of the presentation",
    "blank_onset": "start of the blank before the token, since the block's start",
}
LABELS = {
    "token": "number in the vocabulary, -1 where omitted",
    "symbol": "the token, empty where omitted",
    "gate": "largest sensory gate of the token",
    "stream": "of the streams presented side by side",
}
VALUE = {
    "variable": ("string", None, "population.variable; its units are listed at the file"),
    "unit": ("integer", None, "number in the population; of synapses and bins see the columns"),
    "value": ("number", None, "in the units of the variable"),
}
COLUMNS = {
    "variable": VALUE["variable"],
    "unit": ("integer", None, "number of the synapse or bin"),
    "source": ("integer", None, "unit from which the synapse comes"),
    "target": ("integer", None, "unit onto which it acts"),
    "bin_start": ("number", None, "lower edge of the bin, in SI base units"),
    "bin_stop": ("number", None, "upper edge of the bin, in SI base units"),
}
READINGS = {
    "variable": VALUE["variable"],
    "time": ("number", "s", "since the block's start"),
    "tokens": ("integer", None, "tokens of the block that had ended"),
}
STREAM = {"stream": ("integer", None, LABELS["stream"])}


def write_csv(
    run: Run, folder: str | Path, blocks: Sequence[str] = (), force: bool = False
) -> None:
    """Write a folder with one table per block and kind, and datapackage.json.

    <block>_events.csv: a row per token, as ``run.events``; of other modalities than that which paces
    the block, <block>.<population>_events.csv. <block>_tokens.csv: a row per value kept
    of a token (event, [stream,] variable, index, value). <block>_traces.csv: a row per sample
    (time, [stream,] variable, unit, value). <block>_columns.csv: the units that each recorded synapse
    joins, and the edges of bins of histograms. <block>_readings.csv: how many tokens had ended when
    the network paused to be read. <block>_spikes.csv: a row per spike (time, population,
    unit). A probe with a name has it in the place of its population's. Times are in s since the block's start. Numbers are written in full: reading them gives
    the same numbers (in single precision where they were recorded so).

    datapackage.json describes every file, column and unit (Frictionless Data Package,
    specs.frictionlessdata.io), the run and its parameters, and of which population or projection a
    probe with a name is (``probes``).

    Parameters
    ----------
    run : Run
    folder : str or Path
    blocks : sequence of str
        All if empty.
    force : bool
        Replace an earlier export.

    Raises
    ------
    FenaError
        If the folder is there, the run is not finished or has no such block; ResourceError if the
        disk is full.
    """
    with appearing(folder, force) as made:
        made.mkdir()
        resources = [
            entry for recording in contents(run, blocks) for entry in _block(recording, made)
        ]
        package = {
            "name": "".join(c if c.isalnum() or c in "-_." else "-" for c in run.id.lower()),
            "title": run.id,
            "resources": resources,
            "run": description(run),
            "parameters": run.manifest["model"]["parameters"],
        }
        (made / DESCRIPTION).write_text(
            json.dumps(package, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def _block(recording, folder):
    """Write the tables of one block; yields their descriptions."""
    events, kept = recording.events, recording.tokens
    streams = "stream" in kept.dims
    tables = {"events": events}
    tables |= {f".{population}_events": table for population, table in recording.others.items()}
    for kind, table in tables.items():
        fields = {column: _event_field(table, column) for column in table}
        yield _table(folder, recording, kind, [table], fields)
    if kept.data_vars:
        fields = {
            "event": ("integer", None, "number of the token in the block"),
            **(STREAM if streams else {}),
            "variable": VALUE["variable"],
            "index": ("integer", None, "level or unit; empty where there is but one value"),
            "value": VALUE["value"],
        }
        units = {str(name): symbol(kept[name].attrs["units"]) for name in sorted(kept.data_vars)}
        yield _table(folder, recording, "tokens", _token_rows(kept, list(fields)), fields, units)
    if recording.signals:
        fields = {
            "time": ("number", "s", "since the block's start"),
            **(STREAM if recording.signals[0].values.ndim == 3 else {}),
            **VALUE,
        }
        units = {signal.name: signal.units for signal in recording.signals}
        yield _table(
            folder,
            recording,
            "traces",
            _sample_rows(recording.signals, list(fields)),
            fields,
            units,
        )
        columns = [
            _rows(s, {"unit": s.unit_numbers, **s.columns}, COLUMNS)
            for s in recording.signals
            if s.columns
        ]
        readings = [
            _rows(s, {"time": s.time, "tokens": s.finished}, READINGS)
            for s in recording.signals
            if s.finished is not None
        ]
        for kind, frames, fields in (
            ("columns", columns, COLUMNS),
            ("readings", readings, READINGS),
        ):
            if frames:
                yield _table(folder, recording, kind, frames, fields)
    if recording.spikes:
        fields = {
            "time": ("number", "s", "since the block's start"),
            "population": ("string", None, "population that spikes, or the name of its probe"),
            "unit": ("integer", None, "number in the population"),
        }
        rows = (
            pd.DataFrame({"time": times, "population": name, "unit": units})
            for name, (times, units, _) in recording.spikes.items()
        )
        yield _table(folder, recording, "spikes", rows, fields)


def _table(folder, recording, kind, frames, fields, units=None):
    # No name has a dot, so that no table of a modality has the name of another block's.
    path = folder / f"{recording.name}{'' if kind.startswith('.') else '_'}{kind}.csv"
    for number, frame in enumerate(frames):
        frame.to_csv(path, mode="a", header=number == 0, **FORMAT)
    described = [
        {"name": name, "type": form, **({"unit": unit} if unit else {}), "description": what}
        for name, (form, unit, what) in fields.items()
    ]
    named = {probe: owner for probe, owner in recording.owners.items() if probe != owner}
    return {
        "name": path.stem.lower(),
        "path": path.name,
        "format": "csv",
        "encoding": "utf-8",
        "dialect": {"lineTerminator": "\r\n"},
        **({"units": units} if units else {}),
        **({"probes": named} if named and kind in ("traces", "spikes") else {}),
        "schema": {"fields": described},
    }


def _event_field(events, column):
    kind = events[column].dtype.kind
    form = {"i": "integer", "f": "number", "b": "boolean"}.get(kind, "string")
    if column in TIMES:
        return form, "s", TIMES[column]
    return form, None, LABELS.get(column, "label of the stimulus")


def _token_rows(kept, columns):
    for name in sorted(kept.data_vars):
        values = kept[name]
        dims = {dim: dim if dim in ("event", "stream") else "index" for dim in values.dims}
        places = np.indices(values.shape).reshape(values.ndim, -1)
        table = {
            column: values[dim].to_numpy()[place] if dim in values.coords else place
            for (dim, column), place in zip(dims.items(), places, strict=True)
        }
        frame = pd.DataFrame({"variable": name, **table, "value": values.to_numpy().ravel()})
        yield frame.reindex(columns=columns).astype(
            {c: "Int64" for c in columns if c in ("event", "stream", "index")}
        )


def _rows(signal, columns, fields):
    """Rows of a signal; what it has not is empty."""
    frame = pd.DataFrame({"variable": signal.name, **columns}).reindex(columns=list(fields))
    return frame.astype({c: "Int64" for c, (form, _, _) in fields.items() if form == "integer"})


def _sample_rows(signals, columns):
    for signal in signals:
        for start, values in signal.pieces():
            place = np.indices(values.shape).reshape(values.ndim, -1)
            stream = {"stream": place[1]} if values.ndim == 3 else {}
            yield pd.DataFrame(
                {
                    "time": signal.time[start + place[0]],
                    **stream,
                    "variable": signal.name,
                    "unit": signal.unit_numbers[place[-1]],
                    "value": values.ravel(),
                }
            )[columns]

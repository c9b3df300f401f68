"""Neo (neo.readthedocs.io), in the NIX file format, which stores everything without loss."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...runs.store.events import as_text
from ...runs.store.run import Run
from ...runs.store.units import exponents, symbol
from .contents import contents, description
from .files import appearing, needed
from .hdf5 import column_names, without_nul

if TYPE_CHECKING:
    from quantities import Quantity

#: Names that neo uses itself among the annotations of an Epoch, and the two that are added here.
TAKEN = {"self", "neo_name", "nix_name", "file_datetime", "label_names", "texts_as_json"}
#: Units of the SI as the package quantities names them, in the order of `exponents`.
BASE = ("m", "kg", "s", "A", "K", "mol", "cd")


def write_neo(run: Run, path: str | Path, blocks: Sequence[str] = (), force: bool = False) -> None:
    """Write a run as one neo.Block in a NIX file: ``neo.NixIO(path, "ro").read_block()`` reads it.

    Every block of the protocol is a Segment, with times in s since its start. Sampled variables are
    AnalogSignals "population.variable" (time, unit) with their units, with streams side by side one
    for each ("population.variable stream 0"); of probes that kept windows around the tokens,
    IrregularlySampledSignals. The array annotation "unit" numbers the columns; of synapses "source" and
    "target" have the units that each joins, of histograms "bin_start" and "bin_stop" the edges. The
    annotation "tokens" of what was read where the network paused tells how many tokens had ended.
    Everything kept per token is an IrregularlySampledSignal "readout NAME" at the onsets. Spikes are one
    SpikeTrain per neuron, silent ones included. Tokens are the Epoch "tokens" (from the start of
    the blank to the end of the presentation), labelled by their symbols, with the columns of the
    event table as array annotations, and the Event "onsets". Where a label's name cannot be one in
    a NIX file, the epoch's annotation ``label_names`` has it, as JSON {name in the file: name of the
    label}; columns in which a text holds NUL have each text as JSON, and the annotation
    ``texts_as_json`` lists them. The annotations of the Block say
    where the run comes from. Neo keeps a file's signals in
    memory while it writes; choose blocks if they do not fit.

    Parameters
    ----------
    run : Run
    path : str or Path
        Ends in .nix.
    blocks : sequence of str
        All if empty.
    force : bool
        Replace an earlier file.

    Raises
    ------
    FenaError
        If neo or nixio is missing, the file is there, the run is not finished or has no such block;
        ResourceError if the disk is full.
    """
    neo = needed("neo", "neo")
    needed("nixio", "neo")
    with appearing(path, force, ".nix") as made:
        about = description(run)
        whole = neo.Block(
            name=run.id,
            description=about["model"],
            **{title.replace(" ", "_"): text for title, text in about.items()},
            **{
                f"parameter {key}": text
                for key, text in run.manifest["model"]["parameters"].items()
            },
        )
        for index, recording in enumerate(contents(run, blocks)):
            whole.segments.append(_segment(neo, recording, index))
        io = neo.NixIO(str(made), mode="ow")
        try:
            io.write_block(whole)
        finally:
            io.close()


def _segment(neo, recording, index):
    about = {
        "start_from": str(recording.about["start_from"]),
        "self_paced": bool(recording.about["self_paced"]),
    }
    segment = neo.Segment(name=recording.name, index=index, **about)
    for signal in recording.signals:
        for made in _signals(neo, signal):
            (segment.analogsignals if signal.rate else segment.irregularlysampledsignals).append(
                made
            )
    for made in _readouts(neo, recording):
        segment.irregularlysampledsignals.append(made)
    for probe, (times, units, recorded) in recording.spikes.items():
        for unit in recorded:
            segment.spiketrains.append(
                neo.SpikeTrain(
                    times[units == unit],
                    units="s",
                    t_start=0.0,
                    t_stop=max(recording.duration, times.max(initial=0)),
                    name=f"{probe} {unit}",
                    population=recording.owners.get(probe, probe),
                    unit=int(unit),
                )
            )
    _tokens(neo, segment, recording, recording.events)
    for population, events in recording.others.items():
        _tokens(neo, segment, recording, events, f" of {population}")
    return segment


def _tokens(neo, segment, recording, events, of=""):
    """Give a segment the tokens of an event table, as an Epoch, and their onsets, as an Event."""
    columns, as_json = {}, []
    names = column_names(events.columns, TAKEN)
    for label, name in names.items():
        columns[name] = events[label].to_numpy()
        if columns[name].dtype.kind not in "uifb":
            texts, is_json = without_nul(as_text(events[label]))
            columns[name] = np.array(texts, dtype=str)
            as_json += [name] * is_json
    labels = columns["symbol"]
    # what HDF5 made necessary, so that names and texts can be had as they were
    changed = {
        "label_names": {name: label for label, name in names.items() if name != label},
        "texts_as_json": as_json,
    }
    said = {title: json.dumps(what) for title, what in changed.items() if what}
    start = columns["blank_onset"]
    stop = recording.in_block(events["onset"] + events["duration"])
    segment.epochs.append(
        neo.Epoch(
            times=start,
            durations=stop - start,
            units="s",
            labels=labels,
            name=f"tokens{of}",
            array_annotations=columns,
            **said,
        )
    )
    segment.events.append(
        neo.Event(times=columns["onset"], units="s", labels=labels, name=f"onsets{of}", **said)
    )


def _signals(neo, signal):
    """One signal, or one for each of several streams."""
    values = signal.values.to_numpy()
    named = (
        {signal.name: values}
        if values.ndim == 2
        else {
            f"{signal.name} stream {number}": values[:, number] for number in range(values.shape[1])
        }
    )
    for name, columns in named.items():
        common = dict(
            units=quantity(signal.values.attrs["units"]),
            name=name,
            array_annotations={"unit": np.asarray(signal.unit_numbers), **signal.columns},
            owner=signal.owner,
            **({} if signal.finished is None else {"tokens": signal.finished.tolist()}),
        )
        if signal.rate:
            yield neo.AnalogSignal(
                columns,
                sampling_rate=_hertz(signal.rate),
                t_start=_seconds(signal.time[0]),
                **common,
            )
        else:
            yield neo.IrregularlySampledSignal(signal.time, columns, time_units="s", **common)


def _readouts(neo, recording):
    """What was kept per token, at the onsets; of streams one for each."""
    kept, events = recording.tokens, recording.events
    for name in sorted(kept.data_vars):
        values = kept[name]
        streams = {f"readout {name}": (values, events)}
        if "stream" in values.dims:
            streams = {
                f"readout {name} stream {k}": (
                    values.isel(stream=k),
                    events[events["stream"] == k],
                )
                for k in range(values.sizes["stream"])
            }
        for title, (some, table) in streams.items():
            columns = some.to_numpy().reshape(len(some), -1)
            last = some.dims[-1]
            numbers = some[last].to_numpy() if some.ndim > 1 else np.zeros(1, dtype=int)
            yield neo.IrregularlySampledSignal(
                table["onset"].to_numpy()[: len(columns)],
                columns,
                time_units="s",
                units=quantity(values.attrs["units"]),
                name=title,
                array_annotations={"unit": numbers},
            )


def quantity(units: str) -> "Quantity":
    """Recorded units as the package quantities has them: by their symbol if it is one word, else in
    the base units.
    """
    import quantities

    if symbol(units) == "1":
        return quantities.dimensionless
    if symbol(units).isalpha():
        return quantities.Quantity(1, symbol(units)).units
    factors = [
        f"{name}**{power:g}" for name, power in zip(BASE, exponents(units), strict=True) if power
    ]
    return quantities.Quantity(1, "*".join(factors)).units


def _hertz(rate):
    import quantities

    return rate * quantities.Hz


def _seconds(time):
    import quantities

    return float(time) * quantities.s

"""NWB: sampled variables as TimeSeries, and as tables what is none."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from .contents import Contents, Signal


def written(pynwb: ModuleType, recording: Contents, signal: Signal) -> Any:
    """A TimeSeries (time, [stream,] unit), or a table with a row per sample where the network paused
    to be read or there are fewer samples than columns: NWB takes the longest axis for time. The values
    are read from the run piece by piece while the file is written.
    """
    from hdmf.backends.hdf5 import H5DataIO
    from hdmf.data_utils import GenericDataChunkIterator

    class Pieces(GenericDataChunkIterator):
        def _get_data(self, selection):
            return signal.values[selection].to_numpy()

        def _get_maxshape(self):
            return signal.values.shape

        def _get_dtype(self):
            return signal.values.dtype

    piece = (min(len(signal.time), signal.at_once), *signal.values.shape[1:])
    values = H5DataIO(Pieces(buffer_shape=piece, chunk_shape=piece), compression="gzip")
    name = f"{recording.name}.{signal.name}"
    if signal.finished is not None or max(signal.values.shape[1:]) > len(signal.time):
        return _table(pynwb, name, recording, signal, values)
    timing: dict[str, Any] = {"timestamps": signal.time + recording.offset}
    if signal.rate is not None:
        timing = {"starting_time": recording.offset + float(signal.time[0]), "rate": signal.rate}
    return pynwb.TimeSeries(
        name=name,
        data=values,
        unit=signal.units,
        description=f"{_what(signal)} in block {recording.name}",
        comments=_columns(signal),
        **timing,
    )


def columns_of(pynwb: ModuleType, recording: Contents) -> Iterator[Any]:
    """A table for each probe whose columns need more than a number: synapses, and bins."""
    found = {s.name.partition(".")[0]: s for s in recording.signals if s.columns}
    about = {
        "source": "unit from which the synapse comes",
        "target": "unit onto which it acts",
        "bin_start": "lower edge, in SI base units",
        "bin_stop": "upper edge, in SI base units",
    }
    for probe, signal in found.items():
        columns = {signal.kind: signal.unit_numbers, **signal.columns}
        yield pynwb.core.DynamicTable(
            name=f"{recording.name}.{probe}.columns",
            description=f"columns of what {probe} recorded of {signal.owner}",
            columns=[
                pynwb.core.VectorData(
                    name=name,
                    description=about.get(name, f"number of the {name}"),
                    data=np.asarray(values),
                )
                for name, values in columns.items()
            ],
        )


def _table(pynwb, name, recording, signal, values):
    columns = {"time": ("in s since the session's start", signal.time + recording.offset)}
    if signal.finished is not None:
        columns["tokens"] = "tokens of the block that had ended", signal.finished
    columns["value"] = f"{_what(signal)}, in {signal.units}. {_columns(signal)}", values
    return pynwb.core.DynamicTable(
        name=name,
        description=f"{_what(signal)} in block {recording.name}, one row per reading",
        id=np.arange(len(signal.time)),
        columns=[
            pynwb.core.VectorData(name=title, description=about, data=data)
            for title, (about, data) in columns.items()
        ],
    )


def _what(signal):
    variable = signal.name.partition(".")[2]
    synapses = signal.kind != "unit"
    return f"{variable} of {'projection' if synapses else 'population'} {signal.owner}"


def _columns(signal):
    streams = "streams and " if signal.values.ndim == 3 else ""
    if signal.columns:
        return f"Columns: {streams}{signal.kind}s, in the table of columns in analysis"
    numbers = signal.unit_numbers.tolist()
    return f"Columns: {streams}{signal.kind}s of {signal.owner}; {signal.kind}s {numbers}"

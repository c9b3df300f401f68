"""The contents of a run for export, in the order of its blocks."""

from collections.abc import Iterator, Sequence

import attrs
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from ...errors import RunFolderError, UnknownNameError, nearest
from ...runs.store.declared import probe_owners
from ...runs.store.events import times_of
from ...runs.store.run import Run
from ...runs.store.units import symbol

#: Samples that are read from disk at once, a multiple of the chunks in which they are stored; fewer if
#: they take more than so many bytes, as weights may.
AT_ONCE, MOST_BYTES = 8192, 16 * 2**20


@attrs.frozen(eq=False)
class Signal:
    """Samples of one variable, still on disk.

    Attributes
    ----------
    name : str
        "population.variable", "projection.variable".
    values : xarray.DataArray, dims (time, [stream,] unit or synapse)
    time : float64 (time,)
        Seconds since the block's start.
    rate : float or None
        Sampling rate in Hz; None where times are not evenly spaced, as in windows around tokens.
    units : str
        Symbol, "1" for none.
    unit_numbers : int (unit,)
        Of synapses their numbers, by source and then by target.
    owner : str
        The population or projection that was recorded, whatever its probe is called.
    columns : dict of arrays (unit,)
        What a column is, where its number does not say it: of a synapse the units that it joins,
        "source" and "target"; of a histogram's bin its edges, "bin_start" and "bin_stop", in SI base
        units.
    finished : int (time,) or None
        How many tokens had ended, of what was read where the network paused.
    """

    name: str
    values: xr.DataArray
    time: np.ndarray
    rate: float | None
    units: str
    unit_numbers: np.ndarray
    owner: str
    columns: dict[str, np.ndarray]
    finished: np.ndarray | None

    @property
    def kind(self) -> str:
        """What a column is: "unit", "synapse", or of a summary "source", "target", "norm", "bin"."""
        return str(self.values.dims[-1]).removeprefix(f"{self.name.partition('.')[0]}_")

    @property
    def at_once(self) -> int:
        """Samples that are read from disk at once."""
        each = self.values.dtype.itemsize * int(np.prod(self.values.shape[1:]))
        return max(1, min(AT_ONCE, MOST_BYTES // each))

    def pieces(self) -> Iterator[tuple[int, np.ndarray]]:
        """(first sample, values) of consecutive pieces."""
        step = self.at_once
        for start in range(0, len(self.time), step):
            yield start, self.values[start : start + step].to_numpy()


@attrs.frozen(eq=False)
class Contents:
    """One block: its place in the session, tokens, signals and spikes.

    Attributes
    ----------
    name : str
    about : dict
        The manifest's entry: start_from, self_paced, ...
    first_step, steps : int
        Blocks are laid one after another, in the order of the protocol. (In the network's own time
        several may begin at the same state.)
    dt : float
        Of a step, in s.
    events : pandas.DataFrame
        The event table.
    others : dict of pandas.DataFrame
        {population: event table} of modalities beside the one that paces the block.
    tokens : xarray.Dataset
        What was kept for every token.
    signals : list of Signal
    spikes : dict
        {probe: (times in s since the block's start, unit numbers, the units that were recorded)}, in
        order of time. A probe is called as its population unless it has a name.
    owners : dict
        {probe: population or projection}.
    """

    name: str
    about: dict
    first_step: int
    steps: int
    dt: float
    events: pd.DataFrame
    others: dict[str, pd.DataFrame]
    tokens: xr.Dataset
    signals: list[Signal]
    spikes: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    owners: dict[str, str]

    @property
    def offset(self) -> float:
        """When the block begins, in s since the session's start."""
        return float(self.in_session(0.0))

    @property
    def duration(self) -> float:
        """In s."""
        return float(times_of(self.steps, self.dt))

    def in_block(self, times: ArrayLike) -> np.ndarray:
        """Times of steps, in s since the block's start, to the nearest step."""
        return times_of(_steps(times, self.dt), self.dt)

    def in_session(self, times: ArrayLike) -> np.ndarray:
        """Times of steps, from s since the block's start to s since the session's start. What
        adjoins in steps adjoins exactly in time, also in runs of earlier versions, whose durations
        were in single precision.
        """
        return times_of(self.first_step + _steps(times, self.dt), self.dt)


def contents(run: Run, blocks: Sequence[str] = ()) -> Iterator[Contents]:
    """The blocks of a finished run (those named, or all), one after another.

    Raises
    ------
    RunFolderError
        If the run is not finished.
    UnknownNameError
        If it has no block of a name.
    """
    if not run.finished:
        raise RunFolderError(
            "the run is not finished",
            where=str(run.folder),
            fix="start the command that made it again: it goes on",
        )
    for name in blocks:
        if name not in run.blocks:
            raise UnknownNameError(
                f"this run has no block {name!r}",
                where=str(run.folder),
                fix=nearest(name, run.blocks),
            )
    first_step = 0
    for about in run.manifest["blocks"]:
        if blocks and about["name"] not in blocks:
            continue
        events, tokens = run.events(about["name"]), run.tokens(about["name"])
        dt = float(tokens.attrs["dt_s"])
        steps = int(_steps(events["onset"] + events["duration"], dt).max())
        steps += about.get("pause_steps", 0)
        owners = probe_owners(run.manifest["inputs"]["protocol"], about["name"])
        signals, spikes = _recorded(run, about, owners) if about["probes"] else ([], {})
        about = {**about, "start_from": run.starts_from(about["name"])}
        yield Contents(
            about["name"],
            about,
            first_step,
            steps,
            dt,
            events,
            {
                other: run.events(about["name"], other)
                for other in run.modalities(about["name"])[1:]
            },
            tokens,
            signals,
            spikes,
            owners,
        )
        first_step += steps


def _steps(times, dt):
    return np.rint(np.asarray(times, dtype=float) / dt).astype(np.int64)


def _recorded(run, about, owners):
    traces = run.traces(about["name"])
    signals, spikes = [], {}
    for name in sorted(traces.data_vars):
        values, probe = traces[name], name.partition(".")[0]
        owner = owners.get(probe, probe)
        if name.endswith(".spike_time"):
            times, units = values.to_numpy(), traces[f"{probe}.spike_unit"].to_numpy()
            order = np.argsort(times, kind="stable")
            spikes[probe] = (
                times[order],
                units[order],
                _recorded_units(run, about["name"], probe, owner, units),
            )
        elif values.dims[0].startswith("time"):
            time = values[values.dims[0]].to_numpy()
            finished = values.coords.get(f"{values.dims[0]}_tokens")
            signals.append(
                Signal(
                    name,
                    values,
                    time,
                    _rate(time),
                    symbol(values.attrs["units"]),
                    _column_numbers(values),
                    owner,
                    _columns(traces, probe, str(values.dims[-1])),
                    finished.to_numpy() if finished is not None else None,
                )
            )
    return signals, spikes


def _column_numbers(values):
    """Numbers of units or synapses; of the bins of a histogram their place."""
    last = str(values.dims[-1])
    return np.arange(values.shape[-1]) if last.endswith("_bin") else values[last].to_numpy()


def _columns(traces, probe, dimension):
    if dimension == f"{probe}_synapse":
        return {end: traces[f"{probe}_{end}"].to_numpy() for end in ("source", "target")}
    if dimension == f"{probe}_bin":
        edges = {"bin_start": dimension, "bin_stop": f"{probe}_bin_stop"}
        return {edge: traces[name].to_numpy() for edge, name in edges.items()}
    return {}


def _rate(time):
    if len(time) < 2:
        return None
    steps, interval = np.diff(time), (time[-1] - time[0]) / (len(time) - 1)
    # To ten digits: the clock's times are sums of steps that are not exact in binary.
    return (
        float(f"{1 / interval:.10g}") if np.abs(steps - interval).max() < 1e-3 * interval else None
    )


def _recorded_units(run, block, probe, population, fired):
    """Units whose spikes were recorded, those that were silent included."""
    inputs = run.manifest["inputs"]
    for declared in inputs["protocol"]["blocks"]:
        for entry in declared["probes"]:
            if (
                declared["name"] == block
                and (entry.get("name") or entry["population"]) == probe
                and entry["units"] is not None
            ):
                return np.union1d(entry["units"], fired).astype(int)
    size = next(p["size"] for p in inputs["model"]["populations"] if p["name"] == population)
    return np.arange(size)


def description(run: Run) -> dict[str, str]:
    """What a reader needs to know of the run, as {title: text}."""
    manifest = run.manifest
    model, protocol = manifest["model"], manifest["protocol"]
    return {
        "model": f"{model['name']}: {model['description']}",
        "protocol": f"{protocol['name']}: {protocol['description']}",
        "measured signal": protocol["measured_signal"],
        **{f"measured {name}": words for name, words in protocol.get("measured", {}).items()},
        "dt": model["dt"],
        "streams": str(run.batch),
        "seed": str(run.seed),
        "device": manifest["device"],
        "run": run.id,
        "inputs hash": manifest["inputs_hash"],
        "started": manifest["started"],
        "command": " ".join(manifest["command"]),
        "machine": manifest["machine"],
        **{f"git {key}": str(value) for key, value in (manifest["git"] or {}).items()},
        **{f"version of {name}": version for name, version in sorted(manifest["versions"].items())},
    }

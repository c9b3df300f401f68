"""Recorded traces, made small enough for a page: 8 bits per value, and the lowest and highest
value of each bin of a long recording.
"""

import base64
import re
from collections.abc import Mapping

import numpy as np
from brian2 import get_unit

from ...runs.store.declared import dimensions_of
from ...runs.store.events import as_text
from ...runs.store.run import Run

#: Bytes of single units' traces on one page, before base64 makes four of three.
UNIT_BYTES = 2_500_000
#: Points of the root mean square of a population, and the fewest of a unit: with less room fewer
#: units are shown.
CURVE_POINTS, FEWEST = 8000, 400
#: Values read at a time: a long recording never has to fit in memory.
READ = 4_000_000
#: How the names of recorded spikes end, and how many of one population are on a page.
SPIKES, MOST_SPIKES = (".spike_time", ".spike_unit"), 50_000


def traced_blocks(run: Run) -> list[str]:
    """Names of the blocks of a run whose traces are there."""
    return [block for block in run.blocks if run.has("traces", block)]


def pack_traces(run: Run, levels: Mapping[str, int | None], budget: int = UNIT_BYTES) -> list[dict]:
    """The recordings of a run for the page's script, as JSON-able data.

    Parameters
    ----------
    run : Run
        Of one stream.
    levels : dict
        {population: level or None}; a population that is not in it has the number at the end of its
        name.
    budget : int
        Bytes for the traces of single units, of all blocks together.

    Returns
    -------
    list of dict
        One per block with traces: "name"; "tokens" (columns, one entry per token: symbol, blank,
        onset and duration in ms, and what was kept of each); "times" (each base64 of float32,
        ms); "series", each with "name", "population", "variable", "level", "unit", "units" (numbers
        of those shown), "all" (how many were recorded), "time" and "curve_time" (which of the
        times), "low" and "high" (values of the lowest and the highest code), "curve" (base64 of
        uint16 codes of the root mean square over units, 0 to 65534), "traces" (base64 of uint8
        codes, 0 to 254, one row per unit); "spikes".
    """
    blocks = {block: run.traces(block) for block in traced_blocks(run)}
    sampled = {
        block: [name for name in map(str, data) if data[name].size and not name.endswith(SPIKES)]
        for block, data in blocks.items()
    }
    size = sum(blocks[block][name].size for block, names in sampled.items() for name in names)
    share = min(1.0, budget / size) if size else 1.0
    found = []
    for block, data in blocks.items():
        series = [_series(data[name], levels, share) for name in sorted(sampled[block], key=_order)]
        times: dict[str, int] = {}
        for one in series:  # most were sampled at the same moments
            one.update(
                {key: times.setdefault(one[key], len(times)) for key in ("time", "curve_time")}
            )
        found.append(
            {
                "name": block,
                "tokens": _tokens(run, block),
                "times": list(times),
                "series": series,
                "spikes": _spikes(data, levels),
            }
        )
    return found


def _edges(n, points):
    """Edges of bins over n samples: of one sample each if they fit, else half as many bins as
    points.
    """
    return (
        np.arange(n + 1)
        if n <= points
        else np.linspace(0, n, max(1, points // 2) + 1).round().astype(int)
    )


def _places(n, points):
    """The sample that each point stands for: itself, or of every bin the first (its low) and the
    middle one (its high).
    """
    edges = _edges(n, points)
    return (
        edges[:-1]
        if n <= points
        else np.stack([edges[:-1], (edges[:-1] + edges[1:]) // 2], axis=1).ravel()
    )


def _series(values, levels, share):
    """One recorded variable."""
    population, _, variable = values.name.partition(".")
    n, recorded = values.shape
    room = max(FEWEST, int(values.size * share))
    shown = np.unique(
        np.linspace(0, recorded - 1, min(recorded, max(1, room // min(n, FEWEST))))
        .round()
        .astype(int)
    )
    points = n if n * len(shown) <= room else max(2, room // len(shown))
    unit_at, curve_at = (_places(n, most) for most in (points, CURVE_POINTS))
    rows, curve = _read(values, shown, points)
    finite = np.concatenate([part[np.isfinite(part)] for part in (rows, curve)])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    time = values[values.dims[0]].to_numpy() * 1000
    units = values[values.dims[1]].to_numpy()
    return {
        "name": values.name,
        "population": population,
        "variable": variable,
        "level": _level(population, levels),
        "unit": _unit(values.attrs.get("units", "1")),
        "units": units[shown].tolist(),
        "all": recorded,
        "low": low,
        "high": high,
        "time": _base64(time[unit_at].astype("<f4")),
        "curve_time": _base64(time[curve_at].astype("<f4")),
        "curve": _base64(_codes(curve, low, high, 65534).astype("<u2")),
        "traces": _base64(_codes(rows.T, low, high, 254).astype(np.uint8)) if recorded > 1 else "",
    }


def _read(values, shown, points):
    """(rows of the units shown, root mean square over all units), both binned, read piece by piece."""
    n, recorded = values.shape
    edges, curve_edges = (_edges(n, most) for most in (points, CURVE_POINTS))
    square = np.empty(n)
    lows, highs = [], []
    step = max(1, READ // recorded)
    first = 0
    while first < len(edges) - 1:
        last = max(first + 1, int(np.searchsorted(edges, edges[first] + step, side="right")) - 1)
        data = values[edges[first] : edges[last]].to_numpy()
        square[edges[first] : edges[last]] = (
            data[:, 0] if recorded == 1 else np.sqrt((data.astype(float) ** 2).mean(axis=1))
        )
        inner = edges[first:last] - edges[first]
        lows.append(np.minimum.reduceat(data[:, shown], inner, axis=0))
        highs.append(np.maximum.reduceat(data[:, shown], inner, axis=0))
        first = last
    low, high = np.concatenate(lows), np.concatenate(highs)
    rows = low if n <= points else np.stack([low, high], axis=1).reshape(-1, len(shown))
    if n <= CURVE_POINTS:
        return rows, square
    parts = [function.reduceat(square, curve_edges[:-1]) for function in (np.minimum, np.maximum)]
    return rows, np.stack(parts, axis=1).ravel()


def _codes(values, low, high, top):
    """Values from `low` to `high` as whole numbers from 0 to `top`; `top` + 1 where a value is not
    finite.
    """
    scale = top / (high - low) if high > low else 0.0
    with np.errstate(invalid="ignore"):
        codes = np.rint((values - low) * scale)
    return np.where(np.isfinite(codes), codes, top + 1)


def _level(population, levels):
    if population in levels:
        return levels[population]
    found = re.search(r"_(\d+)$", population)
    return int(found[1]) if found else None


def _unit(dimensions):
    """The unit of recorded values, e.g. "V" where a run has its dimensions in words."""
    return (
        "1"
        if dimensions == "1"
        else str(get_unit(dimensions_of(dimensions))).removeprefix("1. ").strip()
    )


def _order(name):
    population, _, variable = name.partition(".")
    return variable, population


def _spikes(data, levels):
    found = []
    for name in data:
        population, _, kind = name.rpartition(".")
        if kind == "spike_time":
            times, units = (data[f"{population}{end}"].to_numpy()[:MOST_SPIKES] for end in SPIKES)
            found.append(
                {
                    "population": population,
                    "level": _level(population, levels),
                    "all": data[name].size,
                    "time": _base64((times * 1000).astype("<f4")),
                    "unit": _base64(units.astype("<u4")),
                }
            )
    return found


def _tokens(run, block):
    """Columns of the block's tokens."""
    events, tokens = run.events(block), run.tokens(block)
    columns = {
        "symbol": [
            s if t >= 0 else None for s, t in zip(events["symbol"], events["token"], strict=True)
        ],
        "blank": _rounded(events["blank_onset"] * 1000),
        "onset": _rounded(events["onset"] * 1000),
        "duration": _rounded(events["duration"] * 1000),
        "iterations": tokens["iterations"].to_numpy().tolist(),
    }
    for name in ("onset_error", "error", "settled_error", "precision"):
        if name in tokens and tokens[name].dims == ("event", "level"):
            columns[name] = [
                [float(f"{v:.4g}") if np.isfinite(v) else None for v in row]
                for row in tokens[name].to_numpy()
            ]
    labels = [
        name
        for name in events
        if name not in ("onset", "duration", "blank_onset", "token", "symbol", "gate", "stream")
    ]
    columns["labels"] = {name: as_text(events[name]) for name in labels}
    return columns


def _rounded(values):
    return [round(float(v), 4) for v in values]


def _base64(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()

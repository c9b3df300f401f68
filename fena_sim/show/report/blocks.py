"""The blocks of a protocol as described in a manifest: pace, control signals, probes, and when
each was run.
"""

import inspect
import re
from pathlib import Path

import attrs
import numpy as np
from brian2 import Quantity

from ...declare.canonical import canonical
from ...declare.control_signals import DEFAULTS
from ...declare.protocol.block import INITIAL
from ...declare.protocol.timeline import timeline
from ...errors import FenaError
from ...load.protocol_file import load_protocol
from ...load.user_file import load_file
from ...runs.store.declared import value_of
from ...runs.store.run import Run
from ..typeset import value_text
from .streams import StreamRow, first_symbols, stream_rows


@attrs.frozen(eq=False)
class BlockRow:
    """A block for the page.

    Attributes
    ----------
    begin, duration : float or None
        Seconds: on the network's clock since the initial state, and of the block. None where not
        known.
    pace : str
    controls : list of (name, text, values)
        Control signals that are not at their default, and signals of one's own; `values` (token,) where they vary and are known, else
        None.
    probes : list of str
    tokens, omitted : int
    symbols : list of str
        Of the first tokens; None for an omitted one. Empty where the block has not been run.
    streams : list of StreamRow
        Of several modalities.
    done : bool
    """

    name: str
    start_from: str
    begin: float | None
    duration: float | None
    pace: str
    controls: list[tuple[str, str, np.ndarray | None]]
    probes: list[str]
    tokens: int
    omitted: int
    symbols: list[str | None]
    streams: list[StreamRow]
    done: bool

    @property
    def plastic(self) -> float:
        """Mean of the plasticity gain; 1 where it varies and is not known."""
        for name, text, values in self.controls:
            if name == "plasticity_gain":
                return float(np.mean(values)) if values is not None else _as_number(text)
        return DEFAULTS["plasticity_gain"]


def block_rows(run: Run, path: str | Path | None = None) -> list[BlockRow]:
    """The blocks of a run in their order.

    Parameters
    ----------
    run : Run
    path : path, optional
        The protocol file. It is asked for the values of control signals, of which a manifest has
        only hashes; what does not fit those hashes is not used.

    Returns
    -------
    list of BlockRow
    """
    declared = {block["name"]: block for block in run.manifest["inputs"]["protocol"]["blocks"]}
    known, ends, rows = _known_controls(run, path), {INITIAL: _first_moment(run.manifest)}, []
    for block in run.manifest["blocks"]:
        name = block["name"]
        about, done = declared[name], run.has("events", name)
        events = run.streams[0].events(name) if done else None
        duration = _duration(events) if done else _planned(about["pace"], block["tokens"])
        if done:
            dt = float(value_of(run.manifest["inputs"]["model"]["dt"]))
            duration += block.get("pause_steps", 0) * dt
        begin = ends.get(block["start_from"])
        ends[name] = None if begin is None or duration is None else begin + duration
        rows.append(
            BlockRow(
                name=name,
                start_from=run.starts_from(name),
                begin=begin,
                duration=duration,
                pace=_pace(about["pace"]),
                controls=_controls(about, known.get(name, {})),
                probes=_probes(about["probes"]),
                tokens=block["tokens"],
                omitted=int((events["token"] < 0).sum()) if events is not None else 0,
                symbols=first_symbols(events) if events is not None else [],
                streams=stream_rows(run, about, _pace(about["pace"])),
                done=done,
            )
        )
    return rows


def _first_moment(manifest):
    """Seconds on the network's clock at which its first block begins: later than 0 if it goes on
    from another run.
    """
    start = manifest.get("start")
    return (
        0.0
        if not start
        else start["step"] * float(value_of(manifest["inputs"]["model"]["dt"]))
        if "step" in start
        else None
    )


def _duration(events):
    last = events.iloc[-1]
    return float(last["onset"] + last["duration"])


def _planned(pace, tokens):
    """Seconds that a block takes at a fixed pace, None at the network's own."""
    times = [value_of(pace.get(name)) for name in ("duration", "blank")]
    if pace["type"] != "FixedPace" or not all(
        isinstance(t, Quantity) and t.shape == () for t in times
    ):
        return None
    return float(sum(times)) * tokens


def _pace(pace):
    texts = {
        name: _time(value)
        for name, value in pace.items()
        if name not in ("type", "seed", "rounding") and value is not None
    }
    if pace["type"] == "FixedPace" and "blank" not in texts:
        drawn = value_of(pace["onset_asynchrony"])
        low, high = value_text(drawn.low), value_text(drawn.high)
        return f"{texts['duration']} presented, an onset every {low} to {high}"
    if pace["type"] == "FixedPace":
        return f"{texts['duration']} presented, {texts['blank']} blank"
    if pace["type"] == "EventPace":
        return f"onsets of a table of events, then a pause of {texts['pause']}"
    return (
        f"self-paced: {texts['shortest']} to {texts['longest']} presented, until settled for {texts['hold']}; "
        f"{texts['blank']} blank"
    )


def _time(value):
    if "type" in value:
        return str(value_of(value))  # a distribution
    return "one time per token" if set(value) == {"array"} else value_text(value_of(value))


def _controls(about, known):
    found = []
    for name, value in about["controls"].items():
        if name == "gate" and "streams" in about:
            continue  # each stream has its own
        if isinstance(value, dict) or value == "function":
            values = known.get(name)
            text = (
                _course(values)
                if values is not None
                else "a value per token"
                if isinstance(value, dict)
                else value
            )
            found.append((name, text, values))
        elif float(value) != DEFAULTS[name]:
            found.append((name, f"{float(value):g}", None))
    found += [(name, _signal(value), None) for name, value in about.get("signals", {}).items()]
    if float(about["omission_gate"]) != 0 and "streams" not in about:
        found.append(("omission gate", f"{float(about['omission_gate']):g}", None))
    return found


def _signal(value):
    """A signal of one's own in a few words; a manifest holds hashes of arrays."""
    if not isinstance(value, dict):
        return f"{_as_number(value):g}" if value != "function" else value
    if "samples" in value:
        return f"samples every {float(value['dt']) * 1e3:g} ms"
    if "type" in value:
        words = re.sub(r"(?<!^)(?=[A-Z])", " ", value["type"])
        return words[0] + words[1:].lower()
    return "a value per token" if set(value) == {"array"} else value_text(value_of(value))


def _course(values):
    peak = f", peak {values.max():.3g}" if values.max() > max(values[0], values[-1]) else ""
    return f"{values[0]:.3g} to {values[-1]:.3g}{peak}"


def _as_number(text):
    try:
        return float(text)
    except ValueError:
        return 1.0


def _probes(probes):
    """One line for all populations and projections that were recorded alike."""
    alike = {}
    for probe in probes:
        units = "" if probe["units"] is None else f", {len(probe['units'])} units"
        window = "" if probe["window"] is None else ", around onsets"
        often = (
            f"{probe['every']:,} tokens"
            if "every" in probe
            else value_text(value_of(probe["interval"]))
        )
        ends = [f", {len(probe[end])} {end} units" for end in ("source", "target") if end in probe]
        summary = f", {probe['summary'].replace('_', ' ')}" if "summary" in probe else ""
        about = (
            f"{', '.join(probe['variables'])} every {often}{units}{''.join(ends)}{summary}{window}"
        )
        alike.setdefault(about, []).append(probe["population"])
    return [f"{', '.join(populations)}: {about}" for about, populations in alike.items()]


def _known_controls(run, path):
    """{block: {signal: (token,) values}} that the protocol file declares and the manifest's hashes
    confirm.
    """
    hashes = run.manifest["inputs"]["controls"]
    if path is None or not any(
        isinstance(v, dict) or v == "function"
        for block in run.manifest["inputs"]["protocol"]["blocks"]
        for v in block["controls"].values()
    ):
        return {}
    try:
        model_dt = value_of(run.manifest["inputs"]["model"]["dt"])
        lines = {block.name: timeline(block, model_dt) for block in _protocol(run, path).blocks}
    except FenaError:
        return {}
    return {
        name: {
            signal: line.mean_control(signal)
            for signal, values in line.controls.items()
            if canonical(values) == hashes.get(name, {}).get(signal)
        }
        for name, line in lines.items()
    }


def _protocol(run, path):
    """The protocol of a file with the run's seed, and with as many tokens as its blocks had where
    it takes that option.
    """
    function = getattr(load_file(path, "protocol"), "protocol", None)
    taken = inspect.signature(function).parameters if callable(function) else ()
    offered = {
        "seed": run.seed,
        "batch": run.batch,
        "tokens": next(
            (b["tokens"] for b in run.manifest["blocks"] if b["name"] == "training"), None
        ),
    }
    return load_protocol(
        path, **{k: v for k, v in offered.items() if k in taken and v is not None}
    ).protocol

"""The streams of a block with several modalities, as described in a manifest and in event tables."""

import attrs
import numpy as np
import pandas as pd

from ...declare.control_signals import DEFAULTS
from ...runs.store.run import Run

#: Symbols of a stream's first tokens that the page shows.
FIRST_TOKENS = 24


@attrs.frozen(eq=False)
class StreamRow:
    """A stream of a block for the page.

    Attributes
    ----------
    population : str
    paces : bool
        Whether its tokens are those of the block.
    symbols, kind : int, str
        Of its vocabulary.
    tokens, omitted : int or None
        None where the block has not been run.
    timing, gate : str
    first : list of str
        Symbols of the first tokens; None for an omitted one.
    """

    population: str
    paces: bool
    symbols: int
    kind: str
    tokens: int | None
    omitted: int | None
    timing: str
    gate: str
    first: list[str | None]


def stream_rows(run: Run, about: dict, pace: str) -> list[StreamRow]:
    """The streams of a block, the one that paces it first; none of a block with a single modality.

    Parameters
    ----------
    run : Run
    about : dict
        What the manifest's inputs say of the block.
    pace : str
        The block's pace in words, for streams whose tokens are not known yet.
    """
    rows = []
    for number, name in enumerate(run.modalities(about["name"])):
        vocabulary = about["streams"][name]["vocabulary"]
        done = run.has("events", about["name"])
        events = run.events(about["name"], name) if done else None
        omitted = None if events is None else int((events["token"] < 0).sum())
        rows.append(
            StreamRow(
                population=name,
                paces=number == 0,
                symbols=len(vocabulary["symbols"]),
                kind=vocabulary["kind"],
                tokens=None if events is None else len(events),
                omitted=omitted,
                timing=pace if events is None and number == 0 else _timing(events),
                gate=_gate(about, name, events),
                first=[] if events is None else first_symbols(events),
            )
        )
    return rows


def first_symbols(events: pd.DataFrame) -> list[str | None]:
    """Symbols of the first tokens of an event table; None for an omitted one."""
    first = events.iloc[:FIRST_TOKENS]
    return [
        symbol if token >= 0 else None
        for symbol, token in zip(first["symbol"], first["token"], strict=True)
    ]


def _timing(events):
    """When the tokens of an event table were presented, in words."""
    if events is None or not len(events):
        return "not known yet" if events is None else "none before the block's end"
    onset = events["onset"].to_numpy()
    words = [f"{_span(1000 * events['duration'].to_numpy())} ms presented"]
    if len(onset) > 1:
        words.append(f"an onset every {_span(1000 * np.diff(onset))} ms")
    return f"{', '.join(words)}, the first at {_number(1000 * onset[0])} ms"


def _gate(about, name, events):
    """The gate of a modality, in words."""
    given = about["controls"].get("gate", {})
    own = isinstance(given, dict) and set(given) <= set(about["streams"])
    gate = given.get(name) if own else given if name == about["paced_by"] else None
    if gate is None:
        text = f"{DEFAULTS['gate']:g}"
    elif isinstance(gate, dict) or gate == "function":
        text = "a value per token" if set(gate) == {"array"} else "a function of time"
        shown = [] if events is None else events["gate"][events["token"] >= 0].to_numpy()
        text += f", {_span(shown)} at onsets" if len(shown) else ""
    else:
        text = f"{float(gate):g}"
    omitted = events is None or (events["token"] < 0).any()
    return f"{text}; {float(about['omission_gate']):g} where omitted" if omitted else text


def _span(values):
    """ "a" or "a to b" of an array."""
    low, high = _number(np.min(values)), _number(np.max(values))
    return low if low == high else f"{low} to {high}"


def _number(value):
    return f"{round(float(value), 6):.10g}"

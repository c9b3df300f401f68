"""Token streams: the tokens shown to a network, event by event, with their labels."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import attrs
import numpy as np
import pandas as pd
from brian2 import Quantity, second
from numpy.typing import ArrayLike

from ...errors import StimulusError, clipped
from ..arguments import checked
from ..protocol.event_pace import PAUSE, EventPace
from ..protocol.pace import FixedPace
from ..sequence import check_order, sequence
from ._check import storable
from .from_events import laid_out
from .vocabulary import Vocabulary, one_hot

OMITTED = None
"""Stands for an omitted token in a list of symbols; its token in a stream is -1 and its symbol ""."""

# The two columns of every stream, and those that a run adds to its events.
TAKEN = ("token", "symbol", "stream", "onset", "duration", "blank_onset", "gate")


def _names(tokens, vocabulary):
    # Token -1 picks the last name, which is that of an omitted token.
    return np.array([*vocabulary.symbols, ""], dtype=object)[tokens]


def _events(events: pd.DataFrame) -> pd.DataFrame:
    return events.reset_index(drop=True)


def _label(name, values, n):
    if name in TAKEN:
        raise StimulusError(
            f"a label cannot be called {name!r}",
            where="TokenStream labels",
            fix=f"choose another name than {', '.join(TAKEN)}",
        )
    check_order(values, f"the values of label {name!r}", "TokenStream labels", StimulusError)
    try:
        values = values if isinstance(values, np.ndarray) else pd.Series(values).to_numpy()
    except Exception as error:  # whatever an object's own conversion raises
        raise StimulusError(
            f"label {name!r} cannot be used: {error}",
            where="TokenStream labels",
            fix="give a list with one value per token",
        ) from error
    if values.shape != (n,):
        raise StimulusError(
            f"label {name!r} has shape {values.shape} for {n} tokens",
            where="TokenStream labels",
            fix="give one value per token",
        )
    return values


def _check_labels(labels):
    """Whatever a run stores comes back: every label has a name of its own, and texts that UTF-8 can
    hold.
    """
    where, seen = "TokenStream labels", {"token", "symbol"}
    for name in labels.columns:
        if not isinstance(name, str) or not name:
            raise StimulusError(
                f"the name of a label is {name!r}", where=where, fix="give it a name, as text"
            )
        if name in TAKEN or name in seen:
            raise StimulusError(
                f"a label cannot be called {name!r}",
                where=where,
                fix=f"choose another name than {', '.join(dict.fromkeys([*TAKEN, *seen]))}",
            )
        seen.add(name)
    storable(list(labels.columns), "the name of a label", where)
    for name, values in labels.items():
        if values.dtype.kind not in "biuf":
            storable([str(value) for value in values], f"label {name!r}", where)


@checked(StimulusError)
@attrs.frozen
class TokenStream:
    """A sequence of token events and the vocabulary that gives them meaning.

    Parameters
    ----------
    vocabulary : Vocabulary
    events : pandas.DataFrame
        One row per event, RangeIndex; columns `token` (int64 index in the vocabulary, -1 where the
        token is omitted) and `symbol` (str, "" where omitted), then any ground-truth labels.
    pace : EventPace, optional
        When the tokens were presented in the experiment that they come from (`from_events`). A
        Block takes it unless it is given another pace.

    Raises
    ------
    StimulusError
        No events, a column missing, or tokens that do not fit the vocabulary.
    """

    vocabulary: Vocabulary
    events: pd.DataFrame = attrs.field(
        converter=_events,
        eq=attrs.cmp_using(eq=pd.DataFrame.equals),
        hash=False,
        repr=lambda events: f"<{len(events)} events: {', '.join(map(str, events.columns))}>",
    )
    # Not hashed, for the block's pace is.
    pace: EventPace | None = attrs.field(
        default=None, kw_only=True, hash=False, repr=False, metadata={"hashed": False}
    )

    @events.validator
    def _check_events(self, attribute, events):
        where = "TokenStream.events"
        if not {"token", "symbol"} <= set(events.columns):
            raise StimulusError(
                f"events have the columns {list(events.columns)}",
                where=where,
                fix="give the columns token and symbol, or build the stream with TokenStream.from_list",
            )
        if not len(events):
            raise StimulusError(
                "a token stream needs at least one event",
                where=where,
                fix="give at least one token",
            )
        token = events["token"].to_numpy()
        if token.dtype != np.int64 or token.min() < -1 or token.max() >= len(self.vocabulary):
            raise StimulusError(
                f"tokens do not fit a vocabulary of {len(self.vocabulary)} symbols",
                where=where,
                fix=f"give int64 tokens from 0 to {len(self.vocabulary) - 1}, or -1 where omitted",
            )
        wrong = events["symbol"].to_numpy() != _names(token, self.vocabulary)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise StimulusError(
                f"event {row} has token {token[row]} but symbol {events['symbol'].iloc[row]!r}",
                where=where,
                fix="build the stream with TokenStream.from_ids, which names the tokens itself",
            )
        _check_labels(events.drop(columns=["token", "symbol"]))

    @classmethod
    @checked(StimulusError)
    def from_list(
        cls, tokens: Iterable[str | None], vocabulary: Vocabulary, **labels: ArrayLike
    ) -> "TokenStream":
        """Stream of a list of symbols.

        Parameters
        ----------
        tokens : sequence of str or OMITTED
        vocabulary : Vocabulary
        **labels : sequence, each as long as `tokens`
            Ground truth; each becomes a column of `events`.

        Raises
        ------
        UnknownNameError
            A symbol is not in the vocabulary (the nearest is named).
        StimulusError
            No tokens, a label of another length, or a label named like a column of every run.
        """
        ids = [
            -1 if symbol is OMITTED else vocabulary.index(symbol, where=f"token {i} of the list")
            for i, symbol in enumerate(
                sequence(tokens, "tokens", "TokenStream.from_list", StimulusError)
            )
        ]
        return cls.from_ids(ids, vocabulary, **labels)

    @classmethod
    @checked(StimulusError)
    def from_ids(
        cls, tokens: ArrayLike, vocabulary: Vocabulary, **labels: ArrayLike
    ) -> "TokenStream":
        """Stream of token indices (int; -1 where omitted); otherwise as `from_list`.

        Raises StimulusError, as `from_list`, and for an index outside the vocabulary.
        """
        check_order(tokens, "token indices", "TokenStream.from_ids", StimulusError)
        try:
            tokens = np.asarray(tokens)
        except Exception as error:  # whatever an object's own conversion raises
            raise StimulusError(
                f"token indices cannot be used: {error}",
                where="TokenStream.from_ids",
                fix="give one whole number per event",
            ) from error
        if tokens.ndim != 1 or not (tokens.dtype.kind in "iu" or tokens.size == 0):
            raise StimulusError(
                f"token indices are {tokens.dtype} of shape {tokens.shape}",
                where="TokenStream.from_ids",
                fix="give one whole number per event",
            )
        tokens = tokens.astype(np.int64)
        outside = (tokens < -1) | (tokens >= len(vocabulary))
        if outside.any():
            row = int(np.argmax(outside))
            raise StimulusError(
                f"token {tokens[row]} of event {row} is outside a vocabulary of {len(vocabulary)} symbols",
                where="TokenStream.from_ids",
                fix=f"give indices from 0 to {len(vocabulary) - 1}, or -1 where omitted",
            )
        columns = {"token": tokens, "symbol": _names(tokens, vocabulary)}
        for name, values in labels.items():
            columns[name] = _label(name, values, len(tokens))
        return cls(vocabulary, pd.DataFrame(columns))

    @classmethod
    @checked(StimulusError)
    def from_events(
        cls,
        table: pd.DataFrame | Mapping | str | Path,
        symbol: str = "trial_type",
        onset: str = "onset",
        duration: str | Quantity = "duration",
        *,
        vocabulary: Vocabulary | None = None,
        omitted: str | None = None,
        labels: Sequence[str] | None = None,
        unit: Quantity = second,
        start: Quantity = 0 * second,
        pause: Quantity = PAUSE,
        rounding: str = "nearest",
    ) -> "TokenStream":
        """Stream of a table of events, at the table's own onsets.

        The defaults are those of BIDS (events.tsv; Gorgolewski et al. 2016, Sci. Data 3:160044).
        Rows are taken in the order of their onsets. A row without a symbol is no token and is left
        out. "n/a" is no value; so are "N/A", "NA", "NaN", an empty field, and None or NaN in arrays.

        Parameters
        ----------
        table : pandas.DataFrame, dict of columns, or path
            A file's name ends in .tsv, .csv or .mat (a struct, or variables, of equal lengths).
        symbol, onset : str
            Columns. Numbers become symbols as they are written: 1 is "1".
        duration : str or Quantity
            Column, or one time for all tokens.
        vocabulary : Vocabulary, optional
            `one_hot` of the table's symbols in alphabetical order if left out. Tables of several
            subjects need one vocabulary, which holds the symbols of all.
        omitted : str, optional
            The symbol that stands for a token that was omitted.
        labels : sequence of str, optional
            Columns that become labels; all other columns if left out. Numbers stay numbers (NaN
            where there is none), true and false become bool, all else is text ("" where there is
            none).
        unit : Quantity
            Of the columns `onset` and `duration`: second, ms, or e.g. second/500 for samples.
        start : Quantity
            When the block begins, on the table's clock.
        pause, rounding
            As of EventPace.

        Raises
        ------
        UnknownNameError
            There is no such column, or a symbol is not in the vocabulary.
        StimulusError
            The file cannot be read, a time is no number, events overlap (both are named), or no
            event is left.
        """
        rows, names, pace, columns = laid_out(
            table,
            symbol,
            onset,
            duration,
            labels=labels,
            unit=unit,
            start=start,
            pause=pause,
            rounding=rounding,
        )
        if vocabulary is None:
            vocabulary = one_hot(sorted(set(names) - {omitted}) or names[:1])
        ids = [
            -1 if name == omitted else vocabulary.index(name, where=f"row {row} of the table")
            for row, name in zip(rows, names, strict=True)
        ]
        return attrs.evolve(cls.from_ids(ids, vocabulary, **columns), pace=pace)

    @classmethod
    @checked(StimulusError)
    def concat(cls, streams: Iterable["TokenStream"]) -> "TokenStream":
        """One stream after the other; the onsets of a table after the end and the pause of the last.

        Raises StimulusError if there is none, if vocabularies or label columns differ, or if only
        some have onsets of their own.
        """
        streams = sequence(streams, "streams", "TokenStream.concat", StimulusError)
        if not streams:
            raise StimulusError(
                "there are no streams to concatenate",
                where="TokenStream.concat",
                fix="give at least one",
            )
        first = streams[0]
        for i, stream in enumerate(streams):
            if stream.vocabulary != first.vocabulary:
                raise StimulusError(
                    f"stream {i} has another vocabulary than stream 0",
                    where="TokenStream.concat",
                    fix="build all streams with the same vocabulary",
                )
            # Filling gaps with NaN would turn token ids into floats and masks into objects.
            differing = set(stream.events.columns) ^ set(first.events.columns)
            if differing:
                raise StimulusError(
                    f"streams 0 and {i} differ in the labels {', '.join(sorted(differing))}",
                    where="TokenStream.concat",
                    fix="give all streams the same label columns",
                )
            if (stream.pace is None) != (first.pace is None):
                raise StimulusError(
                    f"only one of the streams 0 and {i} has onsets of its own",
                    where="TokenStream.concat",
                    fix="attrs.evolve(stream, pace=None) takes them from a stream",
                )
        pace = first.pace
        for stream in streams[1:] if pace is not None else ():
            pace = pace.then(stream.pace)
        return cls(first.vocabulary, pd.concat([s.events for s in streams]), pace=pace)

    def __len__(self):
        return len(self.events)

    def paced(
        self, pace: FixedPace, start: Quantity = 0 * second, pause: Quantity = 0 * second
    ) -> "TokenStream":
        """The stream at onsets of its own, as one of several modalities has them.

        Parameters
        ----------
        pace : FixedPace
        start : Quantity
            When the first token's period begins, after the block's start: ``start=100*ms`` lets the
            other modality lead by 100 ms.
        pause : Quantity
            After the last token, if this stream paces the block.

        Raises
        ------
        ProtocolError, UnitError
            If a time is negative or has other units, or the pace has times for another number of
            tokens.
        """
        onset, duration = pace.times(len(self))
        return attrs.evolve(
            self,
            pace=EventPace(
                onset=Quantity(onset, dim=second.dim) + start,
                duration=Quantity(duration, dim=second.dim),
                pause=pause,
            ),
        )

    def __getitem__(self, part):
        """The part in a slice. Raises StimulusError for anything but a slice and for an empty part.

        Onsets of its own (`pace`) then count from the end of the token before the part; a slice with
        a step has none.
        """
        if not isinstance(part, slice):
            raise StimulusError(
                f"a stream cannot be indexed with {clipped(part)}",
                where="TokenStream",
                fix="cut it with a slice, stream[a:b], or read stream.events",
            )
        events = self.events.iloc[part]
        kept = self.pace is not None and part.step in (None, 1) and len(events)
        return TokenStream(self.vocabulary, events, pace=self.pace.part(part) if kept else None)

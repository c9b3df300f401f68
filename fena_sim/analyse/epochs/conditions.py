"""Which tokens are averaged together."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from ...errors import DeclarationError, FenaError, UnknownNameError, nearest
from ..select import presented

#: What makes a condition, see `epochs.cut.epochs`.
By = str | Sequence[str] | Callable[[pd.DataFrame], Iterable] | None


def conditions_of(events: pd.DataFrame, by: By, where: str) -> tuple[np.ndarray, list[str]]:
    """A label for every token, and the labels in order.

    Parameters
    ----------
    events : pandas.DataFrame
        An event table, of n tokens.
    by : None, str, sequence of str, or callable
        As in :func:`fena_sim.epochs.epochs`.

    Returns
    -------
    labels : object (n,)
        Text; None for tokens that are left out.
    order : list of str
    """
    shown = presented(events)
    if by is None:
        labels = np.where(shown, "presented", "omitted").astype(object)
        return labels, [label for label in ("presented", "omitted") if label in labels]
    if callable(by):
        given = _called(by, events, where)
        if len(given) != len(events):
            raise DeclarationError(
                f"`by` gave {len(given)} labels for {len(events)} tokens",
                where=where,
                fix="return one label per row of the event table, None to leave a token out",
            )
        values = [
            None if label is None or label != label else (label,) for label in given
        ]  # NaN is not itself
        names = [""]
    else:
        names = [by] if isinstance(by, str) else list(by)
        table = events.assign(presented=shown)
        for name in names:
            if name not in table:
                raise UnknownNameError(
                    f"the events have no column {name!r}",
                    where=where,
                    fix=nearest(name, table.columns),
                )
        rows = table[names].itertuples(index=False, name=None)
        values = [
            None if any(v != v for v in row) else row for row in rows
        ]  # a column of numbers may have gaps
        _check_omissions(values, shown, names, where)
    known = {value: _text(names, value) for value in values if value is not None}
    labels = np.array([None if value is None else known[value] for value in values], dtype=object)
    return labels, [known[value] for value in sorted(known)]


def _called(by, events, where):
    """The labels that the user's function gives."""
    try:
        return list(by(events))
    except FenaError:
        raise
    except Exception as error:
        raise DeclarationError(
            f"`by` stopped with {type(error).__name__}: {error}",
            where=where,
            fix="return one label per row of the event table, None to leave a token out",
        ) from error


def _text(names, value):
    texts = [f"{v:.12g}" if isinstance(v, float) else str(v) for v in value]
    return (
        texts[0]
        if len(names) == 1
        else ", ".join(f"{n}={text}" for n, text in zip(names, texts, strict=True))
    )


def _check_omissions(values, shown, names, where):
    """An average over tokens of which some did not come is a response to neither."""
    for value in {v for v, there in zip(values, shown, strict=True) if there and v is not None}:
        if any(v == value and not there for v, there in zip(values, shown, strict=True)):
            raise DeclarationError(
                f"condition {_text(names, value)!r} holds presented and omitted tokens",
                where=where,
                fix=f"tell them apart: by={[*names, 'presented']}",
            )

"""Evoked responses: every sampled variable around the token's onset, by the labels of the tokens."""

import warnings
from collections.abc import Iterator, Sequence

import attrs
import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from brian2 import second
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...analyse.epochs.averages import average
from ...analyse.epochs.conditions import By
from ...analyse.epochs.cut import epochs
from ...analyse.epochs.samples import samples
from ...analyse.select import presented
from ...declare.stimulus.stream import TAKEN
from ...errors import FenaError, FenaWarning, RunFolderError, StimulusError, nearest
from ...runs.store.run import Run
from .. import panels
from ..colours import GREY, condition_colours
from ..needs import Recorded
from ..style import sheet
from .drawn import MOST, Drawn, NotDrawn, grid, named, of_networks, plain, scaled

#: A label with more values is shown when it is asked for by name.
FEW, MANY = 6, 12
#: Longest time before and after the onset, in s.
BEFORE, AFTER = 0.2, 1.0
#: Samples that a response has at least.
LEAST = 4
#: Errors of either sign cancel in a mean over units, so populations of this role show squares.
SQUARED = "error"


@attrs.frozen(eq=False)
class _Response:
    """One variable: (network, condition, time), and how many epochs were averaged and dropped."""

    variable: str
    signal: str
    values: xr.DataArray
    tokens: np.ndarray
    dropped: np.ndarray


def evoked_figures(
    runs: Sequence[Run], block: str, label: str | None = None
) -> Iterator[Drawn | NotDrawn]:
    """Responses of every population that was sampled in a block, one figure per label.

    Without `label`: by every label that has two to six values on presented tokens, and by whether
    tokens were omitted. Of a label's figure, omitted tokens are no part.

    Parameters
    ----------
    runs : sequence of Run
        One per network.
    block : str
    label : str, optional
        A column of the event table.

    Yields
    ------
    Drawn or NotDrawn
        NotDrawn where tokens of a label are too few, say.

    Raises
    ------
    RunFolderError
        If a run is damaged.
    """
    tables = [run.events(block) for run in runs]
    for column in [label] if label else labels(tables):
        name = named("evoked", block, column)
        try:
            by = None if column == "presented" else _by(column, tables, MANY if label else FEW)
            responses, lost = _responses(runs, block, by, tables)
        except RunFolderError:
            raise
        except FenaError as error:
            yield NotDrawn(name, error)
            continue
        shown = responses[:MOST]
        with sheet():
            figure = _draw(shown, column)
        rest = [r.variable for r in responses[MOST:]]
        yield Drawn(name, figure, " ".join(_caption(runs, block, column, shown, lost, rest)))


def _responses(runs, block, by, tables):
    """([_Response], [(variable, error)]); raises the first error if there is no response.

    The end of a block may cut off the last token before the next one would have begun. It is dropped,
    or the window is made shorter where a condition would lose too many tokens.
    """
    before, after = span_of(tables)
    ends = [float((t["onset"] + t["duration"] - t["onset"].max()).max()) for t in tables]
    lost: dict[str, FenaError] = {}
    for span in ((before, after), (before, min(after, *ends))):
        responses = []
        for name in Recorded.of(runs[0], block).samples:
            try:
                responses.append(_response(runs, block, name, by, span))
            except RunFolderError:
                raise
            except FenaError as error:
                lost[name] = error
        if responses:
            found = [response.variable for response in responses]
            return responses, [(n, error) for n, error in lost.items() if n not in found]
    raise next(iter(lost.values()))


def labels(tables: Sequence[pd.DataFrame]) -> list[str]:
    """The labels that tell two to six kinds of presented tokens apart in every network, and
    "presented" where tokens were omitted, or where there is no other.
    """
    found = []
    for name in tables[0].columns:
        if name in TAKEN and name != "symbol" or name in ("blank_onset", "stream"):
            continue
        kinds = [_kinds(table, name) for table in tables if name in table]
        if len(kinds) == len(tables) and 2 <= len(kinds[0]) <= FEW:
            if all(each == kinds[0] for each in kinds):
                found.append(str(name))
    omitted = any((~presented(table)).any() for table in tables)
    return [*found, *["presented"] * (omitted or not found)]


def _kinds(table, name):
    """The values of a label on presented tokens, without gaps."""
    column = table[name][presented(table)]
    return set(column[column.notna() & (column.astype(str) != "")])


def _by(column, tables, most):
    """What makes a condition of presented tokens; None for all others."""
    for table in tables:
        if column not in table:
            raise StimulusError(
                f"its tokens have no label {column!r}",
                where="--by",
                fix=nearest(column, map(str, table.columns)),
            )
    kinds = set().union(*(_kinds(table, column) for table in tables))
    if len(kinds) > most:
        raise StimulusError(
            f"the label {column!r} has {len(kinds)} values, and a figure shows {most} at most",
            where="--by",
            fix="choose another label, or average groups of values with fena_sim.epochs.evoked",
        )
    if not kinds:
        raise StimulusError(
            f"no presented token has a value of the label {column!r}",
            where="--by",
            fix="choose another label",
        )

    def by(events):
        keep = presented(events) & events[column].notna() & (events[column].astype(str) != "")
        return np.where(keep, events[column].astype(object), None)

    return by


def span_of(tables: Sequence[pd.DataFrame]) -> tuple[float, float]:
    """(start, stop) in s from the onset, which belong to every token: its blank, at most 0.2 s, and
    the shortest time up to the next onset, at most 1 s.

    Parameters
    ----------
    tables : list of DataFrame
        Event tables, one per network.
    """
    before = min(float((t["onset"] - t["blank_onset"]).min()) for t in tables)
    gaps = [np.diff(np.sort(t["onset"].to_numpy())) for t in tables]
    after = min(
        float(gap.min()) if len(gap) else float(t["duration"].max())
        for gap, t in zip(gaps, tables, strict=True)
    )
    return -min(max(before, 0.0), BEFORE), min(after, AFTER)


def _response(
    runs: Sequence[Run], block: str, name: str, by: By, span: tuple[float, float]
) -> _Response:
    recorded = samples(runs[0], block, name)
    low, high = Recorded.of(runs[0], block).windows.get(name, (-np.inf, np.inf))
    first, last = max(span[0], low), min(span[1], high)
    if last - first < LEAST * recorded.interval:
        raise StimulusError(
            f"fewer than {LEAST} samples of a token",
            where=f"{name} in block {block!r}",
            fix="record at a shorter interval",
        )
    window = (first * second, last * second)
    population = name.partition(".")[0]
    roles = {p["name"]: p["role"] for p in runs[0].manifest["inputs"]["model"]["populations"]}
    signal = "mean square" if roles.get(population) == SQUARED else "mean"
    found, dropped, alone = [], [], True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FenaWarning)  # the caption says how many were dropped
        for run in runs:
            cut = epochs(run, block, name, window, by=by)
            found.append(average(cut, signal))
            alone = alone and cut.sizes["unit"] == 1
            dropped.append(cut.attrs["dropped"])
    conditions = found[0]["condition"].to_numpy().tolist()
    for run, one in zip(runs, found, strict=True):
        if one["condition"].to_numpy().tolist() != conditions:
            raise StimulusError(
                "the networks had tokens of different kinds",
                where=f"block {block!r} of {run.id}",
                fix="draw the networks one by one",
            )
    length = min(one.sizes["time"] for one in found)
    values = xr.concat([one.isel(time=slice(length)) for one in found], "run", join="override")
    return _Response(
        name,
        {"mean": "value", "mean square": "square"}[signal] if alone else f"{signal} over units",
        values,
        np.stack([one["tokens"].to_numpy() for one in found]),
        np.array(dropped),
    )


def _draw(responses: Sequence[_Response], label: str) -> Figure:
    conditions = responses[0].values["condition"].to_numpy().tolist()
    colours = condition_colours(len(conditions))
    figure, axes = grid(len(responses))
    times = [1000 * r.values["time"].to_numpy() for r in responses]
    limits = min(t[0] for t in times), max(t[-1] for t in times)
    for ax, response, time in zip(axes, responses, times, strict=True):
        course(ax, response.values, time, colours)
        ax.set_title(plain(response.variable))
        units = scaled(response.values.attrs["units"], [response.values.to_numpy()])[1]
        ax.set_ylabel(response.signal + units)
        ax.set_xlim(limits)
        ax.set_xlabel("time from the token's onset (ms)")
    handles = [
        panels.swatch(colour, plain(name)) for colour, name in zip(colours, conditions, strict=True)
    ]
    columns = min(len(handles), 4 if len(axes) > 1 else 2)
    title = None if label in ("symbol", "presented") else plain(label)
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=columns,
        title=title,
        title_fontsize=mpl.rcParams["legend.fontsize"],
    )
    return figure


def course(ax: Axes, values: xr.DataArray, time: np.ndarray, colours: Sequence[str]) -> None:
    """Every condition in its colour: networks thin, their median bold; a line at the onset.

    Parameters
    ----------
    values : DataArray (run, condition, time)
    time : array (time,)
        In ms.
    """
    factor, _ = scaled(values.attrs["units"], [values.to_numpy()])
    ax.axvline(0, color=GREY, linewidth=0.5)
    for colour, of in zip(colours, values.transpose("condition", "run", "time"), strict=True):
        panels.networks(ax, time, list(factor * of.to_numpy()), colour)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_locator(MaxNLocator(5))


def _caption(runs, block, column, responses, lost, rest):
    what = "presented and omitted tokens" if column == "presented" else f"the label {column!r}"
    yield f"Responses to tokens in block {block!r}, by {what}."
    if any("square" in r.signal for r in responses):
        yield "Populations of error units show their mean square, for errors have either sign."
    yield "Time 0 is the onset of the token, also where it was omitted. " + of_networks(runs)
    if column != "presented":
        yield "Omitted tokens and tokens without this label are not averaged."
    first = responses[0]
    names = first.values["condition"].to_numpy()
    yield f"Tokens averaged per network: {', '.join(_counts(names, first.tokens))}."
    for response in responses:
        if response.dropped.any():
            yield (
                f"{response.variable}: {_range(response.dropped)} tokens per network were dropped, "
                "because their windows reach beyond what was recorded."
            )
    for name, error in lost:
        yield f"Not shown: {name} ({error.what})."
    if rest:
        yield f"Not shown, for want of room: {', '.join(rest)}."


def _counts(names, tokens):
    return [f"{name} {_range(of)}" for name, of in zip(names, tokens.T, strict=True)]


def _range(values):
    return (
        f"{values.min()}" if values.min() == values.max() else f"{values.min()} to {values.max()}"
    )

"""MNE (mne.tools): tokens of several modalities, of which one is cut at and the others annotate."""

from ...runs.store.events import as_text
from ...runs.store.run import Run
from .contents import Contents
from .hdf5 import column_names

#: Names that MNE uses itself for what it keeps of an annotation, and the one that is added here.
TAKEN = {"onset", "duration", "description", "ch_names", "hed_string", "onset_in_block"}


def cut_at(run: Run, block: str, tokens_of: str | None) -> list[str]:
    """The population whose tokens are trials, where a block has several modalities; else empty."""
    modalities = run.modalities(block)
    return [tokens_of or modalities[0]] if len(modalities) > 1 else []


def tokens_beside(
    recording: Contents, modalities: tuple[str, ...], tokens_of: str | None
) -> tuple[list[float], list[float], list[str], list[dict]]:
    """(onsets, durations, descriptions, extras) of the tokens of all modalities but that whose
    tokens are trials.

    Parameters
    ----------
    recording : Contents
    modalities : tuple of str
        Of the block, the one that paces it first.
    tokens_of : str or None
        Whose tokens are trials; None: those of the first.
    """
    onsets: list[float] = []
    durations: list[float] = []
    names: list[str] = []
    extras: list[dict] = []
    for population in modalities:
        if population == (tokens_of or modalities[0]):
            continue
        events = recording.others.get(population, recording.events)
        onsets += recording.in_session(events["onset"]).tolist()
        durations += events["duration"].tolist()
        shown = events["symbol"].where(events["token"] >= 0, "omitted")
        names += [f"{recording.name}/{population}/{symbol}" for symbol in shown]
        titles = {"onset": "onset_in_block"} | column_names(
            [label for label in events if label not in ("onset", "duration")], TAKEN
        )
        columns = {
            title: events[label].tolist()
            if events[label].dtype.kind in "uifb"
            else list(as_text(events[label]))
            for label, title in titles.items()
        }
        extras += [dict(zip(columns, row, strict=True)) for row in zip(*columns.values())]
    return onsets, durations, names, extras

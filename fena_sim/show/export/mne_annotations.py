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
) -> list[tuple[float, float, str, dict]]:
    """(onset, duration, description, extras) of each token of all modalities but that whose tokens are
    trials.

    Parameters
    ----------
    recording : Contents
    modalities : tuple of str
        Of the block, the one that paces it first.
    tokens_of : str or None
        Whose tokens are trials; None: those of the first.
    """
    found: list[tuple[float, float, str, dict]] = []
    for population in modalities:
        if population == (tokens_of or modalities[0]):
            continue
        events = recording.others.get(population, recording.events)
        shown = events["symbol"].where(events["token"] >= 0, "omitted")
        labels = [str(label) for label in events if label not in ("onset", "duration")]
        titles = {"onset": "onset_in_block"} | column_names(labels, TAKEN)
        columns = {
            title: events[label].tolist()
            if events[label].dtype.kind in "uifb"
            else list(as_text(events[label]))
            for label, title in titles.items()
        }
        found += zip(
            recording.in_session(events["onset"]).tolist(),
            events["duration"].tolist(),
            [f"{recording.name}/{population}/{symbol}" for symbol in shown],
            [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)],
            strict=True,
        )
    return found

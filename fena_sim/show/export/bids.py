"""BIDS (bids.neuroimaging.io): the events of a run as a data set of one behavioural session."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ...runs.store.events import as_text
from ...runs.store.run import Run
from .contents import contents, description
from .files import BIDS_DESCRIPTION, MAKER, appearing

VERSION = "1.10.0"
#: The symbol that stands for an omitted token, with underscores behind it if the vocabulary has it.
OMISSION = "omission"
#: Columns to which BIDS gives a meaning that no label need have.
DEFINED = ("trial_type", "sample", "stim_file", "stim_id", "channel", "HED")
#: Columns of an event table that a table of BIDS holds under other names, none of which is a label.
RENAMED = {"token": "fena_token", "gate": "fena_gate", "blank_onset": "fena_blank_onset"}
MEANINGS = {
    "onset": {
        "Description": "The token appears (where it is omitted, it would have).",
        "Units": "s",
    },
    "duration": {"Description": "Of the presentation.", "Units": "s"},
    "fena_token": {"Description": "Number in the vocabulary, -1 where omitted."},
    "fena_gate": {"Description": "Largest sensory gate of the presentation."},
    "fena_blank_onset": {"Description": "Start of the blank before the token.", "Units": "s"},
}


def write_bids(
    run: Run, folder: str | Path, blocks: Sequence[str] = (), force: bool = False
) -> None:
    """Write a folder with the events of every block, as a data set that a BIDS validator takes.

    sub-seed<seed>/beh/sub-seed<seed>_task-<block>_events.tsv has a row per token: onset and duration
    in s since the block's start, trial_type (the symbol; "omission" where the token was omitted), every
    label, and what only a run knows, fena_token, fena_gate and fena_blank_onset. The .json beside it
    says what the columns hold. Streams that were presented side by side have a file each
    (acq-stream0, ...), and so have modalities beside the one that paces the block (acq-sound). Names
    in BIDS are letters and digits: other characters of a block's or population's name are
    left out, and a number is added where two would then be one. README has the names as they are.

    ``TokenStream.from_events(path, omitted="omission")`` presents the tokens of
    such a file again. The format is that of Gorgolewski et al. 2016 (Sci. Data 3:160044), version
    1.10 of the specification.

    Parameters
    ----------
    run : Run
    folder : str or Path
    blocks : sequence of str
        All if empty.
    force : bool
        Replace an earlier export.

    Raises
    ------
    FenaError
        If the folder is there, the run is not finished or has no such block; ResourceError if the
        disk is full.
    """
    with appearing(folder, force) as made:
        subject = f"sub-seed{run.seed}"
        place = made / subject / "beh"
        place.mkdir(parents=True)
        tasks: dict[str, str] = {}
        modalities: dict[tuple[str, str], str] = {}
        for recording in contents(run, blocks):
            task = _label(recording.name, tasks, "block")
            events = recording.events
            parts = {"": events}
            if "stream" in events:
                parts = {f"_acq-stream{n:d}": table for n, table in events.groupby("stream")}
            acquisitions: dict[str, str] = {}
            for name, table in recording.others.items():
                parts[f"_acq-{_label(name, acquisitions, 'modality')}"] = table
            modalities |= {(task, label): name for label, name in acquisitions.items()}
            for part, table in parts.items():
                stem = f"{subject}_task-{task}{part}_events"
                _write(place / stem, table.drop(columns="stream", errors="ignore"), recording.name)
        _describe(made, run, tasks, modalities)


def _label(name, labels, otherwise):
    """The label of a name, of letters and digits, or `otherwise` if it has none; `labels` {label:
    name} holds those before it.
    """
    label = plain = "".join(c for c in name if c.isascii() and c.isalnum()) or otherwise
    number = 1
    while label in labels:
        number += 1
        label = f"{plain}{number}"
    labels[label] = name
    return label


def bids_events(events: pd.DataFrame) -> tuple[pd.DataFrame, dict]:
    """(table, sidecar) of one stream's event table: text as in events.tsv, "n/a" where there is no
    value, and what its columns hold.
    """
    symbols = sorted({symbol for symbol in events["symbol"] if symbol})
    omission = OMISSION
    while omission in symbols:
        omission += "_"
    shown = events["symbol"].where(events["token"] >= 0, omission)
    labels = [c for c in events if c not in (*RENAMED, *RENAMED.values(), *MEANINGS, "symbol")]
    columns = {"onset": events["onset"], "duration": events["duration"], "trial_type": shown}
    free = {name: _free(name, events[name]) for name in labels}
    columns |= {free[name]: events[name] for name in labels}
    columns |= {new: events[old] for old, new in RENAMED.items() if old in events}
    table = pd.DataFrame({name: _texts(values) for name, values in columns.items()})
    about: dict = {name: MEANINGS[name] for name in table if name in MEANINGS}
    levels = {symbol: f"token {symbol!r}" for symbol in symbols}
    about["trial_type"] = {
        "LongName": "Token",
        "Description": "The token that was presented.",
        "Levels": levels | {omission: "the token was omitted: nothing was presented"},
    }
    about |= {free[name]: {"Description": f"Label {name!r} of the stimulus."} for name in labels}
    return table, about


def _free(name, values):
    """The name of a label's column: not one of those to which BIDS gives a meaning, unless it is a
    response time in numbers.
    """
    taken = name in DEFINED or (name == "response_time" and values.dtype.kind not in "iuf")
    return f"label_{name}" if taken else _one_line(name)


def _one_line(text):
    """No tab or line break, which no field of BIDS can hold."""
    return " ".join(text.replace("\t", " ").splitlines())


def _texts(values):
    """Fields of a column; truth values in BIDS' way."""
    texts = map(_one_line, as_text(values))
    if values.dtype.kind == "b":
        return [text.lower() for text in texts]
    return [text or "n/a" for text in texts]


def _write(stem, events, block):
    table, about = bids_events(events)
    rows = [list(table), *table.itertuples(index=False)]
    text = "".join("\t".join(row) + "\n" for row in rows)
    stem.with_name(f"{stem.name}.tsv").write_bytes(text.encode())
    about["StimulusPresentation"] = {"SoftwareName": MAKER}
    _write_json(stem.with_name(f"{stem.name}.json"), about)


def _describe(folder, run, tasks, modalities):
    about = description(run)
    _write_json(
        folder / BIDS_DESCRIPTION,
        {
            "Name": run.id,
            "BIDSVersion": VERSION,
            "DatasetType": "raw",
            "GeneratedBy": [
                {"Name": MAKER, "Version": about.get("version of fena_sim", "unknown")}
            ],
        },
    )
    lines = [f"{title}: {text}" for title, text in about.items()]
    lines += [f"task-{label}: block {block}" for label, block in tasks.items()]
    lines += [
        f"task-{task}_acq-{label}: tokens of population {name}"
        for (task, label), name in modalities.items()
    ]
    lines += ["The participant is a simulated network; the number is its seed."]
    (folder / "README").write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    (folder / "participants.tsv").write_text(
        f"participant_id\tspecies\nsub-seed{run.seed}\tn/a\n", encoding="utf-8"
    )
    _write_json(
        folder / "participants.json",
        {
            "participant_id": {"Description": "The seed of a simulated network."},
            "species": {"Description": "None: a simulated network."},
        },
    )


def _write_json(path, content):
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

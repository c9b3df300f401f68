"""The numbers of a group of runs, each with its interval over networks."""

from collections.abc import Sequence
from pathlib import Path

import attrs
import numpy as np

from ...analyse.errors import level_errors
from ...analyse.settling import settling_iterations, share_at_cap
from ...analyse.statistics import Summary, summarise
from ...errors import FenaError
from ...load.user_file import error_text, load_file
from ...runs.store.run import Run


@attrs.frozen(eq=False)
class Number:
    """One number: what it is, its Summary over networks (or None), the values of single networks,
    and a note.
    """

    name: str
    summary: Summary | None
    values: list[float]
    note: str = ""


def protocol_numbers(runs: Sequence[Run], path: str | Path) -> list[Number] | None:
    """What a protocol file's `summary` says of each network by itself, summarised over networks.

    Parameters
    ----------
    runs : list of Run
        Finished.
    path : path
        The protocol file.

    Returns
    -------
    list of Number
        A list of values, e.g. one per level, gives one Number for each. None where the file has no
        `summary`.

    Raises
    ------
    FenaError
        If the file cannot be read, or its summary does not fit these runs.
    """
    module = load_file(path, "protocol")
    if not hasattr(module, "summary"):
        return None
    try:
        found = [dict(_flat("", module.summary([run]))) for run in runs]
    except FenaError:
        raise
    except (
        Exception
    ) as error:  # a user's function on runs that may be of an older version of the file
        raise FenaError(
            f"the summary of the protocol cannot be computed: {error_text(error)}",
            where=str(path),
            fix="use the protocol file that the runs were made with",
        ) from error
    return [_number(name, [values.get(name) for values in found]) for name in found[0]]


def _flat(name, value):
    """(name, number) of every number in nested dictionaries and lists."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name} {key}".strip().replace("_", " "), inner)
    elif isinstance(value, (list, tuple, np.ndarray)):
        for position, inner in enumerate(value):
            yield from _flat(f"{name} [{position}]", inner)
    elif isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        yield name, float(value)


def _number(name, values, note=""):
    values = [np.nan if value is None else float(value) for value in values]
    finite = [value for value in values if np.isfinite(value)]
    if len(finite) < len(values):
        note = f"{note}; not defined in {len(values) - len(finite)} of {len(values)} networks".removeprefix(
            "; "
        )
    return Number(name, summarise(finite) if finite else None, values, note)


def block_numbers(runs: Sequence[Run], block: str) -> list[Number]:
    """Settling, errors and precisions of a block, as far as the model keeps them.

    Parameters
    ----------
    runs : list of Run
        One per network. Where a run has several streams, its values are means over them.
    block : str

    Returns
    -------
    list of Number
    """
    found: dict[str, list[float]] = {}
    for run in runs:
        streams = [_of_block(stream, block) for stream in run.streams]
        for name in streams[0]:
            found.setdefault(name, []).append(float(np.mean([values[name] for values in streams])))
    return [_number(name, values) for name, values in found.items()]


def _of_block(run, block):
    """{name: value} of one stream; means over tokens but for the median of settling iterations."""
    tokens, found = run.tokens(block), {}
    has_tokens = bool((run.events(block)["token"] >= 0).any())
    if has_tokens and run.manifest["inputs"]["model"]["settling"] is not None:
        found["settling iterations, median"] = settling_iterations(run, block)
        found["share of tokens still moving at the end"] = share_at_cap(run, block)
    if {"onset_error", "error"} <= set(tokens) and tokens["error"].dims[-1] == tokens[
        "onset_error"
    ].dims[-1] == "level":
        errors = level_errors(run, block).mean("event", skipna=True).to_numpy()
        found.update({f"squared error, level {level}": value for level, value in enumerate(errors)})
    if "precision" in tokens and tokens["precision"].dims[-1] == "level":
        means = tokens["precision"].mean("event").to_numpy()
        found.update({f"precision, level {level}": value for level, value in enumerate(means)})
    return found

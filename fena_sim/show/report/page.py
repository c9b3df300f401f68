"""report.html: everything about a run, or a folder of runs, on one page that loads nothing else."""

import shlex
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from markdown_it import MarkdownIt

from ...declare.canonical import digest
from ...errors import FenaError, RunFolderError
from ...load import shipped
from ...runs.live.reader import RunReader, run_status, started_text
from ...runs.store.declared import declared_model
from ...runs.store.experiment import differences
from ...runs.store.files import write_atomically
from ...runs.store.find import Group, find_runs, group_runs
from ...runs.store.manifest import interpreting, left_out, warnings_of
from ..describe import describe
from .blocks import block_rows
from .figures import dashboard, structure_svg, timeline_svg
from .numbers import block_numbers, protocol_numbers
from .read_once import read_once
from .render import render, short
from .traces import UNIT_BYTES, pack_traces, traced_blocks

#: Points of the small picture of a control signal.
COURSE_POINTS = 60


def write_report(
    path: str | Path,
    out: str | Path,
    protocol: str | Path | None = None,
    command: Sequence[str] = ("fena", "report"),
    following: Callable[[list[Group]], Iterable[Group]] = iter,
) -> Path:
    """Write the report of a run, or of all runs below a folder, as one HTML file.

    Parameters
    ----------
    path : path
        Run folder, or folder of runs.
    out : path
        The HTML file.
    protocol : path, optional
        The protocol file whose `summary` gives the numbers; otherwise protocols/NAME.py here or in
        the checkout, NAME being that of the run's protocol. No file that a manifest names is ever
        executed.
    command : sequence of str
        Shown at the foot of the page.
    following : callable
        Takes the list of groups and gives them one by one as they are read, for a display of
        progress.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    RunFolderError
        If there is no run at `path`.
    ResourceError
        If `out` cannot be written.
    """
    write_atomically(out, report(path, protocol, command, following).encode())
    return Path(out)


def report(
    path: str | Path,
    protocol: str | Path | None = None,
    command: Sequence[str] = ("fena", "report"),
    following: Callable[[list[Group]], Iterable[Group]] = iter,
) -> str:
    """The page of `write_report` as text."""
    runs, skipped = _readable(*find_runs(path))
    if not runs:
        raise RunFolderError(
            "there is no run in this folder",
            where=str(path),
            fix=f"give the folder that `fena run` printed{'; ' + skipped[0] if skipped else ''}",
        )
    groups = group_runs(runs)
    models = _models(groups)
    traced = sum(_traced(group) is not None for group in groups)
    viewers: list[list[dict]] = []
    shown: list[dict] = []
    budget = UNIT_BYTES // max(1, traced)
    for stored in following(groups):
        group = Group(read_once(stored.runs), stored.differs)
        run = _traced(group)
        model = models[_model_key(group.first)]
        levels = (
            {p.name: p.level for p in model["declared"].populations} if model["declared"] else {}
        )
        file = protocol or _protocol_file(group.first)
        try:
            with interpreting(group.first.folder):
                packed = [] if run is None else [pack_traces(run.streams[0], levels, budget)]
                entry = _group(group, len(shown), file, run, len(viewers))
        except RunFolderError as error:
            if len(groups) == 1:
                raise
            skipped.append(left_out(group.first.folder, error))
            continue
        viewers += packed
        shown.append(entry)
    only = groups[0] if len(groups) == 1 else None
    page, _ = render(
        "report.html",
        "traces.js",
        title=only.title if only else f"{len(runs)} runs in {Path(path).resolve().name}",
        lead=only.first.manifest["protocol"]["description"]
        if only
        else f"{len(groups)} experiments, by protocol and model.",
        made=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        facts=_facts(groups),
        groups=shown,
        models=list(models.values()),
        warnings=[f"Left out: {line}" for line in skipped],
        run_warnings=_run_warnings(runs),
        viewers=viewers,
        command=shlex.join(command),
    )
    return page


def _run_warnings(runs):
    """[(text, ids of the runs that warned of it)], those that most runs have first."""
    found: dict[str, list[str]] = {}
    for run in runs:
        for text in warnings_of(run.manifest):
            found.setdefault(text, []).append(run.id)
    return sorted(found.items(), key=lambda item: -len(item[1]))


def _readable(runs, skipped):
    """The runs that are whole and can be compared, and lines about those left out. RunFolderError if it
    is the only one.
    """
    whole = []
    for run in runs:
        try:
            with interpreting(run.folder):
                differences(run.manifest, [run.manifest])
            run.check()
            whole.append(run)
        except RunFolderError as error:
            if len(runs) == 1:
                raise
            skipped = [*skipped, left_out(run.folder, error)]
    return whole, skipped


def _protocol_file(run):
    """protocols/NAME.py of the run's protocol, here or shipped; None if there is none."""
    name = run.manifest["protocol"]["name"]
    if not name.isidentifier():  # a manifest may come from anywhere
        return None
    found = [folder / "protocols" / f"{name}.py" for folder in (Path.cwd(), shipped.HOME)]
    return next((path for path in found if path.is_file()), None)


def _traced(group):
    """The run whose traces are shown: the first that has any."""
    return next((run for run in group.runs if traced_blocks(run)), None)


def _facts(groups):
    """(name, text, on a line of its own) of what the header says."""
    runs = [run for group in groups for run in group.runs]
    manifests = [run.manifest for run in runs]
    started = sorted(started_text(m["started"]) for m in manifests)
    versions = {
        f"{name} {m['versions'][name]}"
        for m in manifests
        for name in ("fena_sim", "brian2")
        if name in m["versions"]
    }
    days = list(dict.fromkeys([started[0][:10], started[-1][:10]]))
    facts = [
        ("Protocol", _several(m["protocol"]["name"] for m in manifests), False),
        ("Model", _several(m["model"]["name"] for m in manifests), False),
        ("Seeds", _several(run.seed for run in runs), False),
        ("Device", _several(m["device"] for m in manifests), False),
        ("Started (UTC)", started[0] if len(started) == 1 else " to ".join(days), False),
        (
            "Tokens",
            f"{sum(run.batch * sum(b['tokens'] for b in run.manifest['blocks']) for run in runs):,}",
            False,
        ),
        ("Status", _several(run_status(run)[0] for run in runs), False),
        ("Versions", ", ".join(sorted(versions)), False),
        ("Code", _several((_git(m) for m in manifests), 3), False),
    ]
    commands = list(dict.fromkeys(shlex.join(m["command"]) for m in manifests))
    if len(commands) == 1:
        facts.append(("Command", commands[0], True))
    return facts


def _several(values, most=12):
    values = sorted(set(values), key=lambda v: (str(type(v)), v))
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(map(str, values[:most])) + more


def _git(manifest):
    git = manifest.get("git")
    return "no commit" if not git else git["commit"][:10] + (" + changes" if git["changed"] else "")


def _group(group, number, protocol, traced, viewer):
    """What the template shows of a group."""
    finished, notes = group.finished, [_unfinished(run) for run in group.runs if not run.finished]
    measured = finished or group.runs
    numbers = []
    if finished and protocol is not None:
        try:
            numbers = [_with_dots(n) for n in protocol_numbers(finished, protocol) or []]
        except FenaError as error:
            notes.append(f"No numbers of the protocol: {error.what}.")
    by_block = [
        (block, {n.name: _with_dots(n) for n in block_numbers(done, block)})
        for block in group.first.blocks
        if (done := [run for run in measured if _has(run, block)])
    ]
    networks = [run.streams[0] for run in measured]
    first, rows = group.first, block_rows(next(iter(measured)), protocol)
    streams = f" The first of {first.batch} streams side by side." if first.batch > 1 else ""
    several = any(row.streams for row in rows)
    paced = " Where a block has several streams, tokens are those of the first." if several else ""
    id_ = f"g{number}"
    every = [*numbers, *(n for _, values in by_block for n in values.values())]
    methods = {n["summary"].method for n in every if n["summary"] is not None}
    return {
        "id": id_,
        "title": group.title,
        "runs": group.runs,
        "differs": group.differs,
        "notes": notes,
        "numbers": numbers,
        "block_numbers": by_block,
        "networks": len(measured),
        "measures": list(dict.fromkeys(name for _, values in by_block for name in values)),
        "method": " or ".join(sorted(methods)),
        "dashboard": dashboard(networks, id_ + "d"),
        "viewer": viewer if traced is not None else None,
        "traced": traced.id if traced is not None else "",
        "traces_note": f"{streams}{paced}".strip(),
        "protocol": first.manifest["protocol"],
        "blocks": [_block(row) for row in rows],
        "timeline": timeline_svg(rows, id_ + "t"),
        "symbols": first.manifest["vocabulary"]["symbols"],
        "kind": first.manifest["vocabulary"]["kind"],
        "rows": [_run_row(run) for run in group.runs],
        "commands": list(dict.fromkeys(shlex.join(run.manifest["command"]) for run in group.runs)),
        "versions": sorted(first.manifest["versions"].items()),
        "machine": first.manifest.get("machine", ""),
    }


def _has(run, block):
    return run.has("tokens", block) and run.has("events", block)


def _unfinished(run):
    state = RunReader(run.folder).read()
    place = f"in block {state['block']}" if state["block"] else "after its last block"
    return (
        f"Run {run.id} is not finished ({state['status']}): {place}, {state['done']:,} of {state['total']:,} tokens done. "
        "Here is what there is."
    )


def _run_row(run):
    manifest = run.manifest
    wall = manifest.get("wall_time_s")
    if wall is not None and wall < 0:  # the time of day was put back, which earlier versions read
        wall = None
    return {
        "id": run.id,
        "seed": run.seed,
        "status": run_status(run)[1],
        "kind": run_status(run)[0],
        "device": manifest["device"],
        "started": started_text(manifest["started"]),
        "wall": f"{wall:,.1f} s" if wall is not None else "–",
        "speed": short(manifest.get("tokens_per_second")),
        "git": _git(manifest),
    }


def _with_dots(number):
    """A Number with the places of its networks on a strip 128 wide."""
    values = np.array([v for v in number.values if np.isfinite(v)])
    found = {"name": number.name, "summary": number.summary, "note": number.note, "dots": []}
    if len(values) > 1:
        low, high = values.min(), values.max()
        place = (
            (lambda v: round(6 + 116 * float((v - low) / (high - low)), 1))
            if high > low
            else (lambda v: 64.0)
        )
        found.update(
            dots=[place(v) for v in values],
            at_median=place(number.summary.median),
            lowest=low,
            highest=high,
        )
    return found


def _block(row):
    controls = [
        (name.replace("_", " "), text, None if values is None else _course(values))
        for name, text, values in row.controls
    ]
    return {
        "name": row.name,
        "start_from": row.start_from,
        "tokens": row.tokens,
        "omitted": row.omitted,
        "pace": row.pace,
        "controls": controls,
        "probes": row.probes,
        "symbols": row.symbols,
        "streams": row.streams,
        "done": row.done,
    }


def _course(values):
    """Points of a polyline, 80 wide and 20 high, from 0 to the highest value."""
    shown = values[
        np.linspace(0, len(values) - 1, min(len(values), COURSE_POINTS)).round().astype(int)
    ]
    top = max(float(values.max()), 1e-12)
    return " ".join(
        f"{x:.1f},{19 - 18 * v / top:.1f}"
        for x, v in zip(np.linspace(0, 80, len(shown)), shown, strict=True)
    )


def _model_key(run):
    return digest(run.manifest["inputs"]["model"])


def _models(groups):
    """{key: what the template shows of a model}, each distinct one once."""
    # Text of users is shown as it is: no links, images, emphasis or HTML of its own.
    markdown = (
        MarkdownIt("commonmark", {"html": False})
        .enable("table")
        .disable(["link", "image", "autolink", "emphasis", "html_inline", "html_block", "entity"])
    )
    found = {}
    for group in groups:
        key, name = _model_key(group.first), group.first.manifest["model"]["name"]
        if key in found:
            continue
        entry = found[key] = {
            "id": f"m{len(found)}",
            "name": name,
            "description": group.first.manifest["model"]["description"],
            "declared": None,
            "missing": "",
            "picture": None,
            "tables": "",
        }
        try:
            entry["declared"], left_out = declared_model(group.first.manifest)
        except FenaError as error:
            entry["missing"] = f"No tables: {error.what}."
            continue
        if left_out:
            entry["missing"] = (
                f"Initial values that were given as arrays are not in the tables: {', '.join(left_out)}."
            )
        text = describe(entry["declared"]).partition("\n\n")[2]  # its first line is the name
        entry.update(
            picture=structure_svg(entry["declared"], entry["id"]), tables=markdown.render(text)
        )
    return found

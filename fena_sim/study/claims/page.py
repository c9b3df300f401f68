"""Writes docs/claims.md: claim, definition, values, verdict, figure, command, runs."""

import re
import subprocess
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

from ...errors import FenaError
from ...runs.provenance import git, provenance
from ...runs.store.files import write_atomically
from ...show.style import save
from .suite import FIRST_SEED, Result

#: What defines a measure, relative to the checkout.
DEFINITIONS = ("protocols/claims", "fena_sim/analyse")
RUNS_SHOWN = 3
WIDTH = 100
SENTENCE_END = re.compile(r"(?<=[.?]) (?=[A-Z])")


def write_page(results: Sequence[Result], path: str | Path) -> list[Path]:
    """Write the page, and beside it figures/claims/ID.png, .svg and .pdf. Returns the paths
    written.

    Parameters
    ----------
    results : list of Result
    path : path
        Of the Markdown file.
    """
    path = Path(path)
    folder = path.parent / "figures" / "claims"
    sections, written = [], [path]
    for result in results:
        figure, files = _figure(result, folder)
        sections.append(_section(result, figure))
        written += files
    text = "\n\n".join([_head(results), *sections]) + "\n"
    write_atomically(path, text.encode())
    return written


def _figure(result, folder):
    """(Markdown of the figure, files written)."""
    if result.reason is not None:
        return "", []
    try:
        drawn = result.claim.figure(result.runs)
    except FenaError as error:
        return f"No figure: {_cell(error.what)}", []
    if drawn is None:
        return "", []
    runs = [run for runs in result.runs.values() for run in runs]
    files = save(drawn, folder, result.claim.id, runs=runs)
    return (
        f"![{result.claim.id}: {_cell(result.claim.sentence)}](figures/claims/{result.claim.id}.png)",
        files,
    )


def _head(results):
    about = provenance()
    git, versions = about["git"], about["versions"]
    code = (
        "outside a checkout"
        if git is None
        else f"commit {git['commit']}{', changed since' if git['changed'] else ''}"
    )
    rows = [
        [f"[{r.claim.id}](#{r.claim.id.lower()})", r.claim.sentence, r.verdict] for r in results
    ]
    return "\n\n".join(
        [
            "# The claims, measured",
            _wrapped(
                "Written by `fena claims --page`. Verdicts are computed from the rows, and a claim has the worst verdict of "
                f"its rows. Values are medians over independently seeded networks (seeds {FIRST_SEED} and up), or shares of "
                f"them, with 95 % intervals. Constants were chosen on seeds below {FIRST_SEED}."
            ),
            _table(["claim", "what it says", "verdict"], rows),
            _bullets(
                [
                    f"Date: {time.strftime('%Y-%m-%d', time.gmtime())}",
                    f"Code: {code}",
                    f"Definitions ({', '.join(DEFINITIONS)}) fixed in: {definitions_commit()}",
                    f"Versions: {', '.join(f'{name} {version}' for name, version in versions.items())}; "
                    f"{about['machine']}",
                ]
            ),
        ]
    )


def _section(result, figure):
    claim = result.claim
    parts = [
        f"## {claim.id}",
        f"**{_cell(claim.sentence)}** Verdict: **{result.verdict}**.",
        _definition(claim.definition),
    ]
    if result.reason is not None:
        parts.append(_wrapped("Not run: " + " ".join(str(result.reason).split())))
    else:
        rows = [
            [row.measure, _value(measured.summary), row.threshold, row.verdict, measured.note]
            for row, measured in zip(result.rows, result.measured, strict=False)
        ]
        rows += [
            [row.measure, "", "", row.verdict, missing.reason.fix]
            for row, missing in zip(result.rows[len(rows) :], result.missing, strict=True)
        ]
        parts.append(_table(["measure", "value [interval]", "threshold", "verdict", "note"], rows))
    if result.reported:
        parts.append("Beside it, without a threshold:")
        parts.append(
            _table(
                ["measure", "value [interval]", "note"],
                [[r.measure, _value(r.summary), r.note] for r in result.reported],
            )
        )
    parts += [figure] if figure else []
    parts.append(f"`{result.command}`" + _runs(result.run_ids))
    return "\n\n".join(parts)


def _definition(text):
    """One bullet for each sentence."""
    return "Definition:\n\n" + _bullets(SENTENCE_END.split(" ".join(text.split())))


def _bullets(texts):
    return "\n".join(_wrapped(f"- {text}", subsequent_indent="  ") for text in texts)


def _wrapped(text, **options):
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False, **options)


def _value(summary):
    return f"{summary.median:.4g} [{summary.low:.4g}, {summary.high:.4g}] ({summary.method}, n = {summary.n})"


def _runs(ids):
    if not ids:
        return ""
    shown = ", ".join(f"`{run}`" for run in ids[:RUNS_SHOWN])
    more = f" and {len(ids) - RUNS_SHOWN} more, all in `--json`" if len(ids) > RUNS_SHOWN else ""
    return f"\n\nRuns: {shown}{more}"


def _table(head, rows):
    """Without the last column if it is empty."""
    if not any(row[-1] for row in rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text):
    return " ".join(str(text).split()).replace("|", "\\|")


def definitions_commit() -> str:
    """The last commit that touched what defines the measures, and whether they were changed since;
    in words.
    """
    root = Path(__file__).resolve().parents[3]
    try:
        commit = git(root, "log", "-1", "--format=%H (%cs)", "--", *DEFINITIONS)
        changed = git(root, "status", "--porcelain", "--", *DEFINITIONS)
    except (OSError, subprocess.CalledProcessError):
        return "no commit (outside a checkout)"
    return (f"commit {commit}" if commit else "no commit yet") + (
        ", changed since" if changed else ""
    )

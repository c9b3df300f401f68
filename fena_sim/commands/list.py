"""The command `fena list`: models, protocols, figures and stored runs."""

import ast
import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from ..errors import RunFolderError

FILES = ("models", "protocols", "figures")
KINDS = (*FILES, "runs")
CHECKOUT = Path(__file__).resolve().parents[2]
#: Characters. Wider than a terminal rather than paths cut short.
WIDTH = 140
#: Runs shown where all kinds are listed.
NEWEST = 10
COLUMNS = {
    **dict.fromkeys(FILES, ("name", "path", "summary")),
    "runs": ("path", "protocol", "model", "seed", "device", "tokens", "status", "started"),
}


def shelf(kind):
    """The folder of "models", "protocols" or "figures": the one here if it holds any, else the
    checkout's.
    """
    return Path(kind) if any(Path(kind).glob("*.py")) else CHECKOUT / kind


def files(kind):
    """[{"name", "path", "summary"}] of "models", "protocols" or "figures"."""
    return [
        {"name": path.stem, "path": str(path), "summary": first_line(path)}
        for path in sorted(shelf(kind).glob("*.py"))
    ]


def first_line(path):
    """First line of a file's docstring; what is wrong with it where Python cannot read it."""
    try:
        return (ast.get_docstring(ast.parse(path.read_bytes())) or "").partition("\n")[0]
    except (SyntaxError, ValueError) as error:
        return f"(cannot be read: {error})"


def stored_runs(folder):
    """The Run of every run folder in `folder`, the one that was started last first. Empty if there
    is no such folder.
    """
    from ..runs.store.run import open_run

    runs = []
    for path in Path(folder).glob("*/manifest.json"):
        try:
            runs.append(open_run(path.parent))
        except RunFolderError:  # cut short by a full disk, say: not a run to list
            continue
    return sorted(runs, key=lambda run: (run.manifest["started"], run.id), reverse=True)


def entry(run):
    """What `fena list` says of a run (dict)."""
    about = run.manifest
    return {
        "name": run.id,
        "path": str(run.folder),
        "protocol": about["protocol"]["name"],
        "model": about["model"]["name"],
        "seed": run.seed,
        "device": about["device"],
        "tokens": run.batch * sum(b["tokens"] for b in about["blocks"]),
        "blocks": run.blocks,
        "status": about["status"],
        "started": about["started"],
    }


@click.command(name="list")
@click.argument(
    "kinds", nargs=-1, type=click.Choice(KINDS), metavar="[models] [protocols] [figures] [runs]"
)
@click.option(
    "--runs",
    "folder",
    type=click.Path(),
    default="runs",
    show_default=True,
    help="Folder of run folders.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="One line of JSON: a list of objects for each kind."
)
def list_command(kinds, folder, as_json):
    """List models, protocols and figures here (or in the checkout), and stored runs, newest first.

    \b
    Examples:
      fena list
      fena list runs --json
      fena list models protocols
    """
    found = {
        kind: [entry(run) for run in stored_runs(folder)] if kind == "runs" else files(kind)
        for kind in kinds or KINDS
    }
    if as_json:
        click.echo(json.dumps(found))
        return
    console = Console(highlight=False, markup=False)
    console.width = max(console.width, WIDTH)
    for kind, entries in found.items():
        shown = entries if kinds else entries[:NEWEST] if kind == "runs" else entries
        table = Table(box=None)
        for column in COLUMNS[kind]:
            table.add_column(kind[:-1] if column == "name" else column, no_wrap=column != "summary")
        for one in shown:
            table.add_row(*(str(one[column]) for column in COLUMNS[kind]))
        console.print(
            table if entries else f"no {kind} in {folder if kind == 'runs' else shelf(kind)}"
        )
        if len(shown) < len(entries):
            console.print(f"and {len(entries) - len(shown)} older ones: fena list runs")
        console.print()

"""The command `fena list`: models, protocols, figures and stored runs."""

import json
from pathlib import Path

import click

from ..load import shipped
from ..runs.store.manifest import stored_manifests, warnings_of

KINDS = (*shipped.KINDS, "runs")
#: Characters, beside the longest path. Wider than a terminal rather than paths cut short.
WIDTH = 110
#: Runs shown where all kinds are listed.
NEWEST = 10
COLUMNS = {
    **dict.fromkeys(shipped.KINDS, ("name", "path", "summary")),
    "runs": ("path", "protocol", "model", "seed", "device", "tokens", "status", "started"),
}


def entry(folder: Path, manifest: dict) -> dict:
    """What `fena list` says of a run (dict)."""
    blocks = manifest["blocks"]
    return {
        "name": folder.name,
        "path": str(folder),
        "protocol": manifest["protocol"]["name"],
        "model": manifest["model"]["name"],
        "seed": manifest["seed"],
        "device": manifest["device"],
        "tokens": manifest["model"].get("batch", 1) * sum(block["tokens"] for block in blocks),
        "blocks": [block["name"] for block in blocks],
        "status": manifest["status"],
        "started": manifest["started"],
        "warnings": warnings_of(manifest),
    }


def _runs(folder):
    """Entries of the runs in a folder; says which cannot be listed."""
    manifests, skipped = stored_manifests(folder)
    for line in skipped:
        click.echo(f"left out: {line}", err=True)
    return [entry(*run) for run in manifests.items()]


def _cell(one, column):
    """The text of an entry in a column; a run that warned of something has a mark at its status."""
    count = len(one.get("warnings", [])) if column == "status" else 0
    mark = f", {count} warning{'s' * (count > 1)}" if count else ""
    return f"{one[column]}{mark}"


@click.command("list")
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
def command(kinds: tuple[str, ...], folder: str, as_json: bool) -> None:
    """List models, protocols and figures here (or the shipped ones), and stored runs, newest first.

    The status of a run tells how many warnings its manifest holds; --json gives their texts.

    \b
    Examples:
      fena list
      fena list runs --json
      fena list models protocols
    """
    found = {
        kind: _runs(folder) if kind == "runs" else shipped.files(kind) for kind in kinds or KINDS
    }
    if as_json:
        click.echo(json.dumps(found))
        return

    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    longest = max((len(one["path"]) for entries in found.values() for one in entries), default=0)
    console.width = max(console.width, WIDTH + longest)
    for kind, entries in found.items():
        shown = entries if kinds else entries[:NEWEST] if kind == "runs" else entries
        table = Table(box=None)
        for column in COLUMNS[kind]:
            table.add_column(kind[:-1] if column == "name" else column, no_wrap=column != "summary")
        for one in shown:
            table.add_row(*(_cell(one, column) for column in COLUMNS[kind]))
        console.print(
            table
            if entries
            else f"no {kind} in {folder if kind == 'runs' else shipped.folder(kind)}"
        )
        if len(shown) < len(entries):
            console.print(f"and {len(entries) - len(shown)} older ones: fena list runs")
        console.print()

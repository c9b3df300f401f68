"""The command `fena claims`."""

import json

import click

from .shell import stopping_at_once

#: Characters. Wider than a terminal rather than a measure on five lines.
WIDTH = 160


@click.command("claims")
@click.argument("ids", nargs=-1, metavar="[C05 C08 ...]")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=None,
    help="Networks for each claim, from seed 12 on (default 20, quick 2, where a claim does not ask for more).",
)
@click.option(
    "--quick",
    is_flag=True,
    help="Few and short runs: shows that everything works, decides nothing.",
)
@click.option(
    "--json", "path", type=click.Path(), default=None, help="Write the rows into this file."
)
@click.option(
    "--out", type=click.Path(), default="runs", show_default=True, help="Folder for run folders."
)
@click.option(
    "--page",
    type=click.Path(),
    default=None,
    help="Write claims, definitions, rows and figures as Markdown, e.g. docs/claims.md.",
)
@click.option("--quiet", is_flag=True, help="No progress.")
def command(
    ids: tuple[str, ...],
    seeds: int | None,
    quick: bool,
    path: str | None,
    out: str,
    page: str | None,
    quiet: bool,
) -> None:
    """Measure the claims of protocols/claims/ (all if none is named) over independently seeded
    networks.

    Every network is trained once, however many claims it serves; what is in --out is not run again.
    A claim that fails is a result, not an error. Rows in JSON: id, measure, value, low, high, threshold,
    verdict (holds, qualified, fails, not run; reported, where there is no threshold), seeds, runs,
    command. Rows of C11 have more keys, among them level, variable, trained, untrained and shuffled.

    \b
    Examples:
      fena claims --quick
      fena claims C05 C08 --seeds 10 --json rows.json
      fena claims --page docs/claims.md
    """
    from rich.console import Console

    from ..runs.store.files import write_atomically
    from ..study.claims.files import find_claims
    from ..study.claims.suite import run_claims

    with stopping_at_once():
        results = run_claims(find_claims(ids), seeds, quick, out, quiet)
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    console.print(_table(results))
    if path:
        rows = [row.as_json() for result in results for row in result.rows + result.detailed]
        write_atomically(path, (json.dumps(rows, indent=1, allow_nan=False) + "\n").encode())
    if page:
        from ..study.claims.page import write_page

        for written in write_page(results, page):
            click.echo(f"wrote {written}", err=True)


def _table(results):
    from rich.table import Table

    table = Table("id", "measure", "value [interval]", "threshold", "verdict", "seeds", box=None)
    for result in results:
        for row in result.rows:
            value = "" if row.value is None else f"{row.value:.4g} [{row.low:.4g}, {row.high:.4g}]"
            table.add_row(row.id, row.measure, value, row.threshold, row.verdict, str(row.seeds))
        for r in result.reported:
            s = r.summary
            table.add_row(
                result.claim.id,
                r.measure,
                f"{s.median:.4g} [{s.low:.4g}, {s.high:.4g}]",
                "",
                "",
                str(result.seeds),
            )
    return table

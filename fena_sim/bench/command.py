"""The command `fena bench`."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

NETWORK_COLUMNS = ("network", "dtype", "plastic", "batch")


@click.group()
def bench():
    """Measure speed and memory against stock Brian2, hand-written C++, other libraries and the machine's limit."""


def _names(context, parameter, value):
    return tuple(value.split(",")) if value else None


@bench.command()
@click.option("--quick", is_flag=True, help="Small and large in float32 only, 3 rounds.")
@click.option("--variants", callback=_names, help="Only these, separated by commas (default: all).")
@click.option("--networks", callback=_names, help="Only these: tiny, small, large, 1e4, 1e5, 1e6, 3e6, 1e7.")
@click.option("--json", "path", type=click.Path(), required=True, help="Write the rows into this file.")
def speed(quick, variants, networks, path):
    """Time one step of a predictive-coding network, on every variant, interleaved.

    \b
    Examples:
      fena bench speed --quick --json speed.json
      fena bench speed --variants dense,hand,limit --networks small,large --json speed.json
    """
    from .speed import cases, run
    from .variants import VARIANTS

    rows = run(cases(quick, networks), variants or list(VARIANTS), rounds=3 if quick else 5, seconds=0.15 if quick else 0.4,
               report=lambda text: click.echo(text, err=True))
    Path(path).write_text(json.dumps(rows, indent=1) + "\n")
    Console(stderr=True, highlight=False).print(_table(rows))


def _table(rows):
    """Time per step by network (rows) and variant (columns)."""
    names = list(dict.fromkeys(row["variant"] for row in rows))
    table = Table(*NETWORK_COLUMNS, *names, box=None, title="microseconds per step (times the limit)")
    cells = {}
    for row in rows:
        cells.setdefault(tuple(row[k] for k in NETWORK_COLUMNS), {})[row["variant"]] = row
    for key, found in cells.items():
        table.add_row(*map(str, key), *(_cell(found.get(name)) for name in names))
    return table


def _cell(row):
    if row is None:
        return ""
    return f"{row['us_per_step']:.3g}" + (f" ({row['x_limit']:.2g})" if row["x_limit"] else "")

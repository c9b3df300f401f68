"""The command `fena bench`."""

import json
from importlib.util import find_spec
from pathlib import Path

import click

from ..errors import DeclarationError, FenaError, nearest

CASE = ("network", "dtype", "plastic", "batch")


@click.group("bench")
def command() -> None:
    """Measure speed and memory against stock Brian2, hand-written C++, other libraries and the
    machine's limit.

    \b
    Examples:
      fena bench speed --quick --json speed.json
      fena bench show speed.json
    """


def _names(context, parameter, value):
    return tuple(value.split(",")) if value else None


def _known(names, known, what):
    for name in names or ():
        if name not in known:
            raise DeclarationError(
                f"there is no {what} {name!r}", where=f"--{what}s", fix=nearest(name, known)
            )


@command.command()
@click.option("--quick", is_flag=True, help="Small and large in float32 only, 3 rounds.")
@click.option(
    "--variants", callback=_names, metavar="A,B,...", help="Only these variants (default: all)."
)
@click.option(
    "--networks",
    callback=_names,
    metavar="A,B,...",
    help="Only these networks (tiny, small, large, 1e4 ... 1e7).",
)
@click.option(
    "--out",
    "figure_path",
    type=click.Path(),
    default=None,
    help="Draw the scaling figure into this file (PDF).",
)
@click.option(
    "--json", "path", type=click.Path(), required=True, help="Write the rows into this file."
)
def speed(
    quick: bool,
    variants: tuple[str, ...] | None,
    networks: tuple[str, ...] | None,
    figure_path: str | None,
    path: str,
) -> None:
    """Time one step of a predictive-coding network on every variant, interleaved; see
    benchmarks/README.md.

    \b
    Examples:
      fena bench speed --quick --json speed.json
      fena bench speed --variants dense,hand,limit --networks small,large --json speed.json
    """
    from ..bench.networks import NETWORKS
    from ..bench.speed import cases, run
    from ..bench.variants import VARIANTS
    from ..runs.store.files import write_atomically

    _known(variants, VARIANTS, "variant")
    _known(networks, NETWORKS, "network")
    rows = run(
        cases(quick, networks),
        variants or list(VARIANTS),
        rounds=3 if quick else 5,
        quick=quick,
        report=lambda text: click.echo(text, err=True),
    )
    write_atomically(path, (json.dumps(rows, indent=1) + "\n").encode())
    _show(rows)
    if figure_path:
        _draw(rows, figure_path)


@command.command()
@click.argument("rows", type=click.Path(exists=True))
@click.option(
    "--out", type=click.Path(), required=True, help="The file; its PDF, SVG and PNG are written."
)
def figure(rows: str, out: str) -> None:
    """Draw time and memory per synapse against the number of synapses, from the rows of `fena bench
    speed`.

    \b
    Example:
      fena bench figure speed.json --out scaling.pdf
    """
    _draw(_read(rows), out)


@command.command()
@click.argument("rows", type=click.Path(exists=True))
def show(rows: str) -> None:
    """Print the table and the thresholds of stored rows.

    \b
    Example:
      fena bench show speed.json
    """
    _show(_read(rows))


@command.command()
@click.option("--quick", is_flag=True, help="Fewer tokens, and only the ends of the sweeps.")
@click.option(
    "--json",
    "path",
    type=click.Path(dir_okay=False, writable=True),
    required=True,
    help="File for the rows.",
)
def training(quick: bool, path: str) -> None:
    """Whole training runs beside backpropagation: tokens per second, memory and accuracy.

    \b
    Example:
      fena bench training --quick --json training.json
    """
    from ..bench.training import Bench
    from ..bench.training_claims import claims
    from ..bench.training_report import report
    from ..device.scratch import temporary_folder
    from ..extras import install_hint
    from ..runs.store.files import write_atomically

    if find_spec("torch") is None:
        raise FenaError(
            "PyTorch is not installed",
            where="fena bench training",
            fix=install_hint("bench"),
        )
    with temporary_folder("bench_cache") as cache:
        bench = Bench(quick, str(cache), lambda text: click.echo(text, err=True))
        bench.measure()
    rows = bench.rows()
    verdicts = claims(rows)
    found = {"rows": rows, "claims": verdicts, "threads": bench.threads}
    write_atomically(path, json.dumps(found, indent=1).encode())
    click.echo(report(rows))
    for claim, verdict in verdicts.items():
        numbers = ", ".join(f"{k} {v:.3g}" for k, v in verdict.items() if k != "holds")
        click.echo(f"{claim} {'holds' if verdict['holds'] else 'does not hold'}: {numbers}")


def _read(path):
    """The rows of `fena bench speed`; DeclarationError if the file holds something else."""
    try:
        rows = json.loads(Path(path).read_text())
        if rows and all({*CASE, "variant", "us_per_step"} <= set(row) for row in rows):
            return rows
    except (ValueError, TypeError):  # no JSON, or JSON of another shape
        pass
    raise DeclarationError(
        "the file does not hold rows of a benchmark",
        where=str(path),
        fix="write it with `fena bench speed --json FILE`",
    )


def _draw(rows, path):
    from ..bench.figure import scaling
    from ..show.style import save

    for written in save(scaling(rows), Path(path).parent, Path(path).stem):
        click.echo(str(written))


def _show(rows):
    from rich.console import Console
    from rich.table import Table

    from ..bench.thresholds import thresholds

    names = list(dict.fromkeys(row["variant"] for row in rows))
    table = Table(*CASE, *names, box=None, title="microseconds per step (times the limit)")
    console = Console(
        stderr=True, highlight=False, width=40 + 16 * max(4, len(names))
    )  # wider than a terminal rather than cut
    cells = {}
    for row in rows:
        cells.setdefault(tuple(row[k] for k in CASE), {})[row["variant"]] = row
    for key, found in cells.items():
        table.add_row(*map(str, key), *(_cell(found.get(name)) for name in names))
    console.print(table)
    verdicts = Table("threshold", "measured", "bound", "", box=None)
    for threshold in thresholds(rows):
        verdicts.add_row(
            threshold.name,
            f"{threshold.value:.3g}",
            f"{'>=' if threshold.at_least else '<='} {threshold.bound:g}",
            "holds" if threshold.holds else "does not hold",
        )
    console.print(verdicts)


def _cell(row):
    if row is None:
        return ""
    return f"{row['us_per_step']:.3g}" + (f" ({row['x_limit']:.2g})" if row["x_limit"] else "")

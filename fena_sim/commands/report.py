"""The command `fena report`."""

import sys

import click

from .shell import ModelOrProtocol


@click.command("report")
@click.argument("path", metavar="RUN|FOLDER", type=click.Path())
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False),
    default="report.html",
    show_default=True,
    help="The page.",
)
@click.option(
    "--protocol",
    type=ModelOrProtocol("protocols"),
    default=None,
    help="Protocol file whose summary gives the numbers; protocols/NAME.py if left out.",
)
def command(path: str, out: str, protocol: str | None) -> None:
    """Write one self-contained page about a run, or about all runs below a folder.

    Model, protocol, settling, recorded traces, numbers with intervals over networks, versions,
    seeds and commands. The page asks the network for nothing. Of runs that are not finished it
    shows what there is.

    \b
    Examples:
      fena report runs/first_contact-fena-seed0-...
      fena report runs -o runs.html
    """
    from ..show.report.page import write_report

    def following(groups):
        with click.progressbar(
            groups, label="reading", file=sys.stderr, hidden=len(groups) == 1
        ) as shown:
            yield from shown

    written = write_report(path, out, protocol, ["fena", *sys.argv[1:]], following)
    click.echo(f"wrote {written} ({written.stat().st_size / 1e6:.2f} MB)", err=True)

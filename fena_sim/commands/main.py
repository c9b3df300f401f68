"""The `fena` command."""

import sys
from collections.abc import Sequence

import click

from .shell import HELP, CommandFiles, Commands, describe_exit_codes, run_main

#: Each is a file beside this one, which imports what it needs when it runs: help, completion and
#: `fena list` are fast because no file imports Brian2, or what is as large, at its top.
NAMES = (
    "bench",
    "certify",
    "check",
    "claims",
    "completion",
    "describe",
    "doctor",
    "export",
    "figures",
    "list",
    "new",
    "report",
    "run",
    "sweep",
    "watch",
)


@click.group(
    cls=Commands,
    commands=CommandFiles(NAMES),
    context_settings={"help_option_names": HELP},
    epilog=describe_exit_codes(),
)
@click.version_option(package_name="fena-sim")
def cli() -> None:
    """Predictive-coding hierarchies as differential equations, driven by token protocols.

    \b
    Examples:
      fena run protocols/first_contact.py
      fena new model my_model
      fena run protocols/first_contact.py --model models/fena_errors_only.py --seeds 5
      fena describe models/fena.py --picture fena.pdf
      fena figures
      fena claims C05 --quick
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: a user's mistake gives its message and an exit code, never a traceback."""
    run_main(cli, arguments)


def run_file(path: str) -> None:
    """`python protocols/x.py [options]` is `fena run protocols/x.py [options]`."""
    main(["run", path, *sys.argv[1:]])

"""The command line of a file in figures/: open runs, draw, save."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from ..errors import ProtocolError
from ..runs.store.run import Run, open_run
from .style import save


def main(
    figure: Callable[[list[Run]], Figure],
    blocks: Sequence[str],
    name: str,
    argv: Sequence[str] | None = None,
) -> list[Path]:
    """Draw one figure of stored runs and print the paths written.

    Parameters
    ----------
    figure : callable
        Takes a list of runs, returns a Figure.
    blocks : sequence of str
        Blocks that every run must have.
    name : str
        File name without suffix.
    argv : list of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    list of Path

    Raises
    ------
    ProtocolError
        If a run lacks a block that the figure needs.
    """
    parser = argparse.ArgumentParser(prog=f"{name}.py", description=f"Draw the figure {name!r}.")
    parser.add_argument("runs", nargs="+", metavar="RUN_FOLDER", help="one run per network")
    parser.add_argument("--out", default=".", type=Path, help="folder to write to (default: here)")
    arguments = parser.parse_args(argv)
    runs = [open_run(folder) for folder in arguments.runs]
    for run in runs:
        missing = [block for block in blocks if block not in run.blocks]
        if missing:
            raise ProtocolError(
                f"the figure {name!r} needs the block {', '.join(missing)}",
                where=f"run {run.folder} with blocks {', '.join(run.blocks)}",
                fix="run a protocol that has it, to the end",
            )
    paths = save(figure(runs), arguments.out, name, runs)
    for path in paths:
        print(path)
    return paths

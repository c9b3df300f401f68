"""The command line of a figure file: choose runs, draw, save."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from ..errors import ProtocolError
from ..runs.store.find import stored_runs
from ..runs.store.run import open_run
from .file import FigureFile, check_needs
from .needs import Needs
from .style import save

RUNS = "runs"


def main(
    figure: Callable[..., Figure],
    needs: Mapping[str, Needs],
    name: str,
    argv: Sequence[str] | None = None,
) -> list[Path]:
    """Draw one figure of stored runs and print the paths written.

    Parameters
    ----------
    figure : callable
        Takes a list of runs, and for every key of `needs` the blocks that have the data; returns a
        Figure.
    needs : dict
        {parameter: Needs}.
    name : str
        File name without suffix.
    argv : list of str, optional
        Arguments; those of the process by default. Without a run folder, the runs are chosen from
        runs/, one per seed.

    Returns
    -------
    list of Path

    Raises
    ------
    ProtocolError
        If a run lacks the data that the figure needs.
    """
    parser = argparse.ArgumentParser(prog=f"{name}.py", description=f"Draw the figure {name!r}.")
    parser.add_argument(
        "runs",
        nargs="*",
        metavar="RUN_FOLDER",
        help="one run per network (default: of the last experiment in runs/ that can be shown)",
    )
    parser.add_argument("--out", default=".", type=Path, help="folder to write to (default: here)")
    arguments = parser.parse_args(argv)
    check_needs(needs, figure, f"figure {name!r}")
    file = FigureFile(name, Path(f"{name}.py"), "", figure, dict(needs), "")
    if arguments.runs:
        runs = [open_run(folder) for folder in arguments.runs]
    else:
        runs, _ = file.choose(stored_runs(RUNS)[0])
    for run in runs:
        lacking = file.lacking(run)
        if lacking:
            raise ProtocolError(
                f"the figure {name!r} cannot show this run: {lacking}",
                where=f"run {run.folder} with blocks {', '.join(run.blocks)}",
                fix=f"give {file.describe_needs()}",
            )
    if not runs:
        raise ProtocolError(
            f"there is no run that the figure {name!r} can show",
            where=f"the folder {RUNS}",
            fix=f"make {file.describe_needs()}, or name the run folders",
        )
    paths = save(file.draw(runs), arguments.out, name, runs)
    for path in paths:
        print(path)
    return paths

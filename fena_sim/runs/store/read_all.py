"""Reading all that a run holds of its blocks, to find what cannot be read."""

from ...errors import FenaError
from .manifest import interpreting
from .run import Run

#: Samples read at a time, so that long recordings need not fit the memory.
ROWS = 4096


def problems(run: Run) -> list[str]:
    """Read all that a run without checksums holds of its blocks.

    Returns
    -------
    list of str
        A line for whatever cannot be read, or is not what the manifest tells.
    """
    found = []
    for entry in run.manifest["blocks"]:
        for kind in ("events", "tokens", *(["traces"] if entry["probes"] else []), "states"):
            try:
                with interpreting(run.folder):
                    _read(run, kind, entry["name"])
            except FenaError as error:
                found.append(error.what)
    return found


def _read(run, kind, block):
    if kind in ("events", "states"):
        run.events(block) if kind == "events" else run.state(block)
        return
    data = run.tokens(block) if kind == "tokens" else run.traces(block)
    for variable in data.variables.values():
        for first in range(0, variable.shape[0] if variable.ndim else 1, ROWS):
            (variable[first : first + ROWS] if variable.ndim else variable).to_numpy()

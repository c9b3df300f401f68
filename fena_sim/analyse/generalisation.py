"""Novel combinations of familiar motifs: prediction inside the motif, after a junction that was
never trained.
"""

import pandas as pd

from ..declare.arguments import checked
from ..runs.store.run import Run
from .errors import DeclarationError, mean_errors
from .prediction import accuracy
from .select import inside_motif


@checked(DeclarationError)
def generalisation(
    run: Run, familiar: str = "familiar", held_out: str = "held_out", label: str = "novel"
) -> pd.DataFrame:
    """Accuracy and level-0 error inside familiar and inside novel combinations (claim C12).

    Window: scored events with ``position >= 1``, so that the junction itself, which nobody could
    know, does not count. "familiar" are those of the block ``familiar``; "novel" are those of the
    block ``held_out`` whose motif was entered through a held-out pair or, with ``label``
    "novel_phrase", belongs to a held-out phrase of `NestedGrammar`. Formulas:
    :func:`fena_sim.measure.accuracy` and level 0 of :func:`fena_sim.measure.mean_errors`.

    Returns
    -------
    pandas.DataFrame
        Rows "familiar" and "novel"; columns ``accuracy``, ``error`` (squared onset error of
        level 0) and ``relative_error`` (error divided by the familiar one).

    Raises
    ------
    StimulusError
        If a block lacks the motif labels, or holds no such event.
    """
    rows = {}
    for name, block in (("familiar", familiar), ("novel", held_out)):
        mask = inside_motif(run.events(block), novel=name == "novel", label=label)
        rows[name] = {
            "accuracy": accuracy(run, block, mask),
            "error": float(mean_errors(run, block, mask).sel(level=0)),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.assign(relative_error=table["error"] / rows["familiar"]["error"])

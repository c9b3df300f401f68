"""The standard figures, what each needs of a block, and how they are drawn."""

from collections.abc import Callable, Iterator, Sequence

import attrs

from ...runs.store.run import Run
from ..needs import Needs
from .drawn import Drawn, NotDrawn
from .evoked import evoked_figures
from .over_tokens import over_tokens_figure, settling_figure
from .spikes import spike_figure
from .weights import weight_figure


@attrs.frozen
class Standard:
    """A kind of figure that is drawn for every block which has the data.

    Attributes
    ----------
    name : str
    about : str
        What it shows, in a few words.
    needs : Needs
    declare : str
        What to write so that a run has the data.
    draw : callable
        ``draw(runs, block)`` gives figures.
    """

    name: str
    about: str
    needs: Needs
    declare: str
    draw: Callable[..., Iterator[Drawn | NotDrawn]]

    def missing(self, runs: Sequence[Run], block: str) -> list[str]:
        """What a block lacks, in words; empty if it can be drawn."""
        return self.needs.missing(runs[0], block)


STANDARD = (
    Standard(
        "evoked",
        "responses of populations to tokens, by their labels",
        Needs(samples=["*"]),
        'give the block e.g. Probe("error_0", "error")',
        evoked_figures,
    ),
    Standard(
        "over_tokens",
        "errors, precisions and readouts over the tokens of a block",
        Needs(),
        'give the model e.g. Readout(name="error", variables=[...], when="mean")',
        over_tokens_figure,
    ),
    Standard(
        "settling",
        "settling iterations over tokens, and errors within a presentation",
        Needs(settling=True),
        "give the model a Settling",
        settling_figure,
    ),
    Standard(
        "spikes",
        "a raster, and rates around the token's onset",
        Needs(spikes=True),
        'give the block e.g. Probe("cells", "spikes"), of a population with a threshold',
        spike_figure,
    ),
    Standard(
        "weights",
        "synapses over the tokens of a block",
        Needs(synapses=True),
        'give the block e.g. Probe("W_1", "w", every=100)',
        weight_figure,
    ),
)

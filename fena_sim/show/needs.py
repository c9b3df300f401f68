"""The data that a figure needs of a block, and which blocks of a run have them."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

import attrs

from ..declare.arguments import checked
from ..declare.control_signals import DEFAULTS
from ..declare.protocol.probe import SPIKES
from ..declare.sequence import sequence
from ..errors import DeclarationError
from ..runs.store.manifest import interpreting
from ..runs.store.run import Run

LEARNING = "plasticity_gain"


def _texts(given: Iterable[str]) -> tuple:
    return sequence(given, "names", "Needs", DeclarationError)


@checked(DeclarationError)
@attrs.frozen(kw_only=True)
class Needs:
    """What a block of a run must hold to be shown. With nothing given, every block will do.

    All of it is read from the run's manifest, except labels and omissions, which are in its event
    table.

    Parameters
    ----------
    name : str, optional
        The block's name, for a figure of one protocol in which a name stands for a condition.
    labels : dict
        Columns of the event table, each with the values that must occur in it (none: any).
    omissions : bool
        Some token is omitted.
    readouts : sequence of str
        What must be kept of every token.
    samples : sequence of str
        Samples of populations at an interval, as "population.variable" with * and ?; one of these
        must be there.
    spikes : bool
        The spikes of some population.
    synapses : bool
        A variable of some projection's synapses.
    settling : bool
        The model says when it has settled.
    learning : bool, optional
        Whether the network learns in the block.
    """

    name: str | None = None
    labels: Mapping = attrs.field(factory=dict)
    omissions: bool = False
    readouts: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    samples: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    spikes: bool = False
    synapses: bool = False
    settling: bool = False
    learning: bool | None = None

    def missing(self, run: Run, block: str) -> list[str]:
        """What a block of a finished run lacks, in words; empty if it has all that is needed.

        Raises
        ------
        RunFolderError
            If the run cannot be read.
        """
        with interpreting(run.folder):
            lacking = [
                words
                for lacks, words in (
                    (self.name not in (None, block), f"the name {self.name!r}"),
                    *self._of_the_model(run.manifest["inputs"]["model"]),
                    *self._of_the_block(run, block),
                )
                if lacks
            ]
            if not lacking and (self.labels or self.omissions):  # these take reading a file
                lacking = self._of_the_events(run.events(block))
        return lacking

    def _of_the_model(self, model):
        kept = {readout["name"] for readout in model["readouts"]} | {"iterations", "steps"}
        lost = [name for name in self.readouts if name not in kept]
        yield bool(lost), f"the readout{_s(lost)} {', '.join(lost)} of the model"
        yield self.settling and model["settling"] is None, "criterion of settling in the model"

    def _of_the_block(self, run, block):
        recorded = Recorded.of(run, block)
        wanted = not self.samples or any(
            fnmatchcase(name, pattern) for name in recorded.samples for pattern in self.samples
        )
        yield not wanted, f"samples of {' or '.join(map(_pattern, self.samples))}"
        yield self.spikes and not recorded.spikes, "spikes"
        yield self.synapses and not recorded.synapses, "variables of synapses"
        learns = "plasticity on" if self.learning else "plasticity off"
        yield self.learning not in (None, recorded.learning), learns

    def _of_the_events(self, events):
        lacking = []
        for name, values in self.labels.items():
            if name not in events:
                lacking.append(f"the label {name!r}")
                continue
            lost = [value for value in values if not (events[name] == value).any()]
            if lost:
                lacking.append(f"tokens whose {name} is {' and '.join(map(repr, lost))}")
        if self.omissions and not (events["token"] < 0).any():
            lacking.append("omitted tokens")
        return lacking

    def __str__(self):
        """In words, for a message."""
        labels = [
            f"tokens whose {name} is {' and '.join(map(repr, values))}"
            if values
            else f"the label {name!r}"
            for name, values in self.labels.items()
        ]
        parts = [
            *labels,
            *["omitted tokens"] * self.omissions,
            *[f"the readout{_s(self.readouts)} {_list(self.readouts)}"] * bool(self.readouts),
            *[f"samples of {' or '.join(map(_pattern, self.samples))}"] * bool(self.samples),
            *["spikes"] * self.spikes,
            *["variables of synapses"] * self.synapses,
            *["a criterion of settling in the model"] * self.settling,
            *["plasticity on"] * (self.learning is True),
            *["plasticity off"] * (self.learning is False),
        ]
        block = "a block" if self.name is None else f"the block {self.name}"
        return f"{block}{' with ' if parts else ''}{_list(parts)}"


@attrs.frozen
class Recorded:
    """What the probes of a block recorded, by the manifest.

    Attributes
    ----------
    samples : list of str
        "population.variable" at an interval.
    spikes, synapses : list of str
        Populations, and names of probes of projections.
    windows : dict
        {"population.variable": (start, stop) in s} of what was kept around tokens alone.
    learning : bool
        Whether plasticity is on.
    """

    samples: list[str]
    spikes: list[str]
    synapses: list[str]
    windows: dict[str, tuple[float, float]]
    learning: bool

    @classmethod
    def of(cls, run: Run, block: str) -> "Recorded":
        """Of a block of a run."""
        inputs = run.manifest["inputs"]
        projections = {p["name"] for p in inputs["model"].get("projections", ())}
        blocks = inputs["protocol"]["blocks"]
        declared: dict = next((b for b in blocks if b["name"] == block), {})
        samples: list[str] = []
        spikes: list[str] = []
        synapses: list[str] = []
        windows: dict[str, tuple[float, float]] = {}
        for probe in declared.get("probes", ()):
            key = probe.get("name") or probe["population"]
            if probe["population"] in projections:
                synapses.append(key)
                continue
            if SPIKES in probe["variables"]:
                spikes.append(key)
            if probe.get("every") is not None:
                continue
            names = [f"{key}.{v}" for v in probe["variables"] if v != SPIKES]
            samples += names
            if probe.get("window"):
                start, stop = (float(edge["value"]) for edge in probe["window"])
                windows |= dict.fromkeys(names, (start, stop))
        gain = declared.get("controls", {}).get(LEARNING, DEFAULTS[LEARNING])
        off = isinstance(gain, (int, float, str)) and float(gain) == 0
        return cls(samples, spikes, synapses, windows, not off)


def _pattern(text):
    return "a population" if text == "*" else text


def _list(parts):
    """Words in a row: "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _s(names):
    return "s" * (len(names) != 1)

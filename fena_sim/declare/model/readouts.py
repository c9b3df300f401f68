"""Readouts: what a model keeps for every token, and the names that measures rely on."""

import re
from collections.abc import Iterable

import attrs

from ...errors import DeclarationError, UnknownNameError, nearest
from ..arguments import checked
from ..sequence import sequence

WHEN = ("before_onset", "first", "mean", "last")


def _variables(given: Iterable) -> tuple:
    return sequence(given, "variables", "Readout.variables", DeclarationError)


@checked(DeclarationError)
@attrs.frozen(kw_only=True)
class Readout:
    """A quantity kept for every token: `variables` ("population.variable") taken `when`.

    `when` is "before_onset" (the last value before the token appears), or over the steps of the
    presentation "first", "mean" or "last". Several variables of populations of size 1 become the
    dimension `level`; one variable of a larger population becomes the dimension `unit` (of
    populations of another size than the first so read, `population_unit`). Multiplied by `scale`.

    `meaning` says in words what it is, for readers; a name in `STANDARD` has one already.
    """

    name: str
    variables: tuple[str, ...] = attrs.field(converter=_variables)
    when: str
    scale: float = 1.0
    meaning: str = attrs.field(default="", metadata={"hashed": False})

    def __attrs_post_init__(self):
        if self.when == "arrival":
            raise UnknownNameError(
                "a readout 'arrival' has another name",
                where=f"Readout {self.name!r}",
                fix="it is 'before_onset': the last value before the token appears",
            )
        if self.when not in WHEN:
            raise UnknownNameError(
                f"a readout cannot be taken {self.when!r}",
                where=f"Readout {self.name!r}",
                fix=nearest(self.when, WHEN),
            )

    @property
    def about(self) -> str:
        """Its meaning in words; that of its standard name where none was given, "" without one."""
        known = standard(self.name)
        return self.meaning or (known.meaning if known else "")


@attrs.frozen
class Standard:
    """A readout that measures rely on by its name.

    Attributes
    ----------
    meaning : str
    per : str
        "level": one variable of a population of size 1 for each level, lowest first. "unit": one
        variable of one population.
    when : str
        As in Readout.
    variables : str
        What models/fena.py or models/fena_gaussian.py read it from, as an example.
    """

    meaning: str
    per: str
    when: str
    variables: str

    def declaration(self, name: str) -> str:
        """A Readout to copy, as text."""
        return f'Readout(name="{name}", variables=[{self.variables}], when="{self.when}")'


_SQUARES = '"precision_0.mean_square", "precision_1.mean_square", ...'

#: Names of readouts that measures rely on. "state_l" stands for state_1, state_2, ...
STANDARD = {
    "prediction": Standard(
        "predicted code of the next token",
        "unit",
        "before_onset",
        '"error_0.prediction"',
    ),
    "probability": Standard(
        "predicted probability of every token to be the next one",
        "unit",
        "before_onset",
        '"error_0.probability"',
    ),
    "onset_error": Standard(
        "mean squared error of the level's units, before they settle",
        "level",
        "first",
        _SQUARES,
    ),
    "error": Standard(
        "mean squared error of the level's units",
        "level",
        "mean",
        _SQUARES,
    ),
    "settled_error": Standard(
        "mean squared error of the level's units, after they settled",
        "level",
        "last",
        _SQUARES,
    ),
    "precision": Standard(
        "precision of the level",
        "level",
        "last",
        '"precision_0.precision", "precision_1.precision", ...',
    ),
    "presented": Standard(
        "code of the token that was presented; 0 in all units if it was omitted",
        "unit",
        "last",
        '"sensory.x"',
    ),
    "onset_probability": Standard(
        "probability that level 1 gives every token, before it settles",
        "unit",
        "first",
        '"error_0.probability"',
    ),
    "settled_probability": Standard(
        "probability that level 1 gives every token, after it settled",
        "unit",
        "last",
        '"error_0.probability"',
    ),
    "state_l": Standard(
        "activity of the level's state units",
        "unit",
        "last",
        '"state_l.f"',
    ),
    "iterations": Standard("settling iterations", "token", "", ""),
    "steps": Standard("steps of the presentation", "token", "", ""),
}


def standard(name: str) -> Standard | None:
    """The Standard that a readout's name stands for; None if it is a name of the model's own."""
    if re.fullmatch(r"state_\d+", name):
        return attrs.evolve(STANDARD["state_l"], variables=f'"{name}.f"')
    return STANDARD.get(name)

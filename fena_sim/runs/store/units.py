"""Units of stored variables, from the model's declaration in the manifest, and how they are
written.
"""

import re

from brian2 import Quantity, get_or_create_dimension
from brian2.units.fundamentalunits import Dimension

from ...declare.model.equations import declared, parse

#: The base dimensions as Brian2 writes them, in the order of its exponents.
BASE = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candle")
_FACTOR = re.compile(r"(\w+)(?:\s*\*\*\s*(-?[\d.]+))?")


def unit_name(dimensions: Dimension) -> str:
    """SI units of recorded values as text, "1" for none."""
    return "1" if dimensions.is_dimensionless else repr(dimensions)


def exponents(units: str) -> tuple[float, ...]:
    """Exponents of m, kg, s, A, K, mol, cd in recorded units such as "metre ** 2 * second ** -1"
    (or "s", "1").
    """
    powers = dict.fromkeys(BASE, 0.0)
    if units in ("1", "s"):
        powers["second"] = float(units == "s")
        return tuple(powers.values())
    for factor in re.split(r"\s\*\s", units):
        name, power = _FACTOR.fullmatch(factor).groups()  # type: ignore[union-attr]  # Brian2 wrote it
        powers[name] += float(power or 1)
    return tuple(powers.values())


def symbol(units: str) -> str:
    """Recorded units in the symbols of the SI: "V", "Hz", "s"; "1" for none."""
    dimension = get_or_create_dimension(exponents(units))
    return (
        "1" if dimension.is_dimensionless else str(Quantity(1.0, dim=dimension)).removeprefix("1. ")
    )


def population_levels(model: dict) -> dict[str, int]:
    """{population: level} of a manifest's model; populations without a level are left out."""
    return {p["name"]: p["level"] for p in model["populations"] if p["level"] is not None}


def token_units(model: dict) -> dict[str, str]:
    """Units of what a manifest's model keeps for every token: {readout: units}."""
    populations = {p["name"]: p for p in model["populations"]}

    def dimension(path):
        name, _, variable = path.partition(".")
        owner = populations[name]
        if variable in owner["links"]:
            return dimension(owner["links"][variable])
        return declared(parse(owner["equations"], f"Population {name!r}"))[variable]

    return {
        "iterations": "1",
        "steps": "1",
        **{
            readout["name"]: unit_name(dimension(readout["variables"][0]))
            for readout in model["readouts"]
        },
    }


def token_levels(model: dict) -> dict[str, list[int]]:
    """Levels along the dimension of every readout of several populations: {readout: [level]}."""
    levels = population_levels(model)
    owners = {
        r["name"]: [path.partition(".")[0] for path in r["variables"]] for r in model["readouts"]
    }
    return {
        name: [levels[owner] for owner in of]
        for name, of in owners.items()
        if levels.keys() >= set(of)
    }

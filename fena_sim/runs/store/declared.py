"""The model of a stored run, declared again from the run's own manifest: no model file is needed,
or executed.
"""

import re
from typing import Any

from brian2 import Quantity
from brian2.units.fundamentalunits import DIMENSIONLESS, Dimension, get_or_create_dimension

from ...declare.measured.signal import Signal
from ...declare.model.connectivity import DistanceDependent, FixedInDegree, Pairs, Probability
from ...declare.model.hierarchy import Hierarchy, Settling
from ...declare.model.initial import Normal, Uniform
from ...declare.model.likelihood import Categorical, Gaussian
from ...declare.model.plasticity import Plasticity
from ...declare.model.population import Population
from ...declare.model.projection import Projection
from ...declare.model.readouts import Readout
from ...errors import RunFolderError

_TYPES = {
    kind.__name__: kind
    for kind in (
        Categorical,
        DistanceDependent,
        FixedInDegree,
        Gaussian,
        Hierarchy,
        Normal,
        Plasticity,
        Population,
        Probability,
        Projection,
        Readout,
        Settling,
        Signal,
        Uniform,
    )
}
#: A repr of Brian2's dimensions writes "amp" and "candela" where its constructor reads "ampere" and
#: "candle".
_BASES = {"amp": "ampere", "candela": "candle"}
#: Token events by their names in runs of ENGINE 1.
_EVENTS_OF_1 = {"onset": "blank_onset", "arrival": "onset"}
_TEXTS = ("name", "equations", "method", "description", "reference", "when")


def declared_model(manifest: dict) -> tuple[Hierarchy, list[str]]:
    """The Hierarchy that a run used; the inverse of `fena_sim.declare.canonical.canonical`.

    Parameters
    ----------
    manifest : dict
        Of a run.

    Returns
    -------
    model : Hierarchy
    left_out : list of str
        "owner.variable" of initial values that were given as arrays, of which a manifest holds only
        hashes.

    Raises
    ------
    RunFolderError
        If the manifest declares no model that this version of fena_sim knows.
    """
    left_out: list[str] = []
    try:
        model = _by_new_names(manifest["inputs"]) | {"likelihood": _likelihood(manifest)}
        declared = _declare(model, left_out)
        # meanings are no part of the inputs, and runs of earlier versions have none
        return declared.with_meanings(manifest.get("model", {}).get("meanings", {})), left_out
    except (
        Exception
    ) as error:  # whatever a manifest of another version, or an altered one, may hold
        raise RunFolderError(
            f"the manifest's model cannot be declared again: {type(error).__name__}: {error}",
            where=str(manifest.get("inputs_hash")),
            fix="use the version of fena_sim that made the run",
        ) from error


def declared_signals(manifest: dict) -> dict[str, Signal]:
    """The measured signals that a run's protocol declares, by name; of earlier versions none."""
    declared = manifest["inputs"]["protocol"].get("measured", {})
    return {name: value_of(signal) for name, signal in declared.items()}


def likelihood_of(manifest: dict) -> Gaussian | Categorical | None:
    """The likelihood of level 0 that a run's model declares; None if it declares none.

    Runs of version 0.1.0 declare none. Where the model keeps a "prediction" and no "probability" it
    is Gaussian, as the formula was then; of any other it is not known.
    """
    found = _likelihood(manifest)
    return None if found is None else _declare(found, [])


def _likelihood(manifest):
    model = manifest["inputs"]["model"]
    if "likelihood" in model:
        return model["likelihood"]
    names = {readout["name"] for readout in model["readouts"]}
    gaussian = "prediction" in names and "probability" not in names
    return {"type": Gaussian.__name__} if gaussian else None


def _by_new_names(inputs):
    """The model of a run's inputs, with the names that token events and readouts have since ENGINE 2."""
    model = inputs["model"]
    if inputs.get("engine", 1) > 1:
        return model
    return model | {
        "populations": [
            p | {"on": {_EVENTS_OF_1.get(event, event): code for event, code in p["on"].items()}}
            for p in model["populations"]
        ],
        "readouts": [
            r | {"when": "before_onset" if r["when"] == "arrival" else r["when"]}
            for r in model["readouts"]
        ],
    }


def _declare(data, left_out):
    fields = {}
    for name, value in data.items():
        if name == "type":
            continue
        if name in ("initial", "parameters", "signals"):
            known = {key: v for key, v in value.items() if not _is_array(v)}
            left_out += [f"{data['name']}.{key}" for key in value if key not in known]
            fields[name] = {key: value_of(v, left_out) for key, v in known.items()}
        else:
            fields[name] = value if name in _TEXTS else value_of(value, left_out)
    if data["type"] == Pairs.__name__ or any(map(_is_array, fields.values())):
        raise LookupError(
            "pairs, delays or positions are arrays, of which a manifest has only hashes"
        )
    return _TYPES[data["type"]](**fields)


def _is_array(value):
    return isinstance(value, dict) and set(value) == {"array"}


def value_of(value: object, left_out: list[str] | None = None) -> Any:
    """What stood in a field of a canonical declaration: a declaration, a quantity, a number or a
    name.
    """
    if isinstance(value, list):
        return [value_of(v, left_out) for v in value]
    if isinstance(value, str):
        return _number(value)
    if not isinstance(value, dict):
        return value
    if "type" in value:
        return _declare(value, left_out)
    if set(value) == {"dimensions", "value"}:
        return Quantity(float(value["value"]), dim=dimensions_of(value["dimensions"]))
    return {
        key: v if isinstance(v, str) else value_of(v, left_out) for key, v in value.items()
    }  # links and statements


def _number(text):
    """A float that was written as text; any other text, e.g. a condition, stays."""
    return float(text) if re.fullmatch(r"-?(\d+\.\d*|\d*\.?\d+e[-+]?\d+|inf|nan)", text) else text


def dimensions_of(text: str) -> Dimension:
    """The physical dimensions that a repr of Brian2 writes, e.g. "metre ** 2 * second ** -1"."""
    if text == "Dimension()":
        return DIMENSIONLESS
    powers = {}
    for factor in text.split(" * "):
        base, _, power = factor.partition(" ** ")
        powers[_BASES.get(base, base)] = float(power or 1)
    return get_or_create_dimension(**powers)


def probe_owners(protocol: dict, block: str) -> dict[str, str]:
    """{name of a probe: population or projection that it records}, of a block of a manifest's
    protocol.
    """
    probes: list = next((b["probes"] for b in protocol["blocks"] if b["name"] == block), [])
    return {probe.get("name") or probe["population"]: probe["population"] for probe in probes}

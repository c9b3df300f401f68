"""The inputs of a run as plain JSON with a hash: declarations, quantities, arrays, code texts."""

import hashlib
import json
from collections.abc import Mapping
from numbers import Real
from typing import Any, TypeAlias

import attrs
import numpy as np
import pandas as pd
from brian2 import Quantity, TimedArray

from .model.hierarchy import Hierarchy
from .protocol.course import Course

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def canonical(value: Any, structure_only: bool = False) -> Json:
    """`value` as JSON-able data that two equal inputs share.

    With `structure_only`, the values of parameters and the initial values are left out: what
    remains decides the generated code.
    """
    if isinstance(value, Quantity) and value.shape == ():
        return {"value": repr(float(value)), "dimensions": repr(value.dim)}
    if isinstance(value, Course):
        return {"course": value.digest}
    if isinstance(value, TimedArray):
        return {"samples": canonical(np.asarray(value.values)), "dt": repr(float(value.dt))}
    if isinstance(value, (np.ndarray, pd.DataFrame)):
        return {"array": _array_hash(value)}
    if attrs.has(type(value)):
        skip = {"initial"} if structure_only else set()
        fields = {
            f.name: _given(value, f)
            for f in attrs.fields(type(value))
            if f.name not in skip and _hashed(f, value)
        }
        for given in {"parameters", "signals"} & set(fields) if structure_only else ():
            fields[given] = {
                n: 0 * v if isinstance(v, Quantity) else 0 for n, v in fields[given].items()
            }
        if structure_only and isinstance(value, Hierarchy) and fields["settling"] is not None:
            fields["settling"] = attrs.evolve(
                fields["settling"], tolerance=0 * fields["settling"].tolerance
            )
        return {
            "type": type(value).__name__,
            **{n: canonical(v, structure_only) for n, v in fields.items()},
        }
    if isinstance(value, Mapping):
        return {str(k): canonical(v, structure_only) for k, v in sorted(value.items())}
    if isinstance(value, (list, tuple)):
        return [canonical(v, structure_only) for v in value]
    if isinstance(value, (np.floating, float)):
        return repr(float(value))
    if isinstance(value, (np.integer, np.bool_)):
        return value.item()
    if isinstance(value, Real) and not isinstance(value, int):
        return repr(float(value))
    if callable(value):
        return "function"  # a control signal: a run's hash holds the values that it gave
    return value


def _hashed(field, value):
    """Whether a field is part of what two equal inputs share. Those that came later, "if given", are
    not where they have their default: the runs of before keep their names.
    """
    rule, default = field.metadata.get("hashed", True), field.default
    if rule != "if given":
        return rule
    given = getattr(value, field.name)
    return given is not None and (default is None or given != default)


def _given(value, field):
    """The value of a field, or what its None stands for."""
    given = getattr(value, field.name)
    return field.metadata.get("none") if given is None else given


def digest(data: Json) -> str:
    """SHA-256 of canonical data, 32 hexadecimal digits."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:32]


def _array_hash(value):
    if isinstance(value, pd.DataFrame):
        return hashlib.sha256(value.to_csv(index=False).encode()).hexdigest()[:32]
    array = np.ascontiguousarray(value)
    return hashlib.sha256(f"{array.dtype}{array.shape}".encode() + array.tobytes()).hexdigest()[:32]

"""Arguments checked by their annotations, so that a wrong one gets one clear error before it is used."""

import collections.abc
import functools
import inspect
import os
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

import attrs
import numpy as np
from brian2 import Quantity
from brian2.units.fundamentalunits import have_same_dimensions

from ..errors import FenaError, clipped, nearest
from .sequence import check_order

T = TypeVar("T", bound=Callable)

#: What an argument of a type is called, with an example.
PHRASES = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    Path: "a path",
    Quantity: "a quantity, e.g. 48*ms",
    np.ndarray: "an array of numbers",
    types.NoneType: "None",
    collections.abc.Callable: "a function",
}
NUMBERS = (int, float, bool)


def checked(error: type[FenaError]) -> Callable[[T], T]:
    """Decorator of a function, or of an attrs class, that refuses arguments of a wrong type.

    What an annotation asks for is what the code can use: a number may be NumPy's, a path a str, a
    tuple a list, an array whatever NumPy makes one of, a quantity one without a unit (whose error
    says more when the unit is checked).

    Parameters
    ----------
    error : type
        Class of the error that is raised: where an argument is missing or unknown, or has a wrong
        type.
    """

    def decorate(thing):
        if isinstance(thing, type):
            thing.__init__ = _checking(thing.__init__, error, thing.__name__, thing)
            return thing
        return _checking(thing, error, thing.__qualname__)

    return decorate


def _checking(function, error, name, owner=None):
    signature = inspect.signature(function)

    @functools.lru_cache(maxsize=1)
    def hints():
        found = typing.get_type_hints(function)
        if owner is not None:  # a field whose converter has no annotation has its own
            fields = {field.alias: field.type for field in attrs.fields(owner)}
            found = {**fields, **found}
        return found

    @functools.wraps(function)
    def call(*args, **kwargs):
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as problem:
            unknown = [key for key in kwargs if key not in signature.parameters]
            names = [key for key in signature.parameters if key not in ("self", "cls")]
            fix = nearest(unknown[0], names) if unknown else f"its arguments are {', '.join(names)}"
            raise error(f"{name}: {problem}", where=f"{name}(...)", fix=fix) from None
        for key, value in bound.arguments.items():
            parameter, hint = signature.parameters[key], hints().get(key, Any)
            if parameter.kind is parameter.VAR_KEYWORD:
                hint = Mapping[str, hint]
            elif parameter.kind is parameter.VAR_POSITIONAL:
                hint = Sequence[hint]
            if _keeps_order(hint):
                check_order(value, key, f"{name}({key}=...)", error)
            wrong = None if value is parameter.default else _wrong(key, value, hint)
            if wrong is None and hint is not Any and isinstance(value, collections.abc.Iterator):
                check_order(value, key, f"{name}({key}=...)", error)
                value = bound.arguments[key] = list(value)  # it serves only once
                wrong = _wrong(key, value, hint)
            if wrong is not None:
                which, found, expected = wrong
                named = bound.arguments.get("name") if key != "name" else None
                others = f"name={named!r}, " if isinstance(named, str) else ""
                raise error(
                    f"{which} is {clipped(found)}, of type {type(found).__name__}",
                    where=f"{name}({others}{key}=...)",
                    fix=f"give {_phrase(expected)}",
                )
        return function(*bound.args, **bound.kwargs)

    return call


def _keeps_order(hint):
    """Whether an argument of a type is a sequence, in the order of its elements."""
    origin, inside = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_keeps_order(one) for one in inside)
    return origin in (list, tuple, collections.abc.Sequence, collections.abc.Iterable)


def _wrong(name, value, hint):
    """None if `value` is of a type; else (its name, value, type), of the element that is not."""
    origin, inside = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        deeper = None
        for one in inside:
            wrong = _wrong(name, value, one)
            if wrong is None:
                return None
            deeper = deeper or (wrong if wrong[0] != name else None)
        return deeper or (name, value, hint)
    if not _is(value, origin, inside):
        return name, value, hint
    if not inside or inside == ((),):
        return None
    elements = ()
    if isinstance(value, Mapping) and len(inside) == 2:
        keys = ((f"the key {clipped(key)} of {name}", key, inside[0]) for key in value)
        values = ((f"{name}[{clipped(key)}]", one, inside[1]) for key, one in value.items())
        elements = [*keys, *values]
    elif isinstance(value, collections.abc.Collection) and inside[0] not in NUMBERS:
        fixed = origin is tuple and inside[-1] is not Ellipsis
        hints_ = inside if fixed else inside[:1] * len(value)
        right = () if fixed else _right_by_type(inside[0])
        elements = (
            (f"{name}[{i}]", one, hint)
            for i, (one, hint) in enumerate(zip(value, hints_))
            if not isinstance(one, right)
        )
    return next((wrong for each in elements if (wrong := _wrong(*each))), None)


def _right_by_type(hint):
    """Texts and None, where a type takes them: of these no single one need be looked at. A stream of
    tokens has many thousands.
    """
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    taken = typing.get_args(hint) if union else (hint,)
    return tuple(kind for kind in (str, types.NoneType) if kind in taken)


def _is(value, kind, inside):
    """Whether a value can stand for one of a type without its parameters."""
    if kind in (Any, object) or isinstance(kind, TypeVar) or getattr(kind, "_is_protocol", False):
        return True
    if kind is typing.Literal:
        return value in inside
    if kind in NUMBERS:
        return _is_number(value, kind)
    if kind is Path:
        return isinstance(value, (str, os.PathLike))
    if kind is Quantity:
        return isinstance(value, (Real, np.ndarray)) and is_array(value)
    if kind is np.ndarray:
        return is_array(value)
    if kind in (list, tuple, collections.abc.Sequence, collections.abc.Iterable):
        if isinstance(value, str):
            return kind is collections.abc.Iterable and inside in ((), (str,), (str | None,))
        if kind is tuple and inside and inside[-1] is not Ellipsis:
            return isinstance(value, (list, tuple)) or bool(
                isinstance(value, np.ndarray) and value.ndim
            )
        of_numbers = bool(inside) and inside[0] in NUMBERS
        return is_array(value) if of_numbers else _is_iterable(value)
    if kind is dict:
        return isinstance(value, Mapping)
    if kind is collections.abc.Callable:
        return callable(value)
    if not isinstance(kind, type):
        return True
    stand_in = getattr(kind, "STAND_IN", None)
    return isinstance(value, kind) or bool(stand_in and callable(getattr(value, stand_in, None)))


def _is_number(value, kind):
    if isinstance(value, np.ndarray) and value.ndim == 0 and have_same_dimensions(value, 1):
        value = value[()] if not isinstance(value, Quantity) else float(value)
    if kind is bool:
        return isinstance(value, (bool, np.bool_)) or (
            isinstance(value, Integral) and value in (0, 1)
        )
    if kind is int:
        return isinstance(value, Integral)
    try:
        return isinstance(value, (Real, np.bool_)) and float(value) is not None
    except OverflowError:  # beyond 1e308
        return False


def is_array(value: object) -> bool:
    """Whether a value is a number, a quantity, an array of them, or what NumPy makes one of."""
    if isinstance(value, (str, bytes, Mapping, set, frozenset)):
        return False
    try:
        # One on disk is not read.
        array: Any = value if hasattr(value, "dtype") else np.asarray(value)
        if array.dtype.kind != "O":
            return array.dtype.kind in "biuf"
        elements = array.ravel().tolist()  # such as truth values in a column with gaps elsewhere
        np.asarray(elements, dtype=float)
        return all(isinstance(element, (Real, np.bool_)) for element in elements)
    except Exception:  # whatever an object's own conversion raises
        return False


def _is_iterable(value):
    try:
        iter(value)
    except Exception:  # whatever an object's own iterator raises
        return False
    return not isinstance(value, bytes)


def _phrase(hint):
    """What a message calls a value of a type."""
    origin, inside = typing.get_origin(hint) or hint, typing.get_args(hint)
    if hint in PHRASES:
        return PHRASES[hint]
    if origin in PHRASES:
        return PHRASES[origin]
    if origin in (typing.Union, types.UnionType):
        phrases = dict.fromkeys(_phrase(one) for one in inside if one is not types.NoneType)
        return " or ".join(phrases)
    if origin is typing.Literal:
        return " or ".join(map(repr, inside))
    if origin in (dict, collections.abc.Mapping):
        values = inside[1] if inside else Any
        return "a dict" + ("" if values is Any else f", each value {_phrase(values)}")
    if origin is tuple and inside and inside[-1] is not Ellipsis:
        return f"({', '.join(_phrase(one).partition(',')[0] for one in inside)})"
    if isinstance(origin, type) and issubclass(origin, collections.abc.Iterable) and inside:
        return f"a list, each element {_phrase(inside[0])}"
    if isinstance(origin, type) and issubclass(origin, collections.abc.Iterable):
        return "a list"
    return f"a {getattr(origin, '__name__', origin)}"

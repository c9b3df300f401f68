"""`--set key=value` on the command line: values with units, and where each key goes."""

import ast
import itertools
import operator
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs
import brian2
import numpy as np
from brian2 import Quantity, have_same_dimensions

from ..declare.model.hierarchy import Hierarchy
from ..errors import DeclarationError
from .model_file import load_model
from .user_file import load_file, options_of

_OPERATORS = {
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


@attrs.define
class Settings:
    """What was set: keyword options of the protocol file and of the model file, and model
    parameters.
    """

    protocol: dict = attrs.Factory(dict)
    model: dict = attrs.Factory(dict)
    parameters: dict = attrs.Factory(dict)


def parse_settings(texts: Iterable[str]) -> Settings:
    """Settings from texts "key=value". Keys "protocol.NAME" and "model.NAME" go to those files'
    functions.
    """
    settings = Settings()
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key.isascii() or not key.isprintable() or not key:
            raise DeclarationError(
                f"{_clipped(text)} is not key=value",
                where="--set",
                fix="write e.g. --set level.2.tau=20*ms",
            )
        owner, _, name = key.partition(".")
        where = {"protocol": settings.protocol, "model": settings.model}.get(owner)
        if where is None:
            settings.parameters[key] = parse_value(value, f"--set {key}")
        else:
            where[name] = parse_value(value, f"--set {key}")
    return settings


def set_model(
    path: str | Path, input_size: int, options: Mapping, parameters: Mapping
) -> Hierarchy:
    """The model of a file for a vocabulary, with its options and all parameters set.

    Raises
    ------
    DeclarationError
        If `options` has an input size: the vocabulary decides it.
    FenaError
        As `load_model` and `apply_parameters` do.
    """
    if "input_size" in options:
        raise DeclarationError(
            f"the input size is that of the protocol's vocabulary, {input_size} units",
            where=f"option input_size of {path}",
            fix="leave it out, or set what gives the protocol another vocabulary",
        )
    return apply_parameters(load_model(path, input_size, **options), parameters)


def apply_parameters(model: Hierarchy, parameters: Mapping) -> Hierarchy:
    """The model with all parameters set."""
    return model.with_parameters(parameters) if parameters else model


def protocol_options(path: str | Path, options: Mapping, **of_run: int) -> dict:
    """The options of a protocol file, with the network's seed and batch where the file takes them
    and none were set.
    """
    function = getattr(load_file(path, "protocol"), "protocol", None)
    taken = options_of(function, f"protocol() of {path}") if callable(function) else ()
    return {**{name: value for name, value in of_run.items() if name in taken}, **options}


def parse_value(text: str, where: str = "value") -> object:
    """A number, quantity ("20*ms", "3e-5/ms"), text in quotes, tuple, None, True or False, or else
    the text itself.

    Arithmetic is bounded before it is done: every result is finite and below 1e308, a tuple or text
    made by it has at most MOST elements, and exponents of units are at most 100.

    Parameters
    ----------
    text : str
    where : str
        What the value is given to, for messages.

    Raises
    ------
    DeclarationError
        If it is empty, no Unicode text, nested too deeply, or arithmetic that gives no such value.
    """
    text = text.strip()
    try:
        return _evaluate(_parsed(text))
    except _NotAValue:
        return text
    except _Refused as refused:
        what, fix = refused.args
        raise DeclarationError(f"{_clipped(text)} {what}", where=where, fix=fix) from None
    except (MemoryError, RecursionError):
        raise DeclarationError(
            f"{_clipped(text)} is nested too deeply", where=where, fix=NUMBER
        ) from None
    except (brian2.DimensionMismatchError, ArithmeticError, TypeError, ValueError) as error:
        raise DeclarationError(
            f"{_clipped(text)} cannot be evaluated: {error}", where=where, fix=NUMBER
        ) from error


#: Elements of a tuple, or characters of a text, that arithmetic may make.
MOST = 10_000
#: Larger numbers do not fit a float.
LARGEST = 10**308
#: Exponents that a unit may have.
UNIT_EXPONENT = 100
#: Brackets inside brackets, and digits in a row, that Python's parser takes are twice as many.
DEEPEST, DIGITS = 100, 2000
NUMBER = "write a number with its unit, e.g. 20*ms"
TEXT = 'a text is written as it is, or in plain quotes: "text"'


class _NotAValue(Exception):
    """The text is a name or anything else that is not arithmetic on numbers and units."""


class _Refused(Exception):
    """The text is meant as a value, and is none: (what, fix)."""


def _clipped(text):
    """A text in quotes; the beginning of a long one."""
    return repr(text) if len(text) <= 60 else f"{text[:57]!r}... ({len(text)} characters)"


def _parsed(text):
    """The syntax tree of a value."""
    if not text:
        raise _Refused("is no value", 'write key=VALUE, or key="" for an empty text')
    _check_text(text)
    try:
        with warnings.catch_warnings():  # Python's, about a text that is not meant as Python
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except SyntaxError:
        depth = itertools.accumulate((c in "([{") - (c in ")]}") for c in text)
        if max(depth) > DEEPEST:
            raise RecursionError from None
        if re.search(rf"[0-9_]{{{DIGITS}}}", text):
            raise _Refused("is too large a number", "give less than 1e308") from None
        raise _NotAValue from None


def _check_text(text):
    """Refuse what neither a file nor a terminal can hold."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise _Refused("holds bytes that are no text", "write it in UTF-8, without NUL")


def _evaluate(node):
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            _check_text(node.value)
        return _finite(node.value)
    if isinstance(node, (ast.Tuple, ast.List)):
        return tuple(_evaluate(element) for element in node.elts)
    if isinstance(node, ast.Name):
        return _named(node.id)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _evaluate(node.left), _evaluate(node.right)
        _check_bounds(node.op, left, right)
        with np.errstate(all="ignore"):
            value = _OPERATORS[type(node.op)](left, right)
        return _finite(Quantity(value) if isinstance(value, Quantity) else value)
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_evaluate(node.operand))
    if isinstance(node, ast.JoinedStr):
        raise _Refused("is an f-string, and nothing is filled in here", TEXT)
    raise _NotAValue


def _named(name):
    """The unit of a name."""
    if name.lower() in ("nan", "inf", "infinity"):
        raise _Refused(f"holds {name}, which is no finite number", NUMBER)
    unit = getattr(brian2, name, None)
    if isinstance(unit, Quantity):
        return unit
    raise _NotAValue


def _check_bounds(op, left, right):
    """Refuse an operation whose result would be too large, before it is made."""
    if isinstance(op, ast.Pow):
        if not all(isinstance(value, (int, float, Quantity)) for value in (left, right)):
            raise _Refused("has a power of something else than numbers", NUMBER)
        if not have_same_dimensions(right, 1):
            raise _Refused(f"has the exponent {right}, which has a unit", NUMBER)
        if not have_same_dimensions(left, 1) and abs(right) > UNIT_EXPONENT:
            raise _Refused(f"has a unit with the exponent {right:g}", NUMBER)
        if isinstance(left, int) and isinstance(right, int):
            if (abs(left).bit_length() - 1) * right > LARGEST.bit_length():
                raise _Refused("is too large a number", "give less than 1e308")
    size = sum(_size(value) for value in (left, right) if isinstance(value, (tuple, str)))
    if isinstance(op, ast.Mult):
        size *= max([1, *(value for value in (left, right) if isinstance(value, int))])
    if size > MOST:
        raise _Refused(f"makes more than {MOST} elements", "give fewer values")


def _size(value):
    """Values in a tuple and in those inside it, or characters of a text."""
    if isinstance(value, tuple):
        return 1 + sum(map(_size, value))
    return len(value) if isinstance(value, str) else 1


def _finite(value):
    """The value, unless it is no finite real number where it is a number."""
    if value is None or isinstance(value, (bool, str, tuple)):
        return value
    if isinstance(value, int) and abs(value) > LARGEST:
        raise _Refused("is too large a number", "give less than 1e308")
    if isinstance(value, complex) or not isinstance(value, (int, float, Quantity)):
        raise _Refused(f"holds {value!r}, which is no real number", f"{NUMBER}; {TEXT}")
    if not np.isfinite(np.asarray(value, dtype=float)).all():
        raise _Refused("is no finite number", "give less than 1e308")
    return value

"""`--set key=value` on the command line: values with units, and where each key goes."""

import ast
import inspect
import operator
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs
import brian2
from brian2 import Quantity

from ..declare.model.hierarchy import Hierarchy
from ..errors import DeclarationError
from .user_file import load_file

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
        if not equals or not key:
            raise DeclarationError(
                f"--set {text!r} is not key=value", fix="write e.g. --set level.2.tau=20*ms"
            )
        owner, _, name = key.partition(".")
        where = {"protocol": settings.protocol, "model": settings.model}.get(owner)
        if where is None:
            settings.parameters[key] = parse_value(value, f"--set {key}")
        else:
            where[name] = parse_value(value, f"--set {key}")
    return settings


def apply_parameters(model: Hierarchy, parameters: Mapping) -> Hierarchy:
    """The model with all parameters set."""
    for key, value in parameters.items():
        model = model.with_parameter(key, value)
    return model


def protocol_options(path: str | Path, options: Mapping, **of_run: int) -> dict:
    """The options of a protocol file, with the network's seed and batch where the file takes them
    and none were set.
    """
    function = getattr(load_file(path, "protocol"), "protocol", None)
    taken = inspect.signature(function).parameters if callable(function) else ()
    return {**{name: value for name, value in of_run.items() if name in taken}, **options}


def parse_value(text: str, where: str = "value") -> object:
    """A number, quantity ("20*ms", "3e-5/ms"), tuple, True/False, or else the text itself."""
    try:
        return _evaluate(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, _NotAValue):
        return text.strip()
    except (brian2.DimensionMismatchError, ZeroDivisionError, TypeError) as error:
        raise DeclarationError(
            f"{text!r} cannot be evaluated: {error}",
            where=where,
            fix="write a number with units, e.g. 20*ms",
        ) from error


class _NotAValue(Exception):
    """The text is a name or anything else that is not arithmetic on numbers and units."""


def _evaluate(node):
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.Tuple, ast.List)):
        return tuple(_evaluate(element) for element in node.elts)
    if isinstance(node, ast.Name):
        unit = getattr(brian2, node.id, None)
        if isinstance(unit, Quantity):
            return unit
        raise _NotAValue
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        value = _OPERATORS[type(node.op)](_evaluate(node.left), _evaluate(node.right))
        return Quantity(value) if isinstance(value, Quantity) else value
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_evaluate(node.operand))
    raise _NotAValue

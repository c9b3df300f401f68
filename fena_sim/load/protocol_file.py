"""Reading a protocol file: a Python file with ``protocol()`` and, optionally, ``summary(runs)``."""

import inspect
import os
from collections.abc import Callable
from pathlib import Path

import attrs

from ..declare.arguments import checked
from ..declare.protocol.protocol import Protocol
from ..errors import ProtocolError
from .user_file import call_with, load_file, options_of


@attrs.frozen
class ProtocolFile:
    """What a protocol file offers: the experiment, its default model, and what it reports.

    Attributes
    ----------
    path : str or Path
        As it was given.
    protocol : Protocol
        With all options that ``protocol()`` was called with, defaults included.
    model : str or None
        Path of the model file that the protocol is meant for: ``MODEL`` in the file. A relative one
        is relative to the protocol file's folder, and ~ stands for the user's home.
    summary : callable or None
        ``summary(runs)`` returns the numbers that a list of finished runs (one per network) amounts
        to.
    """

    path: str | Path
    protocol: Protocol
    model: str | None
    summary: Callable | None


@checked(ProtocolError)
def load_protocol(path: str | Path, /, **options: object) -> ProtocolFile:
    """Read a protocol file.

    The file is Python and is executed afresh, and so are the modules that it imports from its own
    folder: it can do whatever you can. (:func:`fena_sim.open_run` executes nothing.)

    Parameters
    ----------
    path : str or Path
        A file that defines ``protocol(**options)``.
    options
        Keyword arguments of the file's ``protocol``.

    Returns
    -------
    ProtocolFile

    Raises
    ------
    ProtocolError
        If the file defines no ``protocol``, that does not return a Protocol, or ``MODEL`` is no path.
    UnknownNameError
        If there is no such file, ``protocol`` has no such option, or the file imports what is
        neither beside it nor installed.
    DeclarationError
        If the file stops with an error.
    """
    module = load_file(path, "protocol")
    fix = "define protocol() and return a fena_sim.Protocol"
    if not callable(getattr(module, "protocol", None)):
        raise ProtocolError("the file defines no function protocol()", where=str(path), fix=fix)
    place = f"protocol() of {path}"
    protocol = call_with(module.protocol, options, place)
    if not isinstance(protocol, Protocol):
        raise ProtocolError(
            f"protocol() returned {type(protocol).__name__}, not a Protocol",
            where=str(path),
            fix=fix,
        )
    declared = options_of(module.protocol, place).items()
    options = {**{name: p.default for name, p in declared if p.default is not p.empty}, **options}
    return ProtocolFile(
        path=path,
        protocol=attrs.evolve(protocol, options=options),
        summary=getattr(module, "summary", None),
        model=_model_path(getattr(module, "MODEL", None), Path(inspect.getfile(module))),
    )


def model_of(file: ProtocolFile, model: str | Path | None = None) -> str | Path:
    """The model file that a protocol runs on: the given one, else its own. ProtocolError without one."""
    chosen = model or file.model
    if chosen is None:
        raise ProtocolError(
            "no model was given, and the protocol file names none",
            where=str(file.path),
            fix="add --model models/fena.py",
        )
    return chosen


def _model_path(model, file):
    """Path of the model file that a protocol file names."""
    if model is None:
        return None
    text = os.fspath(model) if isinstance(model, os.PathLike) else model
    if not isinstance(text, str) or not text:
        raise ProtocolError(
            f"MODEL is {model!r}, not the path of a model file",
            where=str(file),
            fix='write MODEL = "my_model.py", relative to this file',
        )
    try:
        return str(file.parent / Path(text).expanduser())
    except RuntimeError as error:
        raise ProtocolError(
            f"MODEL is {model!r}: {error}", where=str(file), fix="write the whole path"
        ) from error

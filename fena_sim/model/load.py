"""Reading a model file: a Python file with ``hierarchy(input_size=...)`` that returns a Hierarchy."""

import importlib.util
import inspect
import sys
from pathlib import Path

from ..declare.model.hierarchy import Hierarchy
from ..errors import DeclarationError, FenaError, UnknownNameError, nearest


def load_file(path, kind):
    """Execute a Python file by path and return its module. Files beside it can be imported by name."""
    path = Path(path).resolve()
    if not path.is_file():
        near = [p.name for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise UnknownNameError(
            f"there is no {kind} file {path.name!r}", where=str(path), fix=nearest(path.name, near)
        )
    if path.suffix != ".py":
        raise DeclarationError(
            "this is not a Python file", where=str(path), fix=f"give a {kind} file, NAME.py"
        )
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except FenaError:
        raise
    except Exception as error:
        raise DeclarationError(
            f"the {kind} file cannot be read: {type(error).__name__}: {error}",
            where=str(path),
            fix="run it with python to see where it stops",
        ) from error
    finally:
        sys.path.remove(str(path.parent))
    return module


def call_with(function, options, where):
    """Call a file's `function` with the given keyword options; an unknown one names the nearest."""
    accepted = inspect.signature(function).parameters
    for name in options:
        if name not in accepted:
            raise UnknownNameError(
                f"{name!r} is not an option here", where=where, fix=nearest(name, accepted)
            )
    try:
        return function(**options)
    except FenaError:
        raise
    except Exception as error:
        raise DeclarationError(
            f"stopped with {type(error).__name__}: {error}",
            where=where,
            fix="run the file with python to see where it stops",
        ) from error


def load_model(path, /, input_size=None, **options):
    """The Hierarchy declared by a model file.

    Parameters
    ----------
    path : str or Path
        A file that defines ``hierarchy(input_size=..., **options)``.
    input_size : int, optional
        Number of input units, i.e. the vocabulary's code length; the file's default if left out.
    options
        Further keyword arguments of the file's ``hierarchy``.

    Raises
    ------
    DeclarationError
        If the file does not define ``hierarchy`` or that does not return a Hierarchy.
    """
    module = load_file(path, "model")
    function = getattr(module, "hierarchy", None)
    fix = "define hierarchy(input_size=16) and return a fena_sim.Hierarchy"
    if not callable(function):
        raise DeclarationError("the file defines no function hierarchy()", where=str(path), fix=fix)
    if input_size is not None:
        options["input_size"] = int(input_size)
    model = call_with(function, options, f"hierarchy() of {path}")
    if not isinstance(model, Hierarchy):
        raise DeclarationError(
            f"hierarchy() returned {type(model).__name__}, not a Hierarchy",
            where=str(path),
            fix=fix,
        )
    return model

"""Reading a model file: a Python file with ``hierarchy(input_size=...)`` that returns a Hierarchy."""

from pathlib import Path

from ..declare.arguments import checked
from ..declare.model.hierarchy import Hierarchy
from ..errors import DeclarationError
from .user_file import call_with, load_file


@checked(DeclarationError)
def load_model(path: str | Path, /, input_size: int | None = None, **options: object) -> Hierarchy:
    """The Hierarchy declared by a model file.

    The file is Python and is executed afresh, and so are the modules that it imports from its own
    folder: it can do whatever you can. (:func:`fena_sim.open_run` executes nothing.)

    Parameters
    ----------
    path : str or Path
        A file that defines ``hierarchy(input_size=..., **options)``.
    input_size : int, optional
        Number of input units, i.e. the vocabulary's code length; the file's default if left out.
    options
        Further keyword arguments of the file's ``hierarchy``.

    Returns
    -------
    Hierarchy

    Raises
    ------
    UnknownNameError
        If there is no such file, ``hierarchy`` has no such option, or the file imports what is
        neither beside it nor installed.
    DeclarationError
        If the file stops with an error, does not define ``hierarchy``, or that does not return a
        Hierarchy.
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

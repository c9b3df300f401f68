"""One exception tree. Every message says what is wrong, where it was declared, and how to fix it.

Each class also inherits from the built-in exception a Python programmer would expect, so that
``except ValueError`` keeps working (a habit taken from Nengo).
"""

import reprlib
from collections.abc import Iterable
from difflib import get_close_matches


class FenaError(Exception):
    """Base of every error that fena_sim raises on purpose.

    Parameters
    ----------
    what : str
        What is wrong, in one sentence.
    where : str, optional
        The declaration, file or folder in which it was found.
    fix : str, optional
        What the user can do about it.
    """

    def __init__(self, what: str, where: str | None = None, fix: str | None = None) -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(_message(what, where, fix))

    def __str__(self):  # KeyError would print the repr of its message
        return self.args[0]


class FenaWarning(UserWarning):
    """What a user should know of a result that is given all the same; parameters as of FenaError."""

    def __init__(self, what: str, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(_message(what, where, fix))


class StimulusWarning(FenaWarning):
    """A text can be used, but some of it is lost."""


class RunFolderWarning(FenaWarning):
    """A run without checksums lacks a file that may never have been written."""


def _message(what, where, fix):
    lines = [what]
    if where:
        lines.append(f"  where: {where}")
    if fix:
        lines.append(f"  fix:   {fix}")
    return "\n".join(lines)


class DeclarationError(FenaError, ValueError):
    """A population, projection, plasticity rule or hierarchy is declared wrongly."""


class UnitError(DeclarationError):
    """A quantity has the wrong physical dimensions."""


class UnknownNameError(DeclarationError, KeyError):
    """A name that does not exist was used."""


class LocalityError(DeclarationError):
    """A plasticity rule reads something that its synapse cannot know."""


class StimulusError(FenaError, ValueError):
    """A vocabulary, token sequence or text cannot be used."""


class ProtocolError(FenaError, ValueError):
    """A block, pace, control signal or probe is declared wrongly."""


class ResourceError(FenaError, OSError):
    """What was asked for does not fit the memory or the disk."""


class DeviceError(FenaError, RuntimeError):
    """A device is not available or its build failed."""


class RunFolderError(FenaError, RuntimeError):
    """A run folder belongs to other inputs or cannot be used."""


class CheckpointError(FenaError, RuntimeError):
    """A checkpoint is truncated, altered or missing."""


class NonFiniteError(FenaError, ArithmeticError):
    """A state or weight became NaN or infinite during a run."""


_short = reprlib.Repr()
_short.maxother = _short.maxstring = 60
_short.maxtuple = _short.maxlist = _short.maxdict = 4


def clipped(value: object) -> str:
    """A value as a message shows it: its repr on one line, cut where it is long; an array's shape."""
    shape = getattr(value, "shape", ())
    if isinstance(shape, tuple) and shape:
        return f"an array of shape {shape}"
    try:
        text = " ".join(_short.repr(value).split())
    except Exception:  # whatever an object's own repr raises; Python's, of a number of 5,000 digits
        text = f"of type {type(value).__name__}"
    return text.encode("utf-8", "backslashreplace").decode()


def nearest(name: object, options: Iterable[object]) -> str:
    """A hint that names the closest existing option, for the ``fix`` of an error message."""
    known = sorted(str(o) for o in options)
    close = get_close_matches(str(name), known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}? (known: {', '.join(known)})"
    return f"known names: {', '.join(known) or 'none'}"

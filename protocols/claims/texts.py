"""English texts that come with every Python, and how C24 divides them."""

import ast
import sysconfig
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from fena_sim import FenaError
from fena_sim.stimulus import text

#: Characters of a text: what the longest training reads, and what follows it.
TRAINING, TEST, VALIDATION = 100_000, 3000, 5000
#: Training of the networks that are compared.
PASS = 20_000
#: With docstrings in them; what begins with a doctest's marks is no prose.
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
DOCTEST = (">>>", "...")


@cache
def documentation():
    """Stream of the default text: Python's language reference (pydoc_data.topics)."""
    return text(characters=characters())


@cache
def docstrings():
    """Stream of the docstrings of the standard library: those of every module file directly in its
    folder whose name does not begin with "_", in the order of names and, inside a file, of the
    syntax tree (`ast.walk`); without lines of doctests.

    Raises FenaError if this Python comes without its sources.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    found = []
    for path in sorted(folder.glob("[!_]*.py")):
        if sum(map(len, found)) > 2 * characters():  # folding shortens a text by less than that
            break
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, DOCUMENTED):
                lines = (ast.get_docstring(node) or "").splitlines()
                found += [line for line in lines if not line.lstrip().startswith(DOCTEST)]
    if not found:
        raise FenaError(
            "this Python comes without the sources of its standard library",
            where=str(folder),
            fix="use a Python that has them",
        )
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "docstrings.txt"
        path.write_text("\n".join(found), encoding="utf-8")
        return text(path, characters=characters())


TEXTS = {"documentation": documentation, "docstrings": docstrings}


def characters():
    """As many as all parts of a text have: training, test and validation, and these of the streams on
    which learning rates are chosen.
    """
    return TRAINING + TEST + VALIDATION + PASS + VALIDATION


def parts(stream):
    """The text in order: training, test, validation, and the training and the validation stream of
    the choice of learning rates.
    """
    found, start = [], 0
    for length in (TRAINING, TEST, VALIDATION, PASS, VALIDATION):
        found.append(stream[start : start + length])
        start += length
    return found

"""The command `fena new`."""

import ast
import json
import keyword
import os
from pathlib import Path
from string import Template

import click

from ..errors import DeclarationError, RunFolderError, UnknownNameError
from ..load import shipped

HERE = Path(__file__).resolve().parent / "templates"
DEFAULT_MODEL = "fena"
KINDS = ("model", "protocol", "figure")
#: What to do with a new file.
NEXT = {"model": "fena describe", "protocol": "fena run", "figure": "fena figures --only"}
#: Makes runs that a new figure shows.
COMMAND = "fena run protocols/oddball.py --seeds 3"


@click.command("new")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.option(
    "--out", type=click.Path(), default=".", show_default=True, help="Folder for the file NAME.py."
)
@click.option(
    "--model",
    type=click.Path(),
    default=None,
    help="Model that the new protocol is for: a file, or the name of a shipped one (default: fena, or that of --from).",
)
@click.option(
    "--from",
    "start",
    type=click.Path(),
    default=None,
    metavar="NAME",
    help="Copy this file (`fena list` names the shipped ones) in place of a short commented one.",
)
def command(kind: str, name: str, out: str, model: str | None, start: str | None) -> None:
    """Write a commented model, protocol or figure that runs, NAME.py, to start from. Nothing is
    overwritten.

    Beside it come the shipped files that it needs, if they are not there yet: the model of a
    protocol, and modules that they import.

    \b
    Examples:
      fena new model my_model
      fena new protocol my_oddball --model my_model.py
      fena new protocol my_oddball --out protocols
      fena new protocol my_contact --from first_contact
      fena new figure my_figure
    """
    written = write(kind, name, out, model, start)
    for path in written:
        click.echo(f"wrote {path}")
    click.echo(f"next: {NEXT[kind]} {written[0]}", err=True)


def write(
    kind: str,
    name: str,
    out: str | Path = ".",
    model: str | Path | None = None,
    start: str | Path | None = None,
) -> list[Path]:
    """Write the starting point of a model, protocol or figure, with the files that it needs.

    Parameters
    ----------
    kind : str
        "model", "protocol" or "figure".
    name : str
        Of the model, protocol or figure, and of its file.
    out : path
        Folder, made if need be.
    model : path, optional
        Model file that a protocol names, or the name of a shipped one; by default that of `start`, or
        else fena. A shipped one is copied into `out`, unless `out` is in the same checkout.
    start : path, optional
        File to copy, or the name of a shipped one; by default a short commented one is written.

    Returns
    -------
    list of Path
        What was written, NAME.py first.

    Raises
    ------
    DeclarationError
        The name is no identifier or that of a file which the new one needs, `model` was given for
        something else than a protocol, or the file to copy is not Python.
    RunFolderError
        The file exists already.
    UnknownNameError
        There is no such file to copy, or no such model file.
    """
    from ..runs.store.files import write_atomically

    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise DeclarationError(
            f"the name {name!r} is not an identifier",
            where=f"fena new {kind}",
            fix="use letters, digits and underscores, e.g. my_model",
        )
    if kind != "protocol" and model is not None:
        raise DeclarationError(
            f"a {kind} is for no other model" if kind == "model" else f"a {kind} is for no model",
            where="--model",
            fix="leave it out",
        )
    path = Path(out) / f"{name}.py"
    if path.exists():
        raise RunFolderError(
            "the file exists already",
            where=str(path),
            fix="choose another name, or remove it first",
        )
    source = None if start is None else _start(start, kind)
    needed = [] if source is None else _beside(source)
    named = None
    if kind == "protocol":
        used = _model(model, source)
        if used is not None and _to_copy(used, path.parent):
            needed += [used, *_beside(used)]
            named = used.name
        elif used is not None:
            named = Path(os.path.relpath(used.resolve(), path.parent.resolve())).as_posix()
    if path.name in [file.name for file in needed]:
        raise DeclarationError(
            f"the new {kind} needs another file of this name beside it",
            where=str(path),
            fix=f"choose another name, e.g. my_{name}",
        )
    if source is None:
        text = Template((HERE / f"{kind}.txt").read_text(encoding="utf-8"))
        content = text.substitute(name=name, model=named, command=COMMAND).encode()
    else:
        content = _renamed(source, name, named)
    contents = {path: content, **{path.parent / file.name: file.read_bytes() for file in needed}}
    missing = [file for file in contents if not file.exists()]
    for file in reversed(missing):  # NAME.py last: while it is not there, the same command goes on
        write_atomically(file, contents[file])
    return missing


def _start(start, kind):
    """The file to copy."""
    file = _existing(shipped.find(start, f"{kind}s"), kind)
    function = shipped.FUNCTIONS[f"{kind}s"]
    if function not in [getattr(node, "name", None) for node in _parsed(file).body]:
        raise DeclarationError(
            f"this is no {kind} file: it defines no function {function}()",
            where=str(file),
            fix="choose another with `fena list`",
        )
    return file


def _existing(file, kind):
    if not file.is_file():
        raise UnknownNameError(
            f"there is no such {kind} file",
            where=str(file),
            fix="give a file, or a name from `fena list`",
        )
    return file


def _parsed(file):
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise DeclarationError(
            f"the file cannot be read: {error}",
            where=str(file),
            fix="run it with python to see where it stops",
        ) from error


def _model(model, source):
    """The model file that a new protocol is for; None where the protocol to copy names none."""
    if model is not None:
        return _existing(shipped.find(model, "models"), "model")
    if source is None:
        return shipped.find(DEFAULT_MODEL, "models")
    literal = _model_literal(_parsed(source))
    if literal is None:
        return None
    used = source.parent / literal.value
    if _shipped(source):
        used = shipped.find(used.stem, "models")
    return _existing(used, "model")


def _to_copy(file, folder):
    """Whether a file is a shipped one, and the folder is not in the same checkout."""
    return _shipped(file) and not _shipped(folder)


def _shipped(path):
    return path.resolve().is_relative_to(shipped.HOME)


def _beside(file):
    """The modules beside a file that it imports, and that these import in turn."""
    found, waiting = [], [file]
    while waiting:
        for node in ast.walk(_parsed(waiting.pop())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            for name in names:
                helper = file.parent / f"{name.partition('.')[0]}.py"
                if helper.is_file() and helper not in (file, *found):
                    found.append(helper)
                    waiting.append(helper)
    return found


def _model_literal(tree):
    """The string in ``MODEL = "..."`` of a protocol file, or None."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [getattr(target, "id", None) for target in node.targets]
            if names == ["MODEL"] and isinstance(node.value.value, str):
                return node.value
    return None


def _renamed(source, name, model):
    """A file's bytes, in which what bears the file's name bears the new one, and MODEL is another."""
    tree = _parsed(source)
    names = [*_names(tree), *_drawn_names(tree)]
    texts = [(node, name) for node in names if getattr(node, "value", None) == source.stem]
    literal = _model_literal(tree)
    if literal is not None and model is not None:
        texts.append((literal, model))
    lines = source.read_bytes().splitlines(keepends=True)
    for node, text in texts:  # each on a line of its own, by bytes as ast counts them
        line = lines[node.lineno - 1]
        written = json.dumps(text, ensure_ascii=False).encode()
        lines[node.lineno - 1] = line[: node.col_offset] + written + line[node.end_col_offset :]
    return b"".join(lines)


def _drawn_names(tree):
    """The name of a figure, the last argument of ``script.main``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", None) == "main" and node.args:
            yield node.args[-1]


def _names(tree):
    """What is given as ``name=``: in calls, and as the default of a function's argument."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "name":
            yield node.value
        elif isinstance(node, ast.arguments):
            arguments = [*node.posonlyargs, *node.args]
            with_default = [
                *zip(arguments[len(arguments) - len(node.defaults) :], node.defaults),
                *zip(node.kwonlyargs, node.kw_defaults),
            ]
            yield from (default for argument, default in with_default if argument.arg == "name")

"""The command `fena new`."""

import keyword
import os
from pathlib import Path
from string import Template

import click

from ..errors import DeclarationError, RunFolderError, UnknownNameError
from .list import shelf

HERE = Path(__file__).resolve().parent / "templates"
DEFAULT_MODEL = "fena.py"


@click.command()
@click.argument("kind", type=click.Choice(("model", "protocol")))
@click.argument("name")
@click.option(
    "--out", type=click.Path(), default=".", show_default=True, help="Folder for the file NAME.py."
)
@click.option(
    "--model",
    type=click.Path(),
    default=None,
    help="Model file that the new protocol is for (default: models/fena.py).",
)
def new(kind, name, out, model):
    """Write a commented model or protocol that runs, NAME.py, to start from. Nothing is
    overwritten.

    \b
    Examples:
      fena new model my_model
      fena new protocol my_oddball --model my_model.py
      fena new protocol my_oddball --out protocols
    """
    path = write(kind, name, out, model)
    click.echo(f"wrote {path}")
    click.echo(
        f"next: fena describe {path}" if kind == "model" else f"next: fena run {path}", err=True
    )


def write(kind, name, out=".", model=None):
    """Write the starting point of a model or protocol. Returns its path.

    Parameters
    ----------
    kind : str
        "model" or "protocol".
    name : str
        Of the model or protocol, and of its file.
    out : path
        Folder, made if need be.
    model : path, optional
        Model file that a protocol names, models/fena.py by default.

    Raises
    ------
    DeclarationError
        The name is no identifier, or `model` was given for a model.
    RunFolderError
        The file exists already.
    UnknownNameError
        There is no such model file.
    """
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise DeclarationError(
            f"the name {name!r} is not an identifier",
            where=f"fena new {kind}",
            fix="use letters, digits and underscores, e.g. my_model",
        )
    if kind == "model" and model is not None:
        raise DeclarationError("a model is for no other model", where="--model", fix="leave it out")
    path = Path(out) / f"{name}.py"
    if path.exists():
        raise RunFolderError(
            "the file exists already",
            where=str(path),
            fix="choose another name, or remove it first",
        )
    used = (
        None
        if kind == "model"
        else _relative(Path(model or shelf("models") / DEFAULT_MODEL), path.parent)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    text = Template((HERE / f"{kind}.txt").read_text(encoding="utf-8")).substitute(
        name=name, model=used
    )
    with open(path, "x", encoding="utf-8") as file:
        file.write(text)
    return path


def _relative(model, folder):
    """How a protocol in `folder` names the model file."""
    if not model.is_file():
        raise UnknownNameError(
            "there is no such model file",
            where=str(model),
            fix="write one with `fena new model my_model` and add --model my_model.py",
        )
    return Path(os.path.relpath(model.resolve(), folder.resolve())).as_posix()

"""Where the shipped models, protocols, figures and claims are, and which file a name means.

They are in models/, protocols/ and figures/ of a checkout, and inside the installed package
otherwise (setup.py puts them there).
"""

import ast
from pathlib import Path

from ..errors import UnknownNameError, nearest

KINDS = ("models", "protocols", "figures")
_PACKAGE = Path(__file__).resolve().parents[1]
_INSTALLED = _PACKAGE / "shipped"
#: The function that a file of each kind defines. A file without it is a helper of those beside it.
FUNCTIONS = {"models": "hierarchy", "protocols": "protocol", "figures": "figure"}
#: The folder with models/, protocols/ and figures/.
HOME = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent


def folder(kind: str) -> Path:
    """The folder of a kind of file: the one here if it holds any, else the shipped one.

    Parameters
    ----------
    kind : str
        "models", "protocols", "figures" or "protocols/claims".
    """
    return Path(kind) if any(Path(kind).glob("*.py")) else HOME / kind


def files(kind: str) -> list[dict[str, str]]:
    """[{"name", "path", "summary"}] of the models, protocols or figures in :func:`folder`, by name.

    Helpers that these import are left out; a file that cannot be read is in.
    """
    return [
        {"name": path.stem, "path": str(path), "summary": summary(path)}
        for path in sorted(folder(kind).glob("*.py"))
        if _is_of_kind(path, kind)
    ]


def _is_of_kind(path, kind):
    """Whether a file has the function of its kind: defined, assigned or imported."""
    function = FUNCTIONS.get(kind)
    try:
        body = ast.parse(path.read_bytes()).body
    except OSError:  # a folder of this name
        return False
    except (SyntaxError, ValueError):
        return True
    names = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        else:
            names |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return function is None or bool(names & {function, "*"})


def summary(path: Path) -> str:
    """First sentence or two of a file: the first paragraph of its docstring, on one line.

    What is wrong with the file where Python cannot read it.
    """
    try:
        text = ast.get_docstring(ast.parse(path.read_bytes())) or ""
        return " ".join(text.partition("\n\n")[0].split())
    except (SyntaxError, ValueError) as error:
        return f"(cannot be read: {error})"


def find(path: str | Path, kind: str) -> Path:
    """The file that a path or a name on the command line means.

    What is here comes first. A bare NAME is then NAME.py here, NAME.py in the folder of its kind
    here, or the shipped file of this name; a relative path as from a checkout
    (protocols/first_contact.py) is the shipped file.

    Parameters
    ----------
    path : str or Path
    kind : str
        "models" or "protocols".

    Returns
    -------
    Path
        `path` itself where there is nothing that it could mean but a file elsewhere.

    Raises
    ------
    UnknownNameError
        If neither a file here nor a shipped one has the name.
    """
    path = Path(path)
    if path.is_file():
        return path
    if path.name == str(path) and not path.suffix:
        named = [where / f"{path}.py" for where in (Path(), Path(kind), HOME / kind)]
    elif path.parent == Path(kind):
        named = [HOME / path]
    else:
        return path
    for file in named:
        if file.is_file():
            return file
    known = {
        file.stem
        for where in {file.parent for file in named}
        for file in where.glob("*.py")
        if _is_of_kind(file, kind)
    }
    raise UnknownNameError(
        f"there is no {kind.removesuffix('s')} {str(path)!r}",
        where=f"{Path.cwd()}, and among the shipped ones",
        fix=nearest(path.stem, known),
    )

"""Writes docs/reference/ from docstrings and `--help` texts, and the constants of models/fena.py
into docs/model.md. `make docs` runs this; a test fails when the pages are out of date.
"""

import importlib
from pathlib import Path

import click
import griffe
from griffe import DocstringSectionKind as Kind

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "reference"
MODEL_PAGE = ROOT / "docs" / "model.md"
TABLE_HEAD = "| constant | value | meaning |\n|---|---|---|\n"
#: Page to the modules whose public names (`__all__`, or all without an underscore) it documents.
PAGES = {
    "fena_sim": ("fena_sim",),
    "stimulus": ("fena_sim.stimulus",),
    "measure": ("fena_sim.measure",),
    "epochs": ("fena_sim.epochs",),
    "plot": (
        "fena_sim.plot",
        "fena_sim.show.panels",
        "fena_sim.show.traces",
        "fena_sim.show.waves",
    ),
    "export": ("fena_sim.export",),
    "sweep": ("fena_sim.sweep",),
    "claims": ("fena_sim.claims",),
    "errors": ("fena_sim.errors",),
    "brian2_dense": ("brian2_dense",),
}
HEADS = {
    Kind.parameters: "Parameters",
    Kind.returns: "Returns",
    Kind.raises: "Raises",
    Kind.attributes: "Attributes",
}
#: Where constants of the same name are used, by the name of their table.
WHERE = {"SENSORY_PRECISION": " (level 0)", "HIDDEN_PRECISION": " (hidden levels)"}
NOTE = "*Written from the docstrings by `make docs`.*"


def pages():
    """{file name: text} of all pages."""
    loader = griffe.GriffeLoader(search_paths=[str(ROOT)], docstring_parser="numpy")
    for package in ("fena_sim", "brian2_dense"):
        loader.load(package)
    loader.resolve_aliases()
    found = {
        f"{page}.md": _page(loader.modules_collection, modules) for page, modules in PAGES.items()
    }
    return {**found, "commands.md": _commands(), "README.md": _index(found)}


def model_page(text):
    """The page of the model with a row for every constant of models/fena.py and fena_events.py. A
    constant with several values has those of levels 1, 2, ...
    """
    from fena_sim import Parameter
    from fena_sim.load.user_file import load_file

    files = [vars(load_file(ROOT / "models" / f"{n}.py", "model")) for n in ("fena", "fena_events")]
    tables = {
        name: table
        for name, table in (files[0] | files[1]).items()
        if isinstance(table, dict)
        and table
        and all(isinstance(p, Parameter) for p in table.values())
    }
    rows = [
        f"| `{key}`{WHERE.get(name, '')} | {_values(parameter.value)} | {parameter.meaning} |"
        for name, table in tables.items()
        if name == "TABLE" or not table.keys() <= tables["TABLE"].keys()
        for key, parameter in table.items()
    ]
    before, rest = text.split(TABLE_HEAD)
    return before + TABLE_HEAD + "\n".join(rows) + rest[rest.index("\n\n") :]


def _values(value):
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _index(found):
    lines = [
        f"- [{name.removesuffix('.md')}]({name}): {text.splitlines()[4].rstrip('.')}"
        for name, text in found.items()
    ]
    return "\n".join(
        ["# Reference", "", NOTE, "", *lines, "- [commands](commands.md): every `fena` command", ""]
    )


def _page(packages, modules):
    parts = []
    for position, path in enumerate(modules):
        module = packages[path]
        head = "#" if position == 0 else "##"
        parts += [
            f"{head} {path}",
            *([NOTE] if position == 0 else []),
            module.docstring.value if module.docstring else "",
        ]
        for name in _public(path, module):
            thing = module.members[name]
            if (
                thing.is_module and name in thing.members
            ):  # a file and the function in it share the name
                thing = thing.members[name]
            thing = thing.final_target if thing.is_alias else thing
            if thing.is_function or thing.is_class:
                parts += _documented(thing, name)
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _public(path, module):
    """Names in the order of `__all__`, or of the file. A lazy package has its `__all__` when it is
    imported.
    """
    exports = getattr(importlib.import_module(path), "__all__", None)
    if exports is not None:
        return list(exports)
    return [
        name
        for name, member in module.members.items()
        if not name.startswith("_") and not member.is_alias
    ]


def _documented(thing, name, head="###"):
    """Heading, docstring, and for a class its public methods and properties."""
    yield f"{head} `{name}`"
    arguments = _arguments(thing) if thing.is_function else _fields(thing) if thing.is_class else []
    if thing.is_function or arguments:
        yield f"```python\n{name}({', '.join(arguments)})\n```"
    if thing.docstring is not None:
        yield from _sections(thing.docstring)
    if thing.is_class:
        for member_name, member in thing.members.items():
            if (
                not member_name.startswith("_")
                and not member.is_alias
                and member.docstring is not None
                and (member.is_function or "property" in member.labels)
            ):
                yield from _documented(member, f"{name}.{member_name}", "####")


def _arguments(function):
    """As declared, without self, and without the arguments that begin with an underscore."""
    shown = []
    for argument in function.parameters:
        stars = {"variadic positional": "*", "variadic keyword": "**"}.get(argument.kind.value, "")
        default = f"={argument.default}" if argument.default is not None and not stars else ""
        if argument.name not in ("self", "cls") and not argument.name.startswith("_"):
            shown.append(f"{stars}{argument.name}{default}")
    return shown


def _fields(thing):
    """Fields of an attrs class as arguments; the arguments of __init__ of any other class."""
    if any("attrs" in str(decorator.value) for decorator in thing.decorators):
        return [
            _field(name, member)
            for name, member in thing.members.items()
            if member.is_attribute and member.annotation and "property" not in member.labels
        ]
    return _arguments(thing.members["__init__"]) if "__init__" in thing.members else []


def _field(name, member):
    value = member.value
    if value is None:
        return name
    if "attrs.field" in str(value) or "attrs.Factory" in str(value):
        return f"{name}=..." if "default" in str(value) or "Factory" in str(value) else name
    return f"{name}={value}"


def _sections(docstring):
    for section in docstring.parse("numpy", warnings=False):
        if section.kind is Kind.text:
            yield section.value
        elif section.kind in HEADS:
            yield f"**{HEADS[section.kind]}**"
            yield "\n".join(_item(entry) for entry in section.value)


def _item(entry):
    name = getattr(entry, "name", "")
    kind = entry.annotation
    about = " ".join(entry.description.split())
    named = f"`{name}`" if name else ""
    typed = f"{named} ({kind})" if named and kind else named or f"{kind or ''}"
    return f"- {typed}: {about}" if about else f"- {typed}"


def _commands():
    from fena_sim.commands.main import cli

    parts = ["# Commands", NOTE]
    for path, context in walk(cli):
        parts += [
            f"## `{path}`",
            "```text\n" + context.command.get_help(context).rstrip() + "\n```",
        ]
    return "\n\n".join(parts) + "\n"


def walk(command, path="fena", parent=None):
    """(name, context) of a command and of everything below it."""
    context = click.Context(
        command,
        info_name=path.rpartition(" ")[2],
        parent=parent,
        help_option_names=["-h", "--help"],
        terminal_width=100,
        max_content_width=100,
    )
    yield path, context
    for name, below in sorted(getattr(command, "commands", {}).items()):
        yield from walk(below, f"{path} {name}", context)


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    texts = pages()
    for stale in OUT.glob("*.md"):
        if stale.name not in texts:
            stale.unlink()
    for file, text in texts.items():
        (OUT / file).write_text(text, encoding="utf-8")
        print(OUT / file)
    MODEL_PAGE.write_text(model_page(MODEL_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(MODEL_PAGE)

"""One translation unit instead of dozens: the same generated C++, compiled several times faster.

Brian2 writes a file per code object, each with helper functions of the same names, and each pulls
in the standard library anew. Here every code object goes into a namespace of its own inside one
file, and what only reads and writes arrays at the start and the end is not optimised: that took
most of the time.
"""

import re
from pathlib import Path

UNITY = "unity.cpp"
#: Files whose functions run once, not in every step.
ONCE = ("objects", "run", "main")
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include.*$", re.M)
_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.M)
_FUNCTION = re.compile(r"^\s*void\s+(_\w+)\s*\(\s*\)\s*;", re.M)


def one_translation_unit(folder: Path) -> None:
    """Write `unity.cpp` in a folder of generated sources."""
    # Brian2's own library: headers alone up to 2.9, and a source for spike queues since 2.10.
    library = sorted((folder / "brianlib").glob("*.cpp"))
    includes = [f'#include "brianlib/{path.name}"' for path in library]
    parts = []
    code_objects = sorted((folder / "code_objects").glob("*.cpp"))
    for path in [
        folder / "network.cpp",
        folder / "objects.cpp",
        *code_objects,
        folder / "run.cpp",
        folder / "main.cpp",
    ]:
        text = path.read_text()
        includes += [line.strip() for line in _INCLUDE.findall(text)]
        body = _INCLUDE.sub("", text)
        parts.append(f"// {path.name}\n")
        if path in code_objects:
            functions = _FUNCTION.findall(path.with_suffix(".h").read_text())
            space = f"unit_{path.stem}"
            parts.append(f"namespace {space} {{\n{body}\n}}\n")
            parts += [f"void {name}() {{ {space}::{name}(); }}\n" for name in functions]
        elif path.stem in ONCE:
            parts.append(
                f'#pragma GCC push_options\n#pragma GCC optimize ("O0")\n{body}\n#pragma GCC pop_options\n'
            )
        else:
            parts.append(body + "\n")
        parts += [f"#undef {name}\n" for name in dict.fromkeys(_DEFINE.findall(body))]
    unique = list(dict.fromkeys(includes))
    (folder / UNITY).write_text("\n".join(unique) + "\n" + "\n".join(parts))

"""Rewrites the sources of brian2cuda: into one translation unit, and into C++ for the CPU."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from brian2_dense.cuda.chains import join

UNITY = "unity.cu"
HOST = "unity.cpp"
#: Files outside any namespace of their own: first those that declare, then, after the code objects,
#: those that use them.
FIRST, LAST = ("synapses_classes", "network", "objects"), ("run", "rand", "main")
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include.*$", re.M)
_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.M)
_FUNCTION = re.compile(r"^\s*void\s+(_\w+)\s*\(\s*\)\s*;", re.M)
_LAUNCH = re.compile(r"(\w+)\s*<<<(.*?)>>>\s*\(", re.S)
_DYNAMIC_SHARED = re.compile(r"extern\s+__shared__\s+(\w+)\s+(\w+)\s*\[\s*\]\s*;")
_KERNEL = re.compile(r"__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\(")
#: Where the functions begin and end that brian2cuda repeats for every code object.
_SHARED_FIRST, _SHARED_LAST = (
    "template < typename T1, typename T2 > struct _higher_type;",
    "_brian_atomicDiv(double* address",
)
_POW = re.compile(r"#ifdef _MSC_VER\s+#define _brian_pow.*?#endif", re.S)
#: Instead of `pow`, which calculates whole powers of a float in double precision; most cards do
#: that at 1/64 of their speed.
POWER = """
template <typename T> __host__ __device__ inline T fena_whole_power(T x, int n)
{
    T power = 1;
    for (unsigned int left = n < 0 ? -n : n; left; left >>= 1, x *= x)
        if (left & 1)
            power *= x;
    return n < 0 ? 1/power : power;
}
template <typename X, typename Y> __host__ __device__ inline auto fena_power(X x, Y y) { return pow(x, y); }
__host__ __device__ inline float fena_power(float x, int n) { return fena_whole_power(x, n); }
__host__ __device__ inline double fena_power(double x, int n) { return fena_whole_power(x, n); }
"""
#: Statements at events. brian2cuda writes what all units share and what differs between them in one
#: scope, where a parameter that both read would be declared twice.
_AT_EVENT = re.compile(r"(_idx = neuron_id;\n)(.*?)(?=\n\}\n)", re.S)
_LOWERED = re.compile(r"std::for_each\(s_value\.begin\(\), s_value\.end\(\), .*?\}\);", re.S)


def one_translation_unit(
    folder: Path, chains: Iterable[Sequence[str]] = (), clocks: Iterable[tuple[str, str]] = ()
) -> None:
    """Write `unity.cu` in a folder of generated sources; compiled seven times faster than file by
    file.

    `chains` are lists of names of code objects that become one kernel (see `chains.py`), `clocks`
    pairs (name of a code object, name of its clock).
    """
    parts, includes, shared = [], [], ""
    code_objects = sorted(
        (folder / "code_objects").glob("*.cu"),
        key=lambda path: (path.stem[:10] == "after_run_", path.stem),
    )
    files = [
        *(folder / f"{name}.cu" for name in FIRST),
        *code_objects,
        *(folder / f"{name}.cu" for name in LAST),
    ]
    files = [path for path in files if path.exists()]
    texts = {path.stem: _AT_EVENT.sub(r"\1    {\n\2\n    }", path.read_text()) for path in files}
    # brian2cuda makes run arguments lower case, to read True and False; file names must stay as
    # they are.
    texts["objects"] = _LOWERED.sub("", texts["objects"])
    for (
        name,
        clock,
    ) in clocks:  # brian2cuda's pathways ask the default clock, which need not be in the program
        texts[name] = re.sub(r"\bdefaultclock\b", clock, texts[name])
    joined = []
    for number, names in enumerate(chains):
        joined.append(join(texts, names, number))
        for name in names[1:]:
            texts["main"] = re.sub(rf"^.*_run_{name}\);\n", "", texts["main"], flags=re.M)
        texts["main"] = texts["main"].replace(f"_run_{names[0]});", f"_run_chain_{number});")
    for path in files:
        text = texts[path.stem]
        if path.stem == LAST[0]:
            parts += joined
        includes += [line.strip() for line in _INCLUDE.findall(text)]
        body, again = _without_shared(_INCLUDE.sub("", text))
        if again and not shared:
            shared = again
            parts.append(f"namespace {{\n{shared}\n}}\n")
        parts.append(f"// {path.name}\n")
        if path in code_objects:
            # What runs before or after shares the kernels of the code object itself.
            space = f"unit_{path.stem.removeprefix('after_run_').removeprefix('before_run_')}"
            header = path.with_suffix(".h").read_text()
            parts.append(f"namespace {space} {{\n{body}\n}}\n")
            functions = [name for name in _FUNCTION.findall(header) if f"void {name}()" in body]
            parts += [f"void {name}() {{ {space}::{name}(); }}\n" for name in functions]
        else:
            parts.append(body + "\n")
        parts += [f"#undef {name}\n" for name in dict.fromkeys(_DEFINE.findall(body))]
    text = "\n".join(parts)
    if "_brian_pow(" in text:
        text = POWER + _POW.sub("#define _brian_pow(x, y) fena_power((x), (y))", text)
    (folder / UNITY).write_text("\n".join(dict.fromkeys(includes)) + "\n" + text)


def _without_shared(text):
    """A text without the functions that every code object has, and those functions."""
    start, last = text.find(_SHARED_FIRST), text.find(_SHARED_LAST)
    if start < 0 or last < start:
        return text, ""
    end = _end_of_block(text, text.index("{", last))
    return text[:start] + text[end:], text[start:end]


def _end_of_block(text, brace):
    """Position behind the block that begins with the brace at `brace`."""
    depth, end = 1, brace + 1
    while depth:
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        end += 1
    return end


def for_the_cpu(folder: Path) -> None:
    """Write `unity.cpp` of `unity.cu`: launches of kernels become calls of the host layer
    (host/include).
    """
    text = (folder / UNITY).read_text()
    synchronising = {
        name for name, body in _kernels(text) if "__syncthreads" in body or "queue->" in body
    }

    def call(match):
        name, configuration = match.groups()
        fibers = "true" if name in synchronising else "false"
        return f'::hostcuda::launch<{fibers}>({name}, "{name}", {configuration})('

    text = _LAUNCH.sub(call, text)
    text = _DYNAMIC_SHARED.sub(
        r"\1* \2 = reinterpret_cast<\1*>(::hostcuda::shared_memory().data());", text
    )
    # __CUDA_ARCH__ chooses between device and host code of functions that are both. What the code
    # objects hold is device code, except that which creates synapses.
    (folder / HOST).write_text(text)


def _kernels(text):
    """(name, body) of every kernel."""
    for match in _KERNEL.finditer(text):
        start = text.index("{", match.end())
        yield match.group(1), text[start : _end_of_block(text, start)]

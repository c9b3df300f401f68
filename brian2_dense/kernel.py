"""Kernels composed from statement blocks: one pass over the synapses for one or several code
objects.

A pass visits the synapses row by row (presynaptic unit i), `ROWS` rows at a time, with the columns
(postsynaptic unit j) in the inner loop, which the compiler vectorises. A sum onto the presynaptic
unit is a local accumulator; a sum onto the postsynaptic unit adds the rows of a sweep before it
touches the target. Statements that change anything but synaptic variables keep Brian2's order, one
at a time.
"""

import re
from collections.abc import Iterable, Sequence

import attrs
from brian2.core.variables import ArrayVariable

from . import batch_kernel
from .lowering import POST, PRE, Pass

PLACEHOLDER = "//// DENSE KERNEL ////"
ROWS = 4
_POINTER = re.compile(r"(.*?)\s*(_ptr\w+)\s*=.*;")


def can_fuse(
    passes: Sequence[Pass], between: Iterable[tuple[set[ArrayVariable], set[ArrayVariable], str]]
) -> tuple[bool, str]:
    """Whether passes over the same synapses may become one, at the place of the first. Returns
    (bool, reason).

    The rule, on the sets of arrays that each reads and writes:
    1. nothing that runs between them reads what they write or writes what they read or write;
    2. no pass reads a sum that another completes (it is complete only after the whole pass);
    3. no pass writes anything but synaptic variables and its own sum (so that only the same synapse
       meets another pass's changes, in the order of the passes).
    """
    if any(p.ordered for p in passes):
        return False, "one of them changes variables of the neurons or draws random numbers"
    for reads, writes, name in between:
        for p in passes:
            if writes & (p.reads | p.writes) or reads & p.writes:
                return False, f"{name} runs between them and uses the same variables"
    targets = {p.target for p in passes if p.target is not None}
    if len(targets) < sum(p.target is not None for p in passes):
        return False, "two of them sum into one variable"
    for p in passes:
        if p.reads & (targets - {p.target}):
            return False, "one of them reads what another sums"
    return True, "nothing between them touches their variables"


def render(passes: Sequence[Pass]) -> str:
    """The C++ body of a pass (without the pointers of the first one, which its file declares)."""
    dense = passes[0].dense
    passes = [
        attrs.evolve(p, number=k, scalar=_renamed(p.scalar, k), vector=_renamed(p.vector, k))
        for k, p in enumerate(passes)
    ]
    pointers = list(
        dict.fromkeys(
            line.strip() for p in passes for line in p.pointers.splitlines() if line.strip()
        )
    )
    own = {line.strip() for line in passes[0].pointers.splitlines()}
    lines = [line for line in pointers if line not in own]
    lines.append("const size_t _vectorisation_idx = -1;")
    for p in passes:
        # Passes over the same synapses read the same scalars under the same names: declare each
        # once.
        lines += [line for line in p.scalar.splitlines() if line not in lines]
    sizes = {"post": (dense.n_post, dense.offset_post), "pre": (dense.n_pre, dense.offset_pre)}
    loops = [
        f"for (int _k = 0; _k < {sizes[p.kind][0] * dense.batch}; _k++) {p.pointer}[_k + {sizes[p.kind][1]}] = 0;"
        for p in passes
        if p.target is not None
    ]
    if any(p.ordered for p in passes):
        if dense.batch > 1:
            raise NotImplementedError(
                f"statements of {dense.name!r} change variables of the neurons or draw random "
                "numbers, which synapses shared by streams cannot: use a summed variable, or noise "
                "in the neurons"
            )
        loops += _sweep(passes, dense, 1, 0, dense.n_pre, vectorised=False)
    else:
        sweep = _sweep if dense.batch == 1 else batch_kernel.sweep
        whole = dense.n_pre - dense.n_pre % ROWS
        loops += sweep(passes, dense, ROWS, 0, whole) if whole else []
        loops += sweep(passes, dense, 1, whole, dense.n_pre) if whole < dense.n_pre else []
    # The compiler trusts `restrict` on parameters only; without it every store makes it read
    # everything again.
    declared = [match.group(1, 2) for match in map(_POINTER.fullmatch, pointers) if match]
    return "\n".join(
        [
            *lines,
            f"[=]({', '.join(' '.join(parts) for parts in declared)}) {{",
            *loops,
            f"}}({', '.join(name for _, name in declared)});",
        ]
    )


def _sweep(passes, dense, rows, start, stop, vectorised=True):
    before, ahead, body, behind, after = [], [], [], [], []
    for p in passes:
        k = p.number
        if p.kind == "pre":
            before += [f"{p.c_type} _sum{k}_{u} = 0;" for u in range(rows)]
            after += [
                f"{p.pointer}[_i + {u + dense.offset_pre}] = _sum{k}_{u};" for u in range(rows)
            ]
        elif p.kind == "post":
            ahead.append(f"{p.c_type} _sum{k} = 0;")
            behind.append(f"{p.pointer}[{POST}] += _sum{k};")
    for u in range(rows):
        body.append(
            f"{{ const int32_t {PRE} = _i + {u + dense.offset_pre}, _pre_unit = _i + {u}, _post_unit = _j; "
            f"const size_t _idx = (size_t)(_i + {u})*{dense.n_post} + _j;"
        )
        for p in passes:
            name = {"pre": f"_sum{p.number}_{u}", "post": f"_sum{p.number}"}.get(p.kind)
            add = f"{name} += _synaptic_var;" if name else ""
            body.append(f"{{\n{p.vector}\n{add} }}")
        body.append("}")
    return [
        f"for (int _i = {start}; _i < {stop}; _i += {rows}) {{",
        *before,
        *(["#pragma GCC ivdep"] if vectorised else []),
        f"for (int _j = 0; _j < {dense.n_post}; _j++) {{ const int32_t {POST} = _j + {dense.offset_post};",
        *ahead,
        *body,
        *behind,
        "}",
        *after,
        "}",
    ]


def _renamed(block, k):
    """Loop-invariant constants of different passes have the same names; number them."""
    return re.sub(r"\b_lio_(\d+)", rf"_lio{k}_\1", block)

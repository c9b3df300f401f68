"""The loops of a pass over synapses that streams share: weights are read once for many streams.

A block of `rows` x TILE synapses stays in the nearest cache (with the sum of its changes) while all
streams pass over it, two at a time: what was loaded for one serves the other. Both sizes were
measured; smaller tiles lose more in adding up the sums onto the presynaptic units than they gain by
the cache.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from .lowering import POST, PRE, Dense, Pass

TILE = 1024
STREAMS = 2
_WRITE = re.compile(r"(_ptr\w+)\[_idx\] = (\w+);")


def sweep(passes: Sequence[Pass], dense: Dense, rows: int, start: int, stop: int) -> list[str]:
    """Loops over rows `start` to `stop`, `rows` at a time."""
    lines = [
        f"for (int _tile = 0; _tile < {dense.n_post}; _tile += {TILE}) {{",
        f"const int _end = _tile + {TILE} < {dense.n_post} ? _tile + {TILE} : {dense.n_post};",
        f"for (int _i = {start}; _i < {stop}; _i += {rows}) {{",
    ]
    for phase in _phases(passes, dense):
        lines += _phase(phase, dense, rows)
    return [*lines, "}}"]


def reads_streams(p: Pass, dense: Dense) -> bool:
    """Whether the statements of a pass read (or sum) anything that differs between streams."""
    return p.target is not None or any(
        not v.scalar and getattr(v.owner, "name", None) != dense.name for v in p.reads
    )


def _phases(passes, dense):
    """Passes in groups that meet a stream together: changes of one group are complete before the
    next begins.
    """
    phases = [[passes[0]]]
    for before, p in pairwise(passes):
        if before.kind == "state" or reads_streams(before, dense) != reads_streams(p, dense):
            phases.append([])
        phases[-1].append(p)
    return phases


def _phase(passes, dense, rows):
    changes, types = (
        {},
        {},
    )  # by the pointer of the variable: the array of its changes, and its C type
    for p in passes:
        for pointer, local in _WRITE.findall(p.vector):
            changes[pointer] = f"_change_{local}"
            types[pointer] = re.search(rf"(\w+)\s*\*[^;=]*\b{pointer}\s*=", p.pointers).group(1)
    lines = ["{"] + [
        f"{types[pointer]} {name}[{rows}*{TILE}] = {{}};" for pointer, name in changes.items()
    ]
    if reads_streams(passes[0], dense):
        whole = dense.batch - dense.batch % STREAMS
        lines += _streams(passes, dense, rows, STREAMS, 0, whole, changes)
        lines += _streams(passes, dense, rows, 1, whole, dense.batch, changes)
    else:
        lines += _streams(passes, dense, rows, 1, 0, 1, changes)
    for u in range(rows):
        lines += [
            f"for (int _j = _tile; _j < _end; _j++) {pointer}[(size_t)(_i + {u})*{dense.n_post} + _j] += "
            f"{name}[{u * TILE} + _j - _tile];"
            for pointer, name in changes.items()
        ]
    return [*lines, "}"]


def _streams(passes, dense, rows, streams, start, stop, changes):
    if start == stop:
        return []
    before, ahead, body, behind, after = [], [], [], [], []
    for s in range(streams):
        for p in passes:
            k = p.number
            if p.kind == "pre":
                before += [f"{p.c_type} _sum{k}_{u}_{s} = 0;" for u in range(rows)]
                after += [
                    f"{p.pointer}[(_b + {s})*{dense.n_pre} + _i + {u + dense.offset_pre}] += _sum{k}_{u}_{s};"
                    for u in range(rows)
                ]
            elif p.kind == "post":
                ahead.append(f"{p.c_type} _sum{k}_{s} = 0;")
                behind.append(
                    f"{p.pointer}[(_b + {s})*{dense.n_post} + _j + {dense.offset_post}] += _sum{k}_{s};"
                )
    for u in range(rows):
        body.append(
            f"{{ const int32_t _pre_unit = _i + {u}, _post_unit = _j; "
            f"const size_t _idx = (size_t)(_i + {u})*{dense.n_post} + _j;"
        )
        for s in range(streams):
            body.append(
                f"{{ const int32_t {PRE} = (_b + {s})*{dense.n_pre} + _i + {u + dense.offset_pre}; "
                f"const int32_t {POST} = (_b + {s})*{dense.n_post} + _j + {dense.offset_post};"
            )
            for p in passes:
                k = p.number
                name = {"pre": f"_sum{k}_{u}_{s}", "post": f"_sum{k}_{s}"}.get(p.kind)
                statements = _WRITE.sub(
                    lambda m, u=u: (
                        f"{changes[m.group(1)]}[{u * TILE} + _j - _tile] += "
                        f"{m.group(2)} - {m.group(1)}[_idx];"
                    ),
                    p.vector,
                )
                body.append(f"{{\n{statements}\n{f'{name} += _synaptic_var;' if name else ''} }}")
            body.append("}")
        body.append("}")
    return [
        f"for (int _b = {start}; _b < {stop}; _b += {streams}) {{",
        *before,
        "#pragma GCC ivdep",
        "for (int _j = _tile; _j < _end; _j++) {",
        *ahead,
        *body,
        *behind,
        "}",
        *after,
        "}",
    ]

"""Dense CUDA kernels: one launch for the sums and changes of all-to-all synapses that may be done
together.

A block owns a tile of the weight matrix: `columns` postsynaptic units j, one per thread, and `ROWS`
presynaptic units i, `AT_ONCE` at a time. A sum onto j stays in the thread's register; sums onto i
of the rows at hand go through shared memory and are added by a tree. Nothing is added atomically,
so the same network gives the same bytes every time. A matrix of one tile in a direction writes its
sums at once; otherwise every tile writes its part, and a second kernel adds the parts in order.
"""

import re
from collections.abc import Sequence

import attrs
import numpy as np

from ..kernel import PLACEHOLDER
from ..lowering import POST, PRE, Dense, Pass

CALL = "//// DENSE CALL ////"
ROWS, COLUMNS, AT_ONCE = 64, 128, 8
#: Threads that add up one row: a warp's worth of each block would idle with more.
LANES = 16


@attrs.frozen
class Tiles:
    """How a matrix is cut: threads per block, tiles along the rows (i) and along the columns (j)."""

    threads: int
    along_rows: int
    along_columns: int

    @classmethod
    def of(cls, dense: Dense) -> "Tiles":
        threads = min(COLUMNS, -(-dense.n_post // 32) * 32)
        return cls(
            max(threads, AT_ONCE * LANES),
            -(-dense.n_pre // ROWS),
            -(-dense.n_post // max(threads, AT_ONCE * LANES)),
        )


@attrs.frozen
class Kernel:
    """What `render` made: C++ of the kernels and of the statements that launch them, launches,
    bytes of the tiles' sums.
    """

    text: str
    call: str
    launches: int
    scratch: int


def render(passes: Sequence[Pass]) -> Kernel:
    """The Kernel of a group of passes that run together."""
    dense, name = passes[0].dense, passes[0].code_object.name
    tiles = Tiles.of(dense)
    passes = [
        attrs.evolve(p, number=k, scalar=_renamed(p.scalar, k), vector=_renamed(p.vector, k))
        for k, p in enumerate(passes)
    ]
    parts = [p for p in passes if _tiles(p, tiles) > 1]
    kernels = [_kernel(name, passes, dense, tiles)]
    call = []
    for p in parts:
        n, _ = _units(p)
        call += [
            f"static {p.c_type}* _part{p.number} = nullptr;",
            f"if (!_part{p.number}) CUDA_SAFE_CALL(cudaMalloc((void**)&_part{p.number}, "
            f"sizeof({p.c_type})*{n * _tiles(p, tiles)}));",
        ]
    given = "".join(f"_part{p.number}, " for p in parts)
    call += [
        f"_run_kernel_{name}<<<{tiles.along_rows * tiles.along_columns}, {tiles.threads}>>>({given}",
        "    ///// HOST_PARAMETERS /////",
        "    %HOST_PARAMETERS%",
        ");",
        f'CUDA_CHECK_ERROR("_run_kernel_{name}");',
    ]
    for p in parts:
        n, offset = _units(p)
        kernels.append(_adder(f"_add_kernel_{name}_{p.number}", p, n, offset, _tiles(p, tiles)))
        call += [
            f"_add_kernel_{name}_{p.number}<<<{-(-n // COLUMNS)}, {COLUMNS}>>>(_part{p.number}, dev{_array(p)});",
            f'CUDA_CHECK_ERROR("_add_kernel_{name}_{p.number}");',
        ]
    scratch = sum(
        _units(p)[0] * _tiles(p, tiles) * np.dtype(p.target.dtype).itemsize
        for p in parts
        if p.target is not None
    )
    return Kernel("\n".join(kernels), "\n".join(call), launches=len(kernels), scratch=scratch)


def _units(p):
    """Number of units that a pass sums onto, and where they begin in their group."""
    return (
        (p.dense.n_pre, p.dense.offset_pre)
        if p.kind == "pre"
        else (p.dense.n_post, p.dense.offset_post)
    )


def _tiles(p, tiles):
    """How many parts the sums of a pass have: a row is cut along the columns, a column along the
    rows.
    """
    return {"pre": tiles.along_columns, "post": tiles.along_rows}.get(p.kind, 0)


def _array(p):
    return p.pointer.removeprefix("_ptr")


def _kernel(name, passes, dense, tiles):
    given = "".join(f"{p.c_type}* _part{p.number}, " for p in passes if _tiles(p, tiles) > 1)
    scalar, kernel_lines = [], []
    # passes over the same synapses read the same scalars under the same names: declare each once
    for p in passes:
        scalar += [line for line in p.scalar.splitlines() if line not in scalar]
        kernel_lines += [line for line in p.kernel_lines if line not in kernel_lines]
    pre, post = ([p for p in passes if p.kind == kind] for kind in ("pre", "post"))
    lines = [
        f"__global__ void _run_kernel_{name}({given}",
        "    ///// KERNEL_PARAMETERS /////",
        "    %KERNEL_PARAMETERS%",
        ")",
        "{",
        "using namespace brian;",
        "%KERNEL_CONSTANTS%",
        *kernel_lines,
        "const int _vectorisation_idx = -1;",
        *scalar,
        f"const int _row_tile = blockIdx.x / {tiles.along_columns}, _column_tile = blockIdx.x % {tiles.along_columns};",
        f"const int _post_unit = _column_tile*{tiles.threads} + threadIdx.x;",
        f"const int {POST} = _post_unit + {dense.offset_post};",
        f"const bool _inside = _post_unit < {dense.n_post};",
        f"const int _first = _row_tile*{ROWS};",
        f"const int _last = _first + {ROWS} < {dense.n_pre} ? _first + {ROWS} : {dense.n_pre};",
        *(f"{p.c_type} _sum{p.number} = 0;" for p in post),
        *(f"__shared__ {p.c_type} _rows{p.number}[{AT_ONCE}][{tiles.threads + 1}];" for p in pre),
        f"for (int _row = _first; _row < _last; _row += {AT_ONCE}) {{",
        "#pragma unroll",
        f"for (int _u = 0; _u < {AT_ONCE}; _u++) {{",
        "const int _pre_unit = _row + _u;",
        *(f"{p.c_type} _here{p.number} = 0;" for p in pre),
        "if (_inside && _pre_unit < _last) {",
        f"const int {PRE} = _pre_unit + {dense.offset_pre};",
        f"const size_t _idx = (size_t)_pre_unit*{dense.n_post} + _post_unit;",
    ]
    for p in passes:
        add = {
            "pre": f"_here{p.number} = _synaptic_var;",
            "post": f"_sum{p.number} += _synaptic_var;",
        }.get(p.kind, "")
        lines.append(f"{{\n{p.vector}\n{add}\n}}")
    lines += ["}", *(f"_rows{p.number}[_u][threadIdx.x] = _here{p.number};" for p in pre), "}"]
    if pre:
        lines += _tree(pre, dense, tiles)
    lines.append("}")
    for p in post:
        lines.append(
            f"if (_inside) {_target(p, tiles, '_row_tile', '_post_unit')} = _sum{p.number};"
        )
    return "\n".join([*lines, "}"])


def _tree(pre, dense, tiles):
    """Adding up the rows at hand: LANES threads for each, then one."""
    group = f"const int _r = threadIdx.x / {LANES}, _lane = threadIdx.x % {LANES};"
    lines = ["__syncthreads();", f"{{ {group}", f"if (threadIdx.x < {AT_ONCE * LANES}) {{"]
    for p in pre:
        lines.append(
            f"{p.c_type} _lanes{p.number} = 0; for (int _k = _lane; _k < {tiles.threads}; _k += {LANES}) "
            f"_lanes{p.number} += _rows{p.number}[_r][_k]; _rows{p.number}[_r][_lane] = _lanes{p.number};"
        )
    # Each lane wrote where it alone had read, but for those that other lanes read: they read
    # columns of their own only.
    lines += [
        "} }",
        "__syncthreads();",
        f"if (threadIdx.x < {AT_ONCE} && _row + threadIdx.x < _last) {{",
        "const int _pre_unit = _row + threadIdx.x;",
    ]
    for p in pre:
        lines.append(
            f"{p.c_type} _whole{p.number} = 0; for (int _k = 0; _k < {LANES}; _k++) "
            f"_whole{p.number} += _rows{p.number}[threadIdx.x][_k]; "
            f"{_target(p, tiles, '_column_tile', '_pre_unit')} = _whole{p.number};"
        )
    return [*lines, "}", "__syncthreads();"]


def _target(p, tiles, tile, unit):
    n, offset = _units(p)
    return (
        f"_part{p.number}[{tile}*{n} + {unit}]"
        if _tiles(p, tiles) > 1
        else f"{p.pointer}[{unit} + {offset}]"
    )


def _adder(name, p, n, offset, tiles):
    return "\n".join(
        [
            f"__global__ void {name}(const {p.c_type}* _part, {p.c_type}* _target)",
            "{",
            f"const int _unit = blockIdx.x*{COLUMNS} + threadIdx.x;",
            f"if (_unit >= {n}) return;",
            f"{p.c_type} _sum = 0;",
            f"for (int _tile = 0; _tile < {tiles}; _tile++) _sum += _part[(size_t)_tile*{n} + _unit];",
            f"_target[_unit + {offset}] = _sum;",
            "}",
        ]
    )


def _renamed(block, k):
    """Loop-invariant constants of different passes have the same names; number them."""
    return re.sub(r"\b_lio_(\d+)", rf"_lio{k}_\1", block)


def placed(text: str, kernels: str, call: str) -> str:
    """The text of a code object with its kernels in place."""
    return text.replace(PLACEHOLDER, kernels).replace(CALL, call)

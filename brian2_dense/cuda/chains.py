"""Several small populations in one launch.

A small network is bound by launches, not by arithmetic. Code objects that follow one another on the
same clock and change populations of at most `LARGEST` units (state updates, code that runs
regularly, held subexpressions) become one kernel of one block: the threads of the block do the
units of the first code object, wait for each other, go on to the second, and so on.
"""

import re
from collections.abc import Mapping, Sequence

from brian2.codegen.codeobject import CodeObject
from brian2.synapses.synapses import Synapses

from ..lowering import Request

#: Units. Larger populations keep a kernel of their own, with as many blocks as they fill.
LARGEST = 4096
_HEAD = re.compile(
    r"__global__ void\s+(?:__launch_bounds__\([^)]*\)\s+)?_run_kernel_(\w+)\(\s*int _N,\s*int THREADS_PER_BLOCK,"
    r"\s*///// KERNEL_PARAMETERS /////(.*?)\n\s*\)\n\{(.*?)int _vectorisation_idx = _idx;",
    re.S,
)
_ARGUMENTS = re.compile(r"///// HOST_PARAMETERS /////(.*?)\n\s*\);", re.S)
_UNITS = re.compile(r"const int _N = (\w+);")
_N = re.compile(r"const int64_t N = (\d+);")


def chains(
    order: Sequence[tuple[str, CodeObject]], requests: Mapping[str, Request]
) -> list[list[CodeObject]]:
    """Lists of two or more code objects that may share a launch.

    Parameters
    ----------
    order : list of (clock name, code object)
        As they run in a step.
    requests : {code object name: Request}
    """
    found: list[list[CodeObject]] = []
    here: list[CodeObject] = []
    clock_here = None
    for clock, code in [*order, (None, None)]:
        if here and (clock != clock_here or not _small(code, requests)):
            found += [here] if len(here) > 1 else []
            here = []
        if code is not None and _small(code, requests):
            here, clock_here = [*here, code], clock
    return found


def _small(code, requests):
    request = requests.get(code.name) if code is not None else None
    if (
        request is None
        or request.template != "stateupdate"
        or request.blocks is None
        or isinstance(code.owner, Synapses)
    ):
        return False
    # Every thread runs the statements on shared variables; a thread that runs them twice must not
    # change them twice.
    if (
        any(variable.scalar for variable in request.blocks[4])
        or any(code.rng_calls.values())
        or code.needs_curand_states
    ):
        return False
    return len(code.owner) <= LARGEST


def join(texts: dict[str, str], names: Sequence[str], number: int) -> str:
    """Turn the kernels of code objects into functions, and make one kernel of them.

    Parameters
    ----------
    texts : {code object name: its .cu text}
        Changed in place.
    names : list of str
        The code objects, in order.
    number : int
        Of the chain.

    Returns
    -------
    str
        C++ of the kernel and of ``_run_chain_NUMBER()``, to stand behind the code objects.
    """
    parameters: dict[str, None] = {}
    arguments: dict[str, None] = {}
    steps, largest = [], 1
    for name in names:
        text = texts[name]
        head, host, n = _HEAD.search(text), _ARGUMENTS.search(text), _N.search(text)
        assert head and host and n, f"{name} is not as brian2cuda's template writes it"
        given = [line.strip() for line in head.group(2).split(",") if line.strip()]
        passed = [line.strip() for line in host.group(1).split(",") if line.strip()]
        units = int(n.group(1))
        largest = max(largest, units)
        parameters |= dict.fromkeys(given)
        arguments |= dict.fromkeys(passed)
        used = ", ".join(line.split()[-1].lstrip("*") for line in given)
        steps += [
            f"for (int _k = threadIdx.x; _k < {units}; _k += blockDim.x) unit_{name}::_step_{name}(_k, {units}, {used});",
            "__syncthreads();",
        ]
        step = (
            f"__device__ __forceinline__ void _step_{name}(int _idx, int _N,{head.group(2)})\n{{\nusing namespace brian;\n"
            "int _vectorisation_idx = _idx;"
        )
        body = text[: head.start()] + step + text[head.end() :]
        texts[name] = body[: body.index(f"void _run_{name}()")]
    threads = min(1024, -(-largest // 32) * 32)
    return "\n".join(
        [
            # Without the bound the compiler may use more registers than a block of 1024 threads
            # has, and the launch fails.
            f"__global__ void __launch_bounds__({threads}) _run_kernel_chain_{number}({', '.join(parameters)})",
            "{",
            *steps[:-1],
            "}",
            f"void _run_chain_{number}()",
            "{",
            "using namespace brian;",
            f"_run_kernel_chain_{number}<<<1, {threads}>>>({', '.join(arguments)});",
            f'CUDA_CHECK_ERROR("_run_kernel_chain_{number}");',
            "}",
        ]
    )

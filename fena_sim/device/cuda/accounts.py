"""The memory that a program holds on the device and the work of a step, read from brian2cuda's
device when the sources are written.

Kept: every array that the generated program allocates there until its first step; not the samples
of monitors beyond those asked for, the free places that a growing monitor keeps, buffers of cuRAND
for random numbers in equations, and, with delays that brian2cuda's pathways hold (fena_sim's are
relay units), their queues.

Done, per code object: launches, settings of memory, copies to the host (each of which waits for the
device), and bytes moved: every array that it reads, once, and every array that it writes, once;
through stock kernels also the two indices of every synapse and its atomic addition.
"""

import re
from typing import TYPE_CHECKING

import numpy as np
from brian2.monitors import EventMonitor, StateMonitor
from brian2.synapses.synapses import Synapses

if TYPE_CHECKING:  # it imports brian2cuda
    from brian2_dense.cuda.device import DenseCUDADevice

_INDICES = ("_synaptic_pre", "_synaptic_post")
#: Arrays of pairs by which Synapses are created.
_PAIRS = ("sources", "targets")
#: Bytes of a pathway's tables by synapse (its number) and by unit that sends (how many synapses,
#: and a pointer to their numbers), with one parallel block, brian2cuda's default, and one delay for
#: all synapses.
_NUMBER, _SENDER = 4, 4 + 8
#: Launches, settings of memory and copies to the host in every step by brian2cuda's templates, when
#: no event happens.
_STOCK = {
    "stateupdate": (1, 0, 0),
    "summed_variable": (1, 1, 0),
    "threshold": (2, 0, 0),
    "spikemonitor": (0, 0, 1),
    "reset": (1, 0, 0),
    "statemonitor": (1, 0, 0),
    "ratemonitor": (1, 0, 0),
    "synapses": (0, 0, 1),
    "synapses_push_spikes": (0, 0, 0),
}


def of(device: "DenseCUDADevice") -> dict[str, list[dict]]:
    """{"arrays": [...], "steps": [...]} of a DenseCUDADevice that has been built.

    ``arrays``: {"owner", "variable", "bytes", "per": None}; with "per": "synapse" or "sample" the
    bytes of one of them. ``steps``: {"code": code object, "owner", "interval": s, "launches",
    "memsets", "copies", "bytes", "per_synapse" (bytes), "operations", "operations_per_synapse"}.
    """
    return {
        "arrays": [*_arrays(device), *_static(device), *_pathways(device), *_scratch(device)],
        "steps": _steps(device),
    }


def _arrays(device):
    dynamic = {*device.dynamic_arrays, *device.dynamic_arrays_2d}
    for variable, name in device.arrays.items():
        if variable not in dynamic:
            yield _sized(variable, name)
    zeros = {name for _, name in device.zero_arrays}
    for variable, name, _ in device.arange_arrays:
        if name in zeros:  # brian2cuda allocates it once as zeros and once more as 0, 1, 2, ...
            yield _sized(variable, name)
    for table in device.timed_arrays:
        yield {
            "owner": table.name,
            "variable": "values",
            "bytes": int(table.values.nbytes),
            "per": None,
        }
    for variable, name in device.dynamic_arrays.items():
        owner = _owner(variable)
        size = _itemsize(variable)
        if isinstance(owner, Synapses) and variable.name in _INDICES:
            if (
                variable not in device.dense
            ):  # even if it is deleted before the first step, the card must hold it until then
                yield _entry(variable, size, name, "synapse")
        elif variable.name in ("N_incoming", "N_outgoing"):
            group = owner.target if variable.name == "N_incoming" else owner.source
            yield _entry(variable, len(group) * size, name)
        elif isinstance(owner, Synapses):
            yield _entry(variable, size, name, "synapse")
        elif isinstance(owner, (EventMonitor, StateMonitor)) and not (
            isinstance(owner, StateMonitor) and variable.name == "t"
        ):
            yield _entry(variable, size, name, "sample")
    for variable, name in device.dynamic_arrays_2d.items():
        yield _entry(variable, _itemsize(variable) * len(_owner(variable).record), name, "sample")
    yield {"owner": "cuRAND", "variable": "seed", "bytes": 8, "per": None}


def _sized(variable, name):
    """The entry of an array of known size. Pairs of units grow as synapses do."""
    if isinstance(_owner(variable), Synapses) and variable.name in _PAIRS:
        return _entry(variable, _itemsize(variable), name, "synapse")
    return _entry(variable, variable.size * _itemsize(variable), name)


def _static(device):
    """Copies of the values that arrays begin with; those of tables are the tables themselves."""
    tables = {f"{table.name}_values" for table in device.timed_arrays}
    variables = {f"_static_array_{name}": variable for variable, name in device.arrays.items()}
    for name, values in device.static_arrays.items():
        if name in variables:
            entry = _sized(variables[name], name)
            yield entry | {"variable": f"first {entry['variable']}"}
        elif name not in tables and name not in device.dynamic_arrays.values():
            yield {
                "owner": name,
                "variable": "first values",
                "bytes": int(values.nbytes),
                "per": None,
            }


def _pathways(device):
    """Tables through which events find their synapses."""
    for code in device.code_objects.values():
        if code.template_name == "synapses_push_spikes":
            pathway = code.owner
            about = {"owner": pathway.synapses.name, "variable": f"tables of {pathway.name}"}
            yield about | {"bytes": _NUMBER, "per": "synapse"}
            yield about | {"bytes": _SENDER * len(pathway.source), "per": None}


def _itemsize(variable):
    return np.dtype(variable.dtype).itemsize


def _owner(variable):
    try:
        variable.owner.name  # noqa: B018  (a weak reference that may be dead)
        return variable.owner
    except (ReferenceError, AttributeError):
        return None


def _entry(variable, size, name, per=None):
    owner = _owner(variable)
    return {
        "owner": name if owner is None else owner.name,
        "variable": variable.name,
        "bytes": int(size),
        "per": per,
    }


def _scratch(device):
    for name, kernel in device.kernels.items():
        if kernel is not None and kernel.scratch:
            yield {
                "owner": device.code_objects[name].owner.name,
                "variable": "sums of tiles",
                "bytes": int(kernel.scratch),
                "per": None,
            }


def _steps(device):
    leads = {chain[0].name for chain in device.chains}
    followers = {code.name for chain in device.chains for code in chain[1:]}
    intervals = {clock.name: float(clock.dt) for clock in device.clocks}
    steps = []
    for clock, code in device.order:
        launches, memsets, copies = _STOCK.get(code.template_name, (1, 0, 0))
        kernel = device.kernels.get(code.name, ...)
        if kernel is not ...:
            launches, memsets, copies = (0 if kernel is None else kernel.launches), 0, 0
        elif code.name in followers:
            launches = 0
        elif code.name in leads:
            launches = 1
        steps.append(
            {
                "code": code.name,
                "owner": code.owner.name,
                "interval": intervals[clock],
                "launches": launches,
                "memsets": memsets,
                "copies": copies,
                **_traffic(device, code, kernel is not ...),
            }
        )
    return steps


def _traffic(device, code, dense):
    request = device._requests[code.name]
    time = {variable for clock in device.clocks for variable in clock.variables.values()}
    reads, writes = request.touched(time)
    moved, per_synapse = 0, 0
    for variable in [*reads, *writes]:
        variable = getattr(variable, "real_var", variable)
        if variable in time or variable in device.dense or variable.name in _INDICES:
            continue
        size = _itemsize(variable)
        if isinstance(_owner(variable), Synapses) and not variable.scalar:
            per_synapse += size
        elif (
            variable not in device.dynamic_arrays and variable not in device.dynamic_arrays_2d
        ):  # a monitor's grow
            moved += int(variable.size) * size
    if request.owner is not None and not dense:
        # a thread per synapse reads both indices, gathers a value and adds another to its target,
        # which reads and writes
        per_synapse += 2 * 4 + (
            2 * _itemsize(request.template_kwds["_target_var"])
            if "_target_var" in request.template_kwds
            else 0
        )
    operations = 0 if request.blocks is None else _operations("\n".join(request.blocks[1][None]))
    on_synapses = request.owner is not None
    return {
        "bytes": int(moved),
        "per_synapse": int(per_synapse),
        "operations_per_synapse": operations * on_synapses,
        "operations": operations * (0 if on_synapses else int(getattr(code.owner, "_N", 0))),
    }


def _operations(text):
    """Arithmetic operations in statements; a function counts as 20."""
    functions = re.findall(r"\b_brian_(?:exp|log|tanh|sqrt|pow|sin|cos)\w*\(", text)
    return len(re.findall(r"[-+*/](?![=/*])", text)) + 20 * len(functions)

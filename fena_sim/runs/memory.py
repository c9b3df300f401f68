"""The memory that a run takes, reckoned before anything of that size is allocated.

What is counted is what a run holds at its fullest moment, here and in the compiled network: Python
with Brian2, its state, the indices of synapses that are not dense, tables, and recordings. Files in
memory count, for they take it as well. Against the largest sum of this process, the compiled
network and their files that was measured, the sum is 95 to 121 % for networks of 10^6 to 2 x 10^7
synapses on dense, dense64, cpp and runtime, and for tables of a long pause.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import numpy as np
import psutil
from brian2.equations import Equations
from brian2.equations.equations import SUBEXPRESSION

from ..declare.model.connectivity import ALL, RANDOM, Pairs
from ..declare.model.hierarchy import Hierarchy
from ..declare.model.projection import Projection
from ..errors import ResourceError
from ..network.delay import line_sizes
from ..network.projection import synapse_count

#: Python with Brian2, xarray and Matplotlib holds 210 to 250 MiB, and some 50 more once a network's
#: sources were written.
PROCESS = 300 * 2**20
#: Copies of the state at the fullest moment. Compiled networks, when one ends: before the chunk and
#: after it, as the block began, in the network, and in the files to it and from it. The runtime has
#: no files: before and after, as the block began, in Brian2, and in the checkpoint.
COPIES, RUNTIME_COPIES = 6, 5
#: Copies of tables: of the block, of the chunk, in a file, in the network, and one in the build,
#: which Python does not give back. Of recordings: here, in the network, and in files in memory
#: between the two.
TABLE_COPIES, RECORDING_COPIES = 5, 4
#: Bytes of a number in NumPy, of the two indices of a synapse in Brian2, and of its pair as declared.
NUMBER, INDICES, PAIRS = 8, 8, 16
#: Control groups of this process, and where their limits are.
OWN_GROUPS, CGROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
SMALLER = "make populations smaller, or take single precision (--device dense)"


@attrs.frozen
class Need:
    """Bytes that something takes, and what makes it smaller."""

    what: str
    bytes: int
    fix: str


def free_memory() -> int:
    """Bytes that this process can still take: what the machine has, within the limits of the
    control groups that it is in (containers, batch systems).
    """
    return min([psutil.virtual_memory().available, *_left_in_groups()])


def _left_in_groups() -> Iterator[int]:
    try:
        lines = OWN_GROUPS.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers == "":
            root, limit, used, cache = CGROUPS, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            root, limit, used = CGROUPS / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            cache = "total_inactive_file"
        else:
            continue
        group = root / name.lstrip("/")
        # A container does not always see the folders of its groups by their names outside.
        for folder in [group, *(g for g in group.parents if g.is_relative_to(root))]:
            try:
                most, now = (int((folder / file).read_text()) for file in (limit, used))
                stat = dict(s.split() for s in (folder / "memory.stat").read_text().splitlines())
                yield max(0, most - now + int(stat.get(cache, 0)))  # a cache of files gives way
            except (OSError, ValueError):
                continue  # no such folder, or no limit ("max")


def check_memory(needs: Sequence[Need], where: str) -> None:
    """Raise ResourceError if what is needed together, with what Python itself takes beyond what it
    has now, does not fit the memory.
    """
    more = max(0, PROCESS - psutil.Process().memory_info().rss)
    total, free = sum(need.bytes for need in needs) + more, free_memory()
    if total > free:
        most = max(needs, key=lambda need: need.bytes)
        raise ResourceError(
            f"the run takes {size_text(total)} of memory, {size_text(free)} are free",
            where=f"{where}; most of it: {most.what} ({size_text(most.bytes)})",
            fix=most.fix,
        )


def state_needs(model: Hierarchy, device: str, dtype: type) -> list[Need]:
    """What the state of a run takes, by population and projection.

    Parameters
    ----------
    model : Hierarchy
    device : str
    dtype : type
        Of states on the device.
    """
    copies = (RUNTIME_COPIES if device == "runtime" else COPIES) * np.dtype(dtype).itemsize
    dense = device not in ("cpp", "runtime")
    needs = []
    for population in model.populations:
        units = population.size * model.batch
        each = copies * _count(population.parsed) + NUMBER * len(population.initial)
        what = f"population {population.name!r} of {population.size:,} units"
        needs.append(Need(what, units * each, SMALLER))
    for projection in model.projections:
        shape = [model.population(name).size for name in (projection.source, projection.target)]
        synapses = synapse_count(projection, *shape)
        each = copies * _variables(projection) + NUMBER * len(projection.initial)
        if not (dense and projection.connect == ALL and not projection.spiking):
            each += INDICES
        if isinstance(projection.connect, Pairs):
            each += PAIRS
        what = f"projection {projection.name!r} of {synapses:,} synapses"
        needs.append(Need(what, synapses * each, SMALLER))
        if projection.delay is not None:
            line, ends = line_sizes(projection, model).values()
            held = len(projection.reads("pre")) + projection.spiking
            what = f"the delay line of projection {projection.name!r}"
            size = (2 * line + ends * projection.several_delays) * copies * held
            needs.append(Need(what, size, "make its delay shorter, or dt longer"))
    return needs


def check_connections(model: Hierarchy) -> None:
    """Raise ResourceError if the pairs of units that a seed decides do not fit the memory when they
    are drawn: they are found, joined, and ordered.
    """
    needs = []
    for projection in model.projections:
        if isinstance(projection.connect, RANDOM) or projection.several_delays:
            sizes = [model.population(name).size for name in (projection.source, projection.target)]
            synapses = synapse_count(projection, *sizes)
            what = f"projection {projection.name!r} of about {synapses:,} synapses"
            needs.append(Need(what, 4 * PAIRS * synapses, SMALLER))
    if needs:
        check_memory(needs, model.where)


def _count(equations: Equations) -> int:
    """Variables that the equations declare, but for subexpressions."""
    return sum(e.type != SUBEXPRESSION for e in equations.values())


def _variables(projection: Projection) -> int:
    """Variables of each synapse."""
    rule = projection.plasticity
    return _count(projection.parsed) + (0 if rule is None else _count(rule.parsed))


def size_text(count: float) -> str:
    """A number of bytes for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.3g} {unit}"
        count /= 1024
    return f"{count:.3g} TiB"

"""Decides which synapses are all-to-all and what their code may do, from the requests of Brian2 to
the device.

Synapses are lowered if they were made by one ``connect()`` without a condition and no event acts on
them. Then synapse (i, j) is number i*N_post + j, so that index arrays are not needed: loops over i
and j take their place. Everything else runs as Brian2 wrote it, with a message that says why. All
this is decided when the program is built: until then anything may still happen to the synapses.
"""

from collections.abc import Iterable

import attrs
from brian2.codegen.codeobject import CodeObject
from brian2.core.variables import ArrayVariable
from brian2.synapses.synapses import Synapses

PRE, POST = "_presynaptic_idx", "_postsynaptic_idx"
#: Brian2's templates that can do without the index arrays: for sums and updates there are dense
#: ones.
CREATE, RECORD, PASSES = (
    "synapses_create_generator",
    "statemonitor",
    ("summed_variable", "stateupdate"),
)
SETS = ("group_variable_set", "group_variable_set_conditional")


@attrs.frozen
class Dense:
    """The shape of lowered synapses: units of a stream, where the two (sub)groups begin in their
    groups, streams.
    """

    name: str
    n_pre: int
    n_post: int
    offset_pre: int
    offset_post: int
    batch: int = 1


@attrs.frozen(eq=False)
class Request:
    """A code object that Brian2 asked for: what it was made from, and as it was made (`stock`).

    `owner` is the presynaptic index array of the Synapses to which it belongs, None for other
    groups; `blocks` what the generator noted: (scalar, vector, keywords, reads, writes) of sums and
    state updates, else None.
    """

    made: CodeObject
    stock: object
    template: str
    template_kwds: dict
    owner: ArrayVariable | None
    arguments: dict
    blocks: tuple | None

    def concerns(self, synapses: Synapses) -> bool:
        """Whether it belongs to these synapses or reads their index arrays."""
        indices = [synapses.variables[name] for name in ("_synaptic_pre", "_synaptic_post")]
        return self.owner is indices[0] or any(
            v is index for v in self.arguments["variables"].values() for index in indices
        )

    def touched(self, time: set[ArrayVariable]) -> tuple[set[ArrayVariable], set[ArrayVariable]]:
        """The arrays that it (reads, writes), as two sets; all that it knows but `time`, unless it
        sums or updates.
        """
        if self.blocks is not None:
            target = self.template_kwds.get("_target_var")
            return set(self.blocks[3]), set(self.blocks[4]) | (
                {target} if target is not None else set()
            )
        arrays = {v for v in self.made.variables.values() if isinstance(v, ArrayVariable)}
        return arrays, {v for v in arrays if not (v.read_only and v.constant)} - time


@attrs.frozen(eq=False)
class Pass:
    """One code object's part in a pass: a sum onto "pre" or "post", or "state" (no sum).

    `scalar` and `vector` are Brian2's statement blocks; `target` is the summed variable, `pointer`
    and `c_type` its name and type in C++; `ordered` is true if the statements write anything but
    synaptic variables; `number` tells the passes of one kernel apart.
    """

    code_object: CodeObject
    dense: Dense
    kind: str
    scalar: str
    vector: str
    pointers: str
    support: tuple
    defines: tuple
    reads: frozenset
    writes: frozenset
    target: ArrayVariable | None = None
    pointer: str | None = None
    c_type: str | None = None
    ordered: bool = False
    number: int = 0
    kernel_lines: tuple = ()


def template(request: Request) -> tuple[str, str | None]:
    """The template of a lowered code object, and what it does: "create", "pass" or (None) neither."""
    if request.template == CREATE:
        return "dense_synapses_create", "create"
    if request.template in PASSES and request.owner is not None:
        return f"dense_{request.template}", "pass"
    return request.template, None


def reason_against(
    synapses: Synapses, requests: Iterable[Request], everything: Iterable[Synapses]
) -> str | None:
    """Why synapses cannot be lowered; None if they can.

    `requests` are those that concern them, `everything` all Synapses of the program.
    """
    if synapses._pathways:
        return "spikes or other events act on them"
    if any(isinstance(end, Synapses) for end in (synapses.source, synapses.target)):
        return "they connect to synapses"
    if any(synapses is end for other in everything for end in (other.source, other.target)):
        return "other synapses connect to them"
    if synapses.multisynaptic_index:
        return "they may be several per pair"
    created = [r for r in requests if r.template.startswith("synapses_create")]
    if len(created) != 1:
        return f"connect() was called {len(created)} times"
    if created[0].template != CREATE:
        return "they are not all-to-all: connect() was given pairs"
    if not _everything(created[0]):
        return "they are not all-to-all: connect() was given a condition, a rule or copies"
    if len(synapses.source) * len(synapses.target) >= 2**31:
        return "Brian2 counts synapses with 32 bits"
    for request in requests:
        reason = _reason_against(request)
        if reason is not None:
            return reason
    return None


def _everything(request):
    """Whether a call of connect() makes all pairs, each once, in the order of the presynaptic
    units.
    """
    kwds = request.template_kwds
    return (
        kwds["iterator_func"] == "range"
        and kwds["if_expression"] == "True"
        and kwds["outer_index"] == "i"
        and kwds["iterator_kwds"].get("low") == "0"
        and kwds["iterator_kwds"].get("high") == "N_post"
        and kwds["iterator_kwds"].get("step") == "1"
        and kwds["element"].strip() == kwds["inner_variable"]
        and request.arguments["abstract_code"]["update"].split("_n =")[-1].strip() == "1"
    )


def _reason_against(request):
    """Why a code object that concerns some synapses needs them as Brian2 made them."""
    if request.template not in (
        (*PASSES, *SETS, CREATE, RECORD) if request.owner is not None else (RECORD,)
    ):
        return f"{request.made.name} needs their indices"
    if request.owner is not None and request.template in PASSES and request.blocks is None:
        return f"{request.made.name} is not in plain C++"
    target = request.template_kwds.get("_target_var")
    if target is None:
        return None
    if target.scalar:
        return f"they sum into {target.name!r}, which is shared"
    return f"{request.made.name} reads what it sums" if target in request.blocks[3] else None


def shape(synapses: Synapses) -> Dense:
    batch, variables = getattr(synapses, "_batch", 1), synapses.variables
    return Dense(
        name=synapses.name,
        n_pre=len(synapses.source) // batch,
        n_post=len(synapses.target) // batch,
        batch=batch,
        offset_pre=int(variables["_source_offset"].get_value()),
        offset_post=int(variables["_target_offset"].get_value()),
    )

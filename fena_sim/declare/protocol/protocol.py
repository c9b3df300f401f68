"""A protocol: blocks in order, and the variable that stands for the measured signal."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from ...errors import ProtocolError, UnknownNameError, nearest
from ..arguments import checked
from ..html import protocol_html
from ..measured.signal import Signal
from ..sequence import sequence
from ..stimulus.vocabulary import Vocabulary
from .block import INITIAL, Block


def _blocks(given: Iterable[Block]) -> tuple:
    return sequence(given, "blocks", "Protocol.blocks", ProtocolError)


def _mapping(given: Mapping[str, Signal]) -> Mapping:
    return MappingProxyType(dict(given))


@checked(ProtocolError)
@attrs.frozen(kw_only=True, eq=False)
class Protocol:
    """An experiment. A protocol file's ``protocol()`` returns one.

    Parameters
    ----------
    name : str
    blocks : tuple of Block
        In order; each starts where the one before ended unless its `start_from` says otherwise.
    signals : dict
        Signals of one's own, for every block that does not give them itself; as `Block(signals=...)`.
    measured_signal : str
        What in the model stands for what an experimenter would record, fixed before any run, in
        words.
    measured : dict of Signal
        The same, computed in the network at every step: signals by name, such as
        ``{"mmn": Signal("error_0", "error")}``. A signal that no probe of the protocol records is
        recorded in every block, every 1 ms, as "mmn.value"; ``Probe("mmn", "value")`` in some of the
        blocks records it in these alone.
    description : str
    options : dict
        The options of ``protocol()`` that it was made with, defaults included, for the record:
        `load_protocol` fills them in.
    """

    name: str
    blocks: tuple = attrs.field(converter=_blocks)
    measured_signal: str = ""
    description: str = ""
    signals: Mapping[str, Any] = attrs.field(
        default=MappingProxyType({}), metadata={"hashed": False}
    )  # they are its blocks'
    measured: Mapping[str, Signal] = attrs.field(
        default=MappingProxyType({}), converter=_mapping, metadata={"hashed": "if given"}
    )
    options: dict[str, object] = attrs.field(
        factory=dict, metadata={"hashed": False}
    )  # what they decide is hashed

    def __attrs_post_init__(self):
        if not self.name.isidentifier():
            raise ProtocolError(
                f"protocol name {self.name!r} is not an identifier",
                where="Protocol(name=...)",
                fix="use letters and underscores",
            )
        if not self.blocks or not all(isinstance(b, Block) for b in self.blocks):
            raise ProtocolError(
                "a protocol needs at least one Block", where=self.where, fix="blocks=[Block(...)]"
            )
        self._check_measured()
        if self.signals:
            shared = dict(self.signals)
            blocks = [attrs.evolve(b, signals={**shared, **b.signals}) for b in self.blocks]
            object.__setattr__(self, "blocks", tuple(blocks))
        seen = []
        for block in self.blocks:
            if block.name in seen or block.name == INITIAL:
                raise ProtocolError(
                    f"the block name {block.name!r} is taken", where=self.where, fix="rename it"
                )
            if block.start_from not in (None, INITIAL, *seen):
                raise UnknownNameError(
                    f"block {block.name!r} starts from {block.start_from!r}, which does not come "
                    "before it",
                    where=self.where,
                    fix=nearest(block.start_from, [INITIAL, *seen]),
                )
            if block.side_by_side[0].vocabulary != self.vocabulary:
                raise ProtocolError(
                    f"block {block.name!r} has another vocabulary than the first block",
                    where=self.where,
                    fix="use one vocabulary in all blocks",
                )
            seen.append(block.name)

    def _check_measured(self):
        for name in self.measured:
            if not name.isidentifier() or name.startswith("_"):
                raise ProtocolError(
                    f"the name {name!r} of a measured signal is not an identifier",
                    where=self.where,
                    fix="use letters, digits and underscores, e.g. 'mmn'",
                )

    @property
    def where(self) -> str:
        return f"Protocol {self.name!r}"

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary that all blocks share."""
        return self.blocks[0].side_by_side[0].vocabulary

    def origin(self, block: Block) -> str:
        """Name of the state that `block` starts from: an earlier block's, or INITIAL."""
        if block.start_from is not None:
            return block.start_from
        position = self.blocks.index(block)
        return self.blocks[position - 1].name if position else INITIAL

    def _repr_html_(self):
        return protocol_html(self)

    def __repr__(self):
        blocks = ", ".join(f"{b.name} ({len(b)} tokens)" for b in self.blocks)
        return f"<Protocol {self.name}: {blocks}>"

"""A block: one stretch of tokens at one pace, with its control signals and probes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs
import numpy as np

from ...errors import ProtocolError, UnknownNameError, clipped, nearest
from ..arguments import checked
from ..control_signals import CONTROL_SIGNALS
from ..sequence import check_order, sequence
from ..stimulus.stream import TokenStream
from .event_pace import EventPace
from .pace import FixedPace, SelfPaced
from .probe import Probe
from .sources import check_names

#: A block that starts from here sees the network as it was before anything was presented.
INITIAL = "initial"


def _single(stream: TokenStream | Sequence[TokenStream]) -> TokenStream | Sequence[TokenStream]:
    """A list of one stream is that stream, so that protocols need not tell a batch of one from
    none.
    """
    check_order(stream, "streams", "Block.stream", ProtocolError)
    if not isinstance(stream, (list, tuple)) or not stream:
        return stream
    return stream[0] if len(stream) == 1 and isinstance(stream[0], TokenStream) else tuple(stream)


def _own_pace(stream):
    """The onsets of the stream's table. Of several streams, which share a pace, the first decides."""
    first = stream[0] if isinstance(stream, tuple) and stream else stream
    return getattr(first, "pace", None) or FixedPace()


def _signals(given: Mapping[str, Any]) -> Mapping:
    return MappingProxyType(dict(given))


def _probes(given: Iterable[Probe]) -> tuple:
    return sequence(given, "probes", "Block.probes", ProtocolError)


@checked(ProtocolError)
@attrs.frozen(kw_only=True, eq=False)
class Block:
    """Tokens presented at one pace.

    Parameters
    ----------
    name : str
    stream : TokenStream, or list of TokenStream
        The tokens with their ground-truth labels. For a Hierarchy with a batch, one stream of its
        own for each, of equal lengths: they are presented side by side, at the same pace.
    pace : FixedPace, EventPace or SelfPaced
        If left out, the onsets of the stream's own table (`TokenStream.from_events`), or FixedPace()
        where it has none.
    controls : dict
        Control signals ``gate``, ``temperature``, ``plasticity_gain``, ``precision_gain``,
        ``knocked_out`` (the level whose predictions are knocked out; 0: none): a number, an array with one value per token, or a function of the time since the block's start
        (from a quantity array of times (n,) to values (n,); it is asked for one stretch of the block
        after the other), or Brian2's TimedArray.
    signals : dict
        Signals of one's own, which populations declare (`Population(signals=...)`): a number or
        quantity; an array with one value per token, or one row of values per token, a value for each
        unit; a function of the time since the block's start; a TimedArray of samples (n,) or
        (n, units) from the block's start on, the last of which stays; OrnsteinUhlenbeck,
        PoissonSpikes, RegularSpikes or SpikeTimes. ``stimulus_noise`` needs no declaration: it is
        added to the code of the token. In a batch all streams have the same signals.
    probes : tuple of Probe
    start_from : str, optional
        Name of an earlier block whose final state this block starts from, or INITIAL. The block
        before it if left out. Several blocks may start from the same state: each gets a copy.
    omission_gate : float
        Gate during an omitted token: 0 withholds the input (the bare prediction remains), 1 lets
        the silence through (the absent input contradicts the prediction).
    """

    name: str
    stream: TokenStream = attrs.field(converter=_single)
    pace: FixedPace | EventPace | SelfPaced = attrs.field(
        default=attrs.Factory(lambda block: _own_pace(block.stream), takes_self=True)
    )
    controls: dict[str, float | np.ndarray | Callable] = attrs.field(factory=dict)
    signals: Mapping[str, Any] = attrs.field(
        default=MappingProxyType({}), converter=_signals, metadata={"hashed": "if given"}
    )
    probes: tuple = attrs.field(factory=tuple, converter=_probes)
    start_from: str | None = None
    omission_gate: float = 0.0

    def __attrs_post_init__(self):
        if not self.name.isidentifier():
            raise ProtocolError(
                f"block name {self.name!r} is not an identifier",
                where="Block(name=...)",
                fix="use letters and underscores",
            )
        self._check_streams()
        check_names(self.signals, self.where)
        for name, value in self.controls.items():
            if name not in CONTROL_SIGNALS:
                raise UnknownNameError(
                    f"unknown control signal {name!r}",
                    where=self.where,
                    fix=nearest(name, CONTROL_SIGNALS),
                )
            if not callable(value) and np.shape(value) not in ((), (len(self),)):
                raise ProtocolError(
                    f"control {name!r} has {np.size(value)} values for {len(self)} tokens",
                    where=self.where,
                    fix="give a number, one value per token, or a function of time",
                )

    def _check_streams(self):
        if not self.streams or not all(isinstance(stream, TokenStream) for stream in self.streams):
            raise ProtocolError(
                f"the stream is {clipped(self.stream)}",
                where=self.where,
                fix=(
                    "give a TokenStream, e.g. TokenStream.from_list(symbols, vocabulary), or a list of them"
                ),
            )
        for stream in self.streams:
            if len(stream) != len(self):
                raise ProtocolError(
                    f"streams of {len(self)} and of {len(stream)} tokens",
                    where=self.where,
                    fix="cut them to one length, stream[:n]",
                )
            if stream.vocabulary != self.streams[0].vocabulary:
                raise ProtocolError(
                    "streams of different vocabularies", where=self.where, fix="use one vocabulary"
                )
            if self.pace is self.streams[0].pace is not None and stream.pace != self.pace:
                raise ProtocolError(
                    "streams with different onsets of their own, which cannot share a pace",
                    where=self.where,
                    fix="give the block a pace for all of them, e.g. pace=FixedPace()",
                )

    @property
    def streams(self) -> tuple[TokenStream, ...]:
        """The streams that are presented side by side, a tuple; mostly one."""
        return self.stream if isinstance(self.stream, tuple) else (self.stream,)

    def __len__(self):
        """Tokens of each stream."""
        return len(self.streams[0])

    @property
    def where(self) -> str:
        return f"Block {self.name!r}"

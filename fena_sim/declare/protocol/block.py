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


def _mapping(given: Mapping[str, Any]) -> Mapping:
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
    streams : dict of TokenStream
        Of several modalities, ``{"picture": ..., "sound": ...}``: the stream of each input population,
        with a vocabulary and onsets of its own (see `TokenStream.paced`). `stream` is then left out.
    paced_by : str
        Of several modalities, the population whose stream paces the block: its tokens are those of
        the block, which ends with them. The first if left out.
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
        after the other), or Brian2's TimedArray. Of several modalities, ``gate`` may be a dict with
        one of these for each.
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
    streams: Mapping[str, TokenStream] = attrs.field(
        default=MappingProxyType({}), converter=_mapping, metadata={"hashed": "if given"}
    )
    paced_by: str | None = attrs.field(
        default=attrs.Factory(lambda block: next(iter(block.streams), None), takes_self=True),
        metadata={"hashed": "if given"},
    )
    stream: TokenStream = attrs.field(
        default=attrs.Factory(lambda block: block.streams.get(block.paced_by), takes_self=True),
        converter=_single,
    )
    pace: FixedPace | EventPace | SelfPaced = attrs.field(
        default=attrs.Factory(lambda block: _own_pace(block.stream), takes_self=True)
    )
    controls: dict[str, float | np.ndarray | Callable | Mapping] = attrs.field(factory=dict)
    signals: Mapping[str, Any] = attrs.field(
        default=MappingProxyType({}), converter=_mapping, metadata={"hashed": "if given"}
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
        self._check_modalities()
        self._check_streams()
        check_names(self.signals, self.where)
        for name, value in self.controls.items():
            if name not in CONTROL_SIGNALS:
                raise UnknownNameError(
                    f"unknown control signal {name!r}",
                    where=self.where,
                    fix=nearest(name, CONTROL_SIGNALS),
                )
            if isinstance(value, Mapping):
                self._check_gates(name, value)
            elif not callable(value) and np.shape(value) not in ((), (len(self),)):
                raise ProtocolError(
                    f"control {name!r} has {np.size(value)} values for {len(self)} tokens",
                    where=self.where,
                    fix="give a number, one value per token, or a function of time",
                )

    def _check_gates(self, name, gates):
        unknown = [key for key in gates if key not in self.streams]
        if name != "gate" or unknown:
            raise ProtocolError(
                f"control {name!r} is given for {clipped(list(gates))}",
                where=self.where,
                fix=f"give {name} one value"
                if name != "gate"
                else nearest(unknown[0], self.streams),
            )

    def _check_modalities(self):
        if not self.streams and self.paced_by is None:
            return
        if self.paced_by not in self.streams:
            raise UnknownNameError(
                f"no stream is of {self.paced_by!r}",
                where=self.where,
                fix=nearest(self.paced_by, self.streams) if self.streams else "leave paced_by out",
            )
        if self.stream is not self.streams[self.paced_by]:
            raise ProtocolError(
                "the block has a stream besides those of its modalities",
                where=self.where,
                fix="leave stream out",
            )
        for name, stream in self.streams.items():
            if not isinstance(stream, TokenStream):
                raise ProtocolError(
                    f"the stream of {name!r} is {clipped(stream)}",
                    where=self.where,
                    fix="give a TokenStream, e.g. TokenStream.from_list(symbols, vocabulary)",
                )

    @property
    def others(self) -> dict[str, "Block"]:
        """The modalities beside the first, each as a block of its own: {population: Block}."""
        gates = self.controls.get("gate", {})
        gates = gates if isinstance(gates, Mapping) else {}
        return {
            name: Block(
                name=self.name,
                stream=stream,
                controls={"gate": gates[name]} if name in gates else {},
                omission_gate=self.omission_gate,
            )
            for name, stream in self.streams.items()
            if name != self.paced_by
        }

    def _check_streams(self):
        if not self.side_by_side or not all(
            isinstance(stream, TokenStream) for stream in self.side_by_side
        ):
            raise ProtocolError(
                f"the stream is {clipped(self.stream)}",
                where=self.where,
                fix=(
                    "give a TokenStream, e.g. TokenStream.from_list(symbols, vocabulary), or a list of them"
                ),
            )
        for stream in self.side_by_side:
            if len(stream) != len(self):
                raise ProtocolError(
                    f"streams of {len(self)} and of {len(stream)} tokens",
                    where=self.where,
                    fix="cut them to one length, stream[:n]",
                )
            if stream.vocabulary != self.side_by_side[0].vocabulary:
                raise ProtocolError(
                    "streams of different vocabularies", where=self.where, fix="use one vocabulary"
                )
            if self.pace is self.side_by_side[0].pace is not None and stream.pace != self.pace:
                raise ProtocolError(
                    "streams with different onsets of their own, which cannot share a pace",
                    where=self.where,
                    fix="give the block a pace for all of them, e.g. pace=FixedPace()",
                )

    @property
    def side_by_side(self) -> tuple[TokenStream, ...]:
        """The streams that are presented side by side, one for each of the batch; mostly one."""
        return self.stream if isinstance(self.stream, tuple) else (self.stream,)

    def __len__(self):
        """Tokens of each stream."""
        return len(self.side_by_side[0])

    @property
    def where(self) -> str:
        return f"Block {self.name!r}"

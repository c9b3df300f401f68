"""Compares the same protocol on stock C++ and on other devices.

Every block is cut to its first tokens, so that all blocks together present about as many as were
asked for, learning as the protocol has it. Compared are the states at the end of every block, what
is kept for every token, and the traces. Of a variable:

    max_abs = max |x - reference|,   max_rel = max_abs / max |reference|,

over all blocks, times and units. The scale is the variable's own largest value, because the
relative error of a number that happens to be near 0 says nothing. Events (spikes, tokens) must be
the same ones: one that differs makes max_rel infinite.

A variable that is a small difference of large numbers (an error after settling) keeps few digits in
float32, on any device. How many is shown by stock C++ in float32 against itself in float64: rows
that nothing is asked of.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import cast

import attrs
import numpy as np

from ...declare.model.hierarchy import Hierarchy
from ...declare.protocol.event_pace import EventPace
from ...declare.protocol.pace import FixedPace
from ...declare.protocol.protocol import Protocol
from ...device.cpp import CppDevice
from ...device.cuda.devices import CudaHostProgram
from ...device.default import DEVICES, choose_device
from ...device.scratch import temporary_folder
from ...errors import DeviceError, nearest
from ...runs.execute import run
from ...runs.plan import Plan
from ...runs.preview import block_program, card_device, estimate
from ...runs.store.run import Run

#: Largest max_rel that passes, by precision.
THRESHOLDS = {"float64": 1e-12, "float32": 1e-5}
#: Where rounding costs stock C++ more, as where a model takes differences to a high power, single
#: precision may differ by this many times what it costs stock C++ itself.
ROUNDINGS = 10
REFERENCE = "cpp"
#: The reference of stock C++ in float32: what the precision itself costs.
EXACT = "cpp float64"


@attrs.frozen
class Row:
    """How far a variable is from the reference on a device."""

    variable: str
    reference: str
    device: str
    dtype: str
    max_abs: float
    max_rel: float
    threshold: float = attrs.field()

    @threshold.default
    def _of_the_precision(self):
        return THRESHOLDS[self.dtype]

    @property
    def passes(self) -> bool:
        return self.reference == EXACT or self.max_rel <= self.threshold


@attrs.frozen
class Cost:
    """What a device does in a step; None where it is not counted."""

    device: str
    launches_per_step: float | None = None
    bytes_per_step: float | None = None
    device_bytes: int | None = None


def certify(
    model: Hierarchy,
    protocol: Protocol,
    devices: Iterable[str] = ("dense", "cuda_host"),
    tokens: int = 200,
    seed: int = 0,
    dtypes: Iterable[str] = ("float64", "float32"),
) -> tuple[list[Row], list[Cost]]:
    """Compare devices with stock C++.

    Parameters
    ----------
    model : Hierarchy
    protocol : Protocol
    devices : sequence of str
        Of dense, cuda_host, cuda; each runs in every precision. "cuda_host" also with threads in
        reverse order.
    tokens : int
        Of all blocks together.
    seed : int
    dtypes : sequence of "float64", "float32"

    Returns
    -------
    (list of Row, list of Cost)

    Raises DeviceError for a device that is unknown or not available.
    """
    short = cut(protocol, tokens)
    rows, costs, stock = [], [Cost(device=REFERENCE)], {}
    for name in devices:
        _check(name)
    with temporary_folder("certify") as folder:
        for dtype in dtypes:
            reference = values(
                run(
                    model,
                    short,
                    seed=seed,
                    device=variant(REFERENCE, dtype),
                    out=Path(folder, REFERENCE),
                )
            )
            stock[dtype] = reference
            for name in devices:
                for device in _orders(variant(name, dtype)):
                    shown = (
                        f"{name} (reverse)"
                        if getattr(device, "order", "forward") == "reverse"
                        else name
                    )
                    found = values(
                        run(model, short, seed=seed, device=device, out=Path(folder, shown))
                    )
                    rows += [
                        Row(variable, REFERENCE, shown, dtype, *apart(found.get(variable), array))
                        for variable, array in reference.items()
                    ]
    if set(stock) == set(THRESHOLDS):
        rounding = [
            Row(
                variable, EXACT, REFERENCE, "float32", *apart(stock["float32"].get(variable), array)
            )
            for variable, array in stock["float64"].items()
        ]
        rows = [*with_rounding(rows, rounding), *rounding]
    costs += [cost(model, short, name, seed) for name in devices]
    return rows, costs


def with_rounding(rows: Iterable[Row], rounding: Iterable[Row]) -> list[Row]:
    """The rows, those in single precision with a threshold that allows for what rounding costs stock
    C++ (`rounding`: one Row per variable).
    """
    cost = {row.variable: row.max_rel for row in rounding}
    return [
        attrs.evolve(row, threshold=max(row.threshold, ROUNDINGS * cost[row.variable]))
        if row.dtype == "float32"
        else row
        for row in rows
    ]


def _check(name):
    if name not in ("dense", "cuda_host", "cuda"):
        raise DeviceError(
            f"no device {name!r} can be certified against {REFERENCE}",
            fix=nearest(name, ["dense", "cuda_host", "cuda"]),
        )
    choose_device(name)


def variant(name: str, dtype: str) -> CppDevice:
    """The device called `name` in a precision."""
    return attrs.evolve(
        cast(CppDevice, DEVICES[name]), dtype=np.dtype(dtype).type, name=f"{name}_{dtype}"
    )


def _orders(device):
    if not hasattr(device, "order"):
        return [device]
    return [device, attrs.evolve(device, order="reverse", name=f"{device.name}_reverse")]


def cut(protocol: Protocol, tokens: int) -> Protocol:
    """The protocol with the first tokens of every block, about as many as `tokens` in all."""
    each = max(1, tokens // len(protocol.blocks))
    return attrs.evolve(protocol, blocks=[_cut(block, each) for block in protocol.blocks])


def _cut(block, n):
    """The first `n` tokens of a block, with whatever it has for each of them."""
    if len(block) <= n:
        return block
    streams = [stream[:n] for stream in block.side_by_side]
    modalities = {}
    if block.streams:
        end = _ends(block.pace, len(block))[n - 1]
        ended = {p: int((_ends(b.pace, len(b)) <= end).sum()) for p, b in block.others.items()}
        modalities = {p: block.streams[p][:k] for p, k in ended.items() if k}
        modalities[block.paced_by] = streams[0]
    return attrs.evolve(
        block,
        streams=modalities,
        stream=streams if len(streams) > 1 else streams[0],
        pace=_cut_pace(block.pace, n),
        controls=_cut_values(block.controls, len(block), n),
        signals=_cut_values(block.signals, len(block), n),
    )


def _ends(pace, n):
    """When the presentations of n tokens end, at the earliest, in s: (n,)."""
    if isinstance(pace, EventPace):
        return np.asarray(pace.onset + pace.duration)
    if isinstance(pace, FixedPace):
        return np.add(*pace.times(n))
    return float(pace.blank + pace.shortest) * np.arange(1, n + 1)


def _cut_pace(pace, n):
    """The pace with the times of the first `n` tokens."""
    if isinstance(pace, EventPace):
        return pace.part(slice(n))
    if not isinstance(pace, FixedPace):  # one time for all tokens
        return pace
    times = {
        name: getattr(pace, name)
        # The blank follows from an onset asynchrony, and only one of the two is given.
        for name in ("duration", "blank" if pace.onset_asynchrony is None else "onset_asynchrony")
    }
    cut = {name: time[:n] if np.shape(time) else time for name, time in times.items()}
    return FixedPace(**cut, seed=pace.seed)


def _cut_values(given, tokens, n):
    """Control signals or signals of one's own for the first `n` of so many tokens. What is given by
    time is the same.
    """
    return {
        name: value[:n]
        if not callable(value) and np.ndim(value) and len(value) == tokens
        else value
        for name, value in given.items()
    }


def values(run: Run) -> dict[str, np.ndarray]:
    """Everything that a run holds: {name: array}, blocks one after the other."""
    found: dict[str, list[np.ndarray]] = {}
    for block in run.blocks:
        data = {f"{name}": array for name, array in run.state(block).items()}
        data |= {
            f"tokens {name}": array.to_numpy()
            for name, array in run.tokens(block).data_vars.items()
        }
        if next(entry for entry in run.manifest["blocks"] if entry["name"] == block)["probes"]:
            data |= {
                f"trace {name}": array.to_numpy()
                for name, array in run.traces(block).data_vars.items()
            }
        for name, array in data.items():
            found.setdefault(name, []).append(np.asarray(array, dtype=float).ravel())
    return {name: np.concatenate(arrays) for name, arrays in found.items()}


def apart(found: np.ndarray | None, reference: np.ndarray) -> tuple[float, float]:
    """(max_abs, max_rel) of two arrays; infinite if they are not of one size or not finite at the
    same places.
    """
    if (
        found is None
        or found.shape != reference.shape
        or not (np.isnan(found) == np.isnan(reference)).all()
    ):
        return np.inf, np.inf
    there = ~np.isnan(reference)
    if not there.any():
        return 0.0, 0.0
    largest, difference = (
        np.abs(reference[there]).max(),
        np.abs(found[there] - reference[there]).max(),
    )
    if difference == 0:
        return 0.0, 0.0
    return float(difference), float(difference / largest) if largest > 0 else np.inf


def cost(model: Hierarchy, protocol: Protocol, name: str, seed: int = 0) -> Cost:
    """The Cost of a device: launches counted by running on cuda_host, bytes moved by the program's
    accounts.
    """
    if name not in ("cuda_host", "cuda"):
        return Cost(device=name)
    about = estimate(Plan.of(model, protocol, seed, card_device(name)))
    if name == "cuda":
        return Cost(
            name, about["launches_per_step"], about["bytes_per_step"], about["training_bytes"]
        )
    program, state, tables = block_program(Plan.of(model, protocol, seed, DEVICES[name]))
    assert isinstance(program, CudaHostProgram)
    period = common_period(model)
    one, two = (program.count(state, tables, 0, n * period) for n in (1, 3))
    launches = (
        sum(two["launches"].values())
        + two["memsets"]
        - sum(one["launches"].values())
        - one["memsets"]
    ) / (2 * period)
    return Cost(name, launches, about["bytes_per_step"], one["device_bytes"])


def common_period(model: Hierarchy) -> int:
    """Steps after which all clocks of a model begin together again."""
    clocks = [p.clock for p in model.populations] + [
        p.plasticity.clock for p in model.projections if p.plasticity is not None
    ]
    return int(
        np.lcm.reduce(
            [round(float(clock) / float(model.dt)) for clock in clocks if clock is not None] or [1]
        )
    )

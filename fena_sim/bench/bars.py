"""The bars for speed: each is computed from the rows of one call, with its verdict."""

from collections.abc import Iterable, Mapping

import attrs

PEERS = ("numpy", "jax", "ngclearn", "pcx")


@attrs.frozen
class Bar:
    """`value` is what was measured; it holds if it is at least (or at most) `bound`."""

    name: str
    value: float
    bound: float
    at_least: bool = True

    @property
    def holds(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def bars(rows: Iterable[Mapping]) -> list[Bar]:
    """All bars for which the rows hold what is needed."""
    found = {(r["network"], r["dtype"], r["plastic"], r["batch"], r["variant"]): r for r in rows}

    def time(network, variant, plastic=True, batch=1):
        row = found.get((network, "float32", plastic, batch, variant))
        return row and row["us_per_step"]

    def memory(network, plastic):
        row = found.get((network, "float32", plastic, 1, "dense"))
        return row and row["bytes_per_synapse"]

    candidates = []

    def add(name, over, under, bound, at_least=True):
        if over and under:
            candidates.append(Bar(name, over / under, bound, at_least))

    for network, of_limit, factors in (
        ("small", 3, {"stock": 30, "ngclearn": 3, "pcx": 3.5, "jax": 2}),
        ("large", 2, {"stock": 30, "ngclearn": 2, "pcx": 2.5, "jax": 1.7}),
    ):
        dense = time(network, "dense")
        for other, factor in factors.items():
            add(
                f"{network}, plastic: times faster than {other}",
                time(network, other),
                dense,
                factor,
            )
        add(
            f"{network}, plastic: time of hand-written C++",
            dense,
            time(network, "hand"),
            1.25,
            False,
        )
        add(
            f"{network}, plastic: hand-written C++, times the limit",
            time(network, "hand"),
            time(network, "limit"),
            of_limit,
            False,
        )
        add(f"{network}, plastic: times the limit (aim)", dense, time(network, "limit"), 1.3, False)
        for other in ("ngclearn", "pcx", "jax"):
            add(
                f"{network}, not plastic: times faster than {other}",
                time(network, other, False),
                time(network, "dense", False),
                1,
            )
    for plastic in (True, False):
        for other in PEERS:
            add(
                f"1e4, {'plastic' if plastic else 'not plastic'}: times faster than {other}",
                time("1e4", other, plastic),
                time("1e4", "dense", plastic),
                1,
            )
    per_synapse = {
        n: r["us_per_step"] / r["synapses"]
        for n in ("1e6", "1e7")
        if (r := found.get((n, "float32", True, 1, "dense")))
    }
    add(
        "1e7, plastic: cost per synapse, times that at 1e6",
        per_synapse.get("1e7"),
        per_synapse.get("1e6"),
        1.5,
        False,
    )
    multiples = {
        n: r["x_limit"] for n in per_synapse if (r := found[n, "float32", True, 1, "dense"])
    }
    add(
        "1e7, plastic: the same, in multiples of the limit",
        multiples.get("1e7"),
        multiples.get("1e6"),
        1.5,
        False,
    )
    alone = time("large", "dense")
    add(
        "large, plastic, B = 32: throughput per stream, times B = 1",
        alone and 32 * alone,
        time("large", "dense", batch=32),
        2,
    )
    add("large, plastic: bytes per synapse", memory("large", True), 1, 4.5, False)
    add(
        "large: memory of training, times that of inference",
        memory("large", True),
        memory("large", False),
        1.02,
        False,
    )
    return candidates

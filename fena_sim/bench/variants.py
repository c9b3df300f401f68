"""The variants that are timed, where their code is, and which settings each may choose from."""

import importlib
import os

import attrs

from .networks import Case
from .subject import Subject


@attrs.frozen
class Variant:
    """One way to compute the network.

    `where`: "module:Class" of this package. `peer`: a tool that a user could pick instead of ours;
    it may use all cores. `compiled`: it is a C++ program. `streams`: it knows B > 1. `checked`: it
    writes the same equations, so that its state can be compared. `needs`: the package that must be
    installed. `slow_start`: it takes seconds to prepare, so that a quick call leaves it out at B >
    1.
    """

    name: str
    where: str
    peer: bool = False
    compiled: bool = False
    streams: bool = True
    checked: bool = True
    needs: str | None = None
    slow_start: bool = False

    def make(self, case: Case, **options: int) -> Subject:
        module, name = self.where.split(":")
        return getattr(importlib.import_module(f".{module}", __package__), name)(case, **options)

    def settings(self, case: Case) -> list[tuple[int | None, dict[str, int]]]:
        """What a pilot chooses from: [(threads, options), ...]; threads None means all cores."""
        if self.name == "hand":
            return [
                (1, {"rows": rows}) for rows in ((2, 4, 6, 8) if case.batch == 1 else (1, 2, 4))
            ]
        if not self.peer or os.cpu_count() == 1:
            return [(1, {})]
        return [(1, {}), (None, {})]


#: In the order of the columns of the table. A runtime of ours would be one more line here.
VARIANTS = {
    v.name: v
    for v in (
        Variant("dense", "brian:Dense", compiled=True),
        Variant("stock", "brian:Standalone", compiled=True, streams=False),
        Variant("stock_runtime", "brian:Runtime", streams=False),
        Variant("hand", "native:Hand", compiled=True),
        Variant("numpy", "arrays:Numpy", peer=True),
        Variant("jax", "arrays:Jax", peer=True, needs="jax"),
        Variant(
            "ngclearn",
            "with_ngclearn:NgcLearn",
            peer=True,
            checked=False,
            needs="ngclearn",
            slow_start=True,
        ),
        Variant("pcx", "with_pcx:Pcx", peer=True, checked=False, needs="pcx", slow_start=True),
        Variant("limit", "limit:Limit", compiled=True, checked=False),
    )
}

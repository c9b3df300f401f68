"""Who is timed, where the code is, and which settings each may choose from."""

import importlib
import os

import attrs


@attrs.frozen
class Variant:
    """One way to compute the network.

    `where`: "module:Class" of this package. `peer`: a tool a user could pick instead of ours; it may use all
    cores. `streams`: whether it knows B > 1. `needs`: the package that must be installed. `checked`: whether
    it writes the same equations, so that its state can be compared.
    """

    name: str
    where: str
    peer: bool = False
    streams: bool = True
    checked: bool = True
    needs: str = None

    def make(self, case, **options):
        module, name = self.where.split(":")
        return getattr(importlib.import_module(f".{module}", __package__), name)(case, **options)

    def settings(self, case):
        """What a pilot chooses from: [(threads, options), ...]; threads None is "as many as there are"."""
        if self.name == "hand":
            return [(1, {"rows": rows}) for rows in ((2, 4, 6, 8) if case.batch == 1 else (1, 2, 4))]
        if not self.peer or os.cpu_count() == 1:
            return [(1, {})]
        return [(1, {}), (None, {})]


VARIANTS = {v.name: v for v in (
    Variant("dense", "brian:Dense"),
    Variant("stock", "brian:Standalone", streams=False),
    Variant("stock_runtime", "brian:Runtime", streams=False),
    Variant("hand", "native:Hand"),
    Variant("numpy", "arrays:Numpy", peer=True),
    Variant("jax", "arrays:Jax", peer=True, needs="jax"),
    Variant("ngclearn", "libraries:NgcLearn", peer=True, needs="ngclearn", checked=False),
    Variant("pcx", "libraries:Pcx", peer=True, needs="pcx", checked=False),
    Variant("limit", "limit:Limit", checked=False),
)}

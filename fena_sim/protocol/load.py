"""Reading a protocol file: a Python file with ``protocol()`` and, optionally, ``summary(runs)``."""

import inspect

import attrs

from ..declare.protocol.protocol import Protocol
from ..errors import ProtocolError
from ..model.load import call_with, load_file


@attrs.frozen
class ProtocolFile:
    """What a protocol file offers: the experiment, its default model, and what it reports.

    ``MODEL`` in the file names the model file it is meant for (relative to the protocol file);
    ``summary(runs)`` returns the numbers that a list of finished runs (one per network) amounts to.
    """

    path: object
    protocol: Protocol
    model: object
    summary: object


def load_protocol(path, /, **options):
    """Read a protocol file; `options` go to its ``protocol()``. Returns a ProtocolFile.

    Raises ProtocolError if the file defines no ``protocol`` or it does not return a Protocol.
    """
    module = load_file(path, "protocol")
    fix = "define protocol() and return a fena_sim.Protocol"
    if not callable(getattr(module, "protocol", None)):
        raise ProtocolError("the file defines no function protocol()", where=str(path), fix=fix)
    protocol = call_with(module.protocol, options, f"protocol() of {path}")
    if not isinstance(protocol, Protocol):
        raise ProtocolError(
            f"protocol() returned {type(protocol).__name__}, not a Protocol",
            where=str(path),
            fix=fix,
        )
    declared = inspect.signature(module.protocol).parameters.items()
    options = {**{name: p.default for name, p in declared if p.default is not p.empty}, **options}
    model = getattr(module, "MODEL", None)
    return ProtocolFile(
        path=path,
        protocol=attrs.evolve(protocol, options=options),
        summary=getattr(module, "summary", None),
        model=None if model is None else module.__spec__.origin.rpartition("/")[0] + "/" + model,
    )

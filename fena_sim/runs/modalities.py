"""What the streams of several modalities must fit."""

from ..declare.model.hierarchy import Hierarchy
from ..declare.protocol.block import Block
from ..errors import ProtocolError


def check_modalities(model: Hierarchy, block: Block) -> None:
    """Each stream of a block has an input population, of as many units as its codes have. Raises
    ProtocolError, or UnknownNameError without such a population.
    """
    for name, stream in block.streams.items():
        population = model.population(name, block.where)
        if not population.uses("token_code"):
            raise ProtocolError(
                f"population {name!r} reads no tokens",
                where=block.where,
                fix="let its equations read token_code, or give the stream to another population",
            )
        if population.size != stream.vocabulary.size:
            raise ProtocolError(
                f"the codes of the stream of {name!r} have {stream.vocabulary.size} units, the "
                f"population {population.size}",
                where=block.where,
                fix=f"declare {name!r} with size={stream.vocabulary.size}",
            )
    if block.others and model.batch > 1:
        raise ProtocolError(
            "several modalities are presented to one network at a time",
            where=block.where,
            fix="declare the hierarchy with batch=1",
        )
    for readout in model.readouts:
        for path in readout.variables:
            name = path.partition(".")[0]
            if name in block.others:
                raise ProtocolError(
                    f"readout {readout.name!r} keeps {path!r} for every token of the block, and "
                    f"{name!r} has tokens of its own",
                    where=block.where,
                    fix=f"record it with a Probe, or let the stream of {name!r} pace the block: give "
                    "it first",
                )

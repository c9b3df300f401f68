"""Finiteness of states (claim C21): a run stops at the chunk in which a state is no longer
finite, and says where.
"""

from pathlib import Path

import numpy as np

from ..declare.model.hierarchy import Hierarchy
from ..declare.protocol.block import Block
from ..declare.protocol.timeline import Timeline
from ..device.program import Program
from ..errors import NonFiniteError
from ..network.pacemaker import NAME as PACEMAKER
from .checkpoints import Position, State


def not_finite(state: State) -> list[str]:
    """Names of the model's variables in a state that hold a NaN or an infinity, in the state's
    order.
    """
    return [
        name
        for name, values in state.items()
        if not name.startswith(f"{PACEMAKER}.")
        and values.dtype.kind == "f"
        and not np.isfinite(values).all()
    ]


class HealthCheck:
    """Called before a chunk is accepted; raises NonFiniteError naming population, level, token and
    step.

    A chunk is a pure function of its state, so the step is found by running it again with fewer
    steps.
    """

    def __init__(
        self, program: Program, model: Hierarchy, block: Block, line: Timeline, folder: Path
    ) -> None:
        self.program, self.model, self.block, self.line, self.folder = (
            program,
            model,
            block,
            line,
            folder,
        )

    def __call__(
        self,
        before: State,
        after: State,
        tables: dict[str, np.ndarray],
        position: Position,
        steps: int,
    ) -> None:
        if not not_finite(after):
            return
        low, high = 0, steps  # finite after `low` steps, not finite after `high`
        while high - low > 1:
            middle = (low + high) // 2
            state, _ = self.program.run(before, tables, position.step, middle)
            low, high = (low, middle) if not_finite(state) else (middle, high)
        state, recordings = self.program.run(before, tables, position.step, high)
        # A token that leaves in this very step is still there.
        left = np.count_nonzero(recordings.ends.last_step(self.program.dt) < position.step + low)
        self._refuse(state, position.done + left, position.step + high)

    def _refuse(self, state, token, step):
        bad = not_finite(state)
        # Readouts and copies that the build adds are not what a user would look for.
        first = next((name for name in bad if name in self._declared()), bad[0])
        owner, _, variable = first.partition(".")
        element = int(np.flatnonzero(~np.isfinite(state[first]))[0])
        batch = self.model.batch
        if batch == 1:
            at, symbol = f"element {element}", self.block.stream.events["symbol"].iloc[token]
        elif owner in [p.name for p in self.model.populations]:
            stream, unit = divmod(element, len(state[first]) // batch)
            at, symbol = (
                f"element {unit} of stream {stream}",
                self.block.streams[stream].events["symbol"].iloc[token],
            )
        else:  # a synapse has no stream: its trouble may come from any of them
            at, symbol = (
                f"element {element}",
                tuple(s.events["symbol"].iloc[token] for s in self.block.streams),
            )
        raise NonFiniteError(
            f"{owner}.{variable} is no longer finite (population {owner}, level {self._level(owner)}, {at}) "
            f"at token {token} ({symbol!r}) of block {self.block.name!r}, step {step}",
            where=str(self.folder),
            fix="the last checkpoint before it is kept; lower eta or the highest precision, or halve dt (--set dt=0.5*ms)",
        )

    def _declared(self):
        """Names of the variables that the model's declarations mention."""
        members = [(m.name, m.variables) for m in self.model.populations]
        members += [(m.name, m.own_variables) for m in self.model.projections]
        return {f"{name}.{variable}" for name, variables in members for variable in variables}

    def _level(self, owner):
        for population in self.model.populations:
            if population.name == owner:
                return population.level
        for projection in self.model.projections:
            if projection.name == owner:
                return self.model.population(projection.target).level
        return "none"

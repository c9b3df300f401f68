"""Health of states. A run stops at the chunk in which a state is no longer finite (claim C21), and
says where. It goes on, with a warning, where a state grows beyond GROWN.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..declare.model.hierarchy import Hierarchy
from ..declare.protocol.block import Block
from ..declare.protocol.timeline import Timeline
from ..device.program import Program
from ..errors import NonFiniteError
from ..network.pacemaker import NAME as PACEMAKER
from .checkpoints import Position, State

#: Magnitude, in SI base units, from which on a variable counts as grown out of hand. Rates,
#: errors, weights and precisions of the shipped models stay many orders of magnitude below it,
#: and float32 still holds it with seven digits.
GROWN = 1e12


def beyond(state: State, limit: float) -> list[str]:
    """Names of the model's variables in a state that hold a NaN or reach `limit` in magnitude, in
    the state's order.
    """
    return [
        name
        for name, values in state.items()
        if not name.startswith(f"{PACEMAKER}.")
        and values.dtype.kind == "f"
        and values.size
        and not max(values.max(), -values.min()) < limit  # both are NaN if one value is
    ]


def not_finite(state: State) -> list[str]:
    """Names of the model's variables in a state that hold a NaN or an infinity, in the state's
    order.
    """
    return beyond(state, np.inf)


class HealthCheck:
    """Called before a chunk is accepted. Raises NonFiniteError where a state is not finite. Warns,
    once in a block, of the first variable that reached GROWN in the chunk and was below it before.
    Both name population, level, token and step.

    A chunk is a pure function of its state, so the step is found by running it again with fewer
    steps.
    """

    def __init__(
        self,
        program: Program,
        model: Hierarchy,
        block: Block,
        line: Timeline,
        folder: Path,
        warn: Callable[[str], None],
    ) -> None:
        self.program, self.model, self.block, self.line, self.folder, self.warn = (
            program,
            model,
            block,
            line,
            folder,
            warn,
        )
        self._warned = False

    def __call__(
        self,
        before: State,
        after: State,
        tables: dict[str, np.ndarray],
        position: Position,
        steps: int,
    ) -> None:
        large = beyond(after, GROWN)
        if not large:
            return
        chunk = before, tables, position, steps
        if not_finite(after):
            raise NonFiniteError(
                self._place("is no longer finite", *chunk, np.inf),
                where=str(self.folder),
                fix="the last checkpoint before it is kept; lower eta or the highest precision, or halve dt (--set dt=0.5*ms)",
            )
        grown = (set(large) & self._declared()) - set(beyond(before, GROWN))
        if grown and not self._warned:
            self._warned = True
            place = self._place(f"has grown to {GROWN:g} or more", *chunk, GROWN, grown)
            self.warn(
                f"warning: {place}; the run goes on. If that is not meant, lower eta or the highest "
                "precision, or halve dt (--set dt=0.5*ms)"
            )

    def _place(self, what, before, tables, position, steps, limit, names=None):
        """Words for: which variable reached `limit` first in a chunk (of `names`, if given), and where."""

        def reached(state):
            return [name for name in beyond(state, limit) if names is None or name in names]

        low, high = 0, steps  # below the limit after `low` steps, not after `high`
        while high - low > 1:
            middle = (low + high) // 2
            state, _ = self.program.run(before, tables, position.step, middle)
            low, high = (low, middle) if reached(state) else (middle, high)
        state, recordings = self.program.run(before, tables, position.step, high)
        # A token that leaves in this very step is still there.
        left = np.count_nonzero(recordings.ends.last_step(self.program.dt) < position.step + low)
        token, step = position.done + left, position.step + high
        found = reached(state)
        # Readouts and copies that the build adds are not what a user would look for.
        first = next((name for name in found if name in self._declared()), found[0])
        owner, _, variable = first.partition(".")
        element = int(np.flatnonzero(~(np.abs(state[first]) < limit))[0])
        kind = "projection" if owner in [p.name for p in self.model.projections] else "population"
        return (
            f"{owner}.{variable} {what} ({kind} {owner}, level {self._level(owner)}, "
            f"{self._element(owner, element, len(state[first]), token)} of block "
            f"{self.block.name!r}, step {step}"
        )

    def _element(self, owner, element, size, token):
        """Which element, and at which token: "element 3) at token 5 ('a')"."""
        batch = self.model.batch
        if batch == 1:
            at, symbol = f"element {element}", self.block.stream.events["symbol"].iloc[token]
        elif owner in [p.name for p in self.model.populations]:
            stream, unit = divmod(element, size // batch)
            at, symbol = (
                f"element {unit} of stream {stream}",
                self.block.side_by_side[stream].events["symbol"].iloc[token],
            )
        else:  # a synapse has no stream: its trouble may come from any of them
            at, symbol = (
                f"element {element}",
                tuple(s.events["symbol"].iloc[token] for s in self.block.side_by_side),
            )
        return f"{at}) at token {token} ({symbol!r})"

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

"""Walking through one block in chunks, with a checkpoint after each."""

import time
from collections.abc import Callable

import numpy as np

from ..device.program import Program
from ..device.recordings import Recordings
from ..network.pacemaker import NAME as PACEMAKER
from ..network.pacemaker import table_values
from .checkpoints import Checkpoints, Position, State
from .plan import BlockPlan

#: Seconds. A chunk costs a process and some hundred small files, so quick ones become longer.
QUICK = 1.0
#: What only means something within a chunk: tokens counted in its tables, and its times. No trace
#: of it is kept.
CHUNK_START = {
    f"{PACEMAKER}.{name}": np.zeros(1) for name in ("token", "chunk_start", "chunk_duration")
}
#: After a pause at the end, in which the next token's steps were counted already.
BLOCK_END = {f"{PACEMAKER}.elapsed": np.zeros(1)}


class BlockRunner:
    """Runs one block from a state to a state, resuming from its checkpoints.

    Parameters
    ----------
    program : Program
    plan : BlockPlan
        Its chunks may grow, while they take less than QUICK, up to its `most_tokens` (a self-paced
        hierarchy may get further).
    checkpoints : Checkpoints
    """

    def __init__(self, program: Program, plan: BlockPlan, checkpoints: Checkpoints) -> None:
        self.program, self.line, self.shape = program, plan.timeline, plan.shape
        self.checkpoints = checkpoints
        self.chunk_tokens, self.most_tokens = plan.chunk_tokens, plan.most_tokens

    def run(
        self,
        state: State,
        start_step: int,
        check: Callable[[State, State, dict[str, np.ndarray], Position, int], None],
        report: Callable[[Position, int, Recordings, float], None],
    ) -> tuple[State, int]:
        """Run to the end of the block; returns the final state and the final step.

        `check(before, after, tables, position, steps)` may refuse a chunk before it is kept;
        `report(position, tokens, recordings, seconds)` hears of every chunk that was.
        """
        state, position = self.checkpoints.latest(self.program.complete, start_step) or (
            self.program.complete(state),
            Position(done=0, step=start_step),
        )
        state = {**state, **CHUNK_START}
        while position.done < len(self.line):
            began = time.monotonic()
            before = {**state, f"{PACEMAKER}.hold": np.array([float(self.line.hold)])}
            tables = table_values(self.line, position.done, self.shape)
            after, recordings, steps = self._chunk(before, tables, position)
            check(before, after, tables, position, steps)
            finished = len(recordings.ends)
            self.checkpoints.save_part(recordings, position.step, position.step + steps)
            state, position = (
                {**after, **CHUNK_START},
                Position(done=position.done + finished, step=position.step + steps),
            )
            if position.done == len(self.line):
                state |= BLOCK_END
            self.checkpoints.save(state, position)
            seconds = time.monotonic() - began
            report(position, finished, recordings, seconds)
            if seconds < QUICK:
                self.chunk_tokens = min(2 * self.chunk_tokens, self.most_tokens)
        return state, position.step

    def _chunk(self, before, tables, position):
        last = min(position.done + self.chunk_tokens, len(self.line))
        if not self.line.self_paced:
            steps = int(self.line.most_steps[position.done : last].sum())
            if last == len(self.line):
                steps += self.line.pause
            return *self.program.run(before, tables, position.step, steps), steps
        # However fast the hierarchy settles, this many steps cannot use up more tokens than the
        # tables hold.
        steps = int(self.line.least_steps[position.done : last].sum())
        after, recordings = self.program.run(before, tables, position.step, steps)
        last_steps = recordings.ends.last_step(self.program.dt)
        left = len(self.line) - position.done
        # Where the block ends inside the chunk, it runs again, exactly up to there.
        if len(last_steps) >= left:
            steps = int(last_steps[left - 1]) + 1 - position.step
            after, recordings = self.program.run(before, tables, position.step, steps)
        return after, recordings, steps

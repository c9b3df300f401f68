"""Walking through one block in chunks, with a checkpoint after each."""

import time
from collections.abc import Callable

import numpy as np

from ..device.program import Program
from ..device.recordings import Recordings
from ..network.pacemaker import NAME as PACEMAKER
from ..network.pacemaker import table_values
from .checkpoints import Checkpoints, Position, State
from .pauses import Pauses
from .plan import BlockPlan

#: Seconds. A chunk costs a process and some hundred small files, so quick ones become longer.
QUICK = 1.0
#: What only means something within a chunk: tokens counted in its tables, and its times. No trace
#: of it is kept.
CHUNK_START = {
    f"{PACEMAKER}.{name}": np.zeros(1)
    for name in ("token", "step", "chunk_start", "chunk_duration")
}
#: What begins anew after a pause at the end, in which the next token's steps were counted already.
ELAPSED = f"{PACEMAKER}.elapsed"


class BlockRunner:
    """Runs one block from a state to a state, resuming from its checkpoints.

    Parameters
    ----------
    program : Program
    plan : BlockPlan
        Its chunks may grow, while they take less than QUICK, up to its `most_tokens` (a self-paced
        hierarchy may get further).
    checkpoints : Checkpoints
    pauses : Pauses
        Where the block pauses within chunks, for probes that read the state.
    """

    def __init__(
        self, program: Program, plan: BlockPlan, checkpoints: Checkpoints, pauses: Pauses
    ) -> None:
        self.program, self.line, self.shape = program, plan.timeline, plan.shape
        self.checkpoints, self.pauses = checkpoints, pauses
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
            began_at = position.step - start_step
            tables = table_values(self.line, position.done, self.shape, began_at)
            after, recordings, steps = self._chunk(before, tables, position, start_step)
            check(before, after, tables, position, steps)
            finished = len(recordings.ends)
            self.checkpoints.save_part(recordings, position.step, position.step + steps)
            state, position = (
                {**after, **CHUNK_START},
                Position(done=position.done + finished, step=position.step + steps),
            )
            if position.done == len(self.line):
                state[ELAPSED] = np.zeros_like(state[ELAPSED])
            self.checkpoints.save(state, position)
            seconds = time.monotonic() - began
            report(position, finished, recordings, seconds)
            if seconds < QUICK:
                self.chunk_tokens = min(2 * self.chunk_tokens, self.most_tokens)
        return state, position.step

    def _chunk(self, before, tables, position, origin):
        last = min(position.done + self.chunk_tokens, len(self.line))
        if not self.line.self_paced:
            ends = position.step + np.cumsum(self.line.most_steps[position.done : last])
            steps = int(ends[-1]) - position.step
            if last == len(self.line):
                steps += self.line.pause
            due = self._due(position, origin, steps, ends)
            return *self._through(before, tables, position.step, steps, due), steps
        # However fast the hierarchy settles, this many steps cannot use up more tokens than the
        # tables hold.
        steps = int(self.line.least_steps[position.done : last].sum())
        after, recordings = self.program.run(before, tables, position.step, steps)
        ends = recordings.ends.last_step(self.program.dt) + 1
        left = len(self.line) - position.done
        # Where the block ends inside the chunk, it runs again, exactly up to there; and where it
        # pauses at the end of tokens, which is only known now.
        ended = len(ends) >= left
        if ended:
            ends = ends[:left]
            steps = int(ends[-1]) - position.step
        due = self._due(position, origin, steps, ends)
        if ended or due:
            after, recordings = self._through(before, tables, position.step, steps, due)
        else:
            recordings = recordings.with_samples(self.pauses.series((), after))
        return after, recordings, steps

    def _due(self, position, origin, steps, ends):
        return self.pauses.due(position.done, origin, position.step, position.step + steps, ends)

    def _through(self, state, tables, start, steps, due):
        """Run `steps` steps from step `start`, and read what is due on the way."""
        stop, parts, samples = start + steps, [], []
        for pause in sorted({*due, stop}):
            if pause > start:
                state, recorded = self.program.run(state, tables, start, pause - start)
                parts.append(recorded)
                start = pause
            samples += [(pause, reader, reader.read(state)) for reader in due.get(pause, ())]
        recordings = parts[0] if len(parts) == 1 else Recordings.concatenate(parts)
        return state, recordings.with_samples(self.pauses.series(samples, state))

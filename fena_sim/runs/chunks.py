"""Walking through one block in chunks, with a checkpoint after each."""

import shutil
import time

import attrs
import numpy as np

from ..errors import CheckpointError
from ..network.pacemaker import NAME as PACEMAKER
from ..network.pacemaker import table_values
from .store.files import load_arrays, save_arrays
from .store.parts import load_part, save_part

#: Checkpoints kept of a running block: the last, and the one before in case the last is damaged.
KEPT = 2
#: Seconds. A chunk costs a process and some hundred small files, so quick ones become longer.
QUICK = 1.0
#: What only means something within a chunk: tokens counted in its tables, and its times. No trace
#: of it is kept.
CHUNK_START = {
    f"{PACEMAKER}.{name}": np.zeros(1) for name in ("token", "chunk_start", "chunk_duration")
}


@attrs.frozen
class Position:
    """Where a block stands: tokens finished, and the step of the network's clock."""

    done: int
    step: int


class BlockRunner:
    """Runs one block from a state to a state, resuming from its checkpoints.

    Parameters
    ----------
    program : Program
    block, line, shape : Block, Timeline, BlockShape
    folder : Path
        The run folder; checkpoints and parts live in it until the block is finished.
    chunk_tokens : (int, int)
        Tokens in the first chunk, and the most that chunks may grow to while they take less than
        QUICK (a self-paced hierarchy may get further).
    say : callable
        Takes one line for the log.
    """

    def __init__(self, program, block, line, shape, folder, chunk_tokens, say):
        self.program, self.block, self.line, self.shape = program, block, line, shape
        self.checkpoints = folder / "checkpoints" / block.name
        self.part_folder = folder / "parts" / block.name
        (self.chunk_tokens, self.most_tokens), self.say = chunk_tokens, say

    def run(self, state, start_step, check, report):
        """Run to the end of the block; returns the final state and the final step.

        `check(before, after, tables, position, steps)` may refuse a chunk before it is kept;
        `report(position, tokens, recordings, seconds)` hears of every chunk that was.
        """
        state, position = self._resume({**self.program.complete(state), **CHUNK_START}, start_step)
        while position.done < len(self.line):
            began = time.monotonic()
            before = {**state, f"{PACEMAKER}.hold": np.array([float(self.line.hold)])}
            tables = table_values(self.line, position.done, self.shape)
            after, recordings, steps = self._chunk(before, tables, position)
            check(before, after, tables, position, steps)
            finished = len(recordings.ends)
            path = self.part_folder / f"{position.step:012d}.npz"
            save_part(path, recordings, position.step + steps)
            state, position = (
                {**after, **CHUNK_START},
                Position(done=position.done + finished, step=position.step + steps),
            )
            self._checkpoint(state, position)
            seconds = time.monotonic() - began
            report(position, finished, recordings, seconds)
            if seconds < QUICK:
                self.chunk_tokens = min(2 * self.chunk_tokens, self.most_tokens)
        return state, position.step

    def _chunk(self, before, tables, position):
        last = min(position.done + self.chunk_tokens, len(self.line))
        if not self.line.self_paced:
            steps = int(self.line.most_steps[position.done : last].sum())
            return *self.program.run(before, tables, position.step, steps), steps
        # However fast the hierarchy settles, this many steps cannot use up more tokens than the
        # tables hold.
        steps = int(self.line.least_steps[position.done : last].sum())
        after, recordings = self.program.run(before, tables, position.step, steps)
        last_steps = recordings.ends.last_step(self.program.dt)
        left = len(self.line) - position.done
        if (
            len(last_steps) >= left
        ):  # the block ended inside the chunk: run again, exactly up to there
            steps = int(last_steps[left - 1]) + 1 - position.step
            after, recordings = self.program.run(before, tables, position.step, steps)
        return after, recordings, steps

    def parts(self, start_step, end_step):
        """Loaders of the recordings of the chunks between two steps, in order."""
        paths, step = [], start_step
        while step < end_step:
            paths.append(self.part_folder / f"{step:012d}.npz")
            step = load_part(paths[-1])[1]
        if step != end_step:
            raise CheckpointError(
                f"{paths[-1].name} goes on to step {step}, beyond step {end_step}",
                where=str(self.part_folder),
                fix="start the same command again",
            )
        return [lambda path=path: load_part(path)[0] for path in paths]

    def clean(self):
        """Remove checkpoints and parts, once the block's results are complete."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        shutil.rmtree(self.part_folder, ignore_errors=True)

    def _checkpoint(self, state, position):
        save_arrays(
            self.checkpoints / f"{position.step:012d}.npz",
            state,
            done=position.done,
            step=position.step,
        )
        for old in sorted(self.checkpoints.glob("*.npz"))[:-KEPT]:
            old.unlink()
            old.with_suffix(".json").unlink(missing_ok=True)

    def _resume(self, state, start_step):
        found = sorted(self.checkpoints.glob("*.npz"), reverse=True)
        for path in found:
            try:
                saved, about = load_arrays(path)
                self.parts(start_step, about["step"])
                self.say(
                    f"block {self.block.name}: going on after {about['done']} of {len(self.line)} tokens"
                )
                return {**self.program.complete(saved), **CHUNK_START}, Position(
                    done=about["done"], step=about["step"]
                )
            except CheckpointError as error:
                self.say(
                    f"block {self.block.name}: checkpoint {error.what}; leaving it out for the one before it"
                )
        if found:
            self.say(
                f"block {self.block.name}: no whole checkpoint is left, starting the block again"
            )
        return state, Position(done=0, step=start_step)

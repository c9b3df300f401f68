"""Checkpoints of a running block: its state after each chunk, and the recordings of the chunks so far."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import attrs
import numpy as np

from ..device.recordings import Recordings
from ..errors import CheckpointError
from .plan import BlockPlan
from .store.files import load_arrays, save_arrays
from .store.parts import load_part, save_part

#: Values of a network's variables: {"object.variable": array}.
State = dict[str, np.ndarray]
#: Checkpoints kept: the last, and the one before in case the last is damaged.
KEPT = 2


@attrs.frozen
class Position:
    """Where a block stands: tokens finished, and the step of the network's clock."""

    done: int
    step: int


class Checkpoints:
    """The checkpoints and parts of one block, in the run folder until the block is finished.

    Parameters
    ----------
    folder : Path
        The run folder.
    plan : BlockPlan
    log : callable
        Takes one line.
    """

    def __init__(self, folder: Path, plan: BlockPlan, log: Callable[[str], None]) -> None:
        self.plan, self.log = plan, log
        self.folder = folder / "checkpoints" / plan.name
        self.part_folder = folder / "parts" / plan.name

    def parts(self, start_step: int, end_step: int) -> list[Callable[[], Recordings]]:
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
        return [partial(_recordings, path) for path in paths]

    def remove(self) -> None:
        """Remove checkpoints and parts, once the block's results are complete."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.part_folder, ignore_errors=True)

    def save_part(self, recordings: Recordings, start: int, stop: int) -> None:
        """Save what was recorded from one step to another. Raises ResourceError if the disk is full."""
        save_part(self.part_folder / f"{start:012d}.npz", recordings, stop)

    def save(self, state: State, position: Position) -> None:
        """Save the state at a position. Raises ResourceError if the disk is full."""
        about = attrs.asdict(position)
        save_arrays(self.folder / f"{position.step:012d}.npz", state, **about)
        for old in sorted(self.folder.glob("*.npz"))[:-KEPT]:
            old.unlink()
            old.with_suffix(".json").unlink(missing_ok=True)

    def latest(
        self, complete: Callable[[State], State], start_step: int
    ) -> tuple[State, Position] | None:
        """(state, position) of the last whole checkpoint whose recordings are whole; None without one.

        `complete` fits a state to the network, and raises CheckpointError if it is of another one.
        """
        name = self.plan.name
        found = sorted(self.folder.glob("*.npz"), reverse=True)
        for path in found:
            try:
                saved, about = load_arrays(path)
                self.parts(start_step, about["step"])
                state = complete(saved)
            except CheckpointError as error:
                self.log(
                    f"block {name}: checkpoint {error.what}; leaving it out for the one before it"
                )
                continue
            total = len(self.plan.timeline)
            self.log(f"block {name}: going on after {about['done']} of {total} tokens")
            return state, Position(done=about["done"], step=about["step"])
        if found:
            self.log(f"block {name}: no whole checkpoint is left, starting the block again")
        return None


def _recordings(path: Path) -> Recordings:
    return load_part(path)[0]

"""run(model, protocol, ...) -> Run: a plan carried out, in a folder that is complete in itself."""

import shutil
import time
from pathlib import Path

from filelock import FileLock

from ..declare.arguments import checked
from ..declare.model.hierarchy import Hierarchy
from ..declare.protocol.block import INITIAL
from ..declare.protocol.event_pace import EventPace
from ..declare.protocol.protocol import Protocol
from ..declare.protocol.timeline import other_event_tables
from ..device.default import Device
from ..device.program import Program
from ..device.recordings import Recordings
from ..errors import (
    CheckpointError,
    DeclarationError,
    FenaError,
    NonFiniteError,
    ProtocolError,
    RunFolderError,
)
from ..network.initial_state import initial_state
from .checkpoints import Checkpoints
from .chunks import BlockRunner
from .health import HealthCheck
from .live.progress import Silent
from .live.readings import readings
from .manifest import manifest_of
from .pauses import Pauses
from .plan import BlockPlan, Plan
from .resources import check_resources
from .start import carried, start_state
from .store.checksums import (
    forget_checksums,
    has_checksums,
    other_checksums,
    write_checksums,
)
from .store.events import save_events
from .store.files import UNFINISHED, disk_errors, load_arrays, save_arrays
from .store.manifest import CHECKSUMS, write_manifest
from .store.run import MANIFEST, Run
from .store.tokens import save_tokens, token_data
from .store.traces import write_traces
from .store.vocabulary import save_codes


@checked(ProtocolError)
def run(
    model: Hierarchy,
    protocol: Protocol,
    seed: int = 0,
    device: str | Device = "auto",
    out: str | Path = "runs",
    start: tuple[Run, str] | None = None,
    chunk_tokens: int | None = None,
    progress: Silent | None = None,
) -> Run:
    """Run a protocol on a model, or return the run if it was done before.

    Parameters
    ----------
    model : Hierarchy
    protocol : Protocol
    seed : int
        Initial values and noise of the network; the tokens have seeds of their own.
    device : str
        "auto", "dense" or "dense64" (C++ with dense kernels, states in float32 or float64), "cpp"
        (Brian2's own C++), or "runtime" (no compiler needed).
    out : str or Path
        Folder in which run folders are made. A run's name contains the hash of all its inputs, so
        what is finished returns at once and what was interrupted goes on.
    start : (Run, str), optional
        A finished run and the name of its block whose final state takes the place of the initial
        one; of a run without batch, every stream of a model with one gets a copy.
    chunk_tokens : int, optional
        Tokens per chunk (progress, checkpoint); does not change any result.
    progress : object, optional
        See `runs.live.progress`; silent if left out.

    Returns
    -------
    Run

    Raises
    ------
    FenaError
        Before anything is built if an input is wrong; NonFiniteError if a state stops being finite;
        ResourceError if the disk is full (the last checkpoint stays whole).
    """
    plan = Plan.of(model, protocol, seed, device, start, chunk_tokens)
    return Execution(plan, out, progress).run()


class Execution:
    """Carries out a plan; may be started again at any time, by any process.

    Parameters
    ----------
    plan : Plan
    out : path
        Folder in which the run folder is made.
    progress : object, optional
        See `runs.live.progress`; silent if left out.

    Raises
    ------
    RunFolderError
        If `out` is itself a run folder.
    ResourceError
        If the recordings do not fit the disk or the memory.
    """

    def __init__(
        self, plan: Plan, out: str | Path = "runs", progress: Silent | None = None
    ) -> None:
        self.plan, self.folder, self.progress = plan, Path(out) / plan.name, progress or Silent()
        self._logged: set[str] = set()
        self._manifest: dict = {}
        if Path(out, MANIFEST).exists():
            raise RunFolderError(
                f"{out} is itself a run folder, of other inputs",
                where=str(out),
                fix="give the folder in which run folders are to be made, e.g. --out runs",
            )
        check_resources(plan, out)

    def run(self) -> Run:
        """Run what is not finished yet. Raises as `run` does."""
        if self.finished():
            return Run(self.folder)
        self.plan.device.check_places()
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            # The same run started twice: the second waits for the first.
            with FileLock(self.folder / "run.lock"):
                if not self.finished():
                    self._run()
        return Run(self.folder)

    def finished(self) -> bool:
        """Whether the run was finished before. Raises RunFolderError if the folder is of another run."""
        if not (self.folder / MANIFEST).exists():
            return False
        earlier = Run(self.folder)
        if earlier.manifest.get("inputs_hash") != self.plan.hash:
            raise RunFolderError(
                "the run folder belongs to other inputs",
                where=str(self.folder),
                fix="move it away, or choose another --out",
            )
        return earlier.finished

    def _run(self):
        began = time.monotonic()  # the time of day may jump
        self._manifest = manifest = manifest_of(self.plan, time.time())
        if (self.folder / MANIFEST).exists():
            earlier = Run(self.folder).manifest
            manifest.update(
                started=earlier["started"],
                sessions=earlier.get("sessions", 1) + 1,
                warnings=earlier.get("warnings", []),
            )
        # Of a process that was killed while it wrote.
        for leftover in self.folder.rglob(f".*{UNFINISHED}"):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        save_codes(self.folder, self.plan.protocol.vocabulary)
        write_manifest(self.folder, manifest)
        self.progress.begin(self.plan, self.folder)
        if self.plan.warning:
            self._log(self.plan.warning)
        programs = {}
        try:
            for block in self.plan.blocks:
                if not self._block_finished(block):
                    self._run_block(block, programs)
        except NonFiniteError as error:
            write_manifest(self.folder, {**manifest, "status": f"stopped: {error.what}"})
            raise
        manifest.update(
            status="finished",
            wall_time_s=round(time.monotonic() - began, 3),
            tokens_per_second=self.progress.rate(),
        )
        manifest[CHECKSUMS] = other_checksums(self.folder, [b.name for b in self.plan.blocks])
        write_manifest(self.folder, manifest)
        for name in ("checkpoints", "parts"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.progress.end()

    def _block_finished(self, plan):
        path = self._state(plan.name)
        if not path.exists():
            return False
        try:
            load_arrays(path)
        except CheckpointError as error:
            self._log(f"block {plan.name}: final state {error.what}; doing the block again")
            return False
        if not has_checksums(self.folder, plan.name):  # killed in between, or of an earlier version
            write_checksums(self.folder, plan.name)
        return True

    def _run_block(self, plan: BlockPlan, programs: dict[str, Program]) -> None:
        model, block, line = self.plan.model, plan.block, plan.timeline
        forget_checksums(self.folder, block.name)
        program = self._program(plan, programs)
        state, start_step = self._origin(block)
        checkpoints = Checkpoints(self.folder, plan, self._log)
        check = HealthCheck(program, model, block, line, self.folder, self._warn)

        def report(position, tokens, recordings, seconds):
            self.progress.chunk(
                block.name,
                position.done,
                len(line),
                tokens * model.batch,
                seconds,
                readings(model, recordings),
            )

        runner = BlockRunner(program, plan, checkpoints, Pauses(model, block.probes))
        state, end_step = runner.run(state, start_step, check, report)
        parts = checkpoints.parts(start_step, end_step)
        joined = Recordings.concatenate(part().without_samples() for part in parts)
        tokens, table = token_data(model, block, line, joined, start_step)
        save_tokens(self._made("tokens") / f"{block.name}.zarr", tokens)
        others = other_event_tables(block, line, end_step - start_step, model.dt)
        for name, other in others.items():
            save_events(self._made("events") / f"{block.name}.{name}.tsv", other)
        save_events(self._made("events") / f"{block.name}.tsv", table)
        if block.probes:
            path = self._made("traces") / f"{block.name}.zarr"
            write_traces(path, model, block, parts, table, joined, start_step)
        save_arrays(self._state(block.name), state, step=end_step, block=block.name)
        write_checksums(self.folder, block.name)
        checkpoints.remove()
        shift = (
            f"; their onsets are at most {block.pace.largest_shift(model.dt)} from those of the table"
            if isinstance(block.pace, EventPace)
            else ""
        )
        self._log(f"block {block.name}: {len(line)} tokens done{shift}")

    def _program(self, plan, programs):
        if plan.program_key not in programs:
            self.progress.building(plan.name)
            programs[plan.program_key] = program = self._build(plan.shape, plan.block.probes)
            for message in program.messages:
                if message not in self._logged:
                    self._logged.add(message)
                    self._log(message)
        return programs[plan.program_key]

    def _build(self, shape, probes):
        try:
            return self.plan.device.build(
                self.plan.model, self.plan.protocol.vocabulary, shape, probes
            )
        except (FenaError, OSError):
            raise
        except Exception as error:
            # Whatever only Brian2 can find out, e.g. that a method does not suit an equation.
            reason = error
            # Brian2 wraps the reason in messages about its own objects.
            while reason.__cause__ is not None:
                reason = reason.__cause__
            named = getattr(error, "_brian_objname", None)
            raise DeclarationError(
                f"Brian2 cannot build the network: {reason}",
                where=f"{self.plan.model.where}{f', Brian2 object {named!r}' if named else ''}",
                fix="change the declaration that the message names",
            ) from error

    def _made(self, name):
        (self.folder / name).mkdir(exist_ok=True)
        return self.folder / name

    def _state(self, block):
        return self.folder / "states" / f"{block}.npz"

    def _origin(self, block):
        plan, name = self.plan, self.plan.protocol.origin(block)
        if name != INITIAL:
            state, about = load_arrays(self._state(name))
            return carried(plan.model, state), about["step"]
        if plan.start is None:
            return initial_state(plan.model, plan.seed), 0
        origin, start_block = plan.start
        measured = plan.protocol.measured
        state = start_state(plan.model, plan.seed, origin, start_block, measured)
        return state, origin.end_step(start_block)

    def _warn(self, text):
        """What a reader of the results must know: in the log, and kept in the manifest."""
        self._log(text)
        if text not in self._manifest["warnings"]:
            self._manifest["warnings"].append(text)
            write_manifest(self.folder, self._manifest)

    def _log(self, text):
        with open(self.folder / "log.txt", "a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
        self.progress.log(text)

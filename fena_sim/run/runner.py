"""run(model, protocol, ...) -> Run: a folder that is complete in itself."""

import shutil
import time
from pathlib import Path

import numpy as np
from filelock import FileLock

from ..build.network import initial_state
from ..build.pacemaker import NAME as PACEMAKER
from ..build.pacemaker import BlockShape, table_values
from ..canonical import canonical, digest, own_sources
from ..device import BATCHING, choose_device
from ..errors import (
    CheckpointError,
    DeclarationError,
    DeviceError,
    FenaError,
    NonFiniteError,
    ProtocolError,
    RunFolderError,
)
from ..model import Hierarchy
from ..protocol import INITIAL, Protocol
from ..protocol.timeline import timeline
from ..record.assemble import read_parts, save_events, save_tokens, token_data, write_traces
from ..record.experiment import experiment_of
from ..record.files import UNFINISHED, disk_errors, load_arrays, save_arrays, write_json
from ..record.run import MANIFEST, Run
from . import provenance
from .chunks import BlockRunner
from .health import HealthCheck
from .progress import Silent
from .resources import check_resources, chunk_length
from .start import check_start, start_state
from .watch import watch

#: Rows of the stimulus tables in a build; chunks up to this length share one build.
TABLE_ROWS = 4096


def run(
    model, protocol, seed=0, device="auto", out="runs", start=None, chunk_tokens=None, progress=None
):
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
        See `run.progress`; silent if left out.

    Returns
    -------
    Run

    Raises
    ------
    FenaError
        Before anything is built if an input is wrong; NonFiniteError if a state stops being finite;
        ResourceError if the disk is full (the last checkpoint stays whole).
    """
    return _Runner(
        model, protocol, seed, device, out, start, chunk_tokens, progress or Silent()
    ).run()


def explain(model, protocol, device="auto"):
    """What became of each of the synapses in the builds of a protocol, without compiling or running
    anything.

    Returns
    -------
    list of Explanation (synapses, done, why)
        First every Synapses, "dense" or "stock", then every pass, and with which it was fused or
        why not. Empty on devices other than dense and dense64, where all synapses are Brian2's own.
    """
    runner = _Runner(model, protocol, 0, device, "runs", None, None, Silent())
    shapes = {runner.shape(block)[0]: block.probes for block in protocol.blocks}
    found = [
        e
        for shape, probes in shapes.items()
        for e in runner.device.explain(model, protocol.vocabulary, shape, probes)
    ]
    return list(dict.fromkeys(found))


def estimate(model, protocol, device="cuda"):
    """What the largest build of a protocol would need on a graphics card; see
    `device.cuda.estimate`.
    """
    from ..device.cuda.estimate import estimate as of

    dtype = np.float64 if str(device).endswith("64") else np.float32
    runner = _Runner(model, protocol, 0, "runtime", "runs", None, None, Silent())
    block = max(protocol.blocks, key=lambda block: len(block.probes))
    return of(model, protocol.vocabulary, runner.shape(block)[0], block.probes, dtype)


def block_program(model, protocol, seed, device):
    """(program, state, tables) with which the block with most probes begins on a device, to be run
    by hand.
    """
    runner = _Runner(model, protocol, seed, device, "runs", None, None, Silent())
    block = max(protocol.blocks, key=lambda block: len(block.probes))
    shape, line = runner.shape(block)[0], runner.lines[block.name]
    program = device.build(model, protocol.vocabulary, shape, block.probes)
    state = {
        **program.complete(initial_state(model, seed)),
        f"{PACEMAKER}.hold": np.array([float(line.hold)]),
    }
    return program, state, table_values(line, 0, shape)


class _Runner:
    def __init__(self, model, protocol, seed, device, out, start, chunk_tokens, progress):
        self.model, self.protocol, self.seed, self.start = model, protocol, seed, start
        self.device, self.warning = choose_device(device)
        self._said = set()
        self.out, self.chunk_tokens, self.progress = Path(out), chunk_tokens, progress
        if not isinstance(model, Hierarchy):
            raise DeclarationError(
                f"{model!r} is not a Hierarchy", fix="pass what load_model(path) gives"
            )
        if not isinstance(protocol, Protocol):
            raise ProtocolError(
                f"{protocol!r} is not a Protocol",
                fix="pass what load_protocol(path).protocol gives",
            )
        if not isinstance(seed, (int, np.integer)) or seed < 0:
            raise ProtocolError(
                f"the seed {seed!r} is not a whole number from 0", fix="give e.g. seed=0"
            )
        if chunk_tokens is not None and (
            not isinstance(chunk_tokens, (int, np.integer)) or chunk_tokens < 1
        ):
            raise ProtocolError(
                f"a chunk of {chunk_tokens!r} tokens", fix="give a whole number, at least 1"
            )
        self.lines = {block.name: timeline(block, model.dt) for block in protocol.blocks}
        self._check()
        self.inputs = {
            "model": canonical(model),
            "protocol": canonical(protocol),
            "seed": int(seed),
            "controls": {name: canonical(line.controls) for name, line in self.lines.items()},
            "device": self.device.name,
            "start": self._start_digest(),
            "versions": {
                k: v for k, v in provenance.versions().items() if k in ("fena_sim", "brian2")
            },
            "code": own_sources("model", "build", "device", "run"),
        }
        self.hash = digest(self.inputs)
        self.folder = self.out / f"{protocol.name}-{model.name}-seed{self.seed}-{self.hash[:10]}"

    def _check(self):
        sizes = [p.size for p in self.model.populations if p.uses("token_code")]
        for size in sizes:
            if size != self.protocol.vocabulary.size:
                raise ProtocolError(
                    f"the vocabulary's codes have {self.protocol.vocabulary.size} units, the model's "
                    f"input population {size}",
                    where=self.protocol.where,
                    fix=f"declare the model with input_size={self.protocol.vocabulary.size}",
                )
        if self.model.batch > 1 and self.device.name not in BATCHING:
            raise DeviceError(
                f"device {self.device.name!r} presents one stream of tokens at a time, the model asks for "
                f"{self.model.batch}",
                where=self.model.where,
                fix="use --device dense (or dense64)",
            )
        for block in self.protocol.blocks:
            if len(block.streams) != self.model.batch:
                raise ProtocolError(
                    f"the block has {len(block.streams)} stream{'s' * (len(block.streams) > 1)}, the model "
                    f"asks for {self.model.batch} side by side",
                    where=block.where,
                    fix=f"give a list of {self.model.batch} streams, or --set batch={len(block.streams)}",
                )
            if self.lines[block.name].self_paced and self.model.settling is None:
                raise ProtocolError(
                    f"model {self.model.name!r} does not say when it has settled",
                    where=block.where,
                    fix="give its Hierarchy a Settling, or the block a FixedPace",
                )
            recorded = [probe.population for probe in block.probes]
            for probe in block.probes:
                probe.check(self.model, block.where)
                if recorded.count(probe.population) > 1:
                    raise ProtocolError(
                        f"two probes of {probe.population!r}",
                        where=block.where,
                        fix="record all its variables with one probe",
                    )
        if (self.out / MANIFEST).exists():
            raise RunFolderError(
                f"{self.out} is itself a run folder, of other inputs",
                where=str(self.out),
                fix="give the folder in which run folders are to be made, e.g. --out runs",
            )
        initial_state(
            self.model, self.seed
        )  # draws what the build would draw, and so refuses what it would refuse
        if self.start is not None:
            check_start(self.model, *self.start)
        check_resources(self.model, self.protocol, self.out)

    def _start_digest(self):
        if self.start is None:
            return None
        origin, block = self.start
        return canonical(origin.state(block))

    def run(self):
        if self._finished():
            return Run(self.folder)
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(
                self.folder / "run.lock"
            ):  # the same run started twice: the second waits for the first
                if not self._finished():
                    self._run()
        return Run(self.folder)

    def _finished(self):
        if not (self.folder / MANIFEST).exists():
            return False
        earlier = Run(self.folder)
        if earlier.manifest.get("inputs_hash") != self.hash:
            raise RunFolderError(
                "the run folder belongs to other inputs",
                where=str(self.folder),
                fix="move it away, or choose another --out",
            )
        return earlier.finished

    def _run(self):
        began = time.time()
        manifest = self._manifest(began)
        if (self.folder / MANIFEST).exists():
            earlier = Run(self.folder).manifest
            manifest.update(started=earlier["started"], sessions=earlier["sessions"] + 1)
        for leftover in self.folder.rglob(
            f".*{UNFINISHED}"
        ):  # of a process that was killed while writing
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        write_json(self.folder / MANIFEST, manifest)
        self.progress.begin(self)
        if self.warning:
            self._say(self.warning)
        programs = {}
        try:
            for block in self.protocol.blocks:
                if not self._block_finished(block):
                    self._run_block(block, programs)
        except NonFiniteError as error:
            write_json(self.folder / MANIFEST, {**manifest, "status": f"stopped: {error.what}"})
            raise
        manifest.update(
            status="finished",
            wall_time_s=round(time.time() - began, 3),
            tokens_per_second=self.progress.rate(),
        )
        write_json(self.folder / MANIFEST, manifest)
        for name in ("checkpoints", "parts"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.progress.end(self)

    def _block_finished(self, block):
        path = self.folder / "states" / f"{block.name}.npz"
        if not path.exists():
            return False
        try:
            load_arrays(path)
        except CheckpointError as error:
            self._say(f"block {block.name}: final state {error.what}; doing the block again")
            return False
        return True

    def shape(self, block):
        """What a block's build depends on, and tokens per chunk: as planned, and at most."""
        chunk, most = chunk_length(self.model, block, self.chunk_tokens)
        rows = TABLE_ROWS if most < TABLE_ROWS else 1 << (most + 1).bit_length()
        return BlockShape.of(self.lines[block.name], rows), chunk, most

    def _run_block(self, block, programs):
        line = self.lines[block.name]
        shape, chunk, most = self.shape(block)
        key = digest([canonical(shape), canonical(block.probes)])
        if key not in programs:
            self.progress.building(block.name)
            programs[key] = self._build(shape, block.probes)
            for message in programs[key].messages:
                if message not in self._said:
                    self._said.add(message)
                    self._say(message)
        program = programs[key]
        state, start_step = self._origin(block)
        runner = BlockRunner(program, block, line, shape, self.folder, (chunk, most), self._say)
        check = HealthCheck(program, self.model, block, line, self.folder)

        def report(position, tokens, recordings, seconds):
            self.progress.chunk(
                block.name,
                position.done,
                len(line),
                tokens * self.model.batch,
                seconds,
                watch(self.model, recordings),
            )

        state, end_step = runner.run(state, start_step, check, report)
        parts = runner.parts(start_step, end_step)
        joined = read_parts(parts)
        tokens, table = token_data(self.model, block, line, joined, start_step)
        save_tokens(self._made("tokens") / f"{block.name}.zarr", tokens)
        save_events(self._made("events") / f"{block.name}.tsv", table)
        if block.probes:
            write_traces(
                self._made("traces") / f"{block.name}.zarr",
                self.model,
                block,
                parts,
                table,
                joined,
                start_step,
            )
        save_arrays(
            self.folder / "states" / f"{block.name}.npz", state, step=end_step, block=block.name
        )
        runner.clean()
        self._say(f"block {block.name}: {len(line)} tokens done")

    def _build(self, shape, probes):
        try:
            return self.device.build(self.model, self.protocol.vocabulary, shape, probes)
        except (FenaError, OSError):
            raise
        except Exception as error:  # whatever only Brian2 can find out, e.g. that a method does not suit an equation
            reason = error
            while (
                reason.__cause__ is not None
            ):  # Brian2 wraps the reason in messages about its own objects
                reason = reason.__cause__
            named = getattr(error, "_brian_objname", None)
            raise DeclarationError(
                f"Brian2 cannot build the network: {reason}",
                where=f"{self.model.where}{f', Brian2 object {named!r}' if named else ''}",
                fix="change the declaration that the message names",
            ) from error

    def _made(self, name):
        (self.folder / name).mkdir(exist_ok=True)
        return self.folder / name

    def _origin(self, block):
        name = self.protocol.origin(block)
        if name != INITIAL:
            state, about = load_arrays(self.folder / "states" / f"{name}.npz")
            return state, about["step"]
        if self.start is None:
            return initial_state(self.model, self.seed), 0
        origin, start_block = self.start
        return start_state(self.model, self.seed, origin, start_block), origin.end_step(start_block)

    def _say(self, text):
        with open(self.folder / "log.txt", "a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
        self.progress.note(text)

    def _options(self):
        """Of ``protocol()``, without the seed, of which a network may have its own, and the batch,
        which the model tells.
        """
        return {
            name: str(value)
            for name, value in self.protocol.options.items()
            if name not in ("seed", "batch")
        }

    def _about_start(self):
        if self.start is None:
            return None
        origin, block = self.start
        return {
            "run": origin.id,
            "block": block,
            "step": origin.end_step(block),
            "experiment": experiment_of(origin.manifest),
        }

    def _manifest(self, began):
        model, protocol, vocabulary = self.model, self.protocol, self.protocol.vocabulary
        return {
            "status": "running",
            "inputs_hash": self.hash,
            "inputs": self.inputs,
            "seed": int(self.seed),
            "device": self.device.name,
            "started": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began)),
            "sessions": 1,
            "model": {
                "name": model.name,
                "description": model.description,
                "levels": model.levels,
                "dt": str(model.dt),
                "batch": model.batch,
                "populations": [p.name for p in model.populations],
                "parameters": {key: str(value) for key, value in model.parameters().items()},
                "meanings": model.meanings(),
            },
            "protocol": {
                "name": protocol.name,
                "description": protocol.description,
                "measured_signal": protocol.measured_signal,
                "options": self._options(),
            },
            "blocks": [
                {
                    "name": b.name,
                    "tokens": len(b),
                    "start_from": protocol.origin(b),
                    "self_paced": self.lines[b.name].self_paced,
                    "probes": [p.population for p in b.probes],
                }
                for b in protocol.blocks
            ],
            "start": self._about_start(),
            "vocabulary": {
                "symbols": list(vocabulary.symbols),
                "codes": vocabulary.codes.tolist(),
                "kind": vocabulary.kind,
            },
            **provenance.describe(),
        }

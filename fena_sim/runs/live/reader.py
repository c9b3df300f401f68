"""Reads an unfinished run folder: how far the run is, how fast, and what the hierarchy did.
Writes nothing.
"""

import json
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from ...declare.model.hierarchy import Hierarchy
from ...device.recordings import Recordings
from ...errors import FenaError
from ..store.declared import declared_model
from ..store.run import Run
from .readings import readings, readings_of_block

try:
    import fcntl
except ImportError:  # a system without it cannot tell whether a process holds the lock
    fcntl = None  # type: ignore[assignment]  # a module elsewhere

#: Points of a block's history, and chunks that the pace is taken from.
CELLS, RECENT = 150, 8


class RunReader:
    """Reads one run again and again; what was read of finished blocks and chunks is kept.

    Parameters
    ----------
    folder : path
        A run folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.blocks: dict[str, _BlockReader] = {}
        self.model: Hierarchy | None = None
        self.started: str | None = None

    def read(self) -> dict:
        """The state of the run, as JSON-able data.

        Returns
        -------
        dict
            "id", "title", "seed", "device", "batch", "started", "status" (in words), "kind"
            (running, finished, stopped, interrupted), "blocks" (name, tokens, done, history),
            "block" (name of the one that it is in, or None), "done" and "total" (tokens of one
            stream), "rate" (tokens of all streams per second, or None), "left" (s, or None), "log"
            (last line). A history maps "quantity" or "quantity level" to [first token of the cell,
            value] pairs.

        Raises
        ------
        RunFolderError
            If the folder is none of a run (any more).
        """
        run = Run(self.folder)
        manifest = run.manifest
        if (
            manifest["started"] != self.started
        ):  # another run, or one that was begun again from the start
            self.blocks, self.started, self.model = {}, manifest["started"], _model(manifest)
        rows, rate, current = [], None, None
        for block in manifest["blocks"]:
            reader = self.blocks.setdefault(
                block["name"], _BlockReader(run.folder, block["name"], block["tokens"], self.model)
            )
            reader.update(run)
            rate = reader.rate or rate
            if current is None and reader.done < block["tokens"]:
                current = block["name"]
            rows.append(
                {
                    "name": block["name"],
                    "tokens": block["tokens"],
                    "done": reader.done,
                    "history": reader.history(),
                }
            )
        total, done = sum(row["tokens"] for row in rows), sum(row["done"] for row in rows)
        kind, status = run_status(run)
        rate = manifest.get("tokens_per_second") or (rate and rate * run.batch)
        return {
            "id": run.id,
            "title": f"{manifest['protocol']['name']} on {manifest['model']['name']}",
            "seed": run.seed,
            "device": manifest["device"],
            "batch": run.batch,
            "started": manifest["started"],
            "status": status,
            "kind": kind,
            "sessions": manifest.get("sessions", 1),
            "blocks": rows,
            "block": None if kind == "finished" else current,
            "done": done,
            "total": total,
            "rate": rate,
            "left": (total - done) * run.batch / rate if rate and kind == "running" else None,
            "log": _last_line(run.folder),
        }


class _BlockReader:
    """One block: values per token {(quantity, level): (token,)} of its chunks while it goes on,
    then of its results.
    """

    def __init__(self, folder, name, total, model):
        self.name, self.total, self.model = name, total, model
        self.parts = folder / "parts" / name
        self.tokens = folder / "tokens" / f"{name}.zarr"
        self.state = folder / "states" / f"{name}.npz"
        self.chunks, self.values, self.whole, self.rate = [], {}, False, None

    @property
    def done(self):
        return (
            self.total
            if self.whole
            else min(self.total, sum(count for _, count, _, _ in self.chunks))
        )

    def update(self, run):
        """Look again. A file that vanishes meanwhile leaves what was known: the next look finds
        what took its place.
        """
        if self.whole and self.state.exists():
            return
        try:
            if self.tokens.exists() and self.state.exists():
                tokens = run.tokens(self.name)
                self.values = readings_of_block(self.model, tokens) if self.model else {}
                self.whole = True
            else:
                self.whole = False
                self._follow()
        except (OSError, ValueError, KeyError, FenaError):
            return

    def _follow(self):
        """Chunks one after the other, each from where the one before stopped; what the run did
        again is read again.
        """
        found, step = [], None
        for path in sorted(self.parts.glob("*.npz")):
            if step is not None and int(path.stem) != step:
                continue
            about = path.with_suffix(".json")
            if not about.exists():  # written after the arrays
                break
            changed, step = about.stat().st_mtime, json.loads(about.read_text())["stop"]
            number = len(found)
            known = self.chunks[number] if number < len(self.chunks) else None
            if known is None or known[0] != (path.name, changed):
                known = ((path.name, changed), *_of_part(path, self.model), changed)
            found.append(known)
        self.chunks = found
        keys = set().union(*(read for _, _, read, _ in found)) if found else set()
        self.values = {
            key: np.concatenate([r[key] for _, _, r, _ in found if key in r]) for key in keys
        }
        recent = found[-RECENT - 1 :]
        paces = [
            after[1] / (after[3] - before[3])
            for before, after in zip(recent, recent[1:])
            if after[3] > before[3]
        ]
        self.rate = float(np.median(paces)) if paces else None

    def history(self):
        """{name: [[token, value], ...]}: medians of settling iterations, means of all else, in at
        most CELLS cells.
        """
        found = {}
        for (quantity, level), values in sorted(self.values.items(), key=str):
            if not len(values):
                continue
            cells = np.arange(len(values)) * min(CELLS, self.total) // self.total
            typical = np.median if quantity == "iterations" else np.mean
            starts = np.flatnonzero(np.diff(cells, prepend=-1))
            parts = np.split(values, starts[1:])
            found[quantity if level is None else f"{quantity} {level}"] = [
                [int(first), _plain(typical(part))]
                for first, part in zip(starts, parts, strict=True)
            ]
        return found


def _plain(value):
    return float(f"{value:.5g}") if np.isfinite(value) else None


def _model(manifest):
    try:
        return declared_model(manifest)[0]
    except FenaError:
        return None


def _of_part(path, model):
    """(tokens that left in a chunk, readings of `fena_sim.runs.live.readings`), from what was kept
    of tokens alone.
    """
    with np.load(path, allow_pickle=False) as archive:
        recordings = Recordings.from_arrays(archive, samples=False)
    count = len(recordings.ends)
    return count, readings(model, recordings) if model is not None and count else {}


def run_status(run: Run) -> tuple[str, str]:
    """(kind, words) of where a run stands; kind is finished, running, stopped or interrupted."""
    status = run.manifest["status"]
    if status != "running":
        return ("finished" if run.finished else "stopped"), status
    if _locked(run.folder / "run.lock"):
        return "running", "running"
    return (
        "interrupted",
        "interrupted: no process is at work on it; the same command goes on from the last checkpoint",
    )


def _locked(path):
    """Whether a process holds the lock of a run; True where that cannot be told."""
    if fcntl is None:
        return True
    try:
        with open(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # released with the file
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _last_line(folder):
    try:
        lines = (folder / "log.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


def started_text(text: str) -> str:
    """When a run started, e.g. "2026-11-25 02:21:48"; the text itself if it is no time."""
    try:
        return (
            datetime.fromisoformat(text).replace(tzinfo=timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        )
    except (TypeError, ValueError):
        return str(text)

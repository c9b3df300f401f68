"""The points of a sweep. Each is an ordinary run, described by texts so that any process or
machine can make it.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import attrs

from ...declare.canonical import digest
from ...errors import DeclarationError, FenaError, RunFolderError
from ...load.protocol_file import ProtocolFile, load_protocol, model_of
from ...load.set_option import parse_settings, protocol_options, set_model
from ...load.user_file import file_digest, files_read
from ...runs.plan import Plan
from ...runs.provenance import versions
from .grid import Axis, combinations

#: What every point of a sweep shares with the same point on another machine, whatever its seed.
SHARED = ("model", "device", "engine")
#: Models that a worker keeps: reading one takes longer than everything else before a run.
MODELS = 256


def _running():
    """Hash of all code of fena_sim and brian2_dense, and of the versions of what it stands on."""
    package = Path(__file__).resolve().parents[2]
    files = [
        path
        for folder in (package, package.parent / "brian2_dense")
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".py", ".cpp", ".cu", ".h")
    ]
    code = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    return digest([code, versions()])


#: Hash of the code that this process runs, which is not what the files hold after they were edited.
RUNNING = _running()
#: Models that were declared in this process, and the digests of the files that were read for each.
_models: OrderedDict = OrderedDict()
_keeping = threading.Lock()


@attrs.frozen
class Point:
    """One run of a sweep.

    Attributes
    ----------
    number : int
        Place in the sweep.
    protocol, model : str
        Absolute paths of the files.
    settings : tuple of str
        "key=value" texts, those of the grid last.
    grid : tuple of str
        Those of the grid alone.
    seed : int
    device : str
        Never "auto": that may be another one on another machine.
    out : str
        Absolute path of the folder of run folders.
    identity : str
        Hash of what the run must share with the sweep's other runs of these settings, code and
        versions among them.
    """

    number: int
    protocol: str
    model: str
    settings: tuple
    grid: tuple
    seed: int
    device: str
    out: str
    identity: str = ""

    @property
    def label(self) -> str:
        """The point for people."""
        return f"{', '.join(self.grid)}, seed {self.seed}"


@attrs.frozen
class Sweep:
    """A grid of settings and seeds, checked.

    Attributes
    ----------
    axes : list of Axis
    seeds : list of int
    points : list of Point
        All points of the grid with the first seed, then with the second, ...
    name : str
        Names the sweep's folder; ends with the hash of what goes in.
    device : str
    """

    axes: list
    seeds: list
    points: list
    name: str
    device: str


def plan(
    protocol: str | Path,
    axes: list[Axis],
    seeds: Sequence[int],
    model: str | Path | None = None,
    settings: Sequence[str] = (),
    device: str = "auto",
    out: str | Path = "runs",
) -> Sweep:
    """The points of a sweep. Every point of the grid is checked here with the first seed, before
    anything is built.

    Parameters
    ----------
    protocol, model : path
        The model of the protocol file if left out.
    axes : list of Axis
    seeds : list of int
    settings : sequence of str
        `--set` texts of all points.
    device : str
    out : path

    Returns
    -------
    Sweep

    Raises
    ------
    FenaError
        If a point cannot be run, or two points of the grid are the same run.
    """
    grids = combinations(axes)
    if model is None:
        options = parse_settings((*settings, *grids[0])).protocol
        file = load_protocol(protocol, **protocol_options(protocol, options, seed=seeds[0]))
        model = model_of(file)
    same = dict(
        protocol=str(Path(protocol).resolve()),
        model=str(Path(model).resolve()),
        out=str(Path(out).resolve()),
    )
    first: list[Point] = []
    hashes: dict[str, tuple[str, ...]] = {}
    for grid in grids:
        point = Point(
            number=0, settings=(*settings, *grid), grid=grid, seed=seeds[0], device=device, **same
        )
        try:
            planned, _ = prepare(point)
        except FenaError as error:
            where = f"grid point {', '.join(grid)}{f'; {error.where}' if error.where else ''}"
            raise type(error)(error.what, where=where, fix=error.fix) from error
        twin = hashes.setdefault(planned.hash, grid)
        if twin is not grid:
            raise DeclarationError(
                f"the grid points {', '.join(twin)} and {', '.join(grid)} are the same run",
                where="--grid",
                fix="leave out the key that changes nothing, or is overruled by another",
            )
        first.append(attrs.evolve(point, device=planned.device.name, identity=_identity(planned)))
    points = [
        attrs.evolve(point, number=k * len(first) + n, seed=seed)
        for k, seed in enumerate(seeds)
        for n, point in enumerate(first)
    ]
    hash_ = digest([list(hashes), list(seeds), [axis.key for axis in axes]])
    name = f"sweep-{planned.protocol.name}-{planned.model.name}-{hash_[:10]}"
    return Sweep(axes=axes, seeds=list(seeds), points=points, name=name, device=first[0].device)


def prepare(point: Point) -> tuple[Plan, ProtocolFile]:
    """(plan, protocol file) of a point. Raises RunFolderError where it would be another
    run than was planned.
    """
    settings = parse_settings(point.settings)
    batch = settings.parameters.get("batch", 1)
    file = load_protocol(
        point.protocol,
        **protocol_options(point.protocol, settings.protocol, seed=point.seed, batch=batch),
    )
    declared = _model(point.model, file.protocol.vocabulary.size, point.settings)
    planned = Plan.of(declared, file.protocol, point.seed, point.device)
    if point.identity and point.identity != _identity(planned):
        raise RunFolderError(
            "this worker has another fena_sim, Brian2 or model file than the machine that started the sweep",
            where=point.model,
            fix=(
                "give all workers the same installation and files, and start again those that are older"
            ),
        )
    return planned, file


def _identity(planned):
    return digest({**{name: planned.inputs[name] for name in SHARED}, "running": RUNNING})


def _model(path, input_size, texts):
    """The model of a file, declared again once the file, or another one that was read for it, has
    changed: workers may live longer than a version of these.
    """
    key = path, input_size, texts
    model, files = _models.get(key, (None, None))
    if files is None or any(file_digest(file) != digest_ for file, digest_ in files.items()):
        settings = parse_settings(texts)
        with files_read() as files:
            model = set_model(path, input_size, settings.model, settings.parameters)
    with _keeping:
        _models[key] = model, files
        _models.move_to_end(key)
        if len(_models) > MODELS:
            _models.popitem(last=False)
    return model

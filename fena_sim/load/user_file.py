"""Executing a user's Python file in isolation, with the modules beside it.

Every load makes a private package of its own, whose path is the file's folder. The file and whatever
it imports from that folder become modules of this package, executed afresh, so that two folders may
each have a ``helper.py``, and an edited one is seen at the next load. What the folder does not have is
imported as usual. ``sys.path`` and the public names in ``sys.modules`` stay as they are.

Import statements reach the package because its modules have an ``__import__`` of their own among their
builtins. This also holds for statements inside functions that are called later, in any thread. The
rest is Python's own import system: locks, circular imports, packages, tracebacks and pickling, for
which the private names say the folder ("fena_sim.load.user-1f0c52d9:/home/me/models.helper").
"""

import builtins
import hashlib
import importlib
import itertools
import os
import pkgutil
import re
import secrets
import sys
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    FrozenImporter,
    ModuleSpec,
    SourceFileLoader,
)
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from inspect import Parameter, signature
from pathlib import Path
from types import CodeType, ModuleType
from urllib.parse import quote, unquote_to_bytes
from weakref import WeakValueDictionary

from ..errors import DeclarationError, FenaError, UnknownNameError, clipped, nearest

#: What the names of private packages begin with: being in this package, a process that gets a pickle
#: from another one imports this module first, and so can import them.
PRIVATE = f"{__package__}.user-"
#: Latest loads whose modules stay in sys.modules. Those of earlier ones come back when they are needed.
KEPT = 64
#: Never taken from a user's folder: there is one fena_sim, also for a file in its checkout.
SHARED = {"fena_sim", "__main__", *sys.builtin_module_names}

_latest: OrderedDict = OrderedDict()
_alive: WeakValueDictionary = WeakValueDictionary()
_lock = threading.RLock()
_readers: ContextVar[tuple] = ContextVar("readers", default=())


def load_file(path: str | Path, kind: str) -> ModuleType:
    """Execute a Python file in isolation, with what it imports from its own folder.

    Parameters
    ----------
    path : str or Path
    kind : str
        What the file is, for messages: "model", "protocol", ...

    Returns
    -------
    module
        Another one at each call.

    Raises
    ------
    UnknownNameError
        If there is no such file, or the file or a module beside it imports what is neither beside it
        nor installed.
    DeclarationError
        If it is not a Python file, or the file or a module beside it stops with an error.
    """
    try:
        path = Path(path).resolve()
        there = path.is_file()
    except (OSError, ValueError) as error:  # a name that is too long, or with a NUL
        raise UnknownNameError(
            f"there is no {kind} file of this name: {error}",
            where=clipped(str(path)),
            fix="check the path",
        ) from error
    if not there:
        near = [p.name for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise UnknownNameError(
            f"there is no {kind} file {path.name!r}", where=str(path), fix=nearest(path.name, near)
        )
    if path.suffix != ".py":
        raise DeclarationError(
            "this is not a Python file", where=str(path), fix=f"give a {kind} file, NAME.py"
        )
    escaped = quote(os.fsencode(path.parent)).replace(".", "%2E")
    package = importlib.import_module(f"{PRIVATE}{secrets.token_hex(4)}:{escaped}")
    name = f"{package.__name__}.{path.stem.replace('.', '_')}"
    source = _Source(name, str(path))
    spec = spec_from_file_location(name, path, loader=source)
    module = module_from_spec(spec)  # type: ignore[arg-type]  # with a loader there is one
    load = _alive[package.__name__]
    try:
        with load.in_use():
            sys.modules[name] = module
            source.exec_module(module)
    except BaseException as error:
        load.drop()
        if isinstance(error, FenaError) or not isinstance(error, Exception):
            raise
        raise _explained(error, f"the {kind} file cannot be read: ", str(path)) from error
    return module


def call_with(function: Callable, options: Mapping, where: str) -> object:
    """Call a file's `function` with keyword options.

    Parameters
    ----------
    function : callable
    options : dict
    where : str
        The function and its file, for messages.

    Returns
    -------
    object
        What the function returns.

    Raises
    ------
    UnknownNameError
        If the function does not take an option, or imports what is neither beside its file nor
        installed.
    DeclarationError
        If the function stops with an error.
    """
    accepted = options_of(function, where)
    for name in options:
        if name not in accepted:
            raise UnknownNameError(
                f"{name!r} is not an option here", where=where, fix=nearest(name, accepted)
            )
    try:
        return function(**options)
    except FenaError:
        raise
    except Exception as error:
        given = ", ".join(f"{name}={clipped(value)}" for name, value in options.items())
        lead = f"called with {given}, it " if given else ""
        raise _explained(error, f"{lead}stopped with ", where) from error


def options_of(function: Callable, where: str) -> Mapping[str, Parameter]:
    """The parameters of a file's `function` by name. DeclarationError where Python cannot tell them."""
    try:
        return signature(function).parameters
    except (TypeError, ValueError) as error:
        raise DeclarationError(
            f"its options are unknown: {error}", where=where, fix="write it as a function, with def"
        ) from error


def error_text(error: BaseException) -> str:
    """Class and message of an error in a user's file, with the modules' names as the user wrote them."""
    return _public(f"{type(error).__name__}: {error}")


@contextmanager
def files_read() -> Iterator[dict[str, str | None]]:
    """Collect which Python files of the user are executed inside this context.

    Yields
    ------
    dict
        {path: :func:`file_digest` of what was executed}: every loaded file, the modules beside it that
        it imported, and in turn the files that any of these load.
    """
    files: dict = {}
    token = _readers.set((*_readers.get(), files))
    try:
        yield files
    finally:
        _readers.reset(token)


def file_digest(path: str | Path) -> str | None:
    """SHA-256 of a file's content; None where there is no file."""
    path = Path(path)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


class _Load:
    """One load: the private package of a folder, and the import statement of its modules."""

    def __init__(self, package):
        self.package = package
        self.name = package.__name__
        self.folder = os.fsdecode(
            unquote_to_bytes(self.name.removeprefix(PRIVATE).partition(":")[2])
        )
        self.builtins = {**vars(builtins), "__import__": self.import_}
        self.dropped = {}  # modules that sys.modules no longer has
        self.users = 0
        self._finder = FileFinder(self.folder, *_LOADERS)
        self._beside = {}

    def import_(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """What import statements call: ``__import__`` of the private modules."""
        top = name.partition(".")[0]
        if not level and not self.has(top):
            return builtins.__import__(name, globals, locals, fromlist)
        with self.in_use():
            if level:
                assert globals is not None  # a statement has those of its module
                self._check_relative(globals["__package__"], level)
                return builtins.__import__(name, globals, locals, fromlist, level)
            module = builtins.__import__(f"{self.name}.{name}", fromlist=fromlist)
            return module if fromlist else sys.modules[f"{self.name}.{top}"]

    def has(self, top: str) -> bool:
        """Whether the folder has a module or package that Python would take before an installed one."""
        if top not in self._beside:
            self._beside[top] = self._is_beside(top)
        return self._beside[top]

    def _is_beside(self, top):
        if top in SHARED or FrozenImporter.find_spec(top):
            return False
        found = self._finder.find_spec(f"{self.name}.{top}")
        if found is None or found.loader is not None:
            return found is not None
        # A folder without __init__.py comes after all other modules of its name.
        if top in sys.modules:
            return getattr(sys.modules[top], "__file__", None) is None
        installed = find_spec(top)
        return installed is None or installed.origin is None

    def _check_relative(self, package, level):
        """Relative imports end at the user's folder, which to the user is no package."""
        depth = package.count(".") - self.name.count(".")
        if depth == 0:
            raise ImportError("attempted relative import with no known parent package")
        if level > depth:
            raise ImportError("attempted relative import beyond top-level package")

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """While its modules are imported, a load is not dropped. It then counts as the latest."""
        with _lock:
            self.users += 1
        try:
            yield
        finally:
            with _lock:
                self.users -= 1
                self.keep()

    def keep(self) -> None:
        """Have the modules in sys.modules, and drop the earliest load of those that are too many."""
        with _lock:
            sys.modules.update(self.dropped)
            self.dropped = {}
            _latest[self.name] = self
            _latest.move_to_end(self.name)
            idle = [load for load in _latest.values() if not load.users]
            for load in itertools.islice(idle, max(len(_latest) - KEPT, 0)):
                load.drop()

    def drop(self) -> None:
        """Take the modules out of sys.modules. They live on as long as anything needs them."""
        with _lock:
            _latest.pop(self.name, None)
            names = [name for name in list(sys.modules) if name.startswith(self.name)]
            self.dropped.update((name, sys.modules.pop(name)) for name in names)
            vars(sys.modules[__package__]).pop(self.name.rpartition(".")[2], None)


class _Package(Loader):
    """Makes the private package of a load, or brings back one that was dropped."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        load = _alive.get(spec.name)
        return load and load.package

    def exec_module(self, package: ModuleType) -> None:
        load = _alive.get(package.__name__)
        if load is None:
            load = _alive[package.__name__] = _Load(package)
            vars(package)["__builtins__"] = load.builtins
            package.__path__ = [load.folder]
        load.keep()


class _Source(SourceFileLoader):
    """Executes a module as its file is now. No bytecode is stored: that of a file that was edited
    within the same second would pass for the file's.
    """

    def get_code(self, fullname: str) -> CodeType:
        source = self.get_data(self.path)
        for files in _readers.get():
            files[self.path] = hashlib.sha256(source).hexdigest()
        return self.source_to_code(source, self.path)

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = _load_of(module.__name__).builtins
        super().exec_module(module)


_LOADERS = (ExtensionFileLoader, EXTENSION_SUFFIXES), (_Source, [".py"])


class _Finder(MetaPathFinder):
    """Finds private packages by their names, and modules in them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(PRIVATE):
            return None
        if "." not in fullname.removeprefix(PRIVATE):
            return ModuleSpec(fullname, _Package(), is_package=True)
        found = (FileFinder(entry, *_LOADERS).find_spec(fullname) for entry in path or ())
        return next((spec for spec in found if spec is not None), None)


sys.meta_path.insert(0, _Finder())


def _load_of(name):
    """The load that a module with this name belongs to, or None."""
    if not str(name).startswith(PRIVATE):
        return None
    return _alive.get(PRIVATE + name.removeprefix(PRIVATE).partition(".")[0])


def _explained(error, lead, where):
    """The error of a user's file as a FenaError that says file and line."""
    frames = [
        (frame, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename != __file__ and "importlib" not in frame.f_code.co_filename
    ]
    loads = [_load_of(frame.f_globals.get("__name__")) for frame, _ in frames]
    own = [place for place, load in zip(frames, loads, strict=True) if load is not None]
    file, line = (own[-1][0].f_code.co_filename, own[-1][1]) if own else (None, None)
    if isinstance(error, SyntaxError) and Path(error.filename or "").is_file():
        file, line = error.filename, error.lineno
    if file:
        where += f", line {line}" if where.endswith(file) else f"; {file}, line {line}"
    if isinstance(error, ModuleNotFoundError) and error.name and own and own[-1] == frames[-1]:
        return _missing(_public(error.name), loads[-1], where)
    return DeclarationError(
        f"{lead}{error_text(error)}",
        where=where,
        fix="run the file with python to see where it stops",
    )


def _missing(name, load, where):
    """The error of an import of something that is neither beside the file nor installed."""
    parent = name.rpartition(".")[0]
    folder = Path(load.folder, *parent.split("."))
    beside = [m.name for m in pkgutil.iter_modules([str(folder)], f"{parent}." if parent else "")]
    if name in beside:
        fix = f"write `import {name}`: only import statements find what is beside a file"
    else:
        fix = f"{nearest(name, beside)}; or install it" if beside else "install it"
    return UnknownNameError(
        f"there is no module {name!r}, neither beside the file nor installed", where=where, fix=fix
    )


def _public(text):
    """The text without the names of private packages."""
    return re.sub(rf"{re.escape(PRIVATE)}[^.]*\.", "", text)

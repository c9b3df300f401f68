"""Files of users are executed in isolation. Oracles: what Python itself gives for the same files, each
in a fresh process that runs in the files' folder (`in_python`); and the contract of `load_file`.
"""

import functools
import inspect
import json
import os
import pickle
import subprocess
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cloudpickle
import pytest

import fena_sim
from fena_sim.errors import DeclarationError, UnknownNameError
from fena_sim.load import user_file
from fena_sim.load.user_file import call_with, file_digest, files_read, load_file

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def python_stays_as_it_was():
    """No load changes the import path or what other code gets by a name."""
    path = list(sys.path)
    yield
    assert sys.path == path
    public = [name for name in sys.modules if not name.startswith(user_file.PRIVATE)]
    assert not {"helper", "deeper", "model", "pkg"} & set(public)


def write(folder, **files):
    """Write files: `pkg__sub` stands for pkg/sub.py, `pkg__INIT` for pkg/__init__.py."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/").replace("INIT", "__init__") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def in_python(folder, expression, module="model"):
    """The value of an expression after `import MODULE` in a fresh process, or its error's message."""
    code = f"import json, {module}\ntry: print(json.dumps({expression}))\nexcept ImportError as e: print(json.dumps(str(e)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def outside(folder, code, *arguments):
    """The output of code in a fresh process that does not run in the files' folder."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )
    return done.stdout.strip()


# -- the cases that went wrong when a file's folder was put on sys.path -----------------------------


MODEL = "from helper import TAU\ndef tau(): return TAU\ndef lazy():\n    import helper\n    return helper.TAU\n"


@pytest.fixture
def two(tmp_path):
    """Two folders with a model.py and a helper.py of their own."""
    return [
        write(tmp_path / name, model=MODEL, helper=f"TAU = {tau}\n")
        for name, tau in (("a", 10), ("b", 20))
    ]


def test_folders_have_helpers_of_their_own(two):
    modules = [load_file(folder / "model.py", "model") for folder in two]
    for name in ("tau", "lazy"):
        ours = [getattr(module, name)() for module in modules]
        assert ours == [in_python(folder, f"model.{name}()") for folder in two] == [10, 20]


def test_with_the_folder_on_the_path_the_second_folder_gets_the_first_ones_constants(two):
    """The defect, so that the test above is known to tell."""
    code = (
        "import sys, runpy\n"
        "for folder in sys.argv[1:]:\n"
        "    sys.path.insert(0, folder)\n"
        "    print(runpy.run_path(folder + '/model.py')['tau']())\n"
        "    sys.path.remove(folder)\n"
    )
    assert outside(two[0], code, *two).split() == ["10", "10"]


def test_an_edited_helper_is_seen(two):
    """Also where the edit leaves size and time as they were, for which Python's bytecode is stale."""
    folder = two[0]
    before = load_file(folder / "model.py", "model")
    times = (folder / "helper.py").stat()
    write(folder, helper="TAU = 11\n")
    os.utime(folder / "helper.py", ns=(times.st_atime_ns, times.st_mtime_ns))
    after = load_file(folder / "model.py", "model")
    assert (before.tau(), before.lazy(), after.tau(), after.lazy()) == (10, 10, 11, 11)
    assert not (folder / "__pycache__").exists()


def test_every_load_is_fresh(tmp_path):
    write(tmp_path, model="from helper import seen\n", helper="seen = []\n")
    first, second = (load_file(tmp_path / "model.py", "model") for _ in range(2))
    first.seen.append(1)
    assert second.seen == []


def test_a_helper_that_is_imported_when_called(two):
    for folder in two:
        write(folder, model="def late():\n    from helper import TAU\n    return TAU\n")
    late = [load_file(folder / "model.py", "model").late for folder in two]
    assert [f() for f in reversed(late)] == [20, 10]


# -- what folders have ------------------------------------------------------------------------------


PACKAGE = dict(
    pkg__INIT="from .sub import X\nfrom . import other\n",
    pkg__sub="from .deep.leaf import LEAF\nX = LEAF + 1\n",
    pkg__other="import helper\nY = helper.Z\n",
    pkg__deep__INIT="",
    pkg__deep__leaf="LEAF = 1\ndef up():\n    from ..other import Y\n    return Y\n",
    helper="Z = 5\n",
    bare__inner="W = 7\n",
)
IMPORTS = {
    "import pkg": "model.pkg.X",
    "import pkg.deep.leaf": "[model.pkg.X, model.pkg.deep.leaf.LEAF, model.pkg.deep.leaf.up()]",
    "import pkg.deep.leaf as leaf": "model.leaf.LEAF",
    "from pkg import other": "model.other.Y",
    "from pkg.deep import leaf": "model.leaf.up()",
    "from pkg.sub import *": "model.X",
    "from pkg import sub, other as o": "[model.sub.X, model.o.Y]",
    "import bare.inner": "model.bare.inner.W",
    "from bare import inner": "model.inner.W",
    "import os.path, helper": "[model.helper.Z, model.os.path.basename('a/b')]",
    "import xml.dom as x": "model.x.__name__",
    "from importlib import import_module\npkg = import_module('.pkg', __package__) if __package__ else "
    "import_module('pkg')": "model.pkg.X",
}


@pytest.mark.parametrize("statement", IMPORTS)
def test_forms_of_imports(tmp_path, statement):
    write(tmp_path, model=statement + "\n", **PACKAGE)
    expression = IMPORTS[statement]
    ours = eval(expression, {"model": load_file(tmp_path / "model.py", "model")})
    assert ours == in_python(tmp_path, expression)


RELATIVE = {
    "no package": dict(model="def f():\n    from . import helper\n", helper=""),
    "above the package": dict(
        model="import pkg.sub\ndef f(): pkg.sub.f()\n",
        pkg__INIT="",
        pkg__sub="def f():\n    from .. import helper\n",
        helper="",
    ),
}


@pytest.mark.parametrize("case", RELATIVE)
def test_relative_imports_end_at_the_folder(tmp_path, case):
    write(tmp_path, **RELATIVE[case])
    with pytest.raises(ImportError) as error:
        load_file(tmp_path / "model.py", "model").f()
    assert str(error.value) == in_python(tmp_path, "model.f()")


def test_circular_imports(tmp_path):
    write(
        tmp_path,
        model="A = 1\nimport helper\nB = helper.D\n",
        helper="import model\nC = model.A\nimport deeper\nD = [C, deeper.E, hasattr(model, 'B')]\n",
        deeper="from helper import C as E\n",
    )
    module = load_file(tmp_path / "model.py", "model")
    assert module.B == in_python(tmp_path, "model.B") == [1, 1, False]
    assert module.helper.model is module


def test_a_circle_that_python_refuses(tmp_path):
    write(tmp_path, model="from helper import A\n", helper="from deeper import B\nA = 1\n")
    write(tmp_path, deeper="from helper import A\nB = 1\n")
    with pytest.raises(DeclarationError, match="cannot import name 'A' from partially init") as e:
        load_file(tmp_path / "model.py", "model")
    assert "'helper'" in e.value.what and user_file.PRIVATE not in str(e.value)
    assert e.value.where == f"{tmp_path / 'model.py'}; {tmp_path / 'deeper.py'}, line 1"


def test_a_helper_with_the_name_of_a_library_is_the_users_alone(tmp_path):
    """The libraries go on with the standard module, also those that import it later."""
    write(tmp_path, model="import queue\nimport json\nMINE = queue.MINE\n", queue="MINE = True\n")
    code = (
        "import sys; from fena_sim.load.user_file import load_file\n"
        "sys.modules.pop('queue', None); sys.modules.pop('concurrent.futures.thread', None)\n"
        "module = load_file(sys.argv[1], 'model')\n"
        "import concurrent.futures.thread as t\n"
        "print(module.MINE, hasattr(t.queue, 'SimpleQueue'), hasattr(t.queue, 'MINE'))"
    )
    assert outside(tmp_path, code, tmp_path / "model.py") == "True True False"
    assert in_python(tmp_path, "model.MINE") is True


@pytest.mark.parametrize("name", ["time", "os", "sys"])
def test_what_python_has_built_in_is_not_taken_from_the_folder(tmp_path, name):
    write(tmp_path, model=f"import {name} as found\n", **{name: "MINE = True\n"})
    module = load_file(tmp_path / "model.py", "model")
    assert hasattr(module.found, "MINE") is in_python(tmp_path, "hasattr(model.found, 'MINE')")
    assert module.found is sys.modules[name]


def test_a_folder_of_other_things_hides_no_library(tmp_path):
    write(tmp_path, model="import numpy, xml.dom\nPI = numpy.pi\n", numpy__notes="", xml__notes="")
    assert load_file(tmp_path / "model.py", "model").PI == in_python(tmp_path, "model.PI")


def test_there_is_one_fena_sim(tmp_path):
    """Also for a file in the folder of a checkout, which has a fena_sim beside it."""
    write(
        tmp_path,
        model="from fena_sim import Hierarchy\nimport fena_sim.load.user_file as user_file\n",
    )
    write(tmp_path, fena_sim__INIT="raise SystemExit('another fena_sim')\n")
    module = load_file(tmp_path / "model.py", "model")
    assert module.Hierarchy is fena_sim.Hierarchy and module.user_file.load_file is load_file


def test_names_that_are_no_identifiers(tmp_path):
    folder = tmp_path / "my models.v2 'ä"
    folder.mkdir()
    (folder / "01-model.v3.py").write_text("from helper import X\n")
    write(folder, helper="X = 3\n")
    assert load_file(folder / "01-model.v3.py", "model").X == 3


def test_a_link_counts_as_the_file(tmp_path):
    write(tmp_path / "real", model=MODEL + "print(tau())\n", helper="TAU = 1\n")
    write(tmp_path / "links", helper="TAU = 2\n")
    link = tmp_path / "links" / "model.py"
    link.symlink_to(tmp_path / "real" / "model.py")
    script = subprocess.run([sys.executable, str(link)], capture_output=True, check=True)
    assert load_file(link, "model").tau() == int(script.stdout) == 1


def test_running_as_a_script_still_works(tmp_path):
    write(tmp_path, helper="X = 3\n")
    write(
        tmp_path,
        model="from helper import X\nif __name__ == '__main__':\n"
        "    from fena_sim.load.user_file import load_file\n    print(X, load_file(__file__, 'model').X)\n",
    )
    code = "import runpy, sys; sys.path[0] = sys.argv[1]; runpy.run_path(sys.argv[1] + '/model.py', run_name='__main__')"
    assert outside(tmp_path, code, tmp_path) == "3 3"


# -- several loads at once, and many ------------------------------------------------------------------


def test_threads(tmp_path):
    """Loads in several threads at once, whose helpers import more when they are called."""
    folders = [
        write(
            tmp_path / f"f{n}",
            model="import time, helper\ndef f():\n    from deeper import X\n    return helper.X, X\n",
            helper=f"import time\ntime.sleep(0.002)\nX = {n}\n",
            deeper=f"import time\ntime.sleep(0.002)\nfrom helper import X as Y\nX = {n} + 100 * Y\n",
        )
        for n in range(8)
    ]

    def load(k):
        module = load_file(folders[k % 8] / "model.py", "model")
        with ThreadPoolExecutor(3) as inner:
            return list(inner.map(lambda _: module.f(), range(3)))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(load, range(160)))
    assert found == [[(k % 8, 101 * (k % 8))] * 3 for k in range(160)]


def private():
    return [name for name in list(sys.modules) if name.startswith(user_file.PRIVATE)]


def test_many_loads_leave_no_more_than_the_latest(tmp_path):
    """What was loaded long ago still finds what it has imported and what it has not."""
    write(
        tmp_path,
        model="import helper\nclass C:\n    pass\n"
        "def f():\n    import helper, deeper\n    return helper.seen, deeper.X\n",
        helper="seen = []\n",
        deeper="X = 4\n",
    )
    first = load_file(tmp_path / "model.py", "model")
    made = first.C()
    first.helper.seen.append(1)
    for _ in range(user_file.KEPT):
        load_file(tmp_path / "model.py", "model")
    assert first.__name__ not in sys.modules
    assert len(private()) == 3 * user_file.KEPT  # package, file and helper
    assert first.f() == ([1], 4)
    assert sys.modules[first.__name__] is first
    for _ in range(user_file.KEPT):
        load_file(tmp_path / "model.py", "model")
    assert first.__name__ not in sys.modules
    assert type(pickle.loads(pickle.dumps(made))) is first.C
    assert len(vars(sys.modules["fena_sim.load"])) < 3 * user_file.KEPT


def test_a_file_that_loads_very_many_others(tmp_path):
    write(tmp_path / "others", helper="X = 1\n")
    write(
        tmp_path,
        model="from fena_sim.load.user_file import load_file\n"
        f"for _ in range({user_file.KEPT + 2}): load_file({str(tmp_path / 'others' / 'helper.py')!r}, 'x')\n"
        "import helper\n",
        helper="X = 2\n",
    )
    assert load_file(tmp_path / "model.py", "model").helper.X == 2


def test_a_load_that_fails_leaves_nothing(tmp_path):
    write(tmp_path, model="import helper\n1 / 0\n", helper="")
    before = set(private())
    with pytest.raises(DeclarationError):
        load_file(tmp_path / "model.py", "model")
    assert set(private()) <= before
    write(tmp_path, model="import helper\n")
    assert load_file(tmp_path / "model.py", "model").helper


# -- what libraries ask of modules --------------------------------------------------------------------


CLASSES = """
from __future__ import annotations
from dataclasses import dataclass, field
from typing import ClassVar
import attrs

@dataclass
class Data:
    count: ClassVar[int] = 3
    values: list[int] = field(default_factory=list)

@attrs.frozen
class Attrs:
    inner: Data
    @classmethod
    def made(cls): return cls(Data([1]))

def scale(t): return 2 * t
"""


def test_dataclasses_attrs_and_sources(tmp_path):
    import attrs

    write(tmp_path, model="from helper import Attrs, Data, scale\n", helper=CLASSES)
    module = load_file(tmp_path / "model.py", "model")
    assert [f.name for f in module.Data.__dataclass_fields__.values() if f._field_type.name == "_FIELD"] == ["values"]  # fmt: skip
    attrs.resolve_types(module.Attrs)
    assert attrs.fields(module.Attrs).inner.type is module.Data
    assert inspect.getsource(module.scale) == "def scale(t): return 2 * t\n"
    assert inspect.getsource(module.Data).startswith("@dataclass\nclass Data:")


@pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps])
def test_objects_are_pickled_to_this_process_and_to_another(tmp_path, dumps):
    """As by Python itself where both processes have the folder on their path."""
    write(tmp_path, model="from helper import *\ndef own(t):\n    import helper\n    return helper.scale(t)\n")  # fmt: skip
    write(tmp_path, helper=CLASSES)
    module = load_file(tmp_path / "model.py", "model")
    things = module.Attrs.made(), module.scale, functools.partial(module.own, 21)
    back = pickle.loads(dumps(things))
    assert back[0] == things[0] and back[1] is module.scale and back[2]() == 42
    (tmp_path / "things.pickle").write_bytes(dumps(things))
    code = (
        "import pickle, sys; a, f, g = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print(a.inner.values, f(2), g(), 'helper' in sys.modules)"
    )
    assert outside(tmp_path, code, tmp_path / "things.pickle") == "[1] 4 42 False"


def test_names_of_the_builtins_are_there(tmp_path):
    write(tmp_path, model="X = max(len('abc'), abs(-5))\ndef f(): return sorted(map(int, '31'))\n")
    module = load_file(tmp_path / "model.py", "model")
    assert (module.X, module.f()) == (5, [1, 3])


# -- errors -------------------------------------------------------------------------------------------


def test_a_helper_that_is_missing(tmp_path):
    write(tmp_path, model="import math\nimport helpr\n", helper="")
    with pytest.raises(UnknownNameError) as error:
        load_file(tmp_path / "model.py", "model")
    assert "'helpr'" in error.value.what
    assert error.value.where == f"{tmp_path / 'model.py'}, line 2"
    assert "did you mean 'helper'?" in error.value.fix


def test_one_that_is_missing_in_a_package_and_when_called(tmp_path):
    write(
        tmp_path,
        model="def hierarchy():\n    import pkg\n",
        pkg__INIT="\nfrom pkg.sbu import X\n",
        pkg__sub="",
    )
    function = load_file(tmp_path / "model.py", "model").hierarchy
    with pytest.raises(UnknownNameError) as error:
        call_with(function, {}, f"hierarchy() of {tmp_path / 'model.py'}")
    assert "'pkg.sbu'" in error.value.what and "did you mean 'pkg.sub'?" in error.value.fix
    assert error.value.where == (
        f"hierarchy() of {tmp_path / 'model.py'}; {tmp_path / 'pkg' / '__init__.py'}, line 2"
    )


def test_import_module_does_not_look_beside_the_file(tmp_path):
    write(tmp_path, model="import importlib\nimportlib.import_module('helper')\n", helper="")
    with pytest.raises(UnknownNameError, match="write `import helper`"):
        load_file(tmp_path / "model.py", "model")


def test_what_a_library_misses_is_not_said_of_the_file(tmp_path, monkeypatch):
    write(tmp_path / "site", library="import not_installed_either\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    write(tmp_path / "mine", model="\n\nimport library\n")
    with pytest.raises(DeclarationError) as error:
        load_file(tmp_path / "mine" / "model.py", "model")
    assert "ModuleNotFoundError: No module named 'not_installed_either'" in error.value.what
    assert error.value.where == f"{tmp_path / 'mine' / 'model.py'}, line 3"


BAD_HELPERS = {
    "raises": ("X = 1\nY = X / 0\n", "ZeroDivisionError: division by zero", 2),
    "lacks the name": ("\n", "ImportError: cannot import name 'Y' from 'helper'", None),
    "is no Python": ("X = 1\nX = = 2\n", "SyntaxError: invalid syntax", 2),
    "asks for an attribute": ("import model\nmodel.Z\n", "'model' has no attribute 'Z'", 2),
}


@pytest.mark.parametrize("case", BAD_HELPERS)
def test_errors_name_the_helpers_file_and_line(tmp_path, case):
    helper, message, line = BAD_HELPERS[case]
    write(tmp_path, model="\n\nfrom helper import Y\n", helper=helper)
    with pytest.raises(DeclarationError) as error:
        load_file(tmp_path / "model.py", "model")
    assert message in error.value.what
    assert user_file.PRIVATE not in str(error.value)
    place = f"; {tmp_path / 'helper.py'}, line {line}" if line else ", line 3"
    assert error.value.where == f"{tmp_path / 'model.py'}{place}"
    if line and not isinstance(error.value.__cause__, SyntaxError):
        last = traceback.extract_tb(error.value.__cause__.__traceback__)[-1]
        assert (last.filename, last.lineno) == (str(tmp_path / "helper.py"), line)
        assert last.line == helper.splitlines()[line - 1]


def test_errors_of_fena_sim_are_as_they_were_raised(tmp_path):
    write(tmp_path, model="import helper\n")
    write(
        tmp_path, helper="from fena_sim.errors import UnitError\nraise UnitError('x', 'y', 'z')\n"
    )
    with pytest.raises(fena_sim.errors.UnitError, match="where: y"):
        load_file(tmp_path / "model.py", "model")


# -- which files were read ----------------------------------------------------------------------------


def test_files_read(tmp_path):
    """The files that were executed, with their content, those of nested loads included."""
    write(tmp_path / "other", base="from helper import X\n", helper="X = 1\n")
    write(
        tmp_path,
        model="import json, pkg.sub\ndef f():\n    import helper\n"
        f"    from fena_sim.load.user_file import load_file\n    load_file({str(tmp_path / 'other' / 'base.py')!r}, 'x')\n",
        pkg__INIT="",
        pkg__sub="",
        helper="",
        unused="",
    )
    with files_read() as outer:
        with files_read() as inner:
            module = load_file(tmp_path / "model.py", "model")
        early = ["model", "pkg/__init__", "pkg/sub"]
        assert sorted(inner) == [str(tmp_path / f"{name}.py") for name in early]
        module.f()
    late = ["helper", "other/base", "other/helper"]
    assert sorted(outer) == sorted(str(tmp_path / f"{name}.py") for name in (*early, *late))
    assert all(file_digest(path) == digest for path, digest in outer.items())
    write(tmp_path / "other", helper="X = 2\n")
    assert [p for p, d in outer.items() if file_digest(p) != d] == [
        str(tmp_path / "other/helper.py")
    ]
    (tmp_path / "helper.py").unlink()
    assert file_digest(tmp_path / "helper.py") is None


def test_files_read_are_those_of_the_thread(tmp_path):
    write(tmp_path, model="")
    with files_read() as files:
        thread = threading.Thread(target=load_file, args=(tmp_path / "model.py", "model"))
        thread.start()
        thread.join()
    assert files == {}

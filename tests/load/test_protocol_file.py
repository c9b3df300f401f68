"""Model and protocol files that lie apart, and where MODEL leads. Oracle: the documented contract of
`load_protocol` and `load_model`, and constants that tell which file was read.
"""

from pathlib import Path

import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim.errors import FenaError, ProtocolError
from fena_sim.load.set_option import protocol_options

PROTOCOL = """
from fena_sim import Block, Protocol
from fena_sim.stimulus import TokenStream, one_hot
from helper import TOKENS
{more}
def protocol(tokens=TOKENS, seed=0):
    stream = TokenStream.from_list(["a", "b"] * tokens, one_hot("ab"))
    return Protocol(name="p", blocks=[Block(name="b", stream=stream)])

def summary(runs):
    from later import FACTOR
    return {{"product": FACTOR * TOKENS}}
"""
MODEL = """
from brian2 import ms
from fena_sim import Hierarchy, Population
from helper import SIZE

def hierarchy(input_size=2):
    from later import TAU
    x = Population(
        name="x", size=SIZE, equations="dx/dt = -x / tau : 1", parameters={"tau": TAU * ms}
    )
    return Hierarchy(name="m", populations=[x])
"""


@pytest.fixture
def apart(tmp_path):
    """A protocol and a model in two folders, each with a helper.py and a later.py of its own."""
    for name, files in {
        "protocols": {
            "p": PROTOCOL.format(more='MODEL = "../models/m.py"'),
            "helper": "TOKENS = 3\n",
            "later": "FACTOR = 7\n",
        },
        "models": {"m": MODEL, "helper": "SIZE = 4\n", "later": "TAU = 12\n"},
    }.items():
        (tmp_path / name).mkdir()
        for stem, text in files.items():
            (tmp_path / name / f"{stem}.py").write_text(text)
    return tmp_path


def test_each_gets_its_own_helpers(apart):
    """With both folders on one path, the model's `from helper import SIZE` found the protocol's."""
    file = fs.load_protocol(apart / "protocols" / "p.py")
    model = fs.load_model(file.model, 2)
    assert len(file.protocol.blocks[0].stream) == 6
    assert model.population("x").size == 4
    assert model.parameters()["x.tau"] == 12 * ms
    assert file.summary([]) == {"product": 21}


def test_a_protocol_that_imports_the_model_file_beside_it(tmp_path):
    text = PROTOCOL.format(more="import m\nMODEL = m.__file__\nassert m.hierarchy().name == 'm'")
    for stem, content in {
        "p": text,
        "m": MODEL,
        "helper": "TOKENS, SIZE = 3, 4\n",
        "later": "FACTOR, TAU = 7, 12\n",
    }.items():
        (tmp_path / f"{stem}.py").write_text(content)
    file = fs.load_protocol(tmp_path / "p.py")
    assert file.model == str(tmp_path / "m.py")
    assert isinstance(fs.load_model(file.model), fs.Hierarchy)


def model_of(folder, value):
    path = folder / "protocols" / "p.py"
    path.write_text(PROTOCOL.format(more=f"from pathlib import Path\nMODEL = {value}"))
    return fs.load_protocol(path).model


@pytest.mark.parametrize("form", ["{!r}", "Path({!r})"])
def test_where_MODEL_leads(apart, monkeypatch, form):
    monkeypatch.chdir("/")
    monkeypatch.setenv("HOME", str(apart))
    target = apart / "models" / "m.py"
    for written in ("../models/m.py", str(target), "~/models/m.py"):
        found = model_of(apart, form.format(written))
        assert Path(found).is_absolute() and Path(found).samefile(target), written
    assert model_of(apart, form.format(str(target))) == str(target)
    assert model_of(apart, None) is None


@pytest.mark.parametrize("value", ["3", "b'm.py'", "['m.py']", "''", "lambda: 1", "'~nobody_here/m.py'"])  # fmt: skip
def test_what_is_no_path(apart, value):
    with pytest.raises(ProtocolError) as error:
        model_of(apart, value)
    assert error.value.what.startswith("MODEL is ")
    assert error.value.where == str(apart / "protocols" / "p.py") and error.value.fix


def test_options_of_a_file_with_helpers(apart):
    path = apart / "protocols" / "p.py"
    assert protocol_options(path, {"tokens": 2}, seed=5, batch=3) == {"tokens": 2, "seed": 5}
    options = fs.load_protocol(path, tokens=2, seed=5).protocol.options
    assert options == {"tokens": 2, "seed": 5}


@pytest.mark.parametrize("function", ["protocol", "hierarchy"])
def test_a_function_that_stops_in_a_helper(apart, function):
    folder, stem, load = {
        "protocol": ("protocols", "p", fs.load_protocol),
        "hierarchy": ("models", "m", fs.load_model),
    }[function]
    path = apart / folder / f"{stem}.py"
    path.write_text(f"import helper\ndef {function}():\n    return helper.f()\n")
    (apart / folder / "helper.py").write_text("def f():\n    return {}['x']\n")
    with pytest.raises(FenaError, match=r"stopped with KeyError: 'x'") as error:
        load(path)
    place = f"{apart / folder / 'helper.py'}, line 2"
    assert error.value.where == f"{function}() of {path}; {place}"

"""Values of `--set`. Oracle: Python's own evaluation of the arithmetic, with Brian2's units; the contract
that any other text is taken as it is or refused with what, where and fix, before it costs time or memory.
Hypothesis makes texts by a grammar of values, and by mutating them.
"""

import os
import subprocess
import sys
from pathlib import Path

import brian2
import numpy as np
import pytest
from brian2 import Quantity, ms
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from misuse import ended_if_it_hangs, examples

import fena_sim as fs
from fena_sim.commands.main import cli
from fena_sim.errors import DeclarationError, FenaError
from fena_sim.load.set_option import MOST, parse_settings, parse_value, set_model
from fena_sim.study.sweep.grid import parse_grid

ROOT = Path(__file__).resolve().parents[2]

REFUSED = {
    "9**9**9": "too large",
    "10**10**8": "too large",
    "10**400": "too large",
    "-(10**308*10)": "too large",
    "9" * 400: "too large",
    "9" * 5000: "too large",
    "0x" + "f" * 5000: "too large",
    "1e999": "no finite number",
    "1e308*10*ms": "no finite number",
    "ms**ms": "unit",
    "2**ms": "unit",
    "ms**1e300": "exponent",
    "0**-1": "cannot be evaluated",
    "1/0": "cannot be evaluated",
    "1e300**2": "cannot be evaluated",
    "20*ms + 3": "units do not match",
    "ms*'a'": "cannot be evaluated",
    "(1, 2)*1.5": "cannot be evaluated",
    "(1,)*10**10": "10000 elements",
    "10**10*(1,)": "10000 elements",
    "'a'*10**10": "10000 elements",
    "(((1,)*100,)*100,)*100": "10000 elements",
    "(" * 100_000: "nested too deeply",
    "(" * 250 + ")" * 250: "nested too deeply",
    "(1, 2)**2": "power",
    "ms**(1, 2)": "power",
    "((1, 2), 3)*ms": "cannot be evaluated",
    "-" * 100_000 + "1": "nested too deeply",
    "+".join("1" * 50_000): "nested too deeply",
    "**".join("1" * 50_000): "nested too deeply",
    "1j": "no real number",
    "(-8)**.5": "no real number",
    "b'a'": "no real number",
    "...": "no real number",
    "nan": "no finite number",
    "-inf": "no finite number",
    "(1, nan*ms)": "no finite number",
    "f'{x}'": "f-string",
    "": "no value",
    "  ": "no value",
    "a\0b": "no text",
    "a\udc80": "no text",
    "'\\udc80'": "no text",
}


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_refused_before_it_costs_anything(text):
    with ended_if_it_hangs(), pytest.raises(DeclarationError, match=REFUSED[text]) as caught:
        parse_value(text, "--set key")
    assert caught.value.where == "--set key" and caught.value.fix
    assert len(str(caught.value)) < 400
    str(caught.value).encode()


@pytest.mark.parametrize(
    "text, value",
    [
        ('""', ""),
        ("'1e999'", "1e999"),
        ("None", None),
        ("2**-2", 0.25),
        ("2**0.5*ms", 2**0.5 * ms),
        ("ms**2/ms", ms),
        ("10**308", 10**308),
        ("1**10**9", 1),
        ("(32,)*3", (32,) * 3),
        ("(1, 2) + (3,)", (1, 2, 3)),
        ("((8, 6), 'a', 2*ms)", ((8, 6), "a", 2 * ms)),
        ("2*(3, 4)*ms", (3, 4, 3, 4) * ms),
        ("lambda: 1", "lambda: 1"),
        ("/data/(a", "/data/(a"),
        ("x" * 5000, "x" * 5000),
        ("naïve text", "naïve text"),
    ],
)
def test_what_is_taken(text, value):
    assert np.all(parse_value(text) == value)


@pytest.mark.parametrize(
    "text", ["", "=3", "a", "a\udc80=3", "a\0=1", "a\nb=1", " =3", "x" * 10_000]
)
def test_keys(text):
    with pytest.raises(DeclarationError, match="is not key=value") as caught:
        parse_settings([text])
    assert caught.value.where and caught.value.fix and len(str(caught.value)) < 400


numbers = st.one_of(
    st.integers(-20, 20).map(str),
    st.integers().map(str),
    st.floats(allow_nan=False).map(repr),
    st.sampled_from(["ms", "mV", "Hz", "second", "pi", "True", "1e-3", "0x1f", "1_000", "10**400"]),
)
values = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.builds("({}{}{})".format, inner, st.sampled_from(["+", "-", "*", "/", "**"]), inner),
        st.builds("{}{}".format, st.sampled_from(["-", "+", "not ", "~", "await "]), inner),
        st.builds("({}, {})".format, inner, inner),
        st.builds("({},)*{}".format, inner, inner),
        st.builds("[{}]".format, inner),
        st.builds(
            "{}({})".format, st.sampled_from(["exp", "f", "", "ms", "'a'", "lambda x:"]), inner
        ),
    ),
    max_leaves=8,
)
odd = st.one_of(
    st.sampled_from(sorted(REFUSED)),
    st.text(max_size=20),
    st.text("0123456789*()+-/.,'\"ejmsx =[]{}:#\\\n", max_size=30),
    st.sampled_from(
        ["[{}]", "f'{}'", "b'{}'", "'{}'", "({}", "{})", "{} if 1 else 2", "*{}", "{}j"]
    ).flatmap(lambda around: values.map(lambda text: around.replace("{}", text))),
)


def taken_or_refused(text, model):
    with ended_if_it_hangs():
        try:
            value = parse_value(text, "--set key")
        except FenaError as error:
            assert error.what and error.where and error.fix and len(str(error)) < 1000
            str(error).encode()
        else:
            _check_bounded(value)
            _agrees_with_python(text, value)
        for declare in (
            lambda: model.with_parameter("tau", parse_value(text)),
            lambda: parse_grid([f"level.1.tau={text}"]),
            lambda: parse_grid([f"model.sizes={text}"]),
            lambda: parse_settings([text]),
        ):
            try:
                declare()
            except FenaError as error:
                assert error.what and error.fix
                str(error).encode()


def _check_bounded(value):
    if isinstance(value, tuple):
        assert len(value) <= max(MOST, 100)
        for element in value:
            _check_bounded(element)
    elif isinstance(value, (int, float, Quantity)):
        assert np.isfinite(np.asarray(value, dtype=float)).all()


def _agrees_with_python(text, value):
    """What is a value is what Python makes of it: numbers, quantities, True and None."""
    if isinstance(value, (str, tuple)) or np.ndim(value):
        return
    names = {n: unit for n, unit in vars(brian2).items() if isinstance(unit, Quantity)}
    with np.errstate(all="ignore"):
        expected = eval(text.strip(), {"__builtins__": {}}, names)
    assert expected == value


@examples(200)
@given(text=values | odd)
def test_any_text(text):
    taken_or_refused(text, MODEL)


@pytest.mark.slow
@examples(1500)
@given(text=values | odd)
def test_many_texts(text):
    taken_or_refused(text, MODEL)


CELL = fs.Population(name="a", size=1, equations="dv/dt = -v/tau : 1", parameters={"tau": 5 * ms})
MODEL = fs.Hierarchy(name="m", populations=[CELL])
MODEL_FILE = """
from brian2 import ms
import fena_sim as fs

def hierarchy(input_size=4, sizes=(3, 2), tau=5*ms, name="m"):
    sensory = fs.Population(name="sensory", size=input_size, equations="x = token_code : 1")
    states = [fs.Population(name=f"state_{k}", size=n, equations="dv/dt = -v/tau : 1",
                            parameters=dict(tau=tau)) for k, n in enumerate(sizes)]
    return fs.Hierarchy(name=name, populations=[sensory, *states])
"""
PROTOCOL_FILE = """
import fena_sim as fs
from fena_sim.stimulus import TokenStream, one_hot
MODEL = "model.py"

def protocol(tokens=3, seed=0, symbols="abcd"):
    stream = TokenStream.from_list(list(symbols[:tokens]), one_hot(symbols))
    return fs.Protocol(name="p", blocks=[fs.Block(name="b", stream=stream)])
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "model.py").write_text(MODEL_FILE)
    (folder / "protocol.py").write_text(PROTOCOL_FILE)
    return folder


@examples(60)
@given(
    values=st.lists(st.tuples(st.sampled_from(["sizes", "tau", "name"]), values | odd), max_size=3)
)
def test_any_option_of_a_model(files, values):
    """What the file's function cannot use ends in one error that says with what it was called."""
    with ended_if_it_hangs():
        try:
            found = parse_settings([f"model.{name}={text}" for name, text in values])
            set_model(files / "model.py", 4, found.model, found.parameters)
        except FenaError as error:
            assert error.what and error.where and error.fix and len(str(error)) < 1500


@pytest.mark.parametrize(
    "setting, message",
    [
        ("model.input_size=32", "the input size is that of the protocol's vocabulary, 4 units"),
        ("model.sizes=3", "called with sizes=3, input_size=4, it stopped with TypeError"),
        ("model.sizes=(3, 2.5)", "size"),
        ("model.size=(3, 2)", "did you mean 'sizes'"),
        ("model.=3", "'' is not an option"),
        ("model.tau=3", "tau"),
        ("model.tau=abc", "parameter 'tau' is 'abc'"),
        ("protocol.tokens=many", "called with"),
        ("protocol.token=3", "did you mean 'tokens'"),
        ("protocol.symbols=", "no value"),
        ("level.1.tau=9**9**9", "level.1.tau"),
        ("state_1.tau=9**9**9", "too large"),
        ("state_1.tau=(1,)*10**10", "10000 elements"),
        ("state_1.tau=" + "(" * 100_000, "nested too deeply"),
        ("state_1.tau=None", "not a number"),
        ("dt=True", "not a number"),
        ("dt=-1*ms", "positive time"),
        ("batch=10**30*1.5", "batch"),
    ],
)
def test_the_command_says_what_where_and_how(files, tmp_path, setting, message):
    protocol, out = str(files / "protocol.py"), str(tmp_path / "runs")
    ran = CliRunner().invoke(cli, ["run", protocol, "--out", out, "--set", setting])
    assert ran.exit_code == 2, ran.output
    assert message in ran.output and "where:" in ran.output and "fix:" in ran.output
    assert "Traceback" not in ran.output and not (tmp_path / "runs").exists()
    described = CliRunner().invoke(cli, ["describe", str(files / "model.py"), "--set", setting])
    assert described.exit_code in (0, 2) and "Traceback" not in described.output


@pytest.mark.parametrize(
    "command, last", [("run", ()), ("sweep", ("--grid", "model.sizes=(3,2),(2,2)"))]
)
@pytest.mark.parametrize("seeds", ["0", "-1", "1e3", "10**3", "1000000000000", "9" * 400, "many"])
def test_numbers_of_seeds(files, tmp_path, command, last, seeds):
    protocol, out = str(files / "protocol.py"), str(tmp_path / "runs")
    ran = CliRunner().invoke(cli, [command, protocol, "--out", out, "--seeds", seeds, *last])
    assert ran.exit_code == 2 and "--seeds" in ran.output and not (tmp_path / "runs").exists()


def test_bytes_that_are_no_text_reach_the_terminal_as_an_error(files):
    ran = subprocess.run(
        [sys.executable, "-m", "fena_sim", "run", "protocol.py", "--set", b"model.tau=\xff\xfe"],
        cwd=files,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
    )
    assert ran.returncode == 2 and b"no text" in ran.stderr and b"Traceback" not in ran.stderr

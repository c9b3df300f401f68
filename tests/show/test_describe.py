"""Model descriptions. Oracles: the declaration itself (names, values and equations read back from
the tables with an independent reader and SymPy), closed-form synapse counts, and LaTeX's own
grammar.
"""

import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import attrs
import numpy as np
import pytest
import sympy
import tiny
from brian2 import Quantity, ms, mV, nA
from brian2.parsing.sympytools import str_to_sympy
from brian2.units import allunits

from fena_sim import (
    FixedInDegree,
    Hierarchy,
    Normal,
    Parameter,
    Plasticity,
    Population,
    Probability,
    Projection,
    Signal,
    Uniform,
    load_model,
)
from fena_sim.commands.new import write
from fena_sim.declare.model import equations as eq
from fena_sim.errors import UnknownNameError
from fena_sim.show.describe import describe
from fena_sim.show.describe_projections import synapse_count
from fena_sim.show.equation_rows import kinds
from fena_sim.show.typeset import Formula, escape, initial_text, symbol, value_text

MODELS = Path(__file__).parents[2] / "models"
FILES = [path.stem for path in tiny.SHIPPED]

SPIKING = Hierarchy(
    name="toy_100",
    description="50% of A & B_c # {x} ~ $5",
    dt=0.1 * ms,
    populations=[
        Population(
            name="cells",
            size=7,
            equations="dv/dt = (I*int(v < 3*mV and t > 2*ms) - v)/tau : volt (unless refractory)\nI : volt",
            parameters=dict(tau=10.1234567 * ms, low=-65 * mV),
            initial=dict(v=Uniform(-70 * mV, -60 * mV), I=np.arange(7) * mV),
            threshold="v > 2*mV",
            reset="v = low; I -= 1*mV",
            refractory=2 * ms,
        ),
        Population(name="drive", size=7, equations="x : 1", role="in_put"),
    ],
    projections=[
        Projection(
            name="others",
            source="cells",
            target="cells",
            connect="i != j",
            delay=1.5 * ms,
            equations="w : volt",
            on_pre="v_post += w",
            initial=dict(w=Normal(sd=1 * mV, mean=2 * mV)),
            parameters=dict(unused=2 * nA),
            plasticity=Plasticity(
                equations="da/dt = -a/(20*ms) : 1 (event-driven)",
                on_pre="a += 1",
                on_post="w += a*mV",
            ),
        ),
        Projection(
            name="pairs", source="drive", target="cells", connect="one_to_one", on_post="x_pre += 1"
        ),
        Projection(
            name="upper",
            source="cells",
            target="drive",
            connect="i < j",
            equations="x_post = v_pre/mV : 1 (summed)",
        ),
    ],
)
NO_PROJECTIONS = Hierarchy(
    name="alone", populations=[Population(name="p", size=3, equations="x : 1")]
)
EMPTY = Hierarchy(name="empty", populations=[])


@pytest.fixture(params=[*FILES, "toy_100", "alone", "empty"], scope="module")
def model(request):
    made = {m.name: m for m in (SPIKING, NO_PROJECTIONS, EMPTY)}
    return made.get(request.param) or load_model(MODELS / f"{request.param}.py")


def tables(markdown):
    """{title: list of {column: cell}} of a Markdown text, read line by line."""
    found, title = {}, None
    for line in markdown.splitlines():
        if line.startswith("#"):
            title = line.lstrip("# ")
            # a population list may head its equations, its synapses and its plasticity
            while title in found:
                title += "'"
            found[title] = []
        elif line.startswith("|"):
            found[title].append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return {
        t: [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]
        for t, rows in found.items()
        if rows
    }


def code(cell):
    return re.findall(r"`([^`]*)`", cell)


def equations_in(read):
    return [
        text for rows in read.values() for row in rows for text in code(row.get("Equation", ""))
    ]


def test_every_name_appears(model):
    for text in (
        describe(model),
        describe(model, latex=True).replace(r"\_", "_").replace(r"\allowbreak{}", ""),
    ):
        words = set(re.findall(r"\w+", text))
        for member in (*model.populations, *model.projections):
            assert member.name in words
        assert {key.partition(".")[2] for key in model.parameters()} <= words
        assert {r.name for r in model.readouts} <= words


def test_populations_are_listed_as_declared(model):
    rows = tables(describe(model)).get("B. Populations", [])
    assert [
        (code(r["Population"])[0], r["Role"], r["Level"], r["Size"], r["Order"]) for r in rows
    ] == [
        (p.name, p.role, "—" if p.level is None else str(p.level), str(p.size), str(p.order))
        for p in model.populations
    ]


def test_synapse_counts_are_closed_forms(model):
    closed = {
        "all": lambda n, m: n * m,
        "one_to_one": lambda n, m: n,
        "i != j": lambda n, m: n * m - min(n, m),
        "i < j": lambda n, m: n * (n - 1) // 2,
        "(i*3)//N_pre == (j*3)//N_post": lambda n, m: n * m // 3,
        "i == (j*N_pre)//N_post": lambda n, m: m,
        "i == j % N_pre": lambda n, m: m,
        FixedInDegree(100): lambda n, m: 100 * m,
        FixedInDegree(25): lambda n, m: 25 * m,
    }
    read, expected = tables(describe(model)), {}
    for p in model.projections:
        expected[p.name] = closed[p.connect](
            model.population(p.source).size, model.population(p.target).size
        )
        assert synapse_count(p, model) == expected[p.name]
    assert {
        code(r["Projection"])[0]: int(r["Synapses"]) for r in read.get("F. Projections", [])
    } == expected
    summary = {r["Property"]: r["Value"] for r in read["A. Model summary"]}
    assert int(summary["Synapses"]) == sum(expected.values())
    assert summary["Populations"].startswith(
        f"{len(model.populations)}, {sum(p.size for p in model.populations)} unit"
    )


def test_fena_has_the_synapses_that_its_sizes_give():
    sizes = (16, 64, 48, 32)
    ends = sum(a * b for a, b in pairwise(sizes))
    whole = (
        sizes[0] + sum(sizes) + 2 * ends + sum(n * n for n in sizes[1:])
    )  # inhibition, pools, W and A_below, A_own
    text = describe(load_model(MODELS / "fena_flat_memory.py"))
    assert int(re.search(r"Synapses +\| (\d+)", text)[1]) == whole


def declared_equations(model):
    """{left side: right sides} of all equations, conditions and statements of a model."""
    found = []
    for owner in (
        *model.populations,
        *model.projections,
        *(p.plasticity for p in model.projections if p.plasticity),
    ):
        for e in owner.parsed.values():
            if e.expr is not None:
                found.append(
                    (
                        f"d{e.varname}/dt" if e.type == "differential equation" else e.varname,
                        str(e.expr),
                    )
                )
        for text in (getattr(owner, name, None) for name in ("on_pre", "on_post", "reset")):
            found += [(left, right) for left, _, right in eq.statements(text)]
    return found


def same(a, b):
    try:
        return sympy.simplify(str_to_sympy(a) - str_to_sympy(b)) == 0
    except (SyntaxError, TypeError, AttributeError):  # conditions used as numbers
        return re.sub(r"\s", "", a) == re.sub(r"\s", "", b)


def test_equations_parse_back_to_the_declared_ones(model):
    declared = declared_equations(model)
    shown = [
        re.match(r"(\S+) [-+*/]?= (.*)", text) for text in equations_in(tables(describe(model)))
    ]
    shown = [(m[1], m[2]) for m in shown if m]
    for left, right in shown:
        assert any(left == name and same(right, text) for name, text in declared), left
    for name, text in declared:
        assert any(left == name and same(right, text) for left, right in shown), name


def test_variables_carry_their_units(model):
    for title, rows in tables(describe(model)).items():
        for row in rows:
            name = re.match(
                r"(?:d(\w+)/dt|(\w+))(?: =|$)", (code(row.get("Equation", "")) or [""])[0]
            )
            owner = next(
                (p for p in model.populations if p.name == title.rstrip("'").split(", ")[0]), None
            )
            if name and owner and (name[1] or name[2]) in owner.variables and row["Unit"] != "—":
                unit = getattr(
                    allunits,
                    {"V": "volt", "A": "amp", "Hz": "hertz", "s": "second"}.get(
                        row["Unit"], row["Unit"]
                    ),
                    1,
                )
                assert owner.variables[name[1] or name[2]] == Quantity(unit).dim


def declared_numbers(model):
    """{owner.name: value} of what decides numbers beside parameters and initial values, read field
    by field.
    """
    found = {f"{p.name}.size": p.size for p in model.populations}
    found |= {f"{p.name}.clock": p.clock for p in model.populations if p.clock is not None}
    found |= {
        f"{p.name}.refractory": p.refractory
        for p in model.populations
        if isinstance(p.refractory, Quantity)
    }
    found |= {f"{p.name}.delay": p.delay for p in model.projections if p.delay is not None}
    found |= {
        f"{p.name}.n": p.connect.n
        for p in model.projections
        if isinstance(p.connect, FixedInDegree)
    }
    found |= {
        f"{p.name}.clock": model.dt if p.plasticity.clock is None else p.plasticity.clock
        for p in model.projections
        if p.plasticity and p.plasticity.clock_driven
    }
    found |= {f"{r.name}.scale": r.scale for r in model.readouts if r.scale != 1}
    found[f"{model.name}.dt"] = model.dt
    if model.batch > 1:
        found[f"{model.name}.batch"] = model.batch
    if model.settling is not None:
        found[f"{model.name}.tolerance"] = model.settling.tolerance
    # docs/network.md, "Control signals"
    defaults = dict(gate=1.0, temperature=0.0, plasticity_gain=1.0, precision_gain=1.0)
    found |= {f"{p.name}.knocked_out": 0.0 for p in model.populations if p.uses("predicting")}
    for p in model.populations:
        found |= {f"{p.name}.{s}": v for s, v in defaults.items() if p.uses(s)}
        found |= {f"{p.name}.{s}": v for s, v in p.signals.items()}
    for p in model.projections:
        texts = " ".join(p.texts)
        found |= {
            f"{p.name}.{s}": v
            for s, v in defaults.items()
            if re.search(rf"\b{s}_(pre|post)\b", texts)
        }
    return found


def test_parameters_read_back_to_their_values(model):
    known = {
        u.dispname: u
        for u in (getattr(allunits, name) for name in allunits.__all__)
        if hasattr(u, "dispname")
    }
    read = {}
    for row in tables(describe(model)).get("I. Parameters", []):
        value = float(row["Value"]) * (1 if row["Unit"] == "1" else known[row["Unit"]])
        read |= {f"{owner}.{code(row['Parameter'])[0]}": value for owner in code(row["Of"])}
    expected = model.parameters() | declared_numbers(model)
    assert set(read) == set(expected)
    for key, value in expected.items():
        assert Quantity(read[key]).dim == Quantity(value).dim
        assert float(read[key]) == pytest.approx(float(value), rel=1e-9)


def latex_rows(text, title):
    """Cells of a section's table in LaTeX, without its markup."""
    section = text.split(rf"\subsection*{{{title}}}")[1].split(r"\subsection*")[0]
    plain = re.sub(
        r"\\texttt\{(.*?)\}(?=, | &| \\|$)", r"\1", section.replace(r"\allowbreak{}", "")
    )
    plain = plain.replace(r"\_", "_").replace("$-$", "-")
    rows = re.findall(r"^(?!\\)(.*) \\\\$", plain, re.M)
    return [[cell.strip() for cell in row.split(" & ")] for row in rows]


def test_the_latex_tables_hold_every_number_of_the_declaration(model):
    """Every key of parameters() and every number in `initial`, in a row that names its owner."""
    text = describe(model, latex=True)
    shown = {
        (f"{owner}.{name}", f"{value} {unit}".removesuffix(" 1"))
        for name, value, unit, _, owners in latex_rows(text, "I. Parameters")
        for owner in owners.split(", ")
    }
    expected = model.parameters() | declared_numbers(model)
    assert {(key, value_text(value)) for key, value in expected.items()} <= shown
    initial = latex_rows(text, "J. Initial values") if r"\textbf{Variable}" in text else []
    for member in (*model.populations, *model.projections):
        for name, value in member.initial.items():
            (words,) = [
                words
                for variable, words, owners in initial
                if variable == name and member.name in owners.split(", ")
            ]
            spread = isinstance(value, (Normal, Uniform))
            numbers = (
                attrs.astuple(value, recurse=False) if spread else (np.min(value), np.max(value))
            )
            for number in numbers:
                assert value_text(number) in words


def test_meanings_are_shown_beside_values_and_units():
    rule = Plasticity(
        equations="dw/dt = rate*x_pre*x_post : 1",
        parameters=dict(rate=Parameter(2 / ms, "learning rate of 50 % & more_of_it")),
    )
    model = Hierarchy(
        name="meant",
        populations=[
            Population(
                name=name,
                size=1,
                equations="dx/dt = -x/tau*gain : 1\ntarget : 1",
                parameters=dict(tau=Parameter(tau, "time constant"), gain=3.0),
            )
            for name, tau in (("a", 5 * ms), ("b", 5 * ms), ("c", 7 * ms))
        ],
        projections=[
            Projection(
                name="ab",
                source="a",
                target="b",
                equations="target_post = w*x_pre*scale : 1 (summed)",
                parameters=dict(scale=Parameter(4.0, "how strong")),
                plasticity=rule,
            )
        ],
    )
    rows = tables(describe(model))["I. Parameters"]
    own = [r for r in rows if code(r["Parameter"])[0] in ("tau", "gain", "scale", "rate")]
    assert [
        (code(r["Parameter"])[0], r["Value"], r["Unit"], r["Meaning"], code(r["Of"])) for r in own
    ] == [
        ("gain", "3", "1", "—", ["a", "b", "c"]),
        ("rate", "2", "kHz", "learning rate of 50 % & more_of_it", ["ab"]),
        ("scale", "4", "1", "how strong", ["ab"]),
        ("tau", "5", "ms", "time constant", ["a", "b"]),
        ("tau", "7", "ms", "time constant", ["c"]),
    ]
    assert r"learning rate of 50 \% \& more\_of\_it" in describe(model, latex=True)


@pytest.mark.parametrize("name", [*FILES, "of fena new"])
def test_every_parameter_of_a_shipped_model_has_a_meaning(name, tmp_path):
    path = MODELS / f"{name}.py" if name in FILES else write("model", "mine", tmp_path)[0]
    made = load_model(path)
    assert made.parameters() and set(made.meanings()) == set(made.parameters())


def test_equal_equations_are_shown_once():
    titles = [
        t
        for t in re.findall("^### (.*)", describe(load_model(MODELS / "fena_flat_memory.py")), re.M)
    ]
    assert (
        "state_1, state_2, state_3" in titles
        and "error_1, error_2" in titles
        and "error_3" in titles
    )
    assert titles.count("W_1, W_2, W_3") == 2  # as synapses and as plasticity


def test_level_numbers_do_not_make_a_kind():
    """Level l reads x_(l-1): one kind. A fixed number in all levels is one kind; different numbers
    are not.
    """
    levels = {"a": 1, "b": 2, "c": 3}
    follow = {"a": "x_0 + tau_1", "b": "x_1 + tau_2", "c": "x_1 + tau_2"}
    assert kinds("abc", follow.get, levels.get) == [["a", "b"], ["c"]]  # c reads two levels down
    assert kinds("ac", follow.get, levels.get) == [["a"], ["c"]]
    assert kinds("abc", lambda m: "x_0", levels.get) == [["a", "b", "c"]]
    assert kinds("abc", lambda m: f"x_{m}", levels.get) == [["a"], ["b"], ["c"]]
    assert kinds("ab", follow.get, lambda m: None) == [["a"], ["b"]]


def test_token_events_are_kept_apart():
    at = {"a": {"blank_onset": "x = 1"}, "b": {"onset": "x = 1"}, "c": {"blank_onset": "x = 1"}}
    made = [Population(name=name, size=1, equations="x : 1", on=on) for name, on in at.items()]
    rows = tables(describe(Hierarchy(name="events", populations=made)))["D. Token events"]
    assert [(code(r["Populations"]), r["Event"], code(r["Statements"])) for r in rows] == [
        (["a", "c"], "blank_onset", ["x = 1"]),
        (["b"], "onset", ["x = 1"]),
    ]


def test_spiking_delays_and_initial_values():
    read = tables(describe(SPIKING))
    rows = {r["Kind"]: r for r in read["cells"]}
    assert code(rows["Threshold"]["Equation"]) == ["v > 2*mV"]
    assert code(rows["Reset"]["Equation"]) == ["v = low", "I -= 1*mV"]
    assert rows["Refractory"]["Equation"] == "2 ms"
    projections = {code(r["Projection"])[0]: r for r in read["F. Projections"]}
    assert projections["others"]["Delay"] == "1.5 ms" and projections["pairs"]["Delay"] == "—"
    assert code(projections["others"]["Connectivity"]) == ["i != j"]
    assert projections["pairs"]["Connectivity"] == "one-to-one"
    assert code(projections["upper"]["Summed inputs"]) == ["drive.x"]
    assert projections["pairs"]["Summed inputs"] == "at spikes"
    initial = {code(r["Variable"])[0]: r["Value"] for r in read["J. Initial values"]}
    assert initial == {
        "v": "uniform, -70 mV to -60 mV",
        "I": "given array of 7 values, 0 V to 6 mV",
        "w": "normal, mean 2 mV, sd 1 mV",
    }


def test_connections_and_delays_are_in_words():
    """What was declared, not the pairs that a seed draws; counts are n*m*p and n*in-degree."""
    chance = Probability(0.25, condition="i != j")
    given = {
        "chance": dict(connect=chance, delay=Uniform(1 * ms, 3 * ms)),
        "degree": dict(connect=FixedInDegree(3), delay=Normal(1 * ms, 9 * ms)),
        "given": dict(connect=([0, 6], [1, 2]), delay=[1, 2] * ms),
    }
    projections = [
        attrs.evolve(SPIKING.projections[0], name=name, **options)
        for name, options in given.items()
    ]
    found = tables(describe(attrs.evolve(SPIKING, projections=projections)))
    rows = {code(row["Projection"])[0]: row for row in found["F. Projections"]}
    shown = {
        name: [row[column] for column in ("Connectivity", "Delay", "Synapses")]
        for name, row in rows.items()
    }
    assert shown == {
        "chance": ["probability 0.25 where i != j", "uniform, 1 ms to 3 ms", "about 10"],
        "degree": ["in-degree 3", "normal, mean 9 ms, sd 1 ms", "21"],
        "given": ["2 given pairs", "given array of 2 values, 1 ms to 2 ms", "2"],
    }


def test_values_as_text():
    assert [value_text(v) for v in (14 * ms, 3e-5 / ms, 0.1 + 0.2, 7, 0 * mV)] == [
        "14 ms",
        "30 mHz",
        "0.3",
        "7",
        "0 V",
    ]
    assert initial_text(Normal(sd=0.1)) == "normal, mean 0, sd 0.1"
    assert initial_text(np.array([[1.0, -2.0], [0, 0]])) == "given array of 2 × 2 values, -2 to 1"


@pytest.mark.parametrize(
    "name, expected",
    [
        ("x", "x"),
        ("tau", r"\tau"),
        ("tau_e", r"\tau_{\mathrm{e}}"),
        ("w_recent", r"w_{\mathrm{recent}}"),
        ("error_post", r"\mathit{error}_{\mathrm{post}}"),
        ("f_pre", r"f_{\mathrm{pre}}"),
        ("mV", r"\mathrm{mV}"),
        ("trace_recent_pre", r"\mathit{trace\_recent}_{\mathrm{pre}}"),
    ],
)
def test_symbols(name, expected):
    assert symbol(name) == expected


def test_formulas_as_latex():
    assert Formula("-v/tau", "dv/dt", equation=True).latex() == (
        r"$\displaystyle \frac{\mathrm{d}v}{\mathrm{d}t} = - \frac{v}{\tau}$"
    )
    assert Formula("sqrt(2*x)", "y", equation=True).latex() == r"$\displaystyle y = \sqrt{2 \, x}$"
    assert (
        Formula("w", "v_post", "+=").latex()
        == r"$\displaystyle v_{\mathrm{post}} \leftarrow v_{\mathrm{post}} + w$"
    )
    assert Formula("w - 1", "v", "-=").latex() == r"$\displaystyle v \leftarrow v - w + 1$"
    assert Formula("v > 3").latex() == "$v > 3$"
    assert r"\texttt{" in Formula("x*(v > 3 and v < 5)").latex()  # SymPy refuses: stays code


def test_summed_inputs_are_those_of_either_end():
    rows = {
        code(r["Projection"])[0]: code(r["Summed inputs"])
        for r in tables(describe(load_model(MODELS / "fena.py")))["F. Projections"]
    }
    assert rows["W_2"] == ["error_1.prediction", "state_2.feedback"]
    assert rows["A_2_below"] == ["prior_2.from_below"]


def test_text_is_escaped():
    assert escape("a_b & 50% #1 {x} s^-0.5") == r"a\_b \& 50\% \#1 \{x\} s\textsuperscript{$-$0.5}"


def test_latex_is_well_formed(model):
    """Braces, environments and mathematics balance; no special character stands bare in text."""
    text = re.sub(r"^%.*$", "", describe(model, latex=True), flags=re.M)
    assert text.isascii()
    depth = 0
    for mark in re.findall(r"\\.|[{}]", text):
        depth += {"{": 1, "}": -1}.get(mark, 0)
        assert depth >= 0
    assert depth == 0
    assert re.findall(r"\\begin\{(\w+)\}", text) == re.findall(r"\\end\{(\w+)\}", text)
    assert len(re.findall(r"\\left(?![a-z])", text)) == len(re.findall(r"\\right(?![a-z])", text))
    outside = re.split(r"(?<!\\)\$", text)
    assert len(outside) % 2 == 1
    for part in outside[::2]:
        assert not re.search(r"(?<!\\)[_^#]", part), part
    for table in re.findall(r"\\begin\{longtable\}(.*?)\\end\{longtable\}", text, re.S):
        columns = table.count("p{")
        for row in re.findall(r"^(?!\\)(?:.*) \\\\(?: \\addlinespace)?$", table, re.M):
            assert len(re.findall(r"(?<!\\)&", row)) == columns - 1


def test_latex_compiles_where_there_is_latex(model, tmp_path):
    """The oracle is LaTeX; without it, the grammar above is all that can be checked."""
    engine = next(filter(None, map(shutil.which, ("pdflatex", "lualatex", "xelatex"))), None)
    document = "\n".join(
        [
            r"\documentclass{article}\usepackage{amsmath, array, booktabs, longtable}\begin{document}",
            describe(model, latex=True),
            r"\end{document}",
        ]
    )
    packages = set(re.findall(r"\w+", re.search(r"% Needs \\usepackage\{(.*?)\}", document)[1]))
    assert packages == {"amsmath", "array", "booktabs", "longtable"}
    if engine:
        (tmp_path / "model.tex").write_text(document)
        done = subprocess.run(
            [engine, "-interaction=nonstopmode", "-halt-on-error", "model.tex"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            errors="replace",
        )
        assert done.returncode == 0, done.stdout[-1500:]


def test_a_batch_is_described():
    model = load_model(MODELS / "fena.py", 16)
    assert "streams side by side" not in describe(model)
    assert "32 streams side by side" in describe(model.with_parameter("batch", 32))


def test_the_method_is_credited(model):
    for latex in (False, True):
        assert "10.1371/journal.pcbi.1000456" in describe(model, latex=latex)


@pytest.mark.parametrize("latex", [False, True])
def test_measured_signals_are_a_table_of_their_own(latex):
    model = load_model(tiny.MODEL, 16)
    protocol = attrs.evolve(
        tiny.one_block(),
        measured={
            "mmn": Signal("error_0", "error", weight="precision_0.precision", threshold=0.25),
            "lfp": Signal.lfp_like(1, lowpass=12 * ms, baseline=None),
        },
    )
    text = describe(model, latex, protocol)
    assert text.count("K. Measured signals of one") == 1 and "K. Measured" not in describe(model)
    rows = text[text.index("K. Measured") :].replace("\\allowbreak{}", "").replace("\\_", "_")
    for word in ("error_0.error", "precision_0.precision", "both, above 0.25", "0 to 250 ms"):
        assert word in rows
    # what projections sum into state_1 and error_1, and into prior_1, which error_1 reads
    for path in (
        "state_1.feedback",
        "error_1.prediction",
        "prior_1.from_own",
        "prior_1.from_below",
    ):
        assert path in rows
    assert "12 ms" in rows
    with pytest.raises(UnknownNameError):
        describe(model, latex, attrs.evolve(protocol, measured={"s": Signal("nowhere", "x")}))

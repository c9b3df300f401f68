"""Oracle: the contract that every wrong declaration is refused with what, where and how to fix it."""

import attrs
import numpy as np
import pytest
import tiny
from brian2 import hertz, ms, mV, second, volt

from fena_sim import (
    Hierarchy,
    Normal,
    Parameter,
    Plasticity,
    Population,
    Projection,
    Readout,
    Settling,
    load_model,
)
from fena_sim.declare.canonical import canonical, digest
from fena_sim.errors import DeclarationError, LocalityError, UnitError, UnknownNameError


def unit(
    name="a", size=3, equations="dx/dt = (target - x)/tau : 1\ntarget : 1", level=1, **options
):
    return Population(
        **{
            "name": name,
            "size": size,
            "equations": equations,
            "level": level,
            "parameters": dict(tau=10 * ms),
            **options,
        }
    )


def pair(second_size=2, **options):
    return [unit(), unit("b", second_size, level=2, **options)]


def synapses(**options):
    return Projection(
        **{
            "name": "ab",
            "source": "a",
            "target": "b",
            "equations": "w : 1\ntarget_post = w*x_pre : 1 (summed)",
            **options,
        }
    )


def hierarchy(populations=None, projections=(), **options):
    return Hierarchy(
        name="wrong", populations=populations or pair(), projections=projections, **options
    )


def learning(rule, equations="w : 1", populations=None, parameters=None, **options):
    rule = Plasticity(equations=rule, parameters=parameters or {}, **options)
    return hierarchy(
        populations,
        [
            Projection(
                name="ab",
                source="a",
                target="b",
                equations="target_post = w*x_pre : 1 (summed)",
                plasticity=rule,
            )
        ],
    )


def test_the_right_ones_are_accepted():
    model = hierarchy(projections=[synapses(initial=dict(w=np.ones((3, 2))), delay=3 * ms)])
    assert model.levels == [1, 2]
    learning("dw/dt = eta*x_pre*x_post/ms : 1", parameters=dict(eta=0.1))


def test_a_batch_is_another_declaration():
    """It decides the generated code; a batch of one is none."""
    keys = [
        digest(canonical(hierarchy(**given), structure_only=True))
        for given in ({}, dict(batch=1), dict(batch=2))
    ]
    assert keys[0] == keys[1] != keys[2]
    assert hierarchy().with_parameter("batch", 2).batch == 2


WRONG = {
    # units
    "equation": (UnitError, "wrong units", lambda: hierarchy([unit(equations="dx/dt = -x : 1")])),
    "subexpression": (
        UnitError,
        "wrong units",
        lambda: hierarchy([unit(equations="y = 3*mV : 1")]),
    ),
    "unit of a parameter": (
        UnitError,
        "wrong units",
        lambda: hierarchy([unit(parameters=dict(tau=10))]),
    ),
    "unit of an initial value": (UnitError, "'x'", lambda: unit(initial=dict(x=3 * mV))),
    "unit of an initial spread": (
        UnitError,
        "'x'",
        lambda: unit(initial=dict(x=Normal(sd=3 * mV))),
    ),
    "unit of a weight": (UnitError, "'w'", lambda: synapses(initial=dict(w=3 * mV))),
    "unit of a delay": (UnitError, "delay", lambda: synapses(delay=12)),
    "unit of a delay, again": (UnitError, "delay", lambda: synapses(delay=12 * mV)),
    "negative delay": (UnitError, "delay", lambda: synapses(delay=-2 * ms)),
    "delay of NaN": (UnitError, "delay", lambda: synapses(delay=np.nan * ms)),
    "delay off the grid": (
        DeclarationError,
        "multiple of dt",
        lambda: hierarchy(projections=[synapses(delay=2.5 * ms)]),
    ),
    "delay and a way back": (
        DeclarationError,
        "back to its source",
        lambda: synapses(delay=2 * ms, equations="w : 1\ntarget_pre = w*x_post : 1 (summed)"),
    ),
    "unit of dt": (UnitError, "dt", lambda: hierarchy(dt=1)),
    "dt of zero": (UnitError, "dt", lambda: hierarchy(dt=0 * ms)),
    "dt of NaN": (UnitError, "dt", lambda: hierarchy(dt=np.nan * ms)),
    "unit of a clock": (UnitError, "Population 'a'", lambda: unit(clock=4)),
    "clock off the grid": (
        DeclarationError,
        "multiple of dt",
        lambda: hierarchy([unit(clock=1.5 * ms)]),
    ),
    "clock below dt": (
        DeclarationError,
        "multiple of dt",
        lambda: hierarchy([unit(clock=0.5 * ms)]),
    ),
    "plasticity clock off the grid": (
        DeclarationError,
        "multiple of dt",
        lambda: learning("dw/dt = w/second : 1", clock=2.5 * ms),
    ),
    "unit of a tolerance": (
        UnitError,
        "tolerance",
        lambda: hierarchy(
            [unit(equations="dx/dt = v : 1\nv = -x/tau : Hz")],
            settling=Settling(populations=["a"], variable="v", tolerance=1),
        ),
    ),
    "settling of what is no rate": (
        UnitError,
        "a.x",
        lambda: hierarchy(
            [unit()], settling=Settling(populations=["a"], variable="x", tolerance=1 * hertz)
        ),
    ),
    "unit of a summed input": (
        UnitError,
        "a.x|other units|wrong units",
        lambda: hierarchy(
            projections=[synapses(equations="w : volt\ntarget_post = w*x_pre : volt (summed)")]
        ),
    ),
    "unit of a threshold": (
        UnitError,
        "wrong units",
        lambda: hierarchy([unit(threshold="x > 3*mV", reset="x = 0")]),
    ),
    "unit of a reset": (
        UnitError,
        "wrong units",
        lambda: hierarchy([unit(threshold="x > 3", reset="x = 0*mV")]),
    ),
    "unit of a refractory time": (
        UnitError,
        "refractory",
        lambda: unit(threshold="x > 3", refractory=3 * mV),
    ),
    "unit of an event's statement": (
        UnitError,
        "wrong units",
        lambda: hierarchy([unit(on=dict(onset="x = 3*mV"))]),
    ),
    "unit of a statement at a spike": (
        UnitError,
        "wrong units",
        lambda: hierarchy(
            [unit(threshold="x > 1"), unit("b")], [synapses(on_pre="x_post += 3*mV")]
        ),
    ),
    "unit of a factor at a spike": (
        UnitError,
        "wrong units",
        lambda: hierarchy([unit(threshold="x > 1"), unit("b")], [synapses(on_pre="w *= 3*mV")]),
    ),
    "unit of a rule": (UnitError, "wrong units", lambda: learning("dw/dt = x_pre*x_post : 1")),
    # names
    "unknown source": (
        UnknownNameError,
        "no population 'c'",
        lambda: hierarchy(projections=[synapses(source="c")]),
    ),
    "unknown variable in an equation": (
        UnknownNameError,
        "'targte'",
        lambda: hierarchy([unit(equations="dx/dt = -targte/tau : 1\ntarget : 1")]),
    ),
    "unknown variable in a threshold": (
        UnknownNameError,
        "'v'",
        lambda: hierarchy([unit(threshold="v > 1")]),
    ),
    "unknown variable in a refractory time": (
        UnknownNameError,
        "'rest'",
        lambda: hierarchy([unit(threshold="x > 1", refractory="rest")]),
    ),
    "unknown initial variable": (UnknownNameError, "'y'", lambda: unit(initial=dict(y=1))),
    "unknown token event": (UnknownNameError, "'offset'", lambda: unit(on=dict(offset="x = 0"))),
    "statement on an undeclared variable": (
        UnknownNameError,
        "'y'",
        lambda: hierarchy([unit(on=dict(blank_onset="y = 0"))]),
    ),
    "statement on the variable of another": (
        UnknownNameError,
        "'y_post'",
        lambda: hierarchy([unit(threshold="x > 1"), unit("b")], [synapses(on_pre="y_post += 1")]),
    ),
    "no assignment": (
        DeclarationError,
        "not an assignment",
        lambda: hierarchy([unit(on=dict(blank_onset="x + 1"))]),
    ),
    "unknown summed variable": (
        UnknownNameError,
        "'z'",
        lambda: hierarchy(projections=[synapses(equations="w : 1\nz_post = w*x_pre : 1 (summed)")]),
    ),
    "summed into nobody": (
        DeclarationError,
        "whose it is",
        lambda: synapses(equations="w : 1\nz = w*x_pre : 1 (summed)"),
    ),
    "unknown method": (UnknownNameError, "'euleer'", lambda: unit(method="euleer")),
    "unknown link": (
        UnknownNameError,
        "no variable 'y'",
        lambda: hierarchy([unit(links=dict(z="b.y")), unit("b")]),
    ),
    "link without a variable": (
        UnknownNameError,
        "variable",
        lambda: hierarchy([unit(links=dict(z="b")), unit("b")]),
    ),
    "unknown readout": (
        UnknownNameError,
        "no population 'aa'",
        lambda: hierarchy(readouts=[Readout(name="r", variables=["aa.x"], when="last")]),
    ),
    "unknown time of a readout": (
        UnknownNameError,
        "'frist'",
        lambda: Readout(name="r", variables=["a.x"], when="frist"),
    ),
    "name that is no name": (DeclarationError, "identifier", lambda: unit("a b")),
    "two of a name": (DeclarationError, "used twice", lambda: hierarchy([unit(), unit()])),
    "projection named like a population": (
        DeclarationError,
        "used twice",
        lambda: hierarchy(projections=[synapses(name="a")]),
    ),
    "the pacemaker's name": (
        DeclarationError,
        "used twice",
        lambda: hierarchy([unit("pacemaker")]),
    ),
    "two readouts of a name": (
        DeclarationError,
        "used twice",
        lambda: hierarchy(
            readouts=[Readout(name="r", variables=["a.x"], when=when) for when in ("first", "last")]
        ),
    ),
    "readout named like what is always kept": (
        DeclarationError,
        "used twice",
        lambda: hierarchy(readouts=[Readout(name="steps", variables=["a.x"], when="last")]),
    ),
    "parameter named like a variable": (
        DeclarationError,
        "twice",
        lambda: unit(parameters=dict(tau=1 * ms, x=2)),
    ),
    "parameter named like a signal": (
        DeclarationError,
        "twice",
        lambda: unit(parameters=dict(tau=1 * ms, gate=2)),
    ),
    "link named like a variable": (DeclarationError, "twice", lambda: unit(links=dict(x="b.x"))),
    "synaptic name of the target": (
        DeclarationError,
        "both",
        lambda: hierarchy(projections=[synapses(parameters=dict(tau=1))]),
    ),
    "the streams' name": (DeclarationError, "used twice", lambda: hierarchy([unit("streams")])),
    # batch
    "batch of none": (DeclarationError, "batch must be", lambda: hierarchy(batch=0)),
    "half a batch": (DeclarationError, "batch is 1.5", lambda: hierarchy(batch=1.5)),
    "batch of a flag": (DeclarationError, "batch must be", lambda: hierarchy(batch=True)),
    "batch of text": (
        DeclarationError,
        "not a number",
        lambda: hierarchy().with_parameter("batch", "many"),
    ),
    "batch with a unit": (
        DeclarationError,
        "batch is 3",
        lambda: hierarchy().with_parameter("batch", 3 * ms),
    ),
    "batch and a condition": (
        DeclarationError,
        "'ab' is not all-to-all",
        lambda: hierarchy(projections=[synapses(connect="i != j")], batch=2),
    ),
    "batch one to one": (
        DeclarationError,
        "'ab' is not all-to-all",
        lambda: hierarchy(pair(3), [synapses(connect="one_to_one")], batch=2),
    ),
    "batch and a delay": (
        DeclarationError,
        "'ab' has a delay",
        lambda: hierarchy(projections=[synapses(delay=2 * ms)], batch=2),
    ),
    "batch and spikes": (
        DeclarationError,
        "'ab' acts at spikes",
        lambda: hierarchy(
            [unit(threshold="x > 1"), unit("b")], [synapses(on_pre="x_post += 1")], batch=2
        ),
    ),
    "batch and a rule at spikes": (
        DeclarationError,
        "'ab' acts at spikes",
        lambda: learning(
            "dw/dt = -w/second : 1 (event-driven)",
            populations=[unit(threshold="x > 1"), unit("b")],
            on_pre="w += 1",
        ).with_parameter("batch", 2),
    ),
    "batch and a threshold": (
        DeclarationError,
        "'a' spikes",
        lambda: hierarchy([unit(threshold="x > 1")], batch=2),
    ),
    # shapes and values
    "weights of another shape": (
        DeclarationError,
        r"\(2, 3\)",
        lambda: hierarchy(projections=[synapses(initial=dict(w=np.ones((2, 3))))]),
    ),
    "flat weights": (
        DeclarationError,
        r"\(6,\)",
        lambda: hierarchy(projections=[synapses(initial=dict(w=np.ones(6)))]),
    ),
    "initial values of another size": (
        DeclarationError,
        r"\(4,\)",
        lambda: unit(initial=dict(x=np.zeros(4))),
    ),
    "initial text": (DeclarationError, "'rand", lambda: unit(initial=dict(x="rand()"))),
    "one to one between unequal": (
        DeclarationError,
        "one_to_one",
        lambda: hierarchy(projections=[synapses(connect="one_to_one")]),
    ),
    "link between unequal": (
        DeclarationError,
        "3 units",
        lambda: hierarchy([unit(size=3), unit("b", 2, links=dict(z="a.x"))]),
    ),
    "no units": (DeclarationError, "size", lambda: unit(size=0)),
    "half a unit": (DeclarationError, "size", lambda: unit(size=1.5)),
    "parameter array": (
        DeclarationError,
        "scalar",
        lambda: unit(parameters=dict(tau=[1, 2, 3] * ms)),
    ),
    "parameter text": (DeclarationError, "scalar", lambda: unit(parameters=dict(tau="10*ms"))),
    "parameter NaN": (DeclarationError, "'tau'", lambda: unit(parameters=dict(tau=np.nan * ms))),
    # structure
    "two projections into one variable": (
        DeclarationError,
        "'ab' and 'again' both sum into b.target",
        lambda: hierarchy(projections=[synapses(), synapses(name="again")]),
    ),
    "one projection into one variable from both ends": (
        DeclarationError,
        "both sum into a.target",
        lambda: hierarchy(
            projections=[
                synapses(
                    target="a",
                    equations="w : 1\ntarget_post = w*x_pre : 1 (summed)\ntarget_pre = w*x_post : 1 (summed)",
                )
            ]
        ),
    ),
    "spikes from what does not spike": (
        DeclarationError,
        "no threshold",
        lambda: hierarchy(projections=[synapses(on_pre="x_post += w")]),
    ),
    "reset without a threshold": (DeclarationError, "threshold", lambda: unit(reset="x = 0")),
    "equations that cannot be read": (
        DeclarationError,
        "cannot read",
        lambda: unit(equations="dx/dt == 3"),
    ),
    "threshold that cannot be read": (
        DeclarationError,
        "cannot read",
        lambda: hierarchy([unit(threshold="x > > 1")]),
    ),
    "connect that cannot be read": (
        DeclarationError,
        "cannot read",
        lambda: hierarchy(projections=[synapses(connect="i !")]),
    ),
    "connect by chance": (
        DeclarationError,
        "hidden random",
        lambda: hierarchy(projections=[synapses(connect="rand() < 0.5")]),
    ),
    "hidden noise": (
        DeclarationError,
        "hidden random",
        lambda: hierarchy([unit(equations="dx/dt = -x/tau + xi*tau**-0.5 : 1")]),
    ),
    "hidden random numbers": (
        DeclarationError,
        "hidden random",
        lambda: hierarchy([unit(on=dict(blank_onset="x = randn()"))]),
    ),
    "variable of the equations and of the rule": (
        DeclarationError,
        "'w' is declared twice",
        lambda: synapses(
            equations="w : 1",
            plasticity=Plasticity(equations="dw/dt = -w/(1*second) : 1", clock=1 * ms),
        ),
    ),
    "parameter of the projection and of the rule": (
        DeclarationError,
        "'eta' is declared twice",
        lambda: synapses(
            equations="",
            parameters=dict(eta=1.0),
            plasticity=Plasticity(
                equations="dw/dt = -eta*w/(1*second) : 1",
                clock=1 * ms,
                parameters=dict(eta=2.0),
            ),
        ),
    ),
    # names that C++ reserves
    "variable default": (
        DeclarationError,
        "'default' is a word of C",
        lambda: unit(equations="default : 1"),
    ),
    "parameter new": (
        DeclarationError,
        "'new' is a word of C",
        lambda: unit(equations="x : 1", parameters=dict(new=1.0)),
    ),
    "synaptic variable int": (
        DeclarationError,
        "'int' is a word of C",
        lambda: synapses(equations="int : 1"),
    ),
    # names that Brian2 reserves
    "variable e": (
        DeclarationError,
        "Brian2 reserves 'e'",
        lambda: unit(equations="de/dt = -e/tau : 1"),
    ),
    "plain variable e": (DeclarationError, "reserves 'e'", lambda: unit(equations="e : 1")),
    "parameter e": (
        DeclarationError,
        "reserves 'e'",
        lambda: unit(equations="x = e : 1", parameters=dict(e=3.0)),
    ),
    "link e": (
        DeclarationError,
        "reserves 'e'",
        lambda: unit(equations="x = e : 1", links=dict(e="b.x")),
    ),
    "synaptic variable e": (DeclarationError, "reserves 'e'", lambda: synapses(equations="e : 1")),
    "parameter e of synapses": (
        DeclarationError,
        "reserves 'e'",
        lambda: synapses(parameters=dict(e=2.0)),
    ),
    "parameter e of a rule": (
        DeclarationError,
        "reserves 'e'",
        lambda: learning("dw/dt = e*x_pre/second : 1", parameters=dict(e=2.0)),
    ),
    **{
        f"parameter {name}": (
            DeclarationError,
            f"reserves {name!r}",
            lambda name=name: unit(parameters={"tau": 10 * ms, name: 1.0}),
        )
        for name in ("pi", "inf", "mV", "exp", "t", "dt", "i", "N", "two words")
    },
    "no population": (DeclarationError, "populations.0. is .a.", lambda: hierarchy(["a"])),
    "no projection": (
        DeclarationError,
        "projections.0. is",
        lambda: hierarchy(projections=[unit("c")]),
    ),
    "no plasticity": (DeclarationError, "plasticity", lambda: synapses(plasticity="dw/dt = 0")),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_declaration(case):
    kind, message, declare = WRONG[case]
    with pytest.raises(kind, match=message) as caught:
        declare()
    assert caught.value.fix


def test_the_size_of_a_level_is_that_of_its_errors():
    errors, wide = unit("e", size=3, role="error"), unit("w", size=5)
    sizes = [hierarchy([errors, wide, unit("b", size=4, level=2)]).level_sizes]
    sizes.append(hierarchy([wide, unit("b", size=4)]).level_sizes)
    assert sizes == [[3, 4], [5]]
    assert "levels 3-4," in repr(hierarchy([errors, wide, unit("b", size=4, level=2)]))


@pytest.mark.parametrize("by_synapses", [False, True])
def test_what_differs_between_levels_is_read_at_a_level(by_synapses):
    text = "x : 1" if by_synapses else "x = predicting : 1"
    one, two = (unit(name, equations=text, level=None) for name in "ab")
    sums = "x_post = predicting_pre : 1 (summed)"
    joins = [Projection(name="p", source="b", target="a", equations=sums)] if by_synapses else []
    with pytest.raises(DeclarationError, match="the signal of a level") as caught:
        hierarchy([one, two], joins)
    assert caught.value.fix == "give it a level, e.g. level=1"


@pytest.mark.parametrize(
    "declare, hint",
    [
        (lambda: hierarchy(projections=[synapses(source="aa")]), "did you mean 'a'"),
        (
            lambda: hierarchy([unit(equations="dx/dt = -targte/tau : 1\ntarget : 1")]),
            "did you mean 'target'",
        ),
        (lambda: unit(on=dict(onsett="x = 0")), "did you mean 'onset'"),
        (lambda: unit(on=dict(arrival="x = 0")), "'onset', and what was 'onset' is 'blank_onset'"),
        (
            lambda: Readout(name="x", variables=["a.x"], when="arrival"),
            "it is 'before_onset': the last value before the token appears",
        ),
        (lambda: hierarchy().with_parameter("taau", 3 * ms), "did you mean 'tau'"),
        (
            lambda: learning("dw/dt = etaa*x_pre/second : 1", parameters=dict(eta=1)),
            "did you mean 'eta'",
        ),
    ],
)
def test_the_nearest_name_is_offered(declare, hint):
    with pytest.raises(UnknownNameError) as caught:
        declare()
    assert hint in caught.value.fix


@pytest.mark.parametrize(
    "key, value", [("a.tau", 3), ("tau", 3 * mV), ("dt", 1), ("level.2.tau", 3 * volt)]
)
def test_parameter_of_other_units(key, value):
    with pytest.raises(UnitError):
        hierarchy().with_parameter(key, value)


def test_another_name_is_offered_for_e():
    with pytest.raises(DeclarationError) as caught:
        unit(equations="de/dt = -e/tau : 1")
    assert caught.value.where == "Population 'a'" and "'error'" in caught.value.fix


def test_e_that_nobody_declares_is_eulers_number():
    """As in Brian2. `j` is free in a population, where there is no other unit."""
    hierarchy([unit(equations="dx/dt = (e - x)/tau : 1"), unit("b", equations="j : 1")])


def test_a_key_names_one_object_or_a_level_or_all():
    """The level of a projection is that of its target."""
    model = tiny.model()
    level = {p.name: p.level for p in model.populations}
    of = {p.name: level[p.target] for p in model.projections}
    assert any(level[p.source] != level[p.target] for p in model.projections)

    def changed(key):
        found = model.with_parameter(key, 0.123).parameters()
        return {name for name, value in found.items() if float(value) == 0.123}

    shares = {name for name in model.parameters() if name.endswith(".share")}
    assert changed("share") == shares
    assert changed("W_2.share") == {"W_2.share"}
    for number in range(4):
        owners = {name.partition(".")[0] for name in changed(f"level.{number}.share")}
        assert owners == {
            name
            for name, where in {**level, **of}.items()
            if where == number and f"{name}.share" in shares
        }


def test_a_changed_model_is_checked_again():
    with pytest.raises(DeclarationError, match="multiple of dt"):
        hierarchy([unit(clock=4 * ms)]).with_parameter("dt", 3 * ms)
    with pytest.raises(DeclarationError, match="'tau'"):
        hierarchy().with_parameter("tau", np.inf * second)


# -- locality (claim C01) ------------------------------------------------------------------------------

FAR = "dx/dt = (target - x)/tau : 1\ntarget : 1\npeek = far : 1 (constant over dt)\nlater = peek + 1 : 1 (constant over dt)"


def scalar(level, **options):
    return Population(
        name="pool", size=1, level=level, equations="total : 1\nshare = total/2 : 1", **options
    )


def pooled(source, level_of_pool):
    """A rule that reads, through a link, a scalar of its target's level that sums over `source`."""
    populations = [
        unit(),
        unit("b", level=2, links=dict(share="pool.share")),
        unit("c", level=3),
        scalar(level_of_pool),
    ]
    gather = Projection(
        name="gather",
        source=source,
        target="pool",
        equations="total_post = x_pre/N_pre : 1 (summed)",
    )
    rule = Plasticity(equations="dw/dt = share_post*x_pre/second : 1")
    return hierarchy(
        populations,
        [synapses(equations="target_post = w*x_pre : 1 (summed)", plasticity=rule), gather],
    )


def linked(equations="dx/dt = (target - x)/tau : 1\ntarget : 1"):
    return [unit(), unit("b", 3, equations, level=2, links=dict(far="c.x")), unit("c", level=3)]


NOT_LOCAL = {
    "a variable of another level, by a link": lambda: learning(
        "dw/dt = far_post*x_pre/second : 1", populations=linked()
    ),
    "a link under another name": lambda: learning(
        "dw/dt = peek_post*x_pre/second : 1", populations=linked(FAR)
    ),
    "a link under two other names": lambda: learning(
        "dw/dt = later_post*x_pre/second : 1", populations=linked(FAR)
    ),
    "a link, in an auxiliary equation": lambda: learning(
        "dw/dt = g*x_pre/second : 1\ng = far_post : 1", populations=linked()
    ),
    "a level scalar that sums another level": lambda: pooled("c", 2),
    "a scalar of another level": lambda: pooled("c", 3),
    "a population": lambda: learning("dw/dt = c*x_pre/second : 1", populations=linked()),
    "a variable of nobody in particular": lambda: learning("dw/dt = x*x_pre/second : 1"),
}


@pytest.mark.parametrize("case", NOT_LOCAL)
def test_rule_that_is_not_local(case):
    with pytest.raises(LocalityError, match="the rule reads") as caught:
        NOT_LOCAL[case]()
    assert caught.value.fix


def test_local_rules_are_accepted():
    pooled("b", 2)
    learning("dw/dt = x_post*x_pre*w/second : 1", populations=linked())
    learning("dw/dt = plasticity_gain_post*x_pre/second : 1")


def test_equation_of_the_projection_itself_is_no_way_out():
    rule = Plasticity(equations="dw/dt = g*x_pre/second : 1")
    with pytest.raises(LocalityError, match="'far'"):
        hierarchy(
            linked(),
            [
                synapses(
                    equations="g = far_post : 1\ntarget_post = w*x_pre : 1 (summed)",
                    plasticity=rule,
                )
            ],
        )


# -- model files -------------------------------------------------------------------------------------

RIGHT = (
    "from fena_sim import Hierarchy, Population\ndef hierarchy(input_size=2):\n    "
    "return Hierarchy(name='m', populations=[Population(name='p', size=input_size)])\n"
)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "no function hierarchy"),
        ("hierarchy = 3", "no function hierarchy"),
        ("def hierarchy(input_size=2): return None", "returned NoneType"),
        ("def hierarchy(input_size=2): return {}[3]", "KeyError"),
        ("def hierarchy(input_size): return 3", "input_size"),
        ("raise ValueError('oh dear')", "oh dear"),
        ("def hierarchy(:", "SyntaxError"),
        ("import nothing_of_this_name", "nothing_of_this_name"),
        (RIGHT.replace("name='m'", "name='m m'"), "identifier"),
        (RIGHT.replace("size=input_size", "size=0"), "size must be"),
    ],
)
def test_wrong_model_file(text, message, tmp_path):
    path = tmp_path / "model.py"
    path.write_text(text)
    with pytest.raises(DeclarationError, match=message) as caught:
        load_model(path)
    assert caught.value.fix


def test_model_file_that_is_not_there(tmp_path):
    (tmp_path / "model.py").write_text(RIGHT)
    assert load_model(tmp_path / "model.py", 5).population("p").size == 5
    with pytest.raises(UnknownNameError, match="no model file") as caught:
        load_model(tmp_path / "modle.py")
    assert "did you mean 'model.py'" in caught.value.fix
    with pytest.raises(UnknownNameError, match="no model file"):
        load_model(tmp_path)
    with pytest.raises(UnknownNameError, match="'sizes' is not an option"):
        load_model(tmp_path / "model.py", sizes=3)


def test_declarations_are_frozen():
    model = hierarchy()
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        model.name = "other"
    with pytest.raises(TypeError):
        model.population("a").parameters["tau"] = 3 * ms


def with_meanings(meant=True):
    """A population, a projection and a rule, whose parameters have meanings or not."""

    def of(value, meaning):
        return Parameter(value, meaning) if meant else value

    rule = Plasticity(
        equations="dw/dt = eta*x_pre*x_post/ms : 1",
        parameters=dict(eta=of(0.1, "learning rate")),
    )
    synapses = Projection(
        name="ab",
        source="a",
        target="b",
        equations="target_post = gain*w*x_pre : 1 (summed)",
        parameters=dict(gain=of(2.0, "strength of the synapses")),
        plasticity=rule,
    )
    first = unit(parameters=dict(tau=of(10 * ms, "time constant")))
    return hierarchy([first, unit("b", 2, level=2)], [synapses])


MEANT = {"a.tau": "time constant", "ab.gain": "strength of the synapses", "ab.eta": "learning rate"}


def test_a_parameter_is_its_value_with_a_meaning_beside_it():
    model, plain = with_meanings(), with_meanings(False)
    assert (
        model.parameters()
        == plain.parameters()
        == {
            "a.tau": 10 * ms,
            "b.tau": 10 * ms,
            "ab.gain": 2.0,
            "ab.eta": 0.1,
        }
    )
    assert model.meanings() == MEANT and plain.meanings() == {}
    assert model.population("a").meanings == {"tau": "time constant"}


@pytest.mark.parametrize("structure_only", [False, True])
def test_meanings_are_no_part_of_the_identity(structure_only):
    one, other = (canonical(with_meanings(meant), structure_only) for meant in (True, False))
    assert one == other


def test_meanings_stay_when_values_change():
    changed = with_meanings().with_parameter("tau", 20 * ms).with_parameter("ab.eta", 0.2)
    assert changed.meanings() == MEANT
    assert changed.parameters()["a.tau"] == 20 * ms and changed.parameters()["ab.eta"] == 0.2
    one = with_meanings().population("a")
    assert attrs.evolve(one, parameters=dict(tau=3 * ms)).meanings == one.meanings
    renamed = attrs.evolve(one, equations="x : 1\ntarget : 1", parameters={"other": 1.0})
    assert renamed.meanings == {}
    assert Parameter(1.0, "a factor").with_value(2.0) == Parameter(2.0, "a factor")


def test_meanings_can_be_given_later():
    given = with_meanings(False).with_meanings({**MEANT, "nobody.tau": "of nobody"})
    assert given.meanings() == MEANT
    assert canonical(given) == canonical(with_meanings())


@pytest.mark.parametrize("meaning", ["", "  ", None, 3])
def test_a_meaning_is_a_text(meaning):
    with pytest.raises(DeclarationError, match="meaning") as caught:
        Parameter(10 * ms, meaning)
    assert caught.value.fix and "Parameter" in caught.value.where


@pytest.mark.parametrize("value", [(1.0, 2.0), "fast", True, np.nan, Parameter(1.0, "twice")])
def test_the_value_of_a_parameter_is_checked_as_any_other(value):
    with pytest.raises(DeclarationError, match="'tau' is .*not a number") as caught:
        unit(parameters=dict(tau=Parameter(value, "time constant")))
    assert caught.value.where == "Population 'a'"

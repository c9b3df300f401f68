"""Parameters of 0 by which equations divide. Oracle: the network itself, run with and without the
check: what is refused stops being finite, and what works is not refused.
"""

import numpy as np
import pytest
import tiny
from brian2 import Hz, ms, mV

import fena_sim as fs
from fena_sim.commands.shell import exit_code
from fena_sim.declare.model.divisors import check_divisors
from fena_sim.errors import DeclarationError, NonFiniteError
from fena_sim.runs import plan

pytestmark = pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")

CODED = fs.Population(
    name="coded", size=16, equations="y : 1", on=dict(onset="y = token_code"), level=1
)


def unit(equations, initial=1.0, **options):
    population = fs.Population(
        name="unit", size=2, equations=equations, level=2, initial=dict(x=initial), **options
    )
    return fs.Hierarchy(name="m", populations=[CODED, population])


def joined(equations, parameters, plasticity=None, source="x : 1", source_parameters=None):
    populations = [
        CODED,
        fs.Population(
            name="source",
            size=2,
            equations=source,
            initial=dict(x=1.0),
            parameters=source_parameters or {},
        ),
        fs.Population(name="target", size=2, equations="s : 1"),
    ]
    projection = fs.Projection(
        name="W",
        source="source",
        target="target",
        equations=equations,
        parameters=parameters,
        plasticity=plasticity,
        initial=dict(w=1.0),
    )
    return fs.Hierarchy(name="m", populations=populations, projections=[projection])


TAU = dict(tau=0 * ms)
REFUSED = {
    "a time constant": (unit("dx/dt = -x/tau : 1", parameters=TAU), "tau"),
    "its power": (unit("dx/dt = -x*tau**-1 : 1", parameters=TAU), "tau"),
    "its root": (unit("dx/dt = noise*sqrt(2/tau) : 1", parameters=TAU), "tau"),
    "by its root": (unit("dx/dt = -x*Hz/sqrt(k) : 1", parameters=dict(k=0)), "k"),
    "with a factor": (unit("dx/dt = (y - x)/(2*tau) : 1\ny : 1", parameters=TAU), "tau"),
    "with a variable": (unit("dx/dt = 1/(tau*(1 + x**2)) : 1", parameters=TAU), "tau"),
    "a difference": (
        unit("dx/dt = -x/(a - b) : 1", parameters=dict(a=3 * ms, b=3 * ms)),
        "a - b",
    ),
    "a difference from a unit": (unit("dx/dt = -x/(a - 3*ms) : 1", parameters=dict(a=3 * ms)), "a"),
    "a number": (unit("dx/dt = -x/k/(10*ms) : 1", parameters=dict(k=0)), "k"),
    "by a subexpression": (
        unit("dx/dt = 3*f : 1\nf = g - x*Hz : Hz\ng = x/tau : Hz", parameters=TAU),
        "tau",
    ),
    "a sum": (joined("w : 1\ns_post = w*x_pre/k : 1 (summed)", dict(k=0)), "k"),
    "a sum of a subexpression of the source": (
        joined(
            "w : 1\ns_post = w*f_pre : 1 (summed)",
            {},
            source="x : 1\nf = x/k : 1",
            source_parameters=dict(k=0),
        ),
        "k_pre",
    ),
    "plasticity": (
        joined(
            "s_post = w*x_pre : 1 (summed)",
            {},
            fs.Plasticity(equations="dw/dt = -w/tau_w : 1", parameters=dict(tau_w=0 * ms)),
        ),
        "tau_w",
    ),
}
WORKS = {
    "inside a function": unit("dx/dt = exp(-dt/tau)*Hz - x*Hz : 1", parameters=TAU),
    "inside tanh": unit("dx/dt = (tanh(1/k) - x)*Hz : 1", parameters=dict(k=0)),
    "a method that solves the equation": unit("dx/dt = -x/tau : 1", parameters=TAU, method="exact"),
    "cancelled": unit("dx/dt = -x*tau/tau*Hz : 1", parameters=TAU),
    "cancelled by a subexpression": unit("dx/dt = -f*tau*Hz : 1\nf = x/tau : Hz", parameters=TAU),
    "below a sum with a variable": unit(
        "dx/dt = -x/(k + y)*Hz : 1\ny = 1 + x**2 : 1", parameters=dict(k=0)
    ),
    "the dividend": unit("dx/dt = k*x/(10*ms) : 1", parameters=dict(k=0)),
    "a positive power": unit("dx/dt = -x*k**2*Hz : 1", parameters=dict(k=0)),
    "in a divisor's divisor": unit("dx/dt = -x/(1/k)*Hz : 1", parameters=dict(k=0)),
    "what never happens": unit(
        "dx/dt = -x*Hz : 1", parameters=dict(k=0), threshold="x > 5", reset="x = x/k"
    ),
    "a subexpression that nothing uses": unit(
        "dx/dt = -x*Hz : 1\nunused = x/k : 1", parameters=dict(k=0)
    ),
}


def run(model, out):
    return fs.run(model, tiny.one_block(3, probes=()), device="runtime", out=out)


@pytest.mark.slow
@pytest.mark.parametrize("case", REFUSED)
def test_what_divides_by_0_is_refused_and_would_not_stay_finite(case, tmp_path, monkeypatch):
    model, divisor = REFUSED[case]
    with pytest.raises(DeclarationError, match="divides by") as caught:
        run(model, tmp_path)
    assert f"{divisor}" in caught.value.what and ", which is 0" in caught.value.what
    assert caught.value.fix.startswith("give ") and exit_code(caught.value) == 2
    assert ("'unit'" in caught.value.where) != ("'W'" in caught.value.where)
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(plan, "check_divisors", lambda model: None)
    with pytest.raises((NonFiniteError, DeclarationError), match="finite|cannot build"):
        run(model, tmp_path)


@pytest.mark.parametrize("case", WORKS)
def test_what_works_is_not_refused(case, tmp_path):
    finished = run(WORKS[case], tmp_path)
    assert np.isfinite(finished.state("learning")["unit.x"]).all()


def test_set(tiny_fena, tmp_path):
    """As `--set level.1.tau=0*ms` changes the model."""
    with pytest.raises(DeclarationError, match="which is 0") as caught:
        run(tiny_fena.with_parameter("level.1.tau", 0 * ms), tmp_path)
    assert "tau = 0" in caught.value.what and "'state_1'" in caught.value.where
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", tiny.SHIPPED, ids=lambda path: path.stem)
def test_shipped_models_are_not_refused(path):

    check_divisors(fs.load_model(path))


@pytest.mark.parametrize(
    "value", [np.nan * ms, np.inf * ms, float("nan"), -np.inf * mV, np.inf * Hz]
)
def test_parameters_that_are_not_finite_are_refused(value):
    with pytest.raises(DeclarationError, match="not a number or a scalar quantity"):
        fs.Population(name="a", size=1, parameters=dict(tau=value))

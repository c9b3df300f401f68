"""While ENGINE stands, the same declaration gives the same numbers. Contract: `fena_sim/network/engine.py`.

The pins are no oracle of what is right, only of what changed. Results are compared to 1e-8: compilers and processors differ in the
last digits, and devices agree to 1e-13 after as many tokens.
"""

import brian2
import engine_pins
import numpy as np
import pytest
import tiny

from fena_sim.network.engine import ENGINE

RAISE = (
    "numbers changed: raise ENGINE in fena_sim/network/engine.py, say there why, and then run "
    "`python tests/runs/engine_pins.py`. If you did not mean to change them, find what did"
)
REWRITE = (
    "the generated sources changed, the numbers did not: run `python tests/runs/engine_pins.py`; "
    "ENGINE stays as it is"
)


def test_the_pins_are_of_this_engine():
    assert engine_pins.pinned()["engine"] == ENGINE, (
        "ENGINE was raised: run `python tests/runs/engine_pins.py`"
    )


def test_every_shipped_model_is_pinned():
    models = {path.stem for path in tiny.SHIPPED}
    assert models <= set(engine_pins.pinned()["subjects"]) == set(engine_pins.SUBJECTS)


@pytest.mark.compile
@pytest.mark.parametrize("subject", engine_pins.SUBJECTS)
def test_numbers_are_those_of_the_engine(subject):
    pin, plan = engine_pins.pinned()["subjects"][subject], engine_pins.plan_of(subject)
    found = engine_pins.results(plan)
    moved = [
        name
        for name, values in pin["results"].items()
        if name not in found
        or not np.allclose(found[name], values, rtol=1e-8, atol=1e-8 * max(abs(values[1]), 1e-12))
    ]
    assert not moved, f"{RAISE} ({len(moved)} variables, first {moved[0]})"
    known = pin["sources"].get(brian2.__version__)
    if known is None:
        pytest.skip(f"sources are not pinned for Brian2 {brian2.__version__}; results agree")
    assert engine_pins.sources_hash(plan) == known, REWRITE

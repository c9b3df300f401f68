"""Networks that begin with other hidden precisions, for C03, C05 and C06.

Oracle: the definition of these claims, on what is declared: the same tokens and first weights, another
precision.
"""

from math import log
from pathlib import Path

import numpy as np
import pytest
from brian2 import ms

from fena_sim.load.user_file import load_file
from fena_sim.network.initial_state import initial_state

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def module():
    """The helper of the claims, as C03 imports it."""
    return load_file(
        ROOT / "protocols" / "claims" / "c03_untrained_chaos.py", "claim"
    ).initial_precision


def test_the_models_own_precision_is_among_them(module):
    table = load_file(ROOT / "models" / "fena.py", "model").TABLE
    assert module.OWN == table["hidden_precision"].value and module.OWN in module.PRECISIONS
    assert (min(module.PRECISIONS), max(module.PRECISIONS)) == (0.1, 10)


def test_networks_differ_in_the_initial_precision_alone(module):
    experiments = module.untrained(0, quick=True)
    first = {name: initial_state(e.hierarchy(), seed=0) for name, e in experiments.items()}
    own = first[module.name(module.OWN)]
    for precision in module.PRECISIONS:
        for name, values in first[module.name(precision)].items():
            if name in ("precision_1.trust", "precision_2.trust"):
                assert values == pytest.approx(log(precision))
            else:
                np.testing.assert_array_equal(values, own[name], err_msg=name)


def test_they_read_what_the_untrained_network_of_first_contact_reads(module):
    claim = load_file(ROOT / "protocols" / "claims" / "c03_untrained_chaos.py", "claim")
    blocks = claim.experiments(0, quick=True)["network"].protocol.blocks
    whole = next(b for b in blocks if b.name == "untrained")
    for experiment in module.untrained(0, quick=True).values():
        (block,) = experiment.protocol.blocks
        assert block.controls == whole.controls == dict(plasticity_gain=0.0)
        assert block.pace.duration == whole.pace.duration == module.SHOWN == 48 * ms
        assert block.pace.blank == whole.pace.blank
        np.testing.assert_array_equal(block.stream.events["token"], whole.stream.events["token"])

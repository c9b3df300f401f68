"""Settling at other tolerances. Oracle: rates of change worked out by hand."""

import numpy as np
import pytest
from brian2 import ms

from fena_sim.errors import DeclarationError
from fena_sim.measure import settling_at

# Two tokens of 3 and 2 steps, from step 1 and step 5 on; 9 marks the blanks.
RATES = [9, 4, 1, 2, 9, 3, 0.5]


def block(rates=RATES, times=None, **changes):
    times = np.arange(len(rates)) * 1e-3 if times is None else np.asarray(times)
    trace = ("time", "pacemaker_unit"), np.asarray(rates, dtype=float)[:, None]
    return {
        "tokens": [0, 1],
        "onset": [1e-3, 5e-3],
        "steps": [3, 2],
        "traces": {"pacemaker.rate": trace, "time": ("time", times)},
        **changes,
    }


def test_by_hand(make_run):
    found = settling_at(make_run(test=block()), "test", [5, 3, 2, 1.5, 0.5])
    assert found.dims == ("event", "tolerances")
    assert found.to_numpy().tolist() == [[0, 1, 3, 3, 3], [0, 1, 1, 1, 2]]


def test_tolerances_have_units(make_run):
    found = settling_at(make_run(test=block(np.array(RATES) * 1e3)), "test", [2 / ms])
    assert found["tolerances"] == [2000] and found.to_numpy()[:, 0].tolist() == [3, 1]


def test_blanks_need_not_be_recorded(make_run):
    rates = [4, 1, 2, 3, 0.5]
    run = make_run(test=block(rates, times=np.array([1, 2, 3, 5, 6]) * 1e-3))
    assert settling_at(run, "test", [2])[:, 0].to_numpy().tolist() == [3, 1]


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(rates=[9, 4, 1, 2, 9, 3]), "recorded in 6 steps"),  # the last step is missing
        (dict(rates=[9, 4, 9, 3], times=[0, 1e-3, 4e-3, 5e-3]), "recorded in 4 steps"),
        (dict(traces={}), "was not recorded"),
    ],
)
def test_unrecorded_steps_are_refused(make_run, changes, message):
    with pytest.raises(DeclarationError, match=message) as caught:
        settling_at(make_run(test=block(**changes)), "test", [2])
    assert "Probe" in caught.value.fix

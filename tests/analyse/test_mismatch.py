"""The deviance response. Oracle: errors small enough to work the response out by hand."""

import numpy as np
import pytest
import xarray as xr

from fena_sim import measure
from fena_sim.errors import StimulusError


def test_each_token_counts_as_deviant_as_standard_and_as_control(make_run):
    """Tokens 0 and 1, in their roles, err by: 0 as standard 1 and 3, as deviant 8; 1 as standard 4,
    as deviant 10 and 12; as controls 5 and 7, and a third token 100. Level 1 errs by a hundredth.
    """

    def errors(*values):
        return np.array(values)[:, None] * [1.0, 0.01]

    run = make_run(
        oddball={
            "tokens": [0, 1, 0, 1],
            "role": ["standard", "deviant", "standard", "deviant"],
            "error": errors(1, 10, 3, 12),
        },
        flip_flop={
            "tokens": [1, 0, 1],
            "role": ["standard", "deviant", "standard"],
            "error": errors(4, 8, 4),
        },
        many_standards={
            "tokens": [0, 2, 1],
            "role": ["control"] * 3,
            "error": errors(5, 100, 7),
        },
    )
    found = measure.mismatch(run)
    deviant, standard, control = (11 + 8) / 2, (2 + 4) / 2, (5 + 7) / 2
    norm = np.sqrt(deviant**2 + standard**2 + control**2)
    assert found["level"].values.tolist() == [0, 1]
    for level, scale in enumerate((1, 0.01)):
        of = found.sel(level=level)
        assert float(of["deviant"]) == pytest.approx(scale * deviant)
        assert float(of["standard"]) == pytest.approx(scale * standard)
        assert float(of["control"]) == pytest.approx(scale * control)
        assert float(of["mismatch"]) == pytest.approx(scale * (deviant - standard))
        assert float(of["prediction_error"]) == pytest.approx((deviant - control) / norm)
        assert float(of["repetition_suppression"]) == pytest.approx((control - standard) / norm)


def test_another_response_and_a_first_token_that_counts(make_run):
    """The response is ten times the token's number in the block, plus the token; it lacks event 2."""
    run = make_run(
        oddball={
            "tokens": [0, 0, 1, 0, 1],
            "role": ["standard", "standard", "deviant", "standard", "deviant"],
        },
        flip_flop={"tokens": [1, 1, 0, 1, 0]},
        many_standards={"tokens": [1, 0, 1, 1, 0]},
    )

    def response(run, block):
        event = np.array([0, 1, 3, 4])
        token = run.events(block)["token"].to_numpy()[event]
        values = (10.0 * event + token)[:, None]
        return xr.DataArray(values, dims=("event", "level"), coords={"event": event})

    found = measure.mismatch(run, response=response, first=1).sel(level=0)
    assert float(found["deviant"]) == pytest.approx((41 + 40) / 2)
    assert float(found["standard"]) == pytest.approx(((10 + 30) / 2 + (11 + 31) / 2) / 2)
    assert float(found["control"]) == pytest.approx((31 + (10 + 40) / 2) / 2)
    with pytest.raises(StimulusError, match="does not occur"):
        measure.mismatch(run, response=response, first=4)

"""Oracles: units by hand, and what the models declare."""

import handmade
import numpy as np
import pytest
import xarray as xr
from brian2 import get_or_create_dimension, hertz, metre, second, siemens, volt

from fena_sim.runs.store.units import exponents, symbol, unit_name


@pytest.mark.parametrize(
    ("quantity", "by_hand"),
    [
        (volt, (2, 1, -3, -1, 0, 0, 0)),
        (hertz, (0, 0, -1, 0, 0, 0, 0)),
        (second**-0.5, (0, 0, -0.5, 0, 0, 0, 0)),
        (metre, (1, 0, 0, 0, 0, 0, 0)),
        (siemens / metre**2, (-4, -1, 3, 2, 0, 0, 0)),
    ],
)
def test_recorded_units_are_read_back(quantity, by_hand):
    assert exponents(unit_name(quantity.dim)) == by_hand
    assert get_or_create_dimension(exponents(unit_name(quantity.dim))) is quantity.dim


def test_symbols():
    assert (
        symbol(handmade.VOLT) == "V"
        and symbol("second ** -1") == "Hz"
        and symbol("1") == "1"
        and symbol("s") == "s"
    )


def test_units_and_levels_of_a_run(uninterrupted):
    tokens, traces = uninterrupted.tokens("learning"), uninterrupted.traces("learning")
    assert all(
        "units" in values.attrs
        for values in [*tokens.variables.values(), *traces.variables.values()]
    )
    assert tokens["level"].values.tolist() == [0, 1, 2, 3]
    assert traces["state_1.r"].attrs["level"] == 1 and traces["error_0.error"].attrs["level"] == 0


def test_readouts_carry_the_units_of_their_variables(tmp_path):
    """Directly, and through a link; a readout of a single level has no dimension level."""
    populations = [
        handmade.population("neuron", 1, "v", unit="volt"),
        {**handmade.population("copy", 2, "x"), "links": {"rate": "other.rate"}},
        handmade.population("other", None, "rate", unit="Hz"),
    ]
    kept = xr.Dataset(
        {"potential": (("event", "unit"), np.zeros((1, 3))), "speed": ("event", [1.0])}
    )
    run = handmade.write(
        tmp_path / "run",
        {"b": (handmade.events([0], [0]), None, kept)},
        populations,
        readouts=[
            {"name": "potential", "variables": ["neuron.v"]},
            {"name": "speed", "variables": ["copy.rate"]},
        ],
    )
    units = {name: values.attrs["units"] for name, values in run.tokens("b").data_vars.items()}
    assert units == {"potential": handmade.VOLT, "speed": "second ** -1"}

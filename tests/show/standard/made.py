"""Runs of a protocol with block names of its own, written by hand."""

import handmade
import numpy as np
import xarray as xr

PROJECTION = {"name": "W", "source": "cause", "target": "cells"}


def write(folder, blocks, seed=0, spikes=(), synapses=(), roles=None, **options):
    """A finished run. `blocks` as of `handmade.write`; `spikes`, `synapses`: names of the population
    and the probe of W that recorded these in every block with traces.
    """
    populations = options.pop("populations", [handmade.population("cells", 0, "r")])
    for population in populations:
        population["role"] = (roles or {}).get(population["name"], "state")
    handmade.write(folder, blocks, populations, seed=seed, **options)

    def change(manifest):
        inputs = manifest["inputs"]
        inputs["model"]["projections"] = [PROJECTION] * bool(synapses)
        for block in inputs["protocol"]["blocks"]:
            recorded = blocks[block["name"]][1]
            names = set() if recorded is None else {n.partition(".")[0] for n in recorded.data_vars}
            block["probes"] = [p for p in block["probes"] if p["population"] in names]
            for probe in block["probes"]:
                variables = [
                    n.partition(".")[2] for n in recorded if n.startswith(probe["population"] + ".")
                ]
                probe["variables"] = [v for v in variables if not v.startswith("spike_")]
                if probe["population"] in spikes:
                    probe["variables"].append("spikes")
            for name in synapses if recorded is not None else ():
                about = {"population": "W", "name": name, "every": 10, "window": None}
                about |= {"units": None, "variables": ["w"], "interval": handmade.seconds("0.001")}
                block["probes"].append(about)

    handmade.edit(folder, change)
    return handmade.finish(folder)


def spiking(times, units):
    """Spikes of cells, as a probe leaves them."""
    return {
        "cells.spike_time": ("cells_spike", np.asarray(times, float), {"units": "s"}),
        "cells.spike_unit": ("cells_spike", np.asarray(units, "int32")),
    }


def weights(values, tokens, name="W"):
    """All weights of a projection from one unit, at some numbers of tokens, as a probe leaves them."""
    synapse, time, count = f"{name}_synapse", f"time_{name}", np.shape(values)[1]
    return xr.Dataset(
        {f"{name}.w": ((time, synapse), np.asarray(values, float), {"units": "1"})},
        coords={
            synapse: np.arange(count),
            f"{name}_source": (synapse, np.zeros(count, dtype=int)),
            f"{name}_target": (synapse, np.arange(count)),
            time: (time, 0.05 * np.asarray(tokens), {"units": "s"}),
            f"{time}_tokens": (time, np.asarray(tokens)),
        },
    )

"""A small finished run with checksums, written by hand, and everything that can be read from it."""

import handmade
import numpy as np
import xarray as xr
from hypothesis import strategies as st

from fena_sim.runs.store.files import save_arrays


def write(folder):
    """Two blocks of six tokens, one of them with traces; one array is zero, so that Zarr writes no
    chunk of it.
    """
    table = handmade.events(np.arange(6) * 0.05, [0, 1, 2, -1, 3, 0])
    rng = np.random.default_rng(0)
    recorded = handmade.traces(1e-3, state_1__r=rng.normal(size=(300, 3)))
    kept = xr.Dataset(
        {
            "iterations": ("event", np.arange(1, 7, dtype=np.int32)),
            "steps": ("event", np.zeros(6, np.int32)),
            "r": (("event", "unit"), rng.normal(size=(6, 3))),
        }
    )
    blocks = {"one": (table, recorded, kept), "two": (table, None, kept)}
    readouts = [{"name": "r", "variables": ["state_1.r"]}]
    handmade.write(folder, blocks, readouts=readouts, chunk=100)
    for block in blocks:
        save_arrays(folder / "states" / f"{block}.npz", {"state_1.r": np.zeros(3)}, step=300)
    (folder / "log.txt").write_text("block one: 6 tokens done\n")
    return handmade.finish(folder)


def everything(run):
    """All that a run returns, as {what: array or text}."""
    found = {"manifest": repr(run.manifest)}
    for block in run.blocks:
        found[block, "events"] = run.events(block).to_csv()
        kinds = [("tokens", run.tokens(block))]
        if run.has("traces", block):
            kinds.append(("traces", run.traces(block)))
        for kind, data in kinds:
            found[block, kind] = repr((data.sizes, data.attrs))
            for name, values in data.variables.items():
                found[block, kind, name] = (values.dtype.str, values.to_numpy().tobytes())
    return found


def files(folder):
    """The paths of all files, in the run folder."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def damages(folder):
    """A strategy of (file, function that damages its bytes, or None to delete it)."""
    flip = st.tuples(st.just("flip"), st.integers(0, 2**31), st.integers(0, 7))
    cut = st.tuples(st.just("cut"), st.integers(0, 2**31), st.just(0))
    return st.tuples(
        st.sampled_from(files(folder)), st.one_of(st.just(("delete", 0, 0)), cut, flip)
    )


def damage(path, how):
    """Delete a file, cut it short, or flip one of its bits."""
    kind, place, bit = how
    if kind == "delete":
        path.unlink()
        return
    data = bytearray(path.read_bytes())
    place %= len(data)
    if kind == "cut":
        del data[place:]
    else:
        data[place] ^= 1 << bit
    path.write_bytes(data)

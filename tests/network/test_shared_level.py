"""Two modules below a shared level, as docs/howto/several-modalities.md declares them. Oracles: Euler
steps in NumPy, in the order of docs/network.md; without the shared level's predictions, each module run
alone.
"""

import re
from pathlib import Path

import numpy as np
import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim.network.initial_state import initial_state
from fena_sim.stimulus import TokenStream, one_hot

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "several-modalities.md"
SIZES = dict(picture=4, sound=6)
SYMBOLS = dict(picture=["face", "house", "car", "tree"], sound=list("abcdef"))
SHOWN = dict(picture=["face", "car"], sound=["b", "f"])
PACE = fs.FixedPace(duration=40 * ms, onset_asynchrony=60 * ms)
START = dict(picture=10, sound=0)


@pytest.fixture(scope="module")
def declared(tmp_path_factory):
    """The model of the page."""
    (text,) = re.findall(r"shared_level\.py <<'END'\n(.*?)^END$", PAGE.read_text(), re.S | re.M)
    path = tmp_path_factory.mktemp("model") / "shared_level.py"
    path.write_text(text)
    return path


def run_of(path, senses, out, **controls):
    model = fs.load_model(path, 4, senses=senses)
    streams = {
        s: TokenStream.from_list(SHOWN[s], one_hot(SYMBOLS[s])).paced(PACE, start=START[s] * ms)
        for s in senses
    }
    watched = [name for s in senses for name in (f"state_of_{s}.r", f"surprise_of_{s}.error")]
    probes = [fs.Probe(*name.split(".")) for name in ["shared.x", *watched]]
    block = fs.Block(name="b", streams=streams, probes=probes, controls=controls)
    protocol = fs.Protocol(name="p", blocks=[block])
    return model, fs.run(model, protocol, device="runtime", out=out)


def integrated(state, steps, feedback=1.0):
    """{variable: values before every step} and the synapses after the last, from an initial state."""
    x, r, error, surprise, w, v = state["shared.x"], {}, {}, {}, {}, {}
    for s, size in SIZES.items():
        r[s], error[s] = state[f"state_of_{s}.r"], np.zeros(size)
        surprise[s] = np.zeros(8)
        w[s], v[s] = state[f"W_{s}.w"].reshape(8, size), state[f"V_{s}.w"].reshape(5, 8)
    seen = {"shared.x": []}
    for step in range(steps):
        seen["shared.x"].append(x)
        descending, arriving = feedback * x, 0
        for s, size in SIZES.items():
            seen.setdefault(f"state_of_{s}.r", []).append(r[s])
            seen.setdefault(f"surprise_of_{s}.error", []).append(surprise[s])
            token, within = divmod(step - START[s], 60)
            code = np.zeros(size)
            if 20 <= within and step >= START[s] and token < 2:
                code[SYMBOLS[s].index(SHOWN[s][token])] = 1
            error[s] = error[s] + (code - r[s] @ w[s] - error[s]) / 4
            surprise[s] = surprise[s] + (r[s] - descending @ v[s] - surprise[s]) / 4
            r[s] = r[s] + (w[s] @ error[s] - surprise[s]) / 20
            arriving = arriving + v[s] @ surprise[s]
        x = x + (arriving - 0.1 * x) / 40
        if step % 4 == 0:
            for s in SIZES:
                w[s] = w[s] + 0.004 * 2 * np.outer(r[s], error[s])
                v[s] = v[s] + 0.004 * 2 * np.outer(descending, surprise[s])
    return seen, {f"W_{s}.w": w[s] for s in SIZES} | {f"V_{s}.w": v[s] for s in SIZES}


def test_the_modules_and_the_shared_level_follow_their_equations(declared, tmp_path):
    model, run = run_of(declared, ("picture", "sound"), tmp_path)
    traces = run.traces("b")
    seen, synapses = integrated(initial_state(model, 0), traces.sizes["time"])
    for name, values in seen.items():
        np.testing.assert_allclose(traces[name], values, rtol=0, atol=1e-12)
        assert abs(np.array(values)).max() > 0.01
    for name, values in synapses.items():
        np.testing.assert_allclose(run.state("b")[name], values.ravel(), rtol=0, atol=1e-12)


def test_without_its_predictions_each_module_runs_as_alone(declared, tmp_path):
    _, both = run_of(declared, ("picture", "sound"), tmp_path, knocked_out=2)
    _, joined = run_of(declared, ("picture", "sound"), tmp_path)
    for sense in SIZES:
        _, alone = run_of(declared, (sense,), tmp_path, knocked_out=2)
        for name in (f"state_of_{sense}.r", f"surprise_of_{sense}.error"):
            single = alone.traces("b")[name].values
            n = min(len(single), both.traces("b").sizes["time"])
            np.testing.assert_array_equal(both.traces("b")[name].values[:n], single[:n])
            assert abs(joined.traces("b")[name].values[:n] - single[:n]).max() > 1e-3

"""A FENA small enough for a test, and a protocol that uses all of a run's machinery with a single
build.

Also a script, for tests that kill it: ``python tiny.py OUT SEED CHUNK_TOKENS``.
"""

import sys
from pathlib import Path

import attrs
import numpy as np
from brian2 import ms

import fena_sim as fs
from fena_sim.declare.protocol.block import INITIAL
from fena_sim.stimulus import TokenStream, one_hot

MODEL = Path(__file__).resolve().parents[1] / "models" / "fena.py"
#: Every shipped model. The other files of models/ are their helpers.
SHIPPED = sorted(
    path for path in MODEL.parent.glob("*.py") if "def hierarchy(" in path.read_text("utf-8")
)
VOCABULARY = one_hot([f"s{k:02d}" for k in range(16)])
PROBES = (
    fs.Probe("state_1", "r", window=(-3 * ms, 7 * ms)),
    fs.Probe("error_0", ["error", "prediction"], units=[0, 3], interval=2 * ms),
)


def model(**options):
    """Its tolerance lets self-paced tokens leave after 5 to 40 steps."""
    loaded = fs.load_model(MODEL, 16, **{"sizes": (8, 6, 5), **options})
    return attrs.evolve(loaded, settling=attrs.evolve(loaded.settling, tolerance=0.01 / ms))


def stream(n, seed=0):
    """Random tokens, of which the fourth is omitted."""
    tokens = np.random.default_rng(seed).integers(0, 16, n)
    tokens[3:4] = -1
    return TokenStream.from_ids(tokens, VOCABULARY)


def block(name="learning", n=9, **options):
    options = {"controls": dict(temperature=0.02), "probes": PROBES, "stream": stream(n), **options}
    return fs.Block(name=name, **options)


def one_block(n=12, **options):
    return fs.Protocol(name="one_block", blocks=[block(n=n, **options)])


def everything():
    """Fixed and self-paced, with and without a common clock phase, noise, controls, windows, copies
    of a state.
    """
    return fs.Protocol(
        name="everything",
        blocks=[
            block(),
            block(
                "paced",
                6,
                pace=fs.SelfPaced(blank=10 * ms),
                controls=dict(plasticity_gain=np.linspace(1, 0, 6)),
            ),
            block(
                "fresh", 4, pace=fs.FixedPace(duration=49 * ms, blank=10 * ms), start_from=INITIAL
            ),
            block("noisy_paced", 4, pace=fs.SelfPaced(blank=10 * ms), start_from="learning"),
        ],
    )


if __name__ == "__main__":
    out, seed, chunk = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    declared, protocol = model(), everything()
    print("ready", flush=True)
    print(
        fs.run(declared, protocol, seed=seed, device="dense64", out=out, chunk_tokens=chunk).folder,
        flush=True,
    )

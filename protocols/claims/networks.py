"""Networks that several claims share: asked for in the same way, they are trained once."""

from pathlib import Path

from fena_sim import load_protocol
from fena_sim.claims.claim import Experiment

PROTOCOLS = Path(__file__).resolve().parents[1]
MODELS = PROTOCOLS.parent / "models"


def first_contact(seed, quick, model="fena", **options):
    """A network on protocols/first_contact.py (quick: a pass of 1,500 tokens); `options` are the protocol's."""
    short = dict(tokens=1500, test_tokens=300) if quick else {}
    protocol = load_protocol(PROTOCOLS / "first_contact.py", seed=seed, **{**short, **options}).protocol
    return Experiment(model=MODELS / f"{model}.py", protocol=protocol, seed=seed)

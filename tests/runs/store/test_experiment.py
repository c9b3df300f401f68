"""Oracle: the documented contract, on real runs. An experiment is everything that went in but the
seed.
"""

import pytest

import fena_sim as fs
from fena_sim.runs.store.experiment import differences, experiment_of

pytestmark = pytest.mark.compile

TEXT = """
import tiny

def protocol(seed=0, shift=0, n=3):
    return tiny.one_block(n, stream=tiny.stream(n, seed=100*seed + shift), probes=())
"""


def test_options_make_experiments_and_seeds_and_defaults_do_not(tiny_fena, tmp_path):
    path = tmp_path / "protocol.py"
    path.write_text(TEXT)

    def manifest(network, **options):
        protocol = fs.load_protocol(path, **options).protocol
        return fs.run(
            tiny_fena, protocol, seed=network, device="dense64", out=tmp_path / "runs"
        ).manifest

    first = manifest(0)
    networks = [
        first,
        manifest(1, seed=1),
        manifest(2, seed=2, shift=0),
        manifest(3),
    ]  # the last hears the tokens of seed 0
    assert len({experiment_of(each) for each in networks}) == 1
    assert (
        len({each["inputs_hash"] for each in networks}) == 4 and differences(first, networks) == []
    )
    shifted = manifest(0, shift=1)  # nothing but its tokens is another
    assert experiment_of(shifted) != experiment_of(first)
    assert differences(shifted, [first, shifted]) == ["protocol.shift 1"]
    assert manifest(0, shift=0)["inputs_hash"] == first["inputs_hash"], (
        "what options decide is hashed, not the options"
    )

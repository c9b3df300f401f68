"""What claim C04 calls lasting, and the order of the levels.

Oracle: its definition, on series of contributions written by hand and on the protocol as declared.
"""

from pathlib import Path

import numpy as np
import pytest

from fena_sim import INITIAL
from fena_sim.load.user_file import load_file

CLAIM = load_file(
    Path(__file__).resolve().parents[3] / "protocols" / "claims" / "c04_lowest_first.py", "claim"
)
STOPS = range(400, 4001, 400)  # ten


@pytest.mark.parametrize(
    "contribution, above, onset",
    [
        ([0.1] * 10, 0, 400),
        ([0, -0.1] + [0.1] * 8, 0, 1200),
        ([0.1, 0.1, 0] + [0.1] * 7, 0, 1600),  # the first two did not last
        ([0] * 5 + [0.1] * 5, 0, 2400),
        ([0] * 6 + [0.1] * 4, 0, np.nan),  # too few stops
        ([0.1] * 9 + [0], 0, np.nan),
        ([0.01] * 4 + [0.1] * 6, 0.02, 2000),
        ([0.02] * 10, 0.02, np.nan),  # not above it
    ],
)
def test_a_contribution_lasts_if_it_never_ends(contribution, above, onset):
    np.testing.assert_equal(CLAIM.lasting(contribution, STOPS, above), onset)


@pytest.mark.parametrize(
    "onsets, held",
    [
        ([400, 800], True),
        ([800, 800], False),
        ([1200, 800], False),
        ([400, np.nan], False),
        ([np.nan, 400], False),
    ],
)
def test_levels_are_in_order_if_all_contribute_the_lower_before_the_higher(onsets, held):
    assert CLAIM.in_order(np.array(onsets, dtype=float)) is held


@pytest.mark.parametrize("quick", [True, False])
def test_stops_cut_the_training_of_first_contact_and_test_copies_on_other_tokens(quick):
    """The parts follow one another and are the pass's first tokens, with its falling plasticity;
    every copy starts from its part, and nothing starts from a copy.
    """
    experiments = CLAIM.experiments(0, quick)
    whole = next(b for b in experiments["network"].protocol.blocks if b.name == "training")
    blocks = experiments["stops"].protocol.blocks
    parts = [b for b in blocks if b.name.startswith("training_")]
    tokens = np.concatenate([b.stream.events["token"] for b in parts])
    gain = np.concatenate([b.controls["plasticity_gain"] for b in parts])
    assert len(parts) == (6 if quick else 20) and len(tokens) == (600 if quick else 8000)
    np.testing.assert_array_equal(tokens, whole.stream.events["token"][: len(tokens)])
    np.testing.assert_array_equal(gain, whole.controls["plasticity_gain"][: len(tokens)])
    assert [b.start_from for b in parts] == [INITIAL, *(b.name for b in parts[:-1])]
    copies = [b for b in blocks if b not in parts]
    assert len(copies) == 3 * len(parts)
    for part, three in zip(parts, np.reshape(np.array(copies, dtype=object), (-1, 3))):
        assert [b.controls["knocked_out"] for b in three] == [0, 1, 2]
        for b in three:
            assert b.start_from == part.name and b.controls["plasticity_gain"] == 0
            np.testing.assert_array_equal(
                b.stream.events["token"], copies[0].stream.events["token"]
            )


def test_the_control_reads_the_same_tokens_in_another_order():
    ordered, shuffled = (CLAIM.experiments(0, True)[name] for name in ("stops", CLAIM.SHUFFLED))
    whole = CLAIM.experiments(0, True)["network"].protocol.blocks
    (training,) = (b for b in whole if b.name == "training")
    pairs = list(zip(ordered.protocol.blocks, shuffled.protocol.blocks, strict=True))
    for one, other in pairs:
        assert (one.name, one.start_from, len(one)) == (other.name, other.start_from, len(other))
        tested = not one.name.startswith("training_")
        tokens = [b.stream.events["token"].to_numpy() for b in (one, other)]
        assert (tokens[0] != tokens[1]).any()
        if tested:
            np.testing.assert_array_equal(*map(np.sort, tokens))
    read = np.concatenate(
        [b.stream.events["token"] for _, b in pairs if b.name.startswith("training_")]
    )
    counts = np.bincount(training.stream.events["token"], minlength=16)
    assert (np.bincount(read, minlength=16) <= counts).all()

"""Oracle: what C21's definition asks of a run, on runs that were altered to break it in one respect
each.
"""

import shutil
from pathlib import Path

import handmade
import pytest
import tiny
from brian2 import ms

import fena_sim as fs
from fena_sim.errors import NonFiniteError
from fena_sim.load.user_file import load_file
from fena_sim.runs.store.files import load_arrays, save_arrays

CLAIM = load_file(
    Path(__file__).resolve().parents[3] / "protocols" / "claims" / "c21_no_nan.py", "claim"
)


@pytest.fixture(scope="module")
def stopped(tiny_fena, tmp_path_factory):
    with pytest.raises(NonFiniteError) as caught:
        fs.run(
            tiny_fena.with_parameter("tau_e", 0.3 * ms),
            tiny.one_block(24),
            out=tmp_path_factory.mktemp("stopped"),
            chunk_tokens=3,
        )
    return Path(caught.value.where)


def altered(folder, to, **entries):
    copy = Path(shutil.copytree(folder, to / "copy"))
    handmade.edit(copy, **entries)
    return fs.open_run(copy)


def test_finished_and_stopped_runs_end_well(uninterrupted, stopped):
    assert CLAIM.ends_well(uninterrupted) and CLAIM.ends_well(fs.open_run(stopped))


def test_a_projection_may_be_named_as_well(stopped, tmp_path):
    message = (
        "stopped: W_1.spent is no longer finite (projection W_1, level 0, element 3) "
        "at token 1 ('a') of block 'learning', step 65"
    )
    assert CLAIM.ends_well(altered(stopped, tmp_path, status=message))


@pytest.mark.parametrize(
    "old, new",
    [
        ("{owner}", "nobody"),
        ("block 'learning'", "block 'other'"),
        (", step ", ", "),
        ("level ", ""),
        ("at token ", "at token 99"),
        ("stopped: ", "stopped: somewhere "),
    ],
)
def test_a_message_that_names_too_little_does_not(stopped, tmp_path, old, new):
    status = fs.open_run(stopped).manifest["status"]
    old = old.format(owner=status.split()[1].partition(".")[0])
    assert old in status
    assert not CLAIM.ends_well(altered(stopped, tmp_path, status=status.replace(old, new)))


def test_a_run_that_was_killed_does_not(stopped, tmp_path):
    assert not CLAIM.ends_well(altered(stopped, tmp_path, status="running"))


def test_a_state_that_is_kept_and_not_finite_does_not(uninterrupted, tmp_path):
    run = altered(uninterrupted.folder, tmp_path)
    arrays, about = load_arrays(run.folder / "states" / "paced.npz")
    arrays["state_1.r"][0] = float("nan")
    save_arrays(run.folder / "states" / "paced.npz", arrays, **about)
    assert not CLAIM.ends_well(run)

"""Oracle: averages computed by hand from what was written into the run, read back by plain MNE, in
FIF's single precision.
"""

import numpy as np
import pytest
from brian2 import ms

mne = pytest.importorskip("mne", reason="needs the extra mne")

from fena_sim.errors import (  # noqa: E402  (after the skip)
    FenaError,
    FenaWarning,
    StimulusError,
    UnknownNameError,
)
from fena_sim.show.export.mne import write_mne  # noqa: E402  (after the skip)
from fena_sim.show.export.mne_epochs import mne_epochs  # noqa: E402  (after the skip)


def test_evoked_responses_by_condition(made, tmp_path):
    write_mne(made.run, tmp_path / "run-ave.fif", ["first"], by="role", window=(0 * ms, 40 * ms))
    responses = {
        response.comment: response
        for response in mne.read_evokeds(tmp_path / "run-ave.fif", verbose="error")
    }
    assert set(responses) == {"first: d", "first: s", "first: x"}
    for role, tokens in {"s": [0, 3, 5], "d": [1, 4], "x": [2]}.items():
        response = responses[f"first: {role}"]
        assert (
            response.nave == len(tokens)
            and response.info["sfreq"] == 1000
            and response.kind == "average"
        )
        assert set(response.get_channel_types()) == {"misc"}
        np.testing.assert_allclose(response.times, np.arange(40) * 1e-3, atol=1e-9)
        for name, values in (("rate.r", made.rates), ("cell.v", made.volts)):
            mean = np.mean([values[50 * k + 10 : 50 * k + 50] for k in tokens], axis=0, dtype=float)
            channels = [f"{name} {unit:03d}" for unit in range(values.shape[1])]
            np.testing.assert_allclose(response.get_data(channels), mean.T, rtol=1e-6, atol=1e-9)
    units = {channel["ch_name"]: channel["unit"] for channel in response.info["chs"]}
    assert (
        units["cell.v 002"] == mne.io.constants.FIFF.FIFF_UNIT_V
        and units["rate.r 004"] == mne.io.constants.FIFF.FIFF_UNIT_NONE
    )
    assert (
        "seed: 0" in response.info["description"] and "cell.v in V" in response.info["description"]
    )


def test_one_file_has_one_list_of_channels_and_one_clock(made, uninterrupted, tmp_path):
    with pytest.raises(
        FenaError, match="state_1.r and error_0.error are sampled at different times"
    ) as caught:
        write_mne(uninterrupted, tmp_path / "real-ave.fif")
    assert "--variable state_1.r" in caught.value.fix
    with pytest.raises(UnknownNameError, match="no samples of 'state_1.rr'"):
        write_mne(uninterrupted, tmp_path / "real-ave.fif", variables=["state_1.rr"])
    with pytest.raises(
        FenaError, match="'second: presented' and 'first: presented' differ in channels"
    ):
        write_mne(made.run, tmp_path / "x-ave.fif", window=(1 * ms, 2 * ms))
    write_mne(
        uninterrupted,
        tmp_path / "real-ave.fif",
        ["learning"],
        window=(-2 * ms, 6 * ms),
        variables=["state_1.r"],
    )
    response = mne.read_evokeds(tmp_path / "real-ave.fif", "learning: omitted", verbose="error")
    trace = uninterrupted.traces("learning")["state_1.r"]
    omitted = trace.to_numpy()[
        3 * 10 + 1 : 3 * 10 + 9
    ]  # the fourth token; its probe keeps 10 samples from 3 ms before the onset
    np.testing.assert_allclose(response.get_data(), omitted.T, rtol=1e-6)


def test_what_has_no_response(made, tmp_path):
    with pytest.raises(StimulusError, match="no samples"):
        write_mne(made.run, tmp_path / "x-ave.fif", ["silent"])
    with pytest.raises(FenaError, match="does not end in -ave.fif") as caught:
        write_mne(made.run, tmp_path / "x.fif")
    assert "x-ave.fif" in caught.value.fix
    with pytest.raises(FenaError, match="'50' is not two times"):
        write_mne(made.run, tmp_path / "x-ave.fif", window="50")
    assert not list(tmp_path.iterdir())


def test_single_trials_with_events_labels_and_drop_log(made, tmp_path):
    """Six tokens, 50 ms apart, the first onset at 10 ms."""
    options = dict(blocks=["first"], by="role", window=(-10 * ms, 40 * ms))
    write_mne(made.run, tmp_path / "run-epo.fif", **options)
    trials = mne.read_epochs(tmp_path / "run-epo.fif", verbose="error")
    assert list(trials.event_id) == ["first/s", "first/d", "first/x"]
    assert trials.tmin == pytest.approx(-0.01) and trials.info["sfreq"] == 1000
    np.testing.assert_array_equal(trials.events[:, 0], 10 + 50 * np.arange(6))
    for role, tokens in {"s": [0, 3, 5], "d": [1, 4], "x": [2]}.items():
        chosen = trials[role]
        assert chosen.metadata["token_number"].tolist() == tokens
        assert chosen.metadata["role"].tolist() == [role] * len(tokens)
        for name, values in (("rate.r", made.rates), ("cell.v", made.volts)):
            channels = [f"{name} {unit:03d}" for unit in range(values.shape[1])]
            expected = np.stack([values[50 * k : 50 * k + 50].T for k in tokens])
            found = chosen.get_data(channels)
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    assert trials.metadata["symbol"].tolist() == made.tables["first"]["symbol"].tolist()
    assert trials.metadata["onset"].tolist() == pytest.approx(made.tables["first"]["onset"])


def test_events_are_at_time_0_of_every_lock(made):
    """The blank is 10 ms and the presentation 40 ms long."""
    within = (0 * ms, 1 * ms)
    cases = {"blank_onset": (0, within), "onset": (10, within), "offset": (50, (-1 * ms, 0 * ms))}
    for lock, (first, window) in cases.items():
        trials = mne_epochs(made.run, ["first"], "role", window, lock)
        assert len(trials) == 6
        np.testing.assert_array_equal(trials.events[:, 0], first + 50 * np.arange(6))


def test_the_drop_log_tells_what_lacks_from_what_nobody_asked_for(made):
    """A window that begins 40 ms before the onset lacks samples of the first token alone."""

    def by(events):
        return ["kept"] * 5 + [None]

    with pytest.warns(FenaWarning, match="1 of 5 'kept'"):
        trials = mne_epochs(made.run, ["first"], by, (-40 * ms, 10 * ms))
    assert trials.drop_log == (("NO_DATA",), (), (), (), (), ("IGNORED",))
    assert trials.selection.tolist() == [1, 2, 3, 4]


def test_streams_side_by_side_are_trials_of_their_own(two_streams):
    trials = mne_epochs(two_streams.run, window=(0 * ms, 40 * ms))
    assert trials.metadata["stream"].tolist() == [0, 0, 1, 1]
    values = two_streams.values
    for trial, (stream, start) in zip(trials.get_data(), [(0, 10), (0, 60), (1, 10), (1, 60)]):
        np.testing.assert_allclose(trial, values[start : start + 40, stream].T)
    assert len(set(trials.events[:, 0])) == 4


def test_trials_of_blocks_with_other_channels_are_refused(made):
    with pytest.raises(FenaError, match="differs from the one before"):
        mne_epochs(made.run, window=(1 * ms, 2 * ms))

"""Channels become one, and what is not a number becomes silence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from streamseg.capture.base import ChannelChoice, Downmix, parse_channel_choice
from streamseg.errors import UsageError

FRAMES = np.array([[1, 0, 8], [0.5, 0.25, 8]], np.float32)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (1, [1, 0.5]),
        (2, [0, 0.25]),
        (3, [8, 8]),
        ("mid", [0.5, 0.375]),
        ("side", [0.5, 0.125]),
        ("mean", [3, 8.75 / 3]),
    ],
)
def test_each_choice_is_its_formula(choice: ChannelChoice, expected: list[float]) -> None:
    """A number picks a channel; mid and side use the first two; mean uses all."""
    np.testing.assert_allclose(Downmix(choice, 3)(FRAMES), expected, rtol=1e-7)


@pytest.mark.parametrize(("choice", "gain"), [(1, 1), ("mean", 1), ("mid", 1), ("side", 0)])
def test_mono_needs_no_mixing(choice: ChannelChoice, gain: float) -> None:
    """Of one channel, mid and mean are the channel itself and side is silence."""
    mono = np.array([[0.25], [-1]], np.float32)
    np.testing.assert_array_equal(Downmix(choice, 1)(mono), gain * mono[:, 0])


@pytest.mark.parametrize("choice", [0, 3, -1])
def test_channel_that_is_not_there_is_a_usage_error(choice: int) -> None:
    """The error names the channels that exist."""
    with pytest.raises(UsageError, match="from 1 to 2"):
        Downmix(choice, 2)


@given(
    npst.arrays(
        np.float32,
        st.tuples(st.integers(0, 20), st.just(2)),
        elements=st.floats(width=32, min_value=-1, max_value=1)
        | st.sampled_from([np.nan, np.inf, -np.inf]),
    ),
    st.sampled_from(["mean", "mid", "side", 1, 2]),
)
def test_bad_samples_are_counted_and_silent(frames: np.ndarray, choice: ChannelChoice) -> None:
    """NaN and infinities are counted in every channel, act as zero, and never leave."""
    downmix = Downmix(choice, 2)
    mono = downmix(frames)
    bad = ~np.isfinite(frames)
    assert downmix.bad_samples == np.count_nonzero(bad)
    np.testing.assert_array_equal(mono, Downmix(choice, 2)(np.where(bad, np.float32(0), frames)))
    assert np.isfinite(mono).all()


@pytest.mark.parametrize(("text", "choice"), [("1", 1), ("12", 12), ("mid", "mid")])
def test_choice_is_read_from_text(text: str, choice: ChannelChoice) -> None:
    """Numbers from one and the three names are channel choices."""
    assert parse_channel_choice(text) == choice


@pytest.mark.parametrize("text", ["", "0", "-1", "left", "1.5"])
def test_other_text_is_no_choice(text: str) -> None:
    """Everything else is a usage error that quotes it."""
    with pytest.raises(UsageError, match=f"got '{text}'"):
        parse_channel_choice(text)

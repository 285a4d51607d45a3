"""Facts about frames cut from a stream."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from splits import SEEDS, push_all

from streamseg.frontend.framing import Framer, frames_of


@given(seed=SEEDS, size=st.integers(1, 2000), hop=st.integers(1, 3000))
def test_any_split_gives_the_same_frames(seed, size, hop):
    """Frames do not depend on the block size, also where hop exceeds the frame."""
    signal = np.arange(20_000, dtype=np.float32)
    expected = [signal[k : k + size] for k in range(0, signal.size - size + 1, hop)]
    np.testing.assert_array_equal(push_all(Framer(size, hop).push, signal, seed), expected)


@given(size=st.integers(1, 40), hop=st.integers(1, 60), count=st.integers(1, 20))
def test_frames_are_those_of_a_sliding_window(size, hop, count):
    """What is made by hand is what numpy makes, and nobody can write into it."""
    signal = np.arange((count - 1) * hop + size + 3, dtype=np.float32)
    frames = frames_of(signal, size, hop, count)
    windows = np.lib.stride_tricks.sliding_window_view(signal, size)
    np.testing.assert_array_equal(frames, windows[::hop][:count])
    with pytest.raises(ValueError, match="read-only"):
        frames[0, 0] = 1


def test_frames_beyond_the_signal_are_refused():
    """They would be somebody else's memory."""
    with pytest.raises(AssertionError, match="hold every frame"):
        frames_of(np.zeros(10, np.float32), 4, 2, 5)


def test_reset_begins_at_frame_zero():
    """After a reset nothing of the earlier signal is left."""
    framer = Framer(4, 2)
    framer.push(np.ones(7, np.float32))
    framer.reset()
    assert not framer.push(np.zeros(3, np.float32)).size
    np.testing.assert_array_equal(framer.push(np.zeros(1, np.float32)), np.zeros((1, 4)))


def test_a_frame_of_no_sample_is_refused():
    """The constructor says what it expected and what it got."""
    with pytest.raises(ValueError, match="at least 1, got 0 and 2"):
        Framer(0, 2)

"""Facts about frames cut from a stream."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from splits import SEEDS, push_all

from streamseg.frontend.framing import Framer


@given(seed=SEEDS, size=st.integers(1, 2000), hop=st.integers(1, 3000))
def test_any_split_gives_the_same_frames(seed, size, hop):
    """Frames do not depend on the block size, also where hop exceeds the frame."""
    signal = np.arange(20_000, dtype=np.float32)
    expected = [signal[k : k + size] for k in range(0, signal.size - size + 1, hop)]
    np.testing.assert_array_equal(push_all(Framer(size, hop).push, signal, seed), expected)


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

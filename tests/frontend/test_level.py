"""Facts about the level of frames."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from splits import SEEDS, push_all

from streamseg.frontend.level import FLOOR_DBFS, Level, power_to_dbfs


@given(seed=SEEDS, rate=st.sampled_from([8_000, 11_025, 44_100, 48_000]))
def test_any_split_gives_the_same_levels(seed, rate):
    """Equal to the bit, also where a hop is no whole number of samples."""
    signal = np.random.default_rng(0).standard_normal(rate).astype(np.float32)
    whole = Level(rate, 0.032, 0.02).push(signal)
    np.testing.assert_array_equal(push_all(Level(rate, 0.032, 0.02).push, signal, seed), whole)
    # The hop of 20 ms is 220.5 samples at 11 025 Hz: the borders must not drift.
    last = round(20 * 0.02 * rate)
    frame = signal[last : last + round(0.032 * rate)]
    assert whole[20] == pytest.approx(np.mean(frame.astype(np.float64) ** 2), rel=1e-5)


def test_full_scale_sine_reads_zero_dbfs():
    """AES17: dBFS is relative to the level of a full-scale sine."""
    sine = np.sin(2 * np.pi * 1_000 * np.arange(48_000) / 48_000).astype(np.float32)
    assert power_to_dbfs(Level(48_000, 0.1, 0.1).push(sine)) == pytest.approx(0, abs=0.001)


def test_digital_silence_reads_the_floor():
    """Never minus infinity."""
    assert float(power_to_dbfs(0.0)) == FLOOR_DBFS

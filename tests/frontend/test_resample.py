"""Facts about the stateful sample-rate conversion."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from splits import SEEDS, push_all

from streamseg.frontend.resample import Resampler

RATES = st.sampled_from([8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000])


@given(seed=SEEDS, source=RATES, target=st.sampled_from([16_000, 44_100]))
def test_any_split_gives_the_same_samples(seed, source, target):
    """libsoxr streams exactly: the tolerance is one rounding of float32."""
    signal = np.random.default_rng(0).standard_normal(source // 4).astype(np.float32)
    whole, split = Resampler(source, target), Resampler(source, target)
    expected = np.concatenate((whole.push(signal), whole.flush()))
    got = np.concatenate((push_all(split.push, signal, seed), split.flush()))
    np.testing.assert_allclose(got, expected, atol=1e-6)
    assert got.size == pytest.approx(signal.size * target / source, abs=1)


def test_a_tone_below_the_new_limit_stays_and_one_above_goes():
    """1 kHz passes unchanged in level and time; 12 kHz is 90 dB down at 16 kHz."""
    t = np.arange(48_000) / 48_000
    for hz, expected in (
        (1_000, np.sin(2 * np.pi * 1_000 * np.arange(16_000) / 16_000)),
        (12_000, 0),
    ):
        resampler = Resampler(48_000, 16_000)
        tone = np.sin(2 * np.pi * hz * t).astype(np.float32)
        out = np.concatenate((resampler.push(tone), resampler.flush()))
        inner = slice(1_000, 15_000)
        error = out[inner] - np.broadcast_to(expected, 16_000)[inner]
        assert np.abs(error).max() < 10 ** (-80 / 20)


def test_equal_rates_touch_nothing():
    """The very same array comes back."""
    samples = np.ones(5, np.float32)
    assert Resampler(44_100, 44_100).push(samples) is samples

"""Facts about the whole front end of a network."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from splits import SEEDS, blocks

from streamseg.frontend.features import FeatureStream
from streamseg.frontend.spec import FrontEndSpec, NormSpec

SPACED = FrontEndSpec(44_100, 1024, 1764, 40, 0, 22_050, -100, NormSpec(10, 3, -90, 5))
LONG = FrontEndSpec(
    22_050, 2048, 512, 1024, 0, 11_025, -80, scale="linear", long_n_fft=8192, long_bins=512
)
OVERLAPPING = FrontEndSpec(16_000, 512, 320, 64, 50, 8_000, -100)


@settings(max_examples=40)
@given(
    seed=SEEDS,
    spec=st.sampled_from([SPACED, OVERLAPPING, LONG]),
    rate=st.sampled_from([8_000, 11_025, 44_100, 48_000, 192_000]),
)
def test_any_split_gives_the_same_features_and_levels(seed, spec, rate):
    """Tolerance 0.005: float32 sums of up to 30 filters in another order, then decibels."""
    signal = np.random.default_rng(0).standard_normal(rate).astype(np.float32) * 0.1
    whole, split = FeatureStream(spec, rate), FeatureStream(spec, rate)
    expected = [whole.push(signal), whole.flush(9)]
    got = [split.push(block) for block in blocks(signal, seed)]
    got.append(split.flush(sum(len(e.power) for e in expected) - sum(len(g.power) for g in got)))
    for field in ("features", "power"):
        np.testing.assert_allclose(
            np.concatenate([getattr(part, field) for part in got]),
            np.concatenate([getattr(part, field) for part in expected]),
            atol=5e-3,
        )


@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_an_event_lies_in_the_frame_of_its_time(rate):
    """A click at 0.5 s is loudest in the frames that cover 0.5 s, at every source rate."""
    signal = np.zeros(rate, np.float32)
    signal[rate // 2] = 1
    frames = FeatureStream(OVERLAPPING, rate).push(signal)
    hit = np.flatnonzero(frames.features.max(axis=1) > -40) * OVERLAPPING.hop_s
    assert hit.min() <= 0.5 <= hit.max() + 0.032
    assert hit.max() - hit.min() < 0.06
    assert frames.power.argmax() * OVERLAPPING.hop_s == pytest.approx(0.48, abs=0.02)


def test_an_impossible_front_end_is_refused():
    """The error names the field and its value."""
    with pytest.raises(ValueError, match="expected hop >= 1, got 0"):
        FrontEndSpec(16_000, 512, 0, 64, 50, 8_000, -100)

"""Facts about the novelty curve and its peaks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from splits import SEEDS, blocks

from streamseg.decisions.boundaries import Novelty, NoveltySpec, Peaks

HOP_S = 0.02
BANDS = 12


def two_worlds(before: int, after: int, seed: int = 0) -> np.ndarray:
    """Frames around one spectrum, then around another one 15 dB away, with 2 dB of noise."""
    random = np.random.default_rng(seed)
    one, two = random.normal(-40, 15, (2, BANDS))
    frames = np.concatenate([np.tile(one, (before, 1)), np.tile(two, (after, 1))])
    return (frames + random.normal(0, 2, frames.shape)).astype(np.float32)


def curve(features: np.ndarray, spec: NoveltySpec | None = None) -> np.ndarray:
    """The whole curve of one push."""
    novelty = Novelty(HOP_S, BANDS, spec)
    return np.concatenate((novelty.push(features), novelty.flush()))


def test_the_highest_value_lies_at_the_join():
    """A join 11 s into 25 s has its peak at step 55 of 0.2 s, and no other boundary is told."""
    values = curve(two_worlds(550, 700))
    assert len(values) == 125
    assert int(values.argmax()) == 55
    peaks = Peaks(0.2)
    assert peaks.push(values) + peaks.flush() == [55]


def test_a_sound_that_does_not_change_has_no_boundary():
    """Noise around one spectrum stays under the threshold from the first value to the last."""
    values = curve(two_worlds(900, 0))
    peaks = Peaks(0.2)
    assert peaks.push(values) + peaks.flush() == []


def test_that_a_sound_begins_is_no_boundary():
    """Twenty frames of silence before a sound: the curve is high there, and nothing is said."""
    features = np.concatenate((np.full((20, BANDS), -100, np.float32), two_worlds(700, 0)))
    values = curve(features)
    assert int(values.argmax()) < 5
    assert values.max() > NoveltySpec().threshold
    peaks = Peaks(0.2)
    assert peaks.push(values) + peaks.flush() == []


@settings(max_examples=25)
@given(seed=SEEDS, frames=st.integers(0, 1300))
def test_any_split_gives_the_same_values_and_peaks(seed, frames):
    """The very same numbers: every value is computed by the same additions in the same order."""
    features = two_worlds(frames // 2, frames - frames // 2)
    novelty, peaks = Novelty(HOP_S, BANDS), Peaks(0.2)
    values, found = [np.empty(0)], []
    at = 0
    for block in blocks(np.zeros(len(features), np.float32), seed):
        values.append(novelty.push(features[at : at + len(block)]))
        at += len(block)
        found += peaks.push(values[-1])
    values.append(novelty.flush())
    found += peaks.push(values[-1]) + peaks.flush()
    np.testing.assert_array_equal(np.concatenate(values), curve(features))
    again = Peaks(0.2)
    assert found == again.push(curve(features)) + again.flush()


def test_values_come_half_a_kernel_after_their_moment():
    """With 6 s of kernel on each side, 30 steps are heard before value 0; then five at a time."""
    novelty = Novelty(HOP_S, BANDS)
    features = two_worlds(400, 0)
    assert len(novelty.push(features[:299])) == 0
    assert len(novelty.push(features[299:300])) == 1
    assert len(novelty.push(features[300:349])) == 0
    assert len(novelty.push(features[349:350])) == 5


def test_boundaries_keep_their_distance_and_the_first_of_equals_counts():
    """Two equal peaks nearer than ``apart_s`` are one boundary, further ones are two."""
    values = np.zeros(60)
    values[[20, 25, 45]] = 1.0
    peaks = Peaks(0.2, NoveltySpec(apart_s=2.0))
    assert peaks.push(values) + peaks.flush() == [20, 45]


def test_after_flush_the_stream_begins_anew():
    """The same frames give the same values again."""
    novelty, features = Novelty(HOP_S, BANDS), two_worlds(300, 300)
    first = np.concatenate((novelty.push(features), novelty.flush()))
    second = np.concatenate((novelty.push(features), novelty.flush()))
    np.testing.assert_array_equal(first, second)


def test_lengths_must_be_positive():
    """The error names the field and the value."""
    with pytest.raises(ValueError, match=r"expected half_s > 0, got 0"):
        NoveltySpec(half_s=0)

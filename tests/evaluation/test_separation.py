"""Facts about the ways to take a mixture apart."""

import numpy as np
import pytest
from signals import music, sine

from streamseg.evaluation import separation
from streamseg.evaluation.separation import RATE_HZ, Excerpt, apart


def excerpt(seconds: float = 3.0) -> Excerpt:
    """Strokes at 5 kHz and up, a bass at 80 Hz, chords, and no voice."""
    count = int(seconds * RATE_HZ)
    random = np.random.default_rng(0)
    drums = np.zeros(count, np.float32)
    for start in range(0, count - 500, RATE_HZ // 4):
        drums[start : start + 400] = random.standard_normal(400) * 0.2
    stems = np.stack(
        [
            np.diff(drums, prepend=0),
            sine(seconds, RATE_HZ, 80),
            music(seconds, RATE_HZ)[:count],
            np.zeros(count, np.float32),
        ]
    )
    return Excerpt(stems.astype(np.float32), real=False)


def error_db(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Energy of what is wrong over that of what was to be, in decibels."""
    return float(10 * np.log10(np.sum((estimate - truth) ** 2) / np.sum(truth**2)))


def test_masks_of_one_give_the_mixture_back():
    """From the first sample to the last: -100 dB is the rounding of float32 through a transform."""
    one = excerpt()
    parted = apart(separation.unprocessed, one)
    assert parted.stems.shape == one.stems.shape
    assert all(error_db(stem, one.mixture) < -100 for stem in parted.stems)


def test_the_oracle_is_better_than_its_units_and_these_better_than_thresholds():
    """For every stem that sounds; a bass in single bins is as good by units, to 0.01 dB."""
    one = excerpt()
    errors = [
        [
            error_db(estimate, truth)
            for estimate, truth in zip(apart(way, one).stems[:3], one.stems[:3], strict=True)
        ]
        for way in (separation.oracle, separation.oracle_units, separation.frequency_thresholds)
    ]
    every_bin, by_units, thresholds = np.array(errors)
    assert np.all(every_bin < by_units + 0.01)
    assert np.all(by_units < thresholds)
    assert np.all(every_bin < -6)


def test_thresholds_put_a_low_tone_into_the_bass_alone():
    """At 80 Hz nothing is left for drums, vocals and other; -60 dB is what a Hann window leaks."""
    tone = np.zeros((4, 2 * RATE_HZ), np.float32)
    tone[1] = sine(2.0, RATE_HZ, 80)
    inner = slice(RATE_HZ // 2, -RATE_HZ // 2)
    drums, bass, _, vocals = apart(separation.frequency_thresholds, Excerpt(tone, False)).stems
    assert error_db(bass[inner], tone[1, inner]) < -30
    for other in (drums, vocals):
        assert np.sum(other[inner] ** 2) < 1e-6 * np.sum(tone[1] ** 2)


def test_median_masks_tell_strokes_from_tones_and_sum_to_one():
    """Clicks lie in the drums, a chord does not; every bin is given away exactly once."""
    clicks = np.zeros(2 * RATE_HZ, np.float32)
    clicks[RATE_HZ // 2 :: RATE_HZ // 2] = 1.0
    for sound, struck in ((clicks, True), (sine(2.0, RATE_HZ, 440), False)):
        stems = np.stack([sound, *np.zeros((3, len(sound)), np.float32)])
        spectrum = separation.spectrum_of(sound)
        masks = separation.median_masks(spectrum, Excerpt(stems, False))
        np.testing.assert_allclose(masks.sum(axis=0), 1, atol=1e-5)
        power = np.abs(spectrum) ** 2
        share = float((masks[0] * power).sum() / power.sum())
        assert share > 0.8 if struck else share < 0.2


@pytest.mark.parametrize("count", [1, 511, 4096, 10_000])
def test_a_transform_and_back_keeps_any_length(count):
    """Overlap-add of the untouched spectrum is the sound itself."""
    sound = np.random.default_rng(1).normal(0, 0.1, count).astype(np.float32)
    back = separation.sound_of(separation.spectrum_of(sound), count)
    np.testing.assert_allclose(back, sound, atol=1e-6)

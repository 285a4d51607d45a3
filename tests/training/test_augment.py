"""Degradations keep length and stay finite, whatever comes in."""

import numpy as np
import pytest

from streamseg.training import augment

COUNT = 44100


def noise(seed: int = 0) -> augment.Samples:
    """One second of noise at -20 dB."""
    return np.random.default_rng(seed).normal(0, 0.1, COUNT).astype(np.float32)


@pytest.mark.parametrize(
    "step",
    [
        augment.low_pass,
        augment.narrow_band,
        augment.colour,
        augment.resampled,
        augment.hum,
        augment.hiss,
        augment.clip,
        augment.compress,
        augment.codec,
    ],
)
@pytest.mark.parametrize("samples", [noise(), np.zeros(COUNT, np.float32)], ids=["noise", "zeros"])
def test_a_step_keeps_length_and_is_finite(step: object, samples: augment.Samples) -> None:
    """Every step gives as many finite float32 samples as it gets, also for digital silence."""
    for seed in range(3):
        result = step(np.random.default_rng(seed), samples)  # type: ignore[operator]
        assert result.shape == samples.shape
        assert np.isfinite(result).all()


@pytest.mark.parametrize("far", [False, True])
def test_a_room_keeps_length_and_level(far: bool) -> None:
    """An invented room has unit energy: steady noise stays within 3 dB."""
    for seed in range(4):
        result = augment.reverberate(np.random.default_rng(seed), noise(), [], far)
        assert len(result) == COUNT
        assert augment.rms(result) == pytest.approx(0.1, rel=0.41)


@pytest.mark.parametrize(
    ("name", "rate_hz", "kbits"),
    [("mp3", 44100, 48), ("opus", 48000, 64), ("opus_voice", 48000, 24), ("aac", 44100, 96)],
)
def test_a_codec_is_not_late(name: str, rate_hz: int, kbits: int) -> None:
    """A burst comes out of every codec where it went in, to 5 ms (a quarter of a label cell)."""
    samples = np.zeros(COUNT, np.float32)
    samples[20000:24000] = noise()[:4000] * np.hanning(4000)
    heard = augment.fixed_codec(samples, name, rate_hz, kbits)
    centre = np.sum(np.arange(COUNT) * heard**2) / np.sum(heard**2)
    assert centre == pytest.approx(22000, abs=220)


def test_degrading_is_seeded_and_bounded() -> None:
    """The same seed degrades alike; the result never leaves -1..1."""
    for seed in range(12):
        first, _ = augment.degrade(np.random.default_rng(seed), noise(), [])
        again, _ = augment.degrade(np.random.default_rng(seed), noise(), [])
        np.testing.assert_array_equal(first, again)
        assert np.abs(first).max() <= 1
        assert len(first) == COUNT

"""Test tones and mains hum."""

import numpy as np
import pytest

from streamseg.training import tones
from streamseg.training.data import RATE_HZ


@pytest.mark.parametrize("seed", range(10))
def test_a_line_up_tone_is_narrow(seed: int) -> None:
    """In any 0.1 s that sounds, a few bins hold nearly all power: it is a tone, whatever moves."""
    tone = tones.line_up(np.random.default_rng(seed), 4.0)
    assert tone.shape == (4 * RATE_HZ,)
    assert np.abs(tone).max() == pytest.approx(1.0)
    frames = tone.reshape(-1, 4410) * np.hanning(4410)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    loud = power.sum(axis=1) > 0.1 * power.sum(axis=1).max()
    strongest = np.sort(power[loud], axis=1)[:, -60:].sum(axis=1) / power[loud].sum(axis=1)
    assert np.median(strongest) > 0.9


@pytest.mark.parametrize("seed", range(10))
def test_hum_lies_on_multiples_of_the_mains(seed: int) -> None:
    """What is not near a multiple of 50 or 60 Hz is at least 30 dB under what is."""
    hum = tones.mains(np.random.default_rng(seed), 4 * RATE_HZ)
    power = np.abs(np.fft.rfft(hum * np.hanning(len(hum)))) ** 2
    hz = np.fft.rfftfreq(len(hum), 1 / RATE_HZ)
    shares = []
    for base_hz in (50.0, 60.0):
        nearest = np.maximum(np.round(hz / base_hz), 1)
        close = np.abs(hz - nearest * base_hz) < 0.004 * nearest * base_hz + 2
        shares.append(power[close & (hz < 2500)].sum() / power[hz < 2500].sum())
    assert max(shares) > 0.999

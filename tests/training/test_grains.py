"""A voice made of its own periods: pitch, pace and resonances go where they are sent."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from numpy.typing import NDArray

from streamseg.training import grains

RATE_HZ = 22050
FRAME_S = 0.005


def vowel(hz: float, formant_hz: float, seconds: float) -> NDArray[np.float32]:
    """Pulses through one resonance."""
    pulses = np.zeros(int(seconds * RATE_HZ))
    pulses[(np.arange(0, seconds * hz) / hz * RATE_HZ).astype(int)] = 1.0
    b, a = scipy.signal.iirpeak(formant_hz, 8, fs=RATE_HZ)
    return np.asarray(scipy.signal.lfilter(b, a, pulses), np.float32)


def pitch_hz(samples: NDArray[np.float32]) -> float:
    """By autocorrelation."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    likeness = scipy.signal.correlate(middle, middle, "full")[len(middle) - 1 :]
    low, high = int(RATE_HZ / 400), int(RATE_HZ / 70)
    return RATE_HZ / float(low + np.argmax(likeness[low:high]))


def strongest_hz(samples: NDArray[np.float32]) -> float:
    """Centre of the spectrum's strongest 200 Hz."""
    hz, power = scipy.signal.welch(samples, RATE_HZ, nperseg=4096)
    near = np.convolve(power, np.ones(37), "same")
    return float(hz[np.argmax(near)])


def spoken(hz: float, formant_hz: float) -> grains.Marked:
    """A second of such a vowel with its marks."""
    samples = vowel(hz, formant_hz, 1.0)
    return grains.marked(samples, RATE_HZ, np.full(200, hz), FRAME_S)


@pytest.mark.parametrize("hz", [90.0, 150.0, 240.0])
def test_the_pitch_is_the_one_asked_for_and_the_resonance_stays(hz: float) -> None:
    """Slower and at another pitch, a vowel keeps its colour."""
    voice = spoken(130.0, 1500.0)
    frames = 300
    at_s = np.linspace(0.1, 0.9, frames)
    made = grains.resynthesised(
        voice, at_s, np.full(frames, hz), np.ones(frames), FRAME_S, 1.0, np.random.default_rng(0)
    )
    assert len(made) == int(frames * FRAME_S * RATE_HZ)
    assert pitch_hz(made) == pytest.approx(hz, rel=0.02)
    assert strongest_hz(made) == pytest.approx(1500.0, rel=0.12)


def test_resonances_move_by_their_ratio() -> None:
    """A smaller throat: the resonance goes up, the pitch is not asked."""
    voice = spoken(130.0, 1500.0)
    frames = 200
    made = grains.resynthesised(
        voice,
        np.linspace(0.1, 0.9, frames),
        np.full(frames, 130.0),
        np.ones(frames),
        FRAME_S,
        1.3,
        np.random.default_rng(0),
    )
    assert strongest_hz(made) == pytest.approx(1950.0, rel=0.1)


def test_without_gain_there_is_silence_and_the_seed_decides_the_rest() -> None:
    """No grain where the gain is 0; repeated grains are drawn by chance."""
    voice = spoken(130.0, 1500.0)
    gain = np.ones(200)
    gain[80:120] = 0.0
    made = [
        grains.resynthesised(
            voice,
            np.full(200, 0.5),
            np.full(200, 110.0),
            gain,
            FRAME_S,
            1.0,
            np.random.default_rng(seed),
        )
        for seed in (1, 1, 2)
    ]
    quiet = made[0][int(0.43 * RATE_HZ) : int(0.57 * RATE_HZ)]
    assert not quiet.any()
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])

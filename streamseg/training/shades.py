"""Music darkened, thinned, washed out or blown over with noise, as electronic music often is.

Still music: what is heard has the pitches and the pulse of the piece. Every function keeps the
length of its input, mono float32 at 44.1 kHz.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.signal
from numpy.random import Generator

from streamseg.training import augment, effects, synthetic
from streamseg.training.augment import Samples
from streamseg.training.data import RATE_HZ


def dark(random: Generator, samples: Samples) -> Samples:
    """Only what lies under 150 to 1500 Hz."""
    cutoff_hz = float(np.exp(random.uniform(np.log(150), np.log(1500))))
    sos = scipy.signal.butter(int(random.integers(1, 5)), cutoff_hz, fs=RATE_HZ, output="sos")
    return np.asarray(scipy.signal.sosfilt(sos, samples), np.float32)


def thin(random: Generator, samples: Samples) -> Samples:
    """Only what lies over 250 to 2000 Hz."""
    cutoff_hz = float(np.exp(random.uniform(np.log(250), np.log(2000))))
    order = int(random.integers(1, 4))
    sos = scipy.signal.butter(order, cutoff_hz, "high", fs=RATE_HZ, output="sos")
    return np.asarray(scipy.signal.sosfilt(sos, samples), np.float32)


def tilted(random: Generator, samples: Samples) -> Samples:
    """A steep equaliser."""
    return augment.colour(random, samples, 15.0)


def washed(random: Generator, samples: Samples) -> Samples:
    """Mostly a long echo of itself."""
    wash = augment.far_room(random)
    return augment.fit_length(scipy.signal.oaconvolve(samples, wash), len(samples))


def _pulse(random: Generator, samples: Samples) -> Samples:
    """The loudness of the music itself in blocks of 20 ms, smoothed, (n,), at most 1."""
    block = 882
    padded = np.pad(samples, (0, -len(samples) % block)).reshape(-1, block)
    loud = np.sqrt((padded**2).mean(axis=1))
    keep = float(random.uniform(0.3, 0.9))
    smooth = scipy.signal.lfilter([1 - keep], [1, -keep], loud)
    smooth = smooth / max(float(smooth.max()), 1e-9)
    at = np.arange(len(smooth)) * block
    return np.interp(np.arange(len(samples)), at, smooth).astype(np.float32)


def blown(random: Generator, samples: Samples) -> Samples:
    """Over a bed of filtered noise that moves with the music or against it, 3 to 16 dB under."""
    seconds = len(samples) / RATE_HZ + 0.1
    bed = effects.moving_filter(random, synthetic.steady(random, seconds)[: len(samples)])
    if random.random() < 0.7:
        pulse = _pulse(random, samples)
        bed = bed * (pulse if random.random() < 0.5 else 1 - np.float32(0.9) * pulse)
    level = augment.rms(samples) * 10 ** (-float(random.uniform(3, 16)) / 20)
    return samples + bed * np.float32(level / augment.rms(np.asarray(bed, np.float32)))


def rising(random: Generator, samples: Samples) -> Samples:
    """A riser: noise that grows and opens over 3 to 10 s, up to 14 to 3 dB under."""
    count = min(len(samples), int(float(random.uniform(3, 10)) * RATE_HZ))
    start = int(random.integers(0, len(samples) - count + 1))
    share = np.linspace(0, 1, count)
    noise = random.standard_normal(count).astype(np.float32)
    low = dark(random, noise)
    swept = (1 - share) * low / augment.rms(low) + share * noise
    peak = augment.rms(samples) * 10 ** (float(random.uniform(-14, -3)) / 20)
    result = samples.copy()
    result[start : start + count] += (peak * share**2 * swept).astype(np.float32)
    return result


SHADES: tuple[tuple[Callable[[Generator, Samples], Samples], float], ...] = (
    (dark, 0.24),
    (thin, 0.08),
    (tilted, 0.2),
    (washed, 0.18),
    (blown, 0.2),
    (rising, 0.1),
)


def shaded(random: Generator, samples: Samples) -> Samples:
    """One shade or two."""
    shares = np.array([share for _, share in SHADES])
    count = 1 if random.random() < 0.7 else 2
    for index in random.choice(len(SHADES), count, replace=False, p=shares / shares.sum()):
        samples = SHADES[index][0](random, samples)
    return samples

"""Where field recordings are made, and on what: places outdoors, phones, cassettes.

A place or a recorder befalls a whole programme, or a layer of any class, so neither gives a class
away. Every function keeps the length of its input, mono float32 at 44.1 kHz.
"""

from __future__ import annotations

import numpy as np
import scipy.signal
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training import augment, synthetic
from streamseg.training.augment import Samples
from streamseg.training.data import RATE_HZ


def _swell(random: Generator, count: int, per_s: float, depth_db: float) -> NDArray[np.floating]:
    """A gain that wanders between 0 and ``-depth_db``, with ``per_s`` turns a second."""
    knots = max(4, int(count / RATE_HZ * per_s) + 4)
    values_db = -depth_db * random.random(knots)
    return 10 ** (np.interp(np.linspace(0, knots - 1, count), np.arange(knots), values_db) / 20)


def _band(samples: Samples, low_hz: float, high_hz: float, order: int = 2) -> NDArray[np.floating]:
    sos = scipy.signal.butter(
        order, (low_hz, min(high_hz, 20000.0)), "band", fs=RATE_HZ, output="sos"
    )
    return np.asarray(scipy.signal.sosfilt(sos, samples))


def wind(random: Generator, count: int) -> NDArray[np.floating]:
    """Gusts at the microphone: below some hundred hertz."""
    noise = synthetic.coloured(random, count, float(random.uniform(1.2, 2.2)))
    low = _band(noise, 15.0, float(random.uniform(150, 900)), 1)
    return low * _swell(random, count, float(random.uniform(0.3, 2)), 20.0)


def traffic(random: Generator, count: int) -> NDArray[np.floating]:
    """A road some way off, with cars that pass."""
    noise = synthetic.coloured(random, count, float(random.uniform(0.8, 1.8)))
    return np.asarray(noise * _swell(random, count, float(random.uniform(0.1, 0.4)), 14.0))


def insects(random: Generator, count: int) -> NDArray[np.floating]:
    """Crickets and cicadas: narrow bands between 2.5 and 9 kHz that pulse."""
    time_s = np.arange(count) / RATE_HZ
    total: NDArray[np.floating] = np.zeros(count)
    for _ in range(int(random.integers(1, 4))):
        hz = float(random.uniform(2500, 9000))
        width = hz * float(random.uniform(0.02, 0.2))
        one = _band(random.standard_normal(count).astype(np.float32), hz - width, hz + width)
        rate_hz = float(np.exp(random.uniform(np.log(1.5), np.log(70))))
        pulse = np.clip(np.sin(2 * np.pi * rate_hz * time_s + random.random()) + 0.3, 0, 1)
        keep = float(random.uniform(0, 0.7))
        total = total + one / (one.std() + 1e-9) * (keep + (1 - keep) * pulse)
    return total


def water(random: Generator, count: int) -> NDArray[np.floating]:
    """A brook, leaves, distant rain: pale noise."""
    noise = synthetic.coloured(random, count, float(random.uniform(0, 1)))
    high = _band(noise, float(random.uniform(250, 1500)), float(random.uniform(4000, 15000)), 1)
    return high * _swell(random, count, float(random.uniform(0.5, 4)), 5.0)


_PLACES = (wind, traffic, insects, water)


def place(random: Generator, count: int) -> Samples:
    """What one or two things outdoors sound of, (count,) with a root mean square of 1."""
    total: NDArray[np.floating] = np.zeros(count)
    for index in random.permutation(len(_PLACES))[: int(random.integers(1, 3))]:
        one = _PLACES[index](random, count)
        total = total + one / (one.std() + 1e-9) * float(random.uniform(0.3, 1))
    samples = np.asarray(total, np.float32)
    return samples / np.float32(augment.rms(samples))


def outdoors(random: Generator, samples: Samples, under_db: float) -> Samples:
    """A sound in the open, its place ``under_db`` under it: no room, a wall or two at most."""
    far = samples.copy()
    for _ in range(int(random.integers(0, 4))):
        late = int(float(random.uniform(0.015, 0.25)) * RATE_HZ)
        gain = 10 ** (-float(random.uniform(10, 26)) / 20)
        if late < len(samples):
            far[late:] += np.float32(gain) * samples[: len(samples) - late]
    if random.random() < 0.5:  # air
        sos = scipy.signal.butter(1, float(random.uniform(2500, 9000)), fs=RATE_HZ, output="sos")
        far = np.asarray(scipy.signal.sosfilt(sos, far), np.float32)
    level = augment.rms(far) * 10 ** (-under_db / 20)
    return far + place(random, len(far)) * np.float32(level)


def _wandering(random: Generator, samples: Samples) -> Samples:
    """Wow and flutter of a cassette: 0.1 to 1 % of the pace."""
    time = np.arange(len(samples), dtype=np.float64)
    late: NDArray[np.floating] = np.zeros(len(samples))
    for rate_hz in (float(random.uniform(0.4, 1.5)), float(random.uniform(4, 10))):
        share = float(np.exp(random.uniform(np.log(0.001), np.log(0.006))))
        depth = share * RATE_HZ / (2 * np.pi * rate_hz)
        late = late + depth * np.sin(2 * np.pi * rate_hz / RATE_HZ * time + random.random() * 6.28)
    return np.asarray(np.interp(time + late, time, samples), np.float32)


def taken(random: Generator, samples: Samples) -> Samples:
    """A programme as a phone or a tape recorder takes it: its band, its gain control, its hiss.

    The hiss lies 22 to 48 dB under the programme.
    """
    tape = random.random() < 0.5
    low_hz = float(random.uniform(40, 130) if tape else random.uniform(80, 350))
    high_hz = float(random.uniform(4500, 13000) if tape else random.uniform(3400, 12000))
    heard = np.asarray(_band(samples, low_hz, high_hz, int(random.integers(1, 4))), np.float32)
    if tape:
        heard = _wandering(random, heard)
    if random.random() < 0.6:
        heard = augment.compress(random, heard)
    if random.random() < 0.35:
        limit = np.float32(augment.rms(heard) * float(random.uniform(1.5, 6)))
        heard = np.asarray(np.tanh(heard / limit) * limit, np.float32)
    hiss = synthetic.coloured(random, len(heard), float(random.uniform(-0.4, 1.2)))
    under = 10 ** (-float(random.uniform(22, 48)) / 20)
    return heard + hiss * np.float32(under * augment.rms(heard) / augment.rms(hiss))

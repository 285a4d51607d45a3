"""Tones that no musician plays: line-up tones, sweeps, and mains hum in all its forms.

The policy that training follows. A steady test tone as loud as programme is *noise*: it is neither
music nor speech, and an engineer must see that it stayed on air. Mains hum that lies 8 dB or more
under the programme is *nothing*, also in a pause, where it may be all there is. Sustained notes of
an instrument or synthesiser that change are *music* (``electronic``, ``melodies``).
"""

from __future__ import annotations

import numpy as np
import scipy.signal
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training.augment import Samples
from streamseg.training.data import RATE_HZ

# Line-up tones in use: EBU R 68 and R 49 (1 kHz), 400, 440 and 900 Hz, 997 Hz in digital plants.
_LINE_UP_HZ = (1000.0, 1000.0, 1000.0, 997.0, 440.0, 440.0, 400.0, 900.0, 800.0, 3150.0, 10000.0)


def line_up(random: Generator, seconds: float) -> Samples:
    """A test tone: steady, broken as EBU and GLITS break it, two at once, stepped or swept."""
    count = int(seconds * RATE_HZ)
    time_s = np.arange(count) / RATE_HZ
    known = random.random() < 0.6
    hz = float(
        random.choice(_LINE_UP_HZ) if known else np.exp(random.uniform(np.log(40), np.log(12000)))
    )
    manner = random.choice(
        ["steady", "broken", "pair", "steps", "sweep"], p=[0.58, 0.14, 0.08, 0.1, 0.1]
    )
    track: NDArray[np.floating] = np.full(count, hz)
    if manner == "steps":  # a frequency response, taken third by third
        step_s = float(random.uniform(0.6, 5))
        track = 40.0 * 2 ** ((time_s // step_s + random.integers(0, 20)) % 25 / 3)
    elif manner == "sweep":
        period_s = float(random.uniform(4, 30))
        track = 30 * 500 ** ((time_s / period_s + float(random.random())) % 1)
    tone = np.sin(2 * np.pi * np.cumsum(track) / RATE_HZ)
    if manner == "pair":
        tone = tone + np.sin(2 * np.pi * hz * float(random.uniform(1.01, 8)) * time_s)
    if manner == "broken":
        period_s, gap_s = float(random.uniform(2, 4)), float(random.uniform(0.2, 0.6))
        tone = tone * ((time_s + float(random.uniform(0, period_s))) % period_s > gap_s)
    if random.random() < 0.3:  # harmonics of a poor generator
        tone = np.tanh(float(random.uniform(0.5, 3)) * tone)
    floor = 10 ** -float(random.uniform(2, 4.5))
    tone = tone + floor * random.standard_normal(count)
    return np.asarray(tone / np.abs(tone).max(), np.float32)


def mains(random: Generator, count: int) -> Samples:
    """Hum as mains make it, with a peak of 1: soft, odd harmonics, a rectifier's or dimmer's buzz.

    Its pitch is steady to a few parts in a thousand, its level to a decibel.
    """
    time_s = np.arange(count) / RATE_HZ
    base_hz = float(random.choice([50.0, 60.0])) * float(random.uniform(0.997, 1.003))
    manner = random.choice(["soft", "odd", "buzz", "double"], p=[0.3, 0.25, 0.3, 0.15])
    if manner == "buzz":
        width = float(random.uniform(0.02, 0.3))
        phase = (base_hz * float(random.choice([1, 2])) * time_s) % 1
        total: NDArray[np.floating] = np.where(phase < width, 1.0, 0.0) - width
        cutoff_hz = float(np.exp(random.uniform(np.log(600), np.log(9000))))
        total = scipy.signal.sosfilt(
            scipy.signal.butter(1, cutoff_hz, fs=RATE_HZ, output="sos"), total
        )
    else:
        total = np.zeros(count)
        step = {"soft": 1, "odd": 2, "double": 1}[str(manner)]
        first = 2 if manner == "double" else 1
        fall = float(random.uniform(0.3, 2.5))
        for harmonic in range(first, int(random.integers(first + 1, 16)), step):
            gain = float(random.uniform(0.2, 1)) * harmonic**-fall
            shift = float(random.uniform(0, 6.28))
            total += gain * np.sin(2 * np.pi * base_hz * harmonic * time_s + shift)
    breath = 1 + 0.1 * float(random.random()) * np.sin(2 * np.pi * 0.3 * time_s)
    total = total * breath
    return np.asarray(total / max(float(np.abs(total).max()), 1e-9), np.float32)

"""What mains, rectifiers, dimmers, railways and switching supplies add to a line, in many forms.

``tones.mains`` and ``augment.hum`` have two or three forms each; these are wider, and they last
through a whole programme. What they are to be called is said in ``tones``: nothing, from 8 dB
under the programme on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.signal
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training import augment
from streamseg.training.augment import Samples
from streamseg.training.data import RATE_HZ

_BASES_HZ, _BASE_SHARES = (50.0, 60.0, 50 / 3), (0.6, 0.33, 0.07)  # the last: railways
Wave = NDArray[np.floating]


def _harmonics(
    random: Generator, phase: Wave, base_hz: float, step: int, highest_hz: float
) -> Wave:
    """Harmonics that fall off with a slope of their own, each by chance some decibels off."""
    total: Wave = np.zeros(len(phase))
    fall = float(random.uniform(0.2, 2.2))
    for number in range(1, max(2, int(highest_hz / base_hz)), step):
        gain = number**-fall * 10 ** (float(random.normal(0, 6)) / 20)
        if gain > 1e-3:
            total = total + gain * np.sin(number * phase + float(random.uniform(0, 6.28)))
    return total


def soft(random: Generator, phase: Wave, base_hz: float) -> Wave:
    """A ground loop: the mains and a few harmonics."""
    return _harmonics(random, phase, base_hz, int(random.choice([1, 2])), base_hz * 7)


def rich(random: Generator, phase: Wave, base_hz: float) -> Wave:
    """Harmonics up to some kHz, of the mains or of twice the mains (transformers)."""
    highest_hz = float(np.exp(random.uniform(np.log(600), np.log(5000))))
    times = int(random.choice([1, 2]))
    return _harmonics(random, times * phase, times * base_hz, 1, highest_hz)


def rectifier(random: Generator, phase: Wave, base_hz: float) -> Wave:
    """Pulses at the crests that charge a capacitor, twice a period, in a band of the line."""
    narrow = float(np.exp(random.uniform(np.log(8), np.log(600))))
    pulses = np.exp(-narrow * (1 - np.abs(np.sin(phase))))
    if random.random() < 0.4:  # one half wave is stronger
        pulses = pulses * (1 + float(random.uniform(0.1, 0.9)) * np.sign(np.sin(phase)))
    return np.asarray(pulses - pulses.mean())


def dimmer(random: Generator, phase: Wave, base_hz: float) -> Wave:
    """A mains wave cut at a phase: its edges are heard, twice a period."""
    angle = float(random.uniform(0.15, 0.85)) * np.pi
    cut: Wave = np.where((phase % np.pi) < angle, 0.0, np.sin(phase))
    edges_hz = float(np.exp(random.uniform(np.log(150), np.log(1500))))
    sos = scipy.signal.butter(1, edges_hz, "high", fs=RATE_HZ, output="sos")
    return np.asarray(scipy.signal.sosfilt(sos, cut))


def supply(random: Generator, phase: Wave, base_hz: float) -> Wave:
    """A switching supply: one to five whistles, steady or with the mains on them."""
    total: Wave = np.zeros(len(phase))
    time = phase / (2 * np.pi * base_hz)
    first_hz = float(np.exp(random.uniform(np.log(900), np.log(9000))))
    for number in range(1, int(random.integers(2, 7))):
        hz = first_hz * number
        if hz < 18000:
            gain = float(random.uniform(0.2, 1)) / number
            total = total + gain * np.sin(2 * np.pi * hz * time + float(random.uniform(0, 6.28)))
    depth = float(random.uniform(0, 1))
    carried = total * (1 + depth * np.sin(2 * phase))
    return carried + float(random.uniform(0, 1.5)) * soft(random, phase, base_hz)


FORMS: dict[str, tuple[Callable[[Generator, Wave, float], Wave], float]] = {
    "soft": (soft, 0.26),
    "rich": (rich, 0.26),
    "rectifier": (rectifier, 0.2),
    "dimmer": (dimmer, 0.16),
    "supply": (supply, 0.12),
}


def hum(random: Generator, count: int, form: str = "") -> Samples:
    """Hum of one form, (count,) float32 with a root mean square of 1.

    Its pitch is steady to a part in a thousand; its level breathes by a decibel, at times by three.
    """
    shares = [share for _, share in FORMS.values()]
    form = form or str(random.choice(list(FORMS), p=shares))
    base_hz = float(random.choice(_BASES_HZ, p=_BASE_SHARES)) * float(random.uniform(0.998, 1.002))
    time_s = np.arange(count) / RATE_HZ
    phase = 2 * np.pi * base_hz * time_s
    total = FORMS[form][0](random, phase, base_hz)
    if random.random() < 0.5:  # what the line lets through
        low_hz = float(np.exp(random.uniform(np.log(400), np.log(9000))))
        sos = scipy.signal.butter(1, low_hz, fs=RATE_HZ, output="sos")
        total = scipy.signal.sosfilt(sos, total)
    depth = float(random.uniform(0, 0.1) if random.random() < 0.7 else random.uniform(0.1, 0.3))
    rate_hz = float(random.uniform(0.05, 1.2))
    total = total * (1 + depth * np.sin(2 * np.pi * rate_hz * time_s + random.random() * 6.28))
    samples = np.asarray(total, np.float32)
    return samples / np.float32(augment.rms(samples))


def under(random: Generator, programme: Samples, under_db: float) -> Samples:
    """A programme with hum through all of it, ``under_db`` under its root mean square."""
    level = augment.rms(programme) * 10 ** (-under_db / 20)
    return programme + hum(random, len(programme)) * np.float32(level)

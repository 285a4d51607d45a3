"""What studios do to music: amplifiers, echoes, choruses, filters that move, old media.

The soundfont and plain waves are clean and dry; records are not. Every function keeps the length
of its input, mono float32 at 44.1 kHz with a peak near 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.signal
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training import augment, synthetic
from streamseg.training.augment import Samples
from streamseg.training.data import RATE_HZ

Effect = Callable[[Generator, Samples], Samples]


def _mixed(dry: Samples, wet: NDArray[np.floating], share: float) -> Samples:
    scaled = wet * (augment.rms(dry) / augment.rms(np.asarray(wet, np.float32)))
    return np.asarray((1 - share) * dry + share * scaled, np.float32)


def amplifier(random: Generator, samples: Samples) -> Samples:
    """Overdrive to fuzz, asymmetric, then a loudspeaker that ends at 4 to 7 kHz."""
    drive = float(np.exp(random.uniform(np.log(2), np.log(60))))
    loud = samples / max(float(np.abs(samples).max()), 1e-6)
    bent = np.tanh(drive * loud + float(random.uniform(0, 0.4)))
    edges = (float(random.uniform(60, 130)), float(random.uniform(4000, 7000)))
    sos = scipy.signal.butter(2, edges, "band", fs=RATE_HZ, output="sos")
    return np.asarray(scipy.signal.sosfilt(sos, bent), np.float32)


def echo(random: Generator, samples: Samples) -> Samples:
    """Repeats that fade, as of tape."""
    delay = int(float(random.uniform(0.09, 0.6)) * RATE_HZ)
    keep, share = float(random.uniform(0.2, 0.65)), float(random.uniform(0.2, 0.6))
    taps = np.zeros(delay * 6 + 1)
    taps[::delay] = keep ** np.arange(7)
    taps[0] = 0
    return samples + np.float32(share) * augment.fit_length(
        scipy.signal.oaconvolve(samples, taps), len(samples)
    )


def chorus(random: Generator, samples: Samples) -> Samples:
    """One to three copies with a wandering delay: chorus, flanger, wow."""
    time = np.arange(len(samples))
    total = np.zeros(len(samples))
    for _ in range(int(random.integers(1, 4))):
        rate_hz = float(np.exp(random.uniform(np.log(0.1), np.log(6))))
        depth = float(random.uniform(0.2, 4)) * RATE_HZ / 1000 / max(1.0, rate_hz)
        delay = depth + float(random.uniform(0.5, 18)) * RATE_HZ / 1000
        phase = 2 * np.pi * rate_hz * time / RATE_HZ + float(random.uniform(0, 6.28))
        total += np.interp(time - delay - depth * np.sin(phase), time, samples)
    return _mixed(samples, total, float(random.uniform(0.3, 0.7)))


def tremolo(random: Generator, samples: Samples) -> Samples:
    """Loudness in waves or gated in steps."""
    rate_hz = float(random.uniform(2, 11))
    phase = 2 * np.pi * rate_hz * np.arange(len(samples)) / RATE_HZ
    wave = np.sin(phase) if random.random() < 0.6 else np.tanh(8 * np.sin(phase))
    depth = float(random.uniform(0.2, 0.95))
    return np.asarray(samples * (1 - depth * (0.5 + 0.5 * wave)), np.float32)


def moving_filter(random: Generator, samples: Samples) -> Samples:
    """A resonant band or low-pass that opens and closes, in blocks of 20 ms that overlap."""
    block = 882
    count = len(samples) // block + 2
    rate_hz = float(np.exp(random.uniform(np.log(0.05), np.log(3))))
    track = np.sin(2 * np.pi * rate_hz * 0.02 * np.arange(count) + float(random.uniform(0, 6.28)))
    low, high = np.sort(np.exp(random.uniform(np.log(150), np.log(9000), 2)))
    centres_hz = low * (high / low + 0.1) ** (0.5 + 0.5 * track)
    padded = np.pad(samples, (block, 2 * block))
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * block)[::block][:count]
    spectra = np.fft.rfft(frames * np.hanning(2 * block + 1)[:-1], axis=1)
    hz = np.fft.rfftfreq(2 * block, 1 / RATE_HZ)
    ratio = hz[None] / np.minimum(centres_hz, 20000)[:, None]
    gain = 1 / np.sqrt(1 + ratio ** float(random.choice([4, 8])))
    gain += float(random.uniform(0, 2)) * np.exp(-((ratio - 1) ** 2) / 0.02)
    shaped = np.fft.irfft(spectra * gain, axis=1)
    result = np.zeros(len(padded) + 2 * block)
    for parity in (0, 1):
        part = shaped[parity::2].ravel()
        result[parity * block : parity * block + len(part)] += part
    return np.asarray(result[block : block + len(samples)], np.float32)


def old_medium(random: Generator, samples: Samples) -> Samples:
    """Wow and flutter, a narrow band, crackle and hiss 20 to 45 dB under; or few bits."""
    if random.random() < 0.4:
        steps = 2.0 ** float(random.uniform(3, 8))
        held = samples[:: int(random.integers(1, 5))]
        coarse = np.round(held / max(float(np.abs(held).max()), 1e-6) * steps) / steps
        return np.asarray(
            np.repeat(coarse, len(samples) // len(held) + 1)[: len(samples)], np.float32
        )
    time = np.arange(len(samples))
    wow = sum(
        float(random.uniform(0, 40 / hz)) * np.sin(2 * np.pi * hz * time / RATE_HZ)
        for hz in (0.55, float(random.uniform(1, 3)), float(random.uniform(5, 9)))
    )
    played = augment.low_pass(random, np.interp(time + wow, time, samples).astype(np.float32))
    dust = synthetic.crackle(random, len(samples) / RATE_HZ + 0.1)[: len(samples)]
    under = 10 ** (-float(random.uniform(20, 45)) / 20)
    return _mixed(played, dust, 0.0) + np.float32(under * augment.rms(played)) * (
        dust / np.float32(augment.rms(dust))
    )


def hall(random: Generator, samples: Samples) -> Samples:
    """A room of its own, often a large one."""
    return augment.reverberate(random, samples, [], far=random.random() < 0.5)


EFFECTS: tuple[Effect, ...] = (
    amplifier,
    echo,
    chorus,
    tremolo,
    moving_filter,
    old_medium,
    hall,
    augment.compress,
    augment.colour,
)
_WEIGHTS = np.array([0.14, 0.12, 0.14, 0.07, 0.1, 0.09, 0.16, 0.1, 0.08])


def produced(random: Generator, samples: Samples) -> Samples:
    """None to three effects, each once, in any order."""
    count = int(random.choice(4, p=[0.25, 0.35, 0.25, 0.15]))
    for index in random.choice(len(EFFECTS), count, replace=False, p=_WEIGHTS / _WEIGHTS.sum()):
        samples = EFFECTS[index](random, samples)
        samples = samples / np.float32(max(float(np.abs(samples).max()), 1e-6))
    return samples

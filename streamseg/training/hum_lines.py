"""Hum added to the features of ``activity`` instead of to samples: any shard can hum, at no cost.

Powers of two sounds add up in a band but for what their phases do to each other, which has a mean
of zero. On programmes with hum 3 to 20 dB under them the sum of powers differs from the features of
the sum by 0.3 dB on average (``tests/training/test_hum_lines.py`` has the bound).
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.frontend.mel import hz_to_mel, mel_to_hz
from streamseg.training import fronts, hums
from streamseg.training.data import RATE_HZ

SECONDS = 8.0
_SPEC = fronts.ACTIVITY
# Mean of the power of a line of a Hann window, over the mean square of the samples.
_GAIN = _SPEC.n_fft / 2 * 0.375 * _SPEC.n_fft
# What phases do, as a share of twice the geometric mean of both powers: few bins lie in a low band.
_PHASES = (0.42, 0.12)


def bank(seed: int, count: int) -> NDArray[np.float16]:
    """Features of hums with a root mean square of 1, (count, frames, bands) float16.

    Switching supplies are left out: nothing tells their whistles from a test tone.
    """
    shares = {form: share for form, (_, share) in hums.FORMS.items() if form != "supply"}
    chances = np.array(list(shares.values())) / sum(shares.values())
    made = []
    for index in range(count):
        random = np.random.default_rng([seed, 6, index])
        form = str(random.choice(list(shares), p=chances))
        hum = hums.hum(random, int(SECONDS * RATE_HZ), form)
        made.append(fronts.features(_SPEC, hum).astype(np.float16))
    return np.stack(made)


def level_db(features: NDArray[np.floating]) -> float:
    """Root mean square of samples from their features, (frames, bands), in dB; 40 Hz to 8 kHz."""
    low, high = (float(hz_to_mel(hz)) for hz in (_SPEC.fmin_hz, _SPEC.fmax_hz))
    edges_hz = mel_to_hz(np.linspace(low, high, _SPEC.n_mels + 2))
    power = 10 ** (np.asarray(features, np.float64) / 10) @ ((edges_hz[2:] - edges_hz[:-2]) / 2)
    return float(10 * np.log10(power.mean() / _GAIN))


def added(
    random: Generator,
    features: NDArray[np.float32],
    hum: NDArray[np.floating],
    under_db: float,
) -> NDArray[np.float32]:
    """Features, (frames, bands), with hum of ``bank``, (frames, bands), so far under their level.

    The hum begins anywhere and goes back and forth, so that it has no seam.
    """
    count = 2 * len(hum) - 2
    turns = (np.arange(len(features)) + int(random.integers(count))) % count
    line = hum[np.minimum(turns, count - turns)].astype(np.float64)
    line = 10 ** ((line + level_db(features) - under_db) / 10)
    power = 10 ** (features.astype(np.float64) / 10)
    spread = np.linspace(_PHASES[0], _PHASES[1], features.shape[1])
    chance = random.standard_normal((len(features), features.shape[1] + 1))
    phases = np.clip((chance[:, 1:] + chance[:, :-1]) / np.sqrt(2) * spread, -0.9, 0.9)
    total = power + line + 2 * phases * np.sqrt(power * line)
    return np.asarray(np.maximum(10 * np.log10(total), _SPEC.floor_db), np.float32)

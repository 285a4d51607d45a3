"""Ten ways in which a programme reaches a listener: one fixed degradation each.

Validation programmes and the robustness matrix of ``streamseg.evaluation`` go through these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import scipy.signal
from numpy.random import Generator

from streamseg.training import augment
from streamseg.training.augment import Samples
from streamseg.training.data import RATE_HZ

Condition = Callable[[Generator, Samples], Samples]


def _butter(
    samples: Samples, edges: float | tuple[float, float], kind: Literal["low", "band"]
) -> Samples:
    sos = scipy.signal.butter(6, edges, kind, fs=RATE_HZ, output="sos")
    return np.asarray(scipy.signal.sosfilt(sos, samples), np.float32)


def _codec(name: str, rate_hz: int, kbits: int) -> Condition:
    def apply(_: Generator, samples: Samples) -> Samples:
        return augment.fixed_codec(samples, name, rate_hz, kbits)

    return apply


CONDITIONS: dict[str, Condition] = {
    "clean": lambda random, x: x,
    "low_pass_8k": lambda random, x: _butter(x, 8000.0, "low"),
    "medium_wave": lambda random, x: _butter(x, (300.0, 4000.0), "band"),
    "mp3_48k": _codec("mp3", 44100, 48),
    "opus_voice_24k": _codec("opus_voice", 48000, 24),
    "room": lambda random, x: augment.reverberate(random, x, [], far=False),
    "quiet_25db": lambda random, x: x * np.float32(10 ** (-25 / 20)),
    "hum": augment.hum,
    "clipped": augment.clip,
    "tilt": lambda random, x: augment.colour(random, x, 10.0),
}

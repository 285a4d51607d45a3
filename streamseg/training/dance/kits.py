"""Drum kits: every hit of a piece's drums, made anew for each piece.

The ranges of the styles overlap on purpose: no sound belongs to one genre alone.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import scipy.signal
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training.augment import Samples, invented_room
from streamseg.training.data import RATE_HZ

Style = Literal["machine", "deep", "hard", "sampled"]
"""A drum machine; soft and low; overdriven; drums of a room, from a record."""
Kit = dict[str, Samples]
_KICK_DECAY_S = {
    "machine": (0.1, 0.35), "deep": (0.15, 0.5), "hard": (0.12, 0.4), "sampled": (0.05, 0.16)
}  # fmt: skip
_KICK_DRIVE = {"machine": (0.6, 3), "deep": (0.4, 1.5), "hard": (2, 10), "sampled": (0.5, 3)}


def _time_s(seconds: float) -> NDArray[np.float64]:
    return np.arange(int(seconds * RATE_HZ)) / RATE_HZ


def _uniform(random: Generator, edges: tuple[float, float]) -> float:
    return float(np.exp(random.uniform(np.log(edges[0]), np.log(edges[1]))))


def _band(samples: NDArray[np.floating], low_hz: float, high_hz: float) -> NDArray[np.floating]:
    edges = (low_hz, min(high_hz, 20000.0))
    sos = scipy.signal.butter(2, edges, "band", fs=RATE_HZ, output="sos")
    return np.asarray(scipy.signal.sosfilt(sos, samples))


def kick(random: Generator, style: Style) -> NDArray[np.floating]:
    """A sine that falls in pitch, a click, overdrive."""
    decay_s = _uniform(random, _KICK_DECAY_S[style])
    time_s = _time_s(min(5 * decay_s, 1.2))
    end_hz, height = float(random.uniform(38, 62)), float(random.uniform(1, 8))
    fall = np.exp(-time_s / _uniform(random, (0.008, 0.05)))
    body = np.sin(2 * np.pi * np.cumsum(end_hz * (1 + height * fall)) / RATE_HZ)
    click = random.standard_normal(len(time_s)) * np.exp(-time_s / 0.004)
    hit = body * np.exp(-time_s / decay_s) + float(random.uniform(0, 0.4)) * click
    return np.tanh(_uniform(random, _KICK_DRIVE[style]) * hit)


def snare(random: Generator, style: Style) -> NDArray[np.floating]:
    """A tone or two and a burst of noise."""
    time_s = _time_s(0.6)
    decay_s = _uniform(random, (0.05, 0.25))
    low_hz = float(random.uniform(140, 260))
    tone = np.sin(2 * np.pi * low_hz * time_s) + 0.6 * np.sin(2 * np.pi * 1.6 * low_hz * time_s)
    tone *= np.exp(-time_s / _uniform(random, (0.03, 0.12)))
    noise = _band(random.standard_normal(len(time_s)), _uniform(random, (200, 1500)), 14000)
    share = float(random.uniform(0.3, 0.85 if style == "sampled" else 0.95))
    hit = (1 - share) * tone + 2 * share * noise * np.exp(-time_s / decay_s)
    return np.tanh(_uniform(random, (0.7, 4)) * hit)


def clap(random: Generator, style: Style) -> NDArray[np.floating]:
    """Three or four bursts of noise and a tail."""
    del style
    time_s = _time_s(0.5)
    shape = np.exp(-time_s / _uniform(random, (0.04, 0.2)))
    for index in range(int(random.integers(2, 5))):
        begun = time_s - 0.01 * index
        shape = np.maximum(shape * 0.7, np.where(begun > 0, np.exp(-begun / 0.006), 0))
    centre_hz = float(random.uniform(900, 2200))
    return 2 * _band(random.standard_normal(len(time_s)), centre_hz / 1.6, centre_hz * 2.5) * shape


def _metal(random: Generator, decay_s: float, low_hz: float) -> NDArray[np.floating]:
    """Six squares that do not fit (as the TR-808 does it), or noise, above ``low_hz``."""
    time_s = _time_s(min(5 * decay_s, 1.5))
    noise = random.standard_normal(len(time_s))
    if random.random() < 0.5:
        scale = float(random.uniform(0.8, 1.8))
        ratios = np.array([205.3, 304.4, 369.6, 522.7, 540.0, 800.0]) * scale * 2
        squares = sum(np.sign(np.sin(2 * np.pi * hz * time_s)) for hz in ratios)
        noise = 0.4 * np.asarray(squares) + float(random.uniform(0, 0.7)) * noise
    return _band(noise, low_hz, 19000) * np.exp(-time_s / decay_s)


def hat(random: Generator, style: Style) -> NDArray[np.floating]:
    """A closed hi-hat."""
    del style
    return _metal(random, _uniform(random, (0.012, 0.06)), float(random.uniform(4000, 9000)))


def open_hat(random: Generator, style: Style) -> NDArray[np.floating]:
    """An open hi-hat."""
    del style
    return _metal(random, _uniform(random, (0.08, 0.3)), float(random.uniform(4000, 8500)))


def ride(random: Generator, style: Style) -> NDArray[np.floating]:
    """A ride cymbal."""
    del style
    return _metal(random, _uniform(random, (0.15, 0.6)), float(random.uniform(2500, 7000)))


def crash(random: Generator, style: Style) -> NDArray[np.floating]:
    """A crash cymbal."""
    del style
    return _metal(random, _uniform(random, (0.4, 1.0)), float(random.uniform(2000, 5000)))


def perc(random: Generator, style: Style) -> NDArray[np.floating]:
    """A tom, conga, rim, block or blip."""
    del style
    decay_s = _uniform(random, (0.015, 0.2))
    time_s = _time_s(5 * decay_s)
    hz = _uniform(random, (90, 1800))
    fall = 1 + float(random.uniform(0, 0.6)) * np.exp(-time_s / 0.03)
    bent = float(random.uniform(0, 3)) * np.sin(2 * np.pi * 1.47 * hz * time_s)
    return np.sin(2 * np.pi * np.cumsum(hz * fall) / RATE_HZ + bent) * np.exp(-time_s / decay_s)


_MAKERS = {
    "kick": kick, "snare": snare, "clap": clap, "hat": hat, "open": open_hat,
    "ride": ride, "perc": perc, "perc2": perc, "crash": crash,
}  # fmt: skip


def _from_a_record(random: Generator, hit: NDArray[np.floating]) -> NDArray[np.floating]:
    """The room, the tape and the sampler between a drummer and a breakbeat."""
    room = invented_room(random, far=random.random() < 0.4)[: int(0.35 * RATE_HZ)]
    wet = scipy.signal.oaconvolve(hit, room)
    sos = scipy.signal.butter(2, _uniform(random, (5000, 16000)), fs=RATE_HZ, output="sos")
    dull = scipy.signal.sosfilt(sos, np.tanh(1.5 * wet))
    steps = 2.0 ** float(random.uniform(5, 10))
    return np.asarray(np.round(dull * steps) / steps)


def make_kit(random: Generator, style: Style) -> Kit:
    """One hit of every kind, each with a peak of 1."""
    kit: Kit = {}
    for name, make in _MAKERS.items():
        hit = make(random, style)
        if style == "sampled":
            hit = _from_a_record(random, hit)
        kit[name] = np.asarray(hit / max(float(np.abs(hit).max()), 1e-6), np.float32)
    return kit

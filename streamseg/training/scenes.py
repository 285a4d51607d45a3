"""Scenes for ``window_mask``: six seconds of one to three classes, with every class known apart.

Layers are mixed as samples. What acts linearly on a mixture (equaliser, low-pass, gain) acts on
every component alike, so the components of what is heard stay known; codecs, clipping and
compression act on the sum. Hum and hiss count as noise: whatever is neither music nor speech.

A scene is kept as its spectrogram in steps of 0.6 dB and as the power of each class in each unit of
16 x 16 pixels: targets are computed from these in training (``mask_fit``), so that another target
needs no other render.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.signal
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.frontend.stft import Stft
from streamseg.training import augment
from streamseg.training.augment import Samples
from streamseg.training.data import CELL, RATE_HZ
from streamseg.training.fronts import WINDOW_MASK
from streamseg.training.layers import CLASSES, Layers

FRAMES = 2048  # 5.95 s
UNIT = 16
BINS = WINDOW_MASK.n_mels
COUNT = (FRAMES - 1) * WINDOW_MASK.hop + WINDOW_MASK.n_fft
STEP_DB = 0.6  # of the stored spectrogram: -100 to +53 dB in a byte, 0.17 dB of rounding noise
_SECONDS = 6.0

assert int(_SECONDS * RATE_HZ) // CELL * CELL >= COUNT


@dataclass(frozen=True, slots=True)
class Scene:
    """Shape: ``heard`` is (n,) float32 at 44.1 kHz; ``parts`` is (classes, n), what each class is
    of it before codecs and clipping.
    """

    heard: Samples
    parts: Samples


@dataclass(frozen=True, slots=True)
class Picture:
    """What training keeps of a scene.

    Shape: ``spectrum`` is (frames, bins) uint8, decibels as ``STEP_DB`` says; ``unit_db`` is
    (classes, frames / 16, bins / 16) float16, mean power of a pixel in decibels, ``WINDOW_MASK``'s
    floor where a class is absent; ``heard_db`` is (frames / 16, bins / 16), that of the whole.
    """

    spectrum: NDArray[np.uint8]
    unit_db: NDArray[np.float16]
    heard_db: NDArray[np.float16]


def compose(layers: Layers, random: Generator, rooms: list[Samples]) -> Scene:
    """A scene at any level between -12 and -52 dBFS, after all that may happen on its way."""
    parts = np.zeros((len(CLASSES), COUNT), np.float32)
    count = int(random.choice([1, 2, 3], p=[0.38, 0.5, 0.12]))
    labels = random.choice(len(CLASSES), count, replace=False)
    for place, label in enumerate(labels):
        samples = layers.layer(random, CLASSES[label], _SECONDS).samples[:COUNT]
        samples = _part_of_the_scene(random, samples)
        under_db = 0.0 if place == 0 else float(random.uniform(-25, 25))
        parts[label] += samples * np.float32(10 ** (under_db / 20))
    parts = _on_its_way(random, parts, rooms)
    heard = _overloaded(random, parts.sum(axis=0, dtype=np.float32))
    level_db = random.uniform(-28, -14) if random.random() < 0.5 else random.uniform(-52, -12)
    gain = np.float32(10 ** (float(level_db) / 20) / augment.rms(heard))
    heard = heard * gain
    if random.random() < 0.05:
        heard = heard + np.float32(random.uniform(-0.03, 0.03))
    return Scene(np.clip(heard, -1, 1).astype(np.float32), parts * gain)


def mixture(parts: Samples) -> Scene:
    """A scene of given components (classes, n), untouched: validation mixes at stated ratios."""
    return Scene(parts.sum(axis=0, dtype=np.float32), parts)


def _part_of_the_scene(random: Generator, samples: Samples) -> Samples:
    """A layer may begin or end inside the scene, and may fill a band of the spectrum only."""
    if random.random() < 0.15:
        low, high = np.sort(np.exp(random.uniform(np.log(100), np.log(16000), 2)))
        edges = (float(low), float(min(max(high, 1.6 * low), 20000)))
        sos = scipy.signal.butter(4, edges, "band", fs=RATE_HZ, output="sos")
        samples = np.asarray(scipy.signal.sosfilt(sos, samples), np.float32)
    if random.random() < 0.3:
        edge = int(random.integers(COUNT // 6, 5 * COUNT // 6))
        ramp = min(int(np.exp(random.uniform(np.log(100), np.log(40000)))), edge, COUNT - edge)
        gain = np.clip((np.arange(COUNT) - edge) / ramp + 0.5, 0, 1).astype(np.float32)
        samples = samples * (gain if random.random() < 0.5 else 1 - gain)
    return samples * np.float32(0.1 / augment.rms(samples))


def _on_its_way(random: Generator, parts: Samples, rooms: list[Samples]) -> Samples:
    """Linear steps, the same for every component; then hum and hiss as noise."""
    steps: tuple[tuple[float, Callable[[Generator, Samples], Samples]], ...] = (
        (0.08, lambda r, x: augment.reverberate(r, x, rooms, far=False)),
        (0.3, augment.colour),
        (0.12, augment.low_pass),
        (0.08, augment.narrow_band),
        (0.06, augment.resampled),
    )
    for chance, step in steps:
        if random.random() < chance:
            seed = int(random.integers(2**32))
            parts = np.stack([step(np.random.default_rng(seed), part) for part in parts])
    whole = parts.sum(axis=0, dtype=np.float32)
    added = np.zeros_like(whole)
    if random.random() < 0.08:
        added += augment.hum(random, whole) - whole
    if random.random() < 0.25:
        added += augment.hiss(random, whole) - whole
    parts = parts.copy()
    parts[CLASSES.index("noise")] += added
    return parts


def _overloaded(random: Generator, heard: Samples) -> Samples:
    """Steps that mix the components up, on the sum alone."""
    if random.random() < 0.07:
        heard = augment.compress(random, heard)
    if random.random() < 0.07:
        heard = augment.clip(random, heard)
    if random.random() < 0.25:
        heard = augment.codec(random, heard)
    return heard


# Pictures -----------------------------------------------------------------------------------------


def power(samples: Samples) -> NDArray[np.float32]:
    """Power of the lowest bins, (frames, bins) float32."""
    spectrum = Stft(WINDOW_MASK.n_fft, WINDOW_MASK.hop).push(samples)[:, :BINS]
    return np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)


def unit_power(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean power of the pixels of each unit, (frames / 16, bins / 16)."""
    frames, bins = pixels.shape
    units = pixels[: frames // UNIT * UNIT].reshape(-1, UNIT, bins // UNIT, UNIT)
    return np.asarray(units.mean(axis=(1, 3)), np.float32)


def picture(scene: Scene) -> Picture:
    """A scene as training keeps it."""
    floor = 10 ** (WINDOW_MASK.floor_db / 10)

    def decibels(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(10 * np.log10(np.maximum(values, floor)), np.float32)

    heard = power(scene.heard)
    spectrum = np.round((decibels(heard) - WINDOW_MASK.floor_db) / STEP_DB)
    units = [
        decibels(unit_power(power(part))) if part.any() else _absent(len(heard))
        for part in scene.parts
    ]
    return Picture(
        np.clip(spectrum, 0, 255).astype(np.uint8),
        np.stack(units).astype(np.float16),
        decibels(unit_power(heard)).astype(np.float16),
    )


def _absent(frames: int) -> NDArray[np.float32]:
    return np.full((frames // UNIT, BINS // UNIT), WINDOW_MASK.floor_db, np.float32)

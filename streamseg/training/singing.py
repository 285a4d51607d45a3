"""Singing made from speech, because the corpus has next to none.

WORLD (Morise et al. 2016, through pyworld) takes a voice apart into pitch, envelope and
aperiodicity. Syllables are then laid on the notes of a melody: consonants keep their length, vowels
are drawn out, the pitch glides and trembles as singers' does. What sings then is either WORLD or
grains of the voice itself (``grains``). The same voices also come back as *speech* (``respoken``),
or a network would learn the sound of the vocoder instead of the singing.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.signal
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training import grains
from streamseg.training.data import runs
from streamseg.training.tunes import Note

VOICE_HZ = 22050
FRAME_S = 0.005  # WORLD's frame period

Way = Literal["world", "grains"]
"""What makes the sound: the vocoder, or periods of the voice itself."""


def _world() -> Any:
    # pyworld asks pkg_resources for its own version; new setuptools have dropped that module.
    if "pkg_resources" not in sys.modules:
        shim = types.ModuleType("pkg_resources")
        shim.get_distribution = lambda _: types.SimpleNamespace(version="0")  # type: ignore[attr-defined]
        sys.modules["pkg_resources"] = shim
    import pyworld

    return pyworld


@dataclass(frozen=True, slots=True)
class Voice:
    """A speaker taken apart: frames every 5 ms."""

    f0_hz: NDArray[np.float64]
    envelope: NDArray[np.float32]
    aperiodicity: NDArray[np.float32]
    syllables: tuple[tuple[int, int, int], ...]
    """Start of the consonant, start and end of the vowel, in frames."""
    marked: grains.Marked

    @property
    def median_hz(self) -> float:
        """Of its pitch."""
        return float(np.median(self.f0_hz[self.f0_hz > 0]))


@dataclass(frozen=True, slots=True)
class Style:
    """How a singer sings."""

    vibrato_hz: float
    vibrato_cents: float
    glide_s: float
    drift_cents: float
    detune_cents: float
    formant_ratio: float
    ring_db: float
    """Singer's formant: boost around 3 kHz."""


def analyse(samples: NDArray[np.float32]) -> Voice:
    """Take a voice apart. ``samples`` is (n,) at ``VOICE_HZ``."""
    world = _world()
    x = samples.astype(np.float64)
    f0, times = world.dio(x, VOICE_HZ, f0_floor=65.0, f0_ceil=600.0, frame_period=1000 * FRAME_S)
    f0 = world.stonemask(x, f0, times, VOICE_HZ)
    envelope = world.cheaptrick(x, f0, times, VOICE_HZ).astype(np.float32)
    aperiodicity = world.d4c(x, f0, times, VOICE_HZ).astype(np.float32)
    marks = grains.marked(samples, VOICE_HZ, f0, FRAME_S)
    return Voice(f0, envelope, aperiodicity, tuple(_syllables(f0, envelope)), marks)


def _syllables(
    f0: NDArray[np.float64], envelope: NDArray[np.float32]
) -> Iterator[tuple[int, int, int]]:
    level = 10 * np.log10(envelope.sum(axis=1) + 1e-16)
    loud = level > np.percentile(level, 95) - 30
    for start, end in runs((f0 > 0) & loud):
        if end - start < 12:
            continue
        pieces = max(1, round((end - start) / 40))
        edges = np.linspace(start, end, pieces + 1).astype(int)
        for index in range(pieces):
            consonant = int(edges[index])
            while index == 0 and start - consonant < 24 and consonant > 0 and loud[consonant - 1]:
                consonant -= 1
            yield consonant, int(edges[index]), int(edges[index + 1])


def random_style(random: Generator) -> Style:
    """A singer: trained, plain or rough."""
    trained = random.random() < 0.5
    return Style(
        vibrato_hz=float(random.uniform(4.3, 7.0)),
        vibrato_cents=float(random.uniform(30, 120) if trained else random.uniform(0, 25)),
        glide_s=float(random.uniform(0.02, 0.16)),
        drift_cents=float(random.uniform(3, 25)),
        detune_cents=float(random.normal(0, 12)),
        formant_ratio=float(random.uniform(0.87, 1.18)),
        ring_db=float(random.uniform(0, 12) if trained else 0.0),
    )


def _plan(
    voice: Voice, notes: Sequence[Note], random: Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Source frame, pitch and gain of every output frame."""
    syllable = int(random.integers(len(voice.syllables)))
    sources, pitches, gains = [], [], []
    for note in notes:
        count = max(8, round(note.seconds / FRAME_S))
        if note.hz == 0.0:
            sources.append(np.zeros(count))
            pitches.append(np.zeros(count))
            gains.append(np.zeros(count))
            continue
        consonant, start, end = voice.syllables[syllable]
        # Some notes carry the vowel of the note before: a melisma.
        if random.random() > 0.18:
            syllable = (syllable + 1) % len(voice.syllables)
        lead = min(start - consonant, count // 3)
        body = count - lead
        edge = min((end - start) // 4, body // 4)
        middle = np.linspace(start + edge, end - 1 - edge, body - 2 * edge)
        wander = 1.5 * np.sin(np.arange(body - 2 * edge) * float(random.uniform(0.02, 0.08)))
        path = np.concatenate(
            (
                np.arange(start - lead, start + edge),
                np.clip(middle + wander, start, end - 1),
                np.arange(end - edge, end),
            )
        )[:count]
        swell = 1 - 0.35 * np.cos(np.linspace(0, 2 * np.pi, len(path)))
        sources.append(path)
        pitches.append(np.full(len(path), note.hz))
        gains.append(swell)
    return np.concatenate(sources), np.concatenate(pitches), np.concatenate(gains)


def _smooth(values: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
    if frames < 2:
        return values
    window = np.hanning(frames + 2)[1:-1]
    padded = np.pad(values, frames, mode="edge")
    return np.convolve(padded, window / window.sum(), "same")[frames:-frames]


def _sung_pitch(pitch: NDArray[np.float64], style: Style, random: Generator) -> NDArray[np.float64]:
    """Glides between notes, vibrato that sets in late, slow drift; 0 stays 0 (unvoiced)."""
    sounding = pitch > 0
    filled = np.interp(np.arange(len(pitch)), np.flatnonzero(sounding), np.log2(pitch[sounding]))
    smooth = _smooth(filled, round(style.glide_s / FRAME_S))
    time_s = np.arange(len(pitch)) * FRAME_S
    changes = np.flatnonzero(np.diff(filled, prepend=filled[0]) != 0)
    since = (
        np.arange(len(pitch))
        - np.concatenate(([0], changes))[
            np.searchsorted(changes, np.arange(len(pitch)), side="right")
        ]
    )
    onset = np.clip(since * FRAME_S / 0.35, 0, 1)
    rate = style.vibrato_hz * (1 + 0.05 * np.sin(2 * np.pi * 0.31 * time_s))
    phase = 2 * np.pi * np.cumsum(rate) * FRAME_S + float(random.uniform(0, 6.28))
    vibrato = style.vibrato_cents * onset * np.sin(phase)
    drift = _smooth(random.normal(0, 1, len(pitch)), 80) * style.drift_cents * 4
    return np.asarray(np.exp2(smooth + (vibrato + drift + style.detune_cents) / 1200))


def _take(frames: NDArray[np.float32], at: NDArray[np.float64]) -> NDArray[np.float64]:
    low = np.clip(at.astype(int), 0, len(frames) - 2)
    part = np.clip(at - low, 0, 1)[:, None]
    return np.asarray(frames[low] * (1 - part) + frames[low + 1] * part, np.float64)


def _warp(frames: NDArray[np.float64], ratio: float) -> NDArray[np.float64]:
    """Move formants by ``ratio`` along the frequency axis."""
    bins = frames.shape[1]
    at = np.minimum(np.arange(bins) / ratio, bins - 1.001)
    low = at.astype(int)
    part = at - low
    return np.ascontiguousarray(frames[:, low] * (1 - part) + frames[:, low + 1] * part)


def sing(
    voice: Voice, notes: Sequence[Note], style: Style, random: Generator, way: Way = "world"
) -> NDArray[np.float32]:
    """One voice singing ``notes``: (n,) float32 at ``VOICE_HZ``."""
    source, pitch, gain = _plan(voice, notes, random)
    f0 = _sung_pitch(pitch, style, random)
    voiced = (voice.f0_hz[np.clip(source.astype(int), 0, len(voice.f0_hz) - 1)] > 0) & (pitch > 0)
    if way == "grains":
        f0 = np.where(voiced, f0, 0.0)
        sung = _of_grains(voice, source, f0, _smooth(gain, 8), style.formant_ratio, random)
        return _ringing(sung, style.ring_db)
    envelope = _warp(_take(voice.envelope, source), style.formant_ratio)
    hz = np.linspace(0, VOICE_HZ / 2, envelope.shape[1])
    ring = 10 ** (style.ring_db / 10 * np.exp(-(((hz - 3000) / 600) ** 2)))
    loudness = _smooth(gain, 8) ** 2
    envelope = envelope * ring * loudness[:, None] + 1e-12
    aperiodicity = np.clip(_take(voice.aperiodicity, source), 1e-4, 1 - 1e-4)
    sung = _world().synthesize(
        np.where(voiced, f0, 0.0), envelope, aperiodicity, VOICE_HZ, 1000 * FRAME_S
    )
    return np.asarray(sung, np.float32)


def _of_grains(
    voice: Voice,
    source: NDArray[np.float64],
    f0_hz: NDArray[np.float64],
    gain: NDArray[np.float64],
    formant_ratio: float,
    random: Generator,
) -> NDArray[np.float32]:
    return grains.resynthesised(
        voice.marked, source * FRAME_S, f0_hz, gain, FRAME_S, formant_ratio, random
    )


def _ringing(samples: NDArray[np.float32], ring_db: float) -> NDArray[np.float32]:
    band = scipy.signal.butter(1, (2500, 3500), "bandpass", fs=VOICE_HZ, output="sos")
    more = 10 ** (ring_db / 20) - 1
    return np.asarray(samples + more * scipy.signal.sosfilt(band, samples), np.float32)


def respoken(voice: Voice, random: Generator, way: Way = "world") -> NDArray[np.float32]:
    """The voice made anew with another pitch, pace and size: still speech."""
    count = len(voice.f0_hz)
    pace = float(random.uniform(0.75, 1.25))
    source = np.linspace(0, count - 2, int(count / pace))
    f0 = voice.f0_hz[np.round(source).astype(int)]
    median = float(np.median(f0[f0 > 0])) if np.any(f0 > 0) else 150.0
    liveliness = float(random.uniform(0.5, 1.6))
    ratio = float(np.exp2(random.uniform(-0.4, 0.5)))
    pitch_hz = np.where(f0 > 0, ratio * median * (np.maximum(f0, 1) / median) ** liveliness, 0.0)
    size = float(random.uniform(0.85, 1.2))
    return spoken(voice, source, pitch_hz, np.ones(len(source)), size, random, way)


def spoken(
    voice: Voice,
    source: NDArray[np.float64],
    pitch_hz: NDArray[np.float64],
    gain: NDArray[np.float64],
    size: float,
    random: Generator,
    way: Way,
) -> NDArray[np.float32]:
    """The voice along another path through its frames, (n,) float32 at ``VOICE_HZ``.

    Shape: ``source``, ``pitch_hz`` (0: unvoiced) and ``gain`` are (frames,), one every ``FRAME_S``.
    ``size`` moves the formants.
    """
    if way == "grains":
        return _of_grains(voice, source, pitch_hz, gain, size, random)
    envelope = _warp(_take(voice.envelope, source), size) * gain[:, None] ** 2 + 1e-12
    aperiodicity = np.clip(_take(voice.aperiodicity, source), 1e-4, 1 - 1e-4)
    result = _world().synthesize(pitch_hz, envelope, aperiodicity, VOICE_HZ, 1000 * FRAME_S)
    return np.asarray(result, np.float32)

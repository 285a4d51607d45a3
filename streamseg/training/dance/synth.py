"""A synthesiser for lines: oscillators, an envelope, a filter that moves with notes and beats.

A line is monophonic (a new note ends the one before) and is made in one pass over the whole piece;
chords are several lines. Mono float32 at 44.1 kHz.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.signal
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training.augment import Samples
from streamseg.training.data import RATE_HZ

Floats = NDArray[np.floating]
_BLOCK = 441  # the filter moves every 10 ms: fast enough for a wobble of thirty-second notes


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the steps (sixteenth notes) of a piece lie."""

    bpm: float
    swing: float
    """By how much of a step every second one is late."""
    count: int
    """Samples of the piece."""

    @property
    def step_s(self) -> float:
        """Seconds of a step."""
        return 15.0 / self.bpm

    @property
    def bars(self) -> int:
        """Bars that have begun before the end."""
        return int(np.ceil(self.count / RATE_HZ / (16 * self.step_s)))

    def sample_of(self, step: float) -> int:
        """The sample at which a step begins."""
        late = self.swing if int(step) % 2 else 0.0
        return int((step + late) * self.step_s * RATE_HZ)


@dataclass(frozen=True, slots=True)
class Note:
    """One note, in steps from the start of the piece."""

    step: float
    steps: float
    key: float
    """As MIDI counts: 69 is 440 Hz."""
    loud: float = 1.0


@dataclass(frozen=True, slots=True)
class Patch:
    """How a line sounds."""

    wave: Literal["saw", "square", "sine", "fm"] = "saw"
    unison: int = 1
    detune_cents: float = 0.0
    sub: float = 0.0
    """Level of a sine an octave below."""
    attack_s: float = 0.003
    decay_s: float = 0.3
    sustain: float = 0.7
    release_s: float = 0.05
    cutoff_hz: float = 2000.0
    resonance: float = 0.0
    sweep_octaves: float = 0.0
    """How far above ``cutoff_hz`` the filter begins with each note."""
    sweep_s: float = 0.1
    lfo_steps: tuple[float, ...] = ()
    """Steps of one wave of the filter's wobble, in turn for each note; none where empty."""
    lfo_octaves: float = 0.0
    drift_octaves: float = 0.0
    """A slow rise or fall of the cutoff over the whole piece."""
    glide_s: float = 0.0
    drive: float = 0.0
    fm_ratio: float = 1.0
    fm_depth: float = 0.0


def hz_of(key: Floats | float) -> Floats:
    """MIDI keys to hertz."""
    return np.asarray(440.0 * np.exp2((np.asarray(key, np.float64) - 69) / 12))


def _saw(phase: Floats, per_sample: Floats) -> Floats:
    """Band-limited at its jump by a polynomial (Valimaki 2005)."""
    phase = phase - np.floor(phase)  # as the remainder by 1, three times as fast
    wave = 2 * phase - 1
    near = np.flatnonzero(phase < per_sample)
    rest = phase[near] / per_sample[near]
    wave[near] -= 2 * rest - rest**2 - 1
    near = np.flatnonzero(phase > 1 - per_sample)
    rest = (phase[near] - 1) / per_sample[near]
    wave[near] -= rest**2 + 2 * rest + 1
    return wave


def _waves(patch: Patch, hz: Floats, random: Generator) -> Floats:
    total = np.zeros(len(hz))
    for index in range(patch.unison):
        spread = 2 * index / max(patch.unison - 1, 1) - 1 if patch.unison > 1 else 0.0
        per_sample = hz * 2 ** (spread * patch.detune_cents / 1200) / RATE_HZ
        phase = np.cumsum(per_sample) + float(random.random())
        if patch.wave == "saw":
            total += _saw(phase, per_sample)
        elif patch.wave == "square":
            total += _saw(phase, per_sample) - _saw(phase + 0.5, per_sample)
        elif patch.wave == "fm":
            bent = patch.fm_depth * np.sin(2 * np.pi * patch.fm_ratio * phase)
            total += np.sin(2 * np.pi * phase + bent)
        else:
            total += np.sin(2 * np.pi * phase)
    total /= np.sqrt(patch.unison)
    if patch.sub:
        total += patch.sub * np.sin(np.pi * np.cumsum(hz) / RATE_HZ)
    return total


@dataclass(frozen=True, slots=True)
class _Course:
    """What a line's notes ask for at every sample."""

    hz: Floats
    gain: Floats
    sweep: Floats
    lfo: Floats


def _course(patch: Patch, notes: Sequence[Note], clock: Clock) -> _Course:
    count = clock.count
    key, gain = np.full(count, notes[0].key), np.zeros(count)
    sweep, lfo = np.zeros(count), np.zeros(count)
    starts = [clock.sample_of(note.step) for note in notes] + [count]
    for index, note in enumerate(notes):
        start, end = starts[index], min(starts[index + 1], count)
        if start >= end:
            continue
        time_s = np.arange(end - start) / RATE_HZ
        held_s = note.steps * clock.step_s
        body = patch.sustain + (1 - patch.sustain) * np.exp(-time_s / patch.decay_s)
        gone = np.exp(-np.maximum(time_s - held_s, 0) / patch.release_s)
        last = np.minimum((end - start - np.arange(end - start)) / 90, 1)  # no click: 2 ms
        rise = np.minimum(time_s / patch.attack_s, 1)
        gain[start:end] = note.loud * rise * body * gone * last
        key[start:] = note.key
        sweep[start:end] = np.exp(-time_s / patch.sweep_s)
        if patch.lfo_steps:
            wave_s = patch.lfo_steps[index % len(patch.lfo_steps)] * clock.step_s
            lfo[start:end] = -np.cos(2 * np.pi * time_s / wave_s)
    if patch.glide_s:
        pole = float(np.exp(-1 / (patch.glide_s * RATE_HZ)))
        key = scipy.signal.lfilter([1 - pole], [1, -pole], key, zi=[pole * key[0]])[0]
    return _Course(hz_of(key), gain, sweep, lfo)


def swept(samples: Floats, cutoff_hz: Floats, resonance: float = 0.0) -> Samples:
    """A low-pass (12 dB an octave) whose cutoff moves; it keeps the length.

    Shape: ``cutoff_hz`` is one value for every 10 ms begun, (ceil(n / 441) + 1,) or more. In blocks
    of 20 ms that overlap by half.
    """
    size = 2 * _BLOCK
    padded = np.pad(np.asarray(samples, np.float32), (_BLOCK, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::_BLOCK]
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    spectra = np.fft.rfft(frames * window, axis=1)
    hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    bounded = np.clip(cutoff_hz[: len(frames)], 20.0, 20000.0)
    ratio = hz[None] / np.pad(bounded, (0, len(frames) - len(bounded)), "edge")[:, None]
    gain = 1 / np.sqrt(1 + np.square(np.square(ratio)))
    if resonance:
        gain += resonance * np.exp(-((ratio - 1) ** 2) / 0.04)
    shaped = np.fft.irfft(spectra * gain, size, axis=1)
    result = np.zeros((len(frames) + 1) * _BLOCK)
    result[:-_BLOCK] += shaped[:, :_BLOCK].ravel()
    result[_BLOCK:] += shaped[:, _BLOCK:].ravel()
    return np.asarray(result[_BLOCK : _BLOCK + len(samples)], np.float32)


def play(patch: Patch, notes: Sequence[Note], clock: Clock, random: Generator) -> Samples:
    """A line from its notes, which are in order; (clock.count,), its peak about 1."""
    if not notes:
        return np.zeros(clock.count, np.float32)
    course = _course(patch, notes, clock)
    waves = _waves(patch, course.hz, random)
    if patch.drive:
        waves = np.tanh(patch.drive * waves)
    at = slice(0, None, _BLOCK)
    drift = np.linspace(-0.5, 0.5, len(course.sweep[at])) * patch.drift_octaves
    octaves = patch.sweep_octaves * course.sweep[at] + patch.lfo_octaves * course.lfo[at] + drift
    cutoff_hz = np.maximum(patch.cutoff_hz * np.exp2(octaves), 0.8 * course.hz[at])
    return swept(waves * course.gain, cutoff_hz, patch.resonance)

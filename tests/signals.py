"""Sounds for the tests: speech, music, noise and plain signals, made here and now.

No recording is needed, so the suite runs on any machine. Everything is a function of its
arguments: the same call gives the same samples. All signals are mono float32, shape (frames,),
full scale 1.0, with ``frames = round(seconds * rate_hz)``. ``level_dbfs`` follows AES17, as in
``streamseg.frontend.level``: a full-scale sine reads 0 dBFS.

Only numpy and scipy are used, and for speech the program ``espeak-ng``: a test that asks for
speech is skipped, with the reason, where that is missing.
"""

from __future__ import annotations

import functools
import io
import math
import shutil
import subprocess
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, signal

from streamseg.messages import Float32Array, Label

NoiseKind = Literal["white", "pink", "brown", "hiss", "rain"]

SENTENCES = (
    "Good evening, and welcome to the programme.",
    "The council met on Thursday to talk about the new bridge.",
    "Traffic is heavy on the northern road, and light rain is expected later.",
    "She said that nobody had seen the letter before it was printed.",
    "In sport, the home side won by three goals to one.",
    "We asked five people in the street what they thought of it.",
    "How long does it take to walk from the station to the harbour?",
    "The museum opens at nine and closes at a quarter past six.",
)
VOICES = ("en-us+f3", "en-gb-scotland+m8", "en-gb-x-rp+f3", "en-gb-scotland+m1", "en-us+f2")
CHORD_STEPS = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))  # I vi IV V


def level_of(samples: Float32Array) -> float:
    """Level in dBFS (AES17) of the whole signal; minus infinity for digital silence."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if samples.size else 0.0
    return 10 * math.log10(2 * power) if power > 0 else -math.inf


def at_level(samples: NDArray[np.floating], level_dbfs: float) -> Float32Array:
    """The samples, scaled to a level; their peaks may pass full scale at high levels."""
    gain = 10 ** ((level_dbfs - level_of(samples.astype(np.float32))) / 20)
    return (samples * gain).astype(np.float32)


def silence(seconds: float, rate_hz: int) -> Float32Array:
    """Digital silence: zeros."""
    return np.zeros(round(seconds * rate_hz), np.float32)


def sine(
    seconds: float, rate_hz: int, frequency_hz: float, level_dbfs: float = -20.0
) -> Float32Array:
    """A pure tone that starts at phase zero."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    amplitude = 10 ** (level_dbfs / 20)
    return (amplitude * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)


def impulses(seconds: float, rate_hz: int, every_s: float, amplitude: float = 0.5) -> Float32Array:
    """Single samples of ``amplitude`` at 0, ``every_s``, 2 ``every_s`` and so on."""
    samples = silence(seconds, rate_hz)
    samples[np.rint(np.arange(0, samples.size, every_s * rate_hz)).astype(int)] = amplitude
    return samples


def noise(
    kind: NoiseKind, seconds: float, rate_hz: int, seed: int = 0, level_dbfs: float = -26.0
) -> Float32Array:
    """Sound without pitch.

    ``white``, ``pink`` and ``brown`` fall by 0, 3 and 6 dB an octave (from 20 Hz on), shaped in
    the frequency domain and so exact; ``hiss`` is a receiver between stations (150 Hz to 6 kHz,
    swelling, with crackle); ``rain`` is broadband with thousands of short drops.
    """
    rng = np.random.default_rng([seed, len(kind), ord(kind[0])])
    frames = round(seconds * rate_hz)
    white = rng.standard_normal(frames)
    if kind in ("white", "pink", "brown"):
        frequency_hz = np.maximum(np.fft.rfftfreq(frames, 1 / rate_hz), 20.0)
        slope = {"white": 0.0, "pink": -0.5, "brown": -1.0}[kind]
        spectrum = np.fft.rfft(white) * frequency_hz**slope
        spectrum[0] = 0
        shaped = np.fft.irfft(spectrum, frames)
    elif kind == "hiss":
        sparks = (rng.random(frames) < 20 / rate_hz) * rng.standard_normal(frames) * 30
        swell = _slow(rng, frames, rate_hz, 1.5)
        shaped = _band(3 * np.tanh((white * np.exp(0.3 * swell) + sparks) / 3), rate_hz, 150, 6000)
    else:
        shaped = _band(white, rate_hz, 400, 9000) * np.exp(0.2 * _slow(rng, frames, rate_hz, 0.5))
        for at in rng.integers(0, max(frames, 1), int(150 * seconds)):
            drop = rng.standard_normal(int(rng.integers(60, 400)))
            drop *= np.exp(-5 * np.arange(drop.size) / drop.size) * rng.lognormal(0.0, 0.4)
            shaped[at : at + drop.size] += drop[: frames - at]
    return at_level(shaped, level_dbfs)


def _band(
    samples: NDArray[np.float64], rate_hz: int, low: float, high: float
) -> NDArray[np.float64]:
    """Band-pass between ``low`` and ``high`` Hz, the latter at most 0.45 of the rate."""
    edges = (low, min(high, 0.45 * rate_hz))
    sections = signal.butter(2, edges, "bandpass", fs=rate_hz, output="sos")
    return np.asarray(signal.sosfilt(sections, samples), np.float64)


def _slow(
    rng: np.random.Generator, frames: int, rate_hz: int, cutoff_hz: float
) -> NDArray[np.float64]:
    """A random curve of unit variance without anything above about ``cutoff_hz``."""
    knots = rng.standard_normal(max(4, int(frames / rate_hz * 2 * cutoff_hz) + 4))
    return np.interp(np.linspace(0, knots.size - 1, frames), np.arange(knots.size), knots)


def music(seconds: float, rate_hz: int, seed: int = 0, level_dbfs: float = -20.0) -> Float32Array:
    """A band: drums, bass, broken chords with decaying harmonics, a pad and a tune.

    The key, the tempo (92 to 132 a minute), the order of the chords and the tune come from
    ``seed``. It begins on a downbeat at full level and is cut at the end.
    """
    rng = np.random.default_rng([seed, 77])
    frames = round(seconds * rate_hz)
    beat = 60 / rng.uniform(92, 132)  # seconds
    key = int(rng.integers(-5, 6)) + 60  # MIDI pitch of the keynote, around middle C
    mix = np.zeros(frames + 4 * rate_hz)
    order = [0, *rng.permutation([1, 2, 3])]

    def put(sound: NDArray[np.float64], at_s: float, gain: float) -> None:
        at = round(at_s * rate_hz)
        mix[at : at + sound.size] += gain * sound[: mix.size - at]

    for eighth in range(math.ceil(seconds / (beat / 2))):
        at_s = eighth * beat / 2
        chord = [key + step for step in CHORD_STEPS[order[eighth // 8 % 4]]]
        put(_pluck(chord[0] - 24, 0.9 * beat, rate_hz, 6), at_s, 0.5 if eighth % 4 < 3 else 0.0)
        put(_pluck(chord[eighth % 3], 1.2 * beat, rate_hz, 10), at_s, 0.28)
        if eighth % 8 == 0:
            for pitch in chord:
                put(_pad(pitch + 12, 4 * beat, rate_hz), at_s, 0.07)
        if rng.random() < 0.6:
            tune = chord[int(rng.integers(3))] + 12 + int(rng.choice([0, 0, 2, 12]))
            put(_pad(tune, beat * rng.choice([0.5, 1.0]), rate_hz), at_s, 0.2)
        put(_drum("hat", rng, rate_hz), at_s, 0.12)
        if eighth % 4 == 0 or eighth % 8 == 3:
            put(_drum("kick", rng, rate_hz), at_s, 0.8)
        if eighth % 4 == 2:
            put(_drum("snare", rng, rate_hz), at_s, 0.35)
    return at_level(mix[:frames], level_dbfs)


def _pluck(pitch: int, seconds: float, rate_hz: int, harmonics: int) -> NDArray[np.float64]:
    """A struck or plucked string: harmonics that decay the faster the higher they are."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    base_hz = 440 * 2 ** ((pitch - 69) / 12)
    tone = np.zeros(time_s.size)
    for n in range(1, harmonics + 1):
        if n * base_hz < 0.45 * rate_hz:
            decay = np.exp(-time_s * (2.0 + 1.2 * n))
            tone += np.sin(2 * np.pi * n * base_hz * time_s) * decay / n
    return tone * np.clip(time_s / 0.004, 0, 1) * np.clip((seconds - time_s) / 0.02, 0, 1)


def _pad(pitch: int, seconds: float, rate_hz: int) -> NDArray[np.float64]:
    """A held tone with vibrato and odd and even harmonics, soft at both ends."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    base_hz = 440 * 2 ** ((pitch - 69) / 12)
    phase = 2 * np.pi * base_hz * time_s + 0.25 * np.sin(2 * np.pi * 5.3 * time_s)
    count = max(1, min(6, int(0.45 * rate_hz / base_hz)))
    tone = sum((np.sin(n * phase) / n**1.3 for n in range(1, count + 1)), np.zeros(time_s.size))
    return tone * np.clip(time_s / 0.03, 0, 1) * np.clip((seconds - time_s) / 0.05, 0, 1)


def _drum(kind: str, rng: np.random.Generator, rate_hz: int) -> NDArray[np.float64]:
    """Kick: a tone that falls to 50 Hz. Snare: noise and a shell. Hat: very short high noise."""
    time_s = np.arange(round(0.25 * rate_hz)) / rate_hz
    if kind == "kick":
        phase = 2 * np.pi * (50 * time_s + 3.2 * (1 - np.exp(-time_s / 0.03)))
        return np.asarray(np.sin(phase) * np.exp(-time_s / 0.09))
    rattle = rng.standard_normal(time_s.size)
    if kind == "snare":
        shell = np.sin(2 * np.pi * 190 * time_s) * np.exp(-time_s / 0.05)
        return np.asarray(rattle * np.exp(-time_s / 0.06) + shell)
    return np.asarray(np.diff(rattle, 2, prepend=[0, 0]) * np.exp(-time_s / 0.02))


def speech(seconds: float, rate_hz: int, seed: int = 0, level_dbfs: float = -20.0) -> Float32Array:
    """A voice reads sentences, with pauses of about 0.15 s between them.

    ``seed`` chooses the voice, its pace and pitch, and the order of the sentences. Sound starts
    with the first sample; the last word is cut. ``level_dbfs`` includes the pauses.
    Skips the test, with the reason, where espeak-ng is not installed.
    """
    rng = np.random.default_rng([seed, 99])
    frames = round(seconds * rate_hz)
    voice, pace, pitch = VOICES[seed % len(VOICES)], rng.integers(140, 175), rng.integers(35, 60)
    parts: list[NDArray[np.float64]] = []
    ready = 0
    while ready < frames:
        for index in rng.permutation(len(SENTENCES)):
            spoken = _spoken(SENTENCES[index], voice, int(pace), int(pitch), rate_hz)
            parts += [spoken, np.zeros(round(0.15 * rate_hz))]
            ready += parts[-2].size + parts[-1].size
            if ready >= frames:
                break
    dry = np.concatenate(parts)[:frames]
    return at_level(dry + _breath(dry, rate_hz, rng), level_dbfs)


def _breath(
    dry: NDArray[np.float64], rate_hz: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """What a formant synthesiser lacks: breath in the voice, and a faint hiss in the pauses.

    Networks trained on people call the bare synthesiser music: its harmonics are too clean and
    its pauses digital zeros. Breath is noise under the voice's own spectral envelope, strong
    above 3 kHz where voices are mostly noise; the hiss lies 37 dB under the voice.
    """
    size = max(32, 2 * round(0.006 * rate_hz))  # 12 ms windows in steps of 3 ms
    stft = signal.ShortTimeFFT(signal.windows.hann(size, sym=False), size // 4, rate_hz)
    padded = np.pad(dry, (0, max(0, size - dry.size)))  # the transform needs one whole window
    envelope = ndimage.uniform_filter1d(np.abs(stft.stft(padded)), 7, axis=0)
    air = stft.stft(rng.standard_normal(padded.size))
    air *= 0.7 * np.clip(stft.f / 3000, 0.05, 1)[:, None] / np.sqrt(np.mean(np.abs(air) ** 2))
    breath = stft.istft(envelope * air, k1=padded.size)[: dry.size]
    hiss = rng.standard_normal(dry.size) * dry.std() * 10 ** (-37 / 20)
    return np.asarray(breath + hiss, np.float64)


@functools.lru_cache(maxsize=256)
def _spoken(text: str, voice: str, pace: int, pitch: int, rate_hz: int) -> NDArray[np.float64]:
    """One sentence by espeak-ng, without the silence around it, at the rate asked for."""
    program = shutil.which("espeak-ng")
    if program is None:
        pytest.skip("espeak-ng is not installed (Debian: apt-get install espeak-ng)")
    command = [program, "-v", voice, "-s", str(pace), "-p", str(pitch), "--stdout", text]
    # Without a length in its header, because it writes to a pipe; the data begin at byte 44.
    sound = subprocess.run(command, check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(sound)) as header:
        native_hz = header.getframerate()
    samples = np.frombuffer(sound[44:], "<i2") / 32768.0
    heard = np.flatnonzero(np.abs(samples) > 0.01)
    samples = samples[heard[0] : heard[-1] + 1]
    common = math.gcd(native_hz, rate_hz)
    return np.asarray(signal.resample_poly(samples, rate_hz // common, native_hz // common))


@dataclass(frozen=True, slots=True)
class Scene:
    """What sounds together for a while: labels joined by ``+``, the first one in front."""

    labels: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Truth:
    """One row of a reference: where a label sounds, in seconds; rows may overlap."""

    start_s: float
    end_s: float
    label: Label


@dataclass(frozen=True, slots=True)
class Programme:
    """A labelled sequence of sounds: ``samples`` (frames,) float32 and its reference."""

    samples: Float32Array
    rate_hz: int
    truth: tuple[Truth, ...]

    def labels_at(self, time_s: float) -> set[Label]:
        """What sounds at a moment."""
        return {row.label for row in self.truth if row.start_s <= time_s < row.end_s}


def programme(
    scenes: Sequence[Scene],
    rate_hz: int,
    seed: int = 0,
    level_dbfs: float = -20.0,
    behind_db: float = 10.0,
) -> Programme:
    """Scenes one after the other, and their exact reference.

    The first label of a scene sounds at ``level_dbfs``, the others ``behind_db`` under it. Edges
    fall on samples, fades last 5 ms. A label that goes on in the next scene is one row of truth,
    though it is another sound. Raises KeyError for an unknown label.
    """
    makers: dict[str, Callable[..., Float32Array]] = {
        "music": music,
        "speech": speech,
        "noise": functools.partial(noise, "rain"),
        "silence": lambda seconds, rate_hz, seed, level_dbfs: silence(seconds, rate_hz),
    }
    parts: list[Float32Array] = []
    rows: list[Truth] = []
    start_s = 0.0
    for number, scene in enumerate(scenes):
        labels: list[Label] = scene.labels.split("+")  # type: ignore[assignment]
        mix = silence(scene.seconds, rate_hz)
        end_s = start_s + mix.size / rate_hz
        for place, label in enumerate(labels):
            level = level_dbfs - (behind_db if place else 0.0)
            mix += makers[label](scene.seconds, rate_hz, seed=seed + number, level_dbfs=level)
            before = next((r for r in rows if r.label == label and r.end_s == start_s), None)
            if before is not None:
                rows.remove(before)
            rows.append(Truth(before.start_s if before else start_s, end_s, label))
        ramp = np.clip(np.arange(mix.size) / (0.005 * rate_hz), 0, 1).astype(np.float32)
        parts.append(mix * ramp * ramp[::-1])
        start_s = end_s
    rows.sort(key=lambda row: (row.start_s, row.label))
    return Programme(np.concatenate(parts), rate_hz, tuple(rows))

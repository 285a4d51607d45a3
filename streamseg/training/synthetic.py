"""Sounds made by rule: noises of every colour, machines, beeps, tones; voices of espeak-ng.

All functions of ``(random, seconds)`` return mono float32 at 44.1 kHz with a peak near 1.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.signal
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training.data import RATE_HZ, Part, Sound, decode

Samples = NDArray[np.float32]

_LANGUAGES = ("es", "it", "pt", "ru", "cmn", "hi", "tr", "fi", "sw", "el", "ja", "pl", "vi", "ko")
# The numbers 1 to 12 of a counting voice come out right in every language of espeak-ng.
_WORDS = "7 12 3 25 1984 6 300 11 42 5 19 8 77 2 61 4000 13 9 35 10 16 28 54 90"


def unit(samples: NDArray[np.floating]) -> Samples:
    """With a peak of 1, float32; silence stays silence."""
    return np.asarray(samples / max(float(np.abs(samples).max(initial=0)), 1e-9), np.float32)


def coloured(random: Generator, count: int, slope: float) -> Samples:
    """Noise whose power falls with frequency to the power ``slope`` (0 white, 1 pink, 2 brown)."""
    size = int(2 ** np.ceil(np.log2(max(count, 2))))
    bins = np.arange(size // 2 + 1, dtype=np.float32)
    bins[0] = 1
    phases = np.exp(2j * np.pi * random.random(len(bins), dtype=np.float32))
    spectrum = (phases * bins ** (-slope / 2)).astype(np.complex64)
    spectrum[:20] *= 0.3
    return unit(np.fft.irfft(spectrum)[:count])


def _slow(random: Generator, count: int, per_s: float, depth: float) -> Samples:
    """A slow random gain between ``1 - depth`` and 1."""
    knots = max(4, int(count / RATE_HZ * per_s) + 4)
    values = 1 - depth * random.random(knots)
    return np.interp(np.linspace(0, knots - 1, count), np.arange(knots), values).astype(np.float32)


def steady(random: Generator, seconds: float) -> Samples:
    """Hiss, static, rumble, wind: coloured noise, sometimes in a band, sometimes swelling."""
    count = int(seconds * RATE_HZ)
    noise: NDArray[np.floating] = coloured(random, count, float(random.uniform(-0.3, 2.2)))
    if random.random() < 0.4:
        low, high = np.sort(np.exp(random.uniform(np.log(60), np.log(16000), 2)))
        edges = (float(low), float(min(max(high, low * 1.5), 20000)))
        noise = scipy.signal.sosfilt(
            scipy.signal.butter(2, edges, "band", fs=RATE_HZ, output="sos"), noise
        )
    if random.random() < 0.5:
        noise = noise * _slow(random, count, float(random.uniform(0.2, 3)), 0.95)
    return unit(noise)


def crackle(random: Generator, seconds: float) -> Samples:
    """Rain, fire, applause, clatter: many short bursts."""
    count = int(seconds * RATE_HZ)
    density = float(np.exp(random.uniform(np.log(2), np.log(2500))))
    hits = random.poisson(density * seconds)
    impulses = np.zeros(count, np.float32)
    at = random.integers(0, count, hits)
    impulses[at] = random.exponential(1, hits) * random.choice([-1, 1], hits)
    decay_s = float(np.exp(random.uniform(np.log(0.001), np.log(0.08))))
    tail = np.exp(-np.arange(int(5 * decay_s * RATE_HZ) + 2) / (decay_s * RATE_HZ))
    burst = coloured(random, len(tail), float(random.uniform(0, 1.5))) * tail
    return unit(scipy.signal.oaconvolve(impulses, burst)[:count])


def machine(random: Generator, seconds: float) -> Samples:
    """Engines, fans, drones, rotors: harmonics of a wandering low tone, with noise."""
    count = int(seconds * RATE_HZ)
    hz = float(np.exp(random.uniform(np.log(18), np.log(400))))
    wander = 1 + 0.25 * float(random.random()) ** 2 * (_slow(random, count, 0.7, 2.0) - 0.0)
    phase = 2 * np.pi * np.cumsum(hz * wander) / RATE_HZ
    total = np.zeros(count, np.float32)
    slope = float(random.uniform(0.3, 1.6))
    for harmonic in range(1, min(28, int(9000 / hz) + 1)):
        gain = float(random.uniform(0.1, 1)) * harmonic**-slope
        total += gain * np.sin(harmonic * phase + float(random.uniform(0, 6.28))).astype(np.float32)
    if random.random() < 0.5:  # strokes
        total *= 0.4 + 0.6 * np.abs(np.sin(phase / float(random.choice([2, 4, 8])))).astype(
            np.float32
        )
    mixed = unit(total) + float(random.uniform(0.02, 1.2)) * steady(random, seconds)[:count]
    return unit(mixed)


def signal_tone(random: Generator, seconds: float) -> Samples:
    """Alarms, sirens, beeps, ring tones, dial tones, data and morse: tones that are no music."""
    count = int(seconds * RATE_HZ)
    time_s = np.arange(count, dtype=np.float32) / RATE_HZ
    hz = float(np.exp(random.uniform(np.log(300), np.log(4000))))
    manner = random.integers(5)
    track: NDArray[np.floating] = np.full(count, hz, np.float32)
    period_s = float(np.exp(random.uniform(np.log(0.08), np.log(4))))
    if manner == 0:  # a siren
        wave = scipy.signal.sawtooth(2 * np.pi * time_s / period_s, float(random.random()))
        track = hz * np.exp2(float(random.uniform(0.1, 1)) * wave)
    elif manner == 1:  # two tones by turns
        track = np.where((time_s / period_s) % 1 < 0.5, hz, hz * float(random.uniform(1.05, 1.6)))
    elif manner == 2:  # data: random tones, fast
        symbols = random.integers(0, int(random.integers(2, 9)), count // 200 + 2)
        per = max(220, int(RATE_HZ * float(random.uniform(0.005, 0.16))))
        track = hz + 6.25 * 2 ** float(random.uniform(0, 5)) * symbols[np.arange(count) // per]
    phase = 2 * np.pi * np.cumsum(track.astype(np.float64)) / RATE_HZ
    tone = np.sin(phase)
    if random.random() < 0.5:
        tone = np.tanh(float(random.uniform(1, 6)) * tone)
    if manner == 3:  # beeps
        tone *= (time_s / period_s) % 1 < float(random.uniform(0.1, 0.7))
    if manner == 4:  # dial tones: two at once
        tone = tone + np.sin(phase * float(random.uniform(1.03, 1.4)))
    return unit(tone + float(random.uniform(0, 0.05)) * random.standard_normal(count))


def noise(random: Generator, seconds: float) -> Samples:
    """Any of the above."""
    makers = (steady, crackle, machine, signal_tone)
    return makers[random.choice(4, p=[0.4, 0.2, 0.2, 0.2])](random, seconds)


def plain_tune(random: Generator, seconds: float) -> Samples:
    """A tune or chords of plain waves with envelopes: music."""
    count = int(seconds * RATE_HZ)
    total = np.zeros(count, np.float32)
    scale = np.array([0, 2, 4, 7, 9, 12, 14, 16])
    root_hz = float(np.exp(random.uniform(np.log(80), np.log(500))))
    step_s = float(random.uniform(0.12, 0.7))
    shape, decay_s = random.integers(3), float(random.uniform(0.1, 1.5))
    voices = int(random.integers(1, 4))
    for start in range(0, count, int(step_s * RATE_HZ)):
        length = min(count - start, int(step_s * 1.6 * RATE_HZ))
        time_s = np.arange(length) / RATE_HZ
        envelope = np.minimum(time_s / 0.01, 1) * np.exp(-time_s / decay_s)
        envelope *= np.clip((length / RATE_HZ - time_s) / 0.02, 0, 1)
        for semitones in random.choice(scale, voices, replace=False):
            phase = 2 * np.pi * root_hz * 2 ** (semitones / 12) * time_s
            wave = (np.sin(phase), np.tanh(3 * np.sin(phase)), scipy.signal.sawtooth(phase))[shape]
            total[start : start + length] += (wave * envelope).astype(np.float32)
    return unit(total)


def babbled_syllables(random: Generator, seconds: float) -> Samples:
    """A crude stand-in for speech (quick mode only): gliding pulses through formants."""
    count = int(seconds * RATE_HZ)
    time_s = np.arange(count) / RATE_HZ
    hz = 130 * np.exp2(0.4 * _slow(random, count, 4, 1.0)) * float(random.uniform(0.8, 1.8))
    pulses = scipy.signal.sawtooth(2 * np.pi * np.cumsum(hz) / RATE_HZ)
    total = np.zeros(count)
    for centre in (float(random.uniform(300, 900)), float(random.uniform(900, 2600))):
        sos = scipy.signal.butter(
            2, (centre * 0.85, centre * 1.15), "band", fs=RATE_HZ, output="sos"
        )
        total += scipy.signal.sosfilt(sos, pulses)
    syllables = np.clip(np.sin(2 * np.pi * 4 * time_s + 2 * _slow(random, count, 3, 1.0)), 0, 1)
    return unit(total * syllables)


def espeak_available() -> bool:
    """True when espeak-ng is installed."""
    return shutil.which("espeak-ng") is not None


def foreign_speech(count: int, seed: int) -> Iterator[Sound]:
    """Synthetic voices counting in languages that the corpus lacks."""
    random = np.random.default_rng([seed, 5])
    words = _WORDS.split()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "said.wav"
        for index in range(count):
            language = _LANGUAGES[index % len(_LANGUAGES)]
            voice = f"{language}+{random.choice(['m1', 'm3', 'm7', 'f1', 'f2', 'f4', 'f5'])}"
            text = ", ".join(random.permutation(words)[:9])
            options = ["-v", voice, "-s", str(random.integers(110, 210))]
            options += ["-p", str(random.integers(15, 85)), "-w", str(out)]
            command = ["espeak-ng", *options, text]
            done = subprocess.run(command, capture_output=True)  # noqa: S603 - own words
            if done.returncode == 0 and out.exists():
                part: Part = "validation" if language in ("tr", "pl") else "fit"
                yield Sound(decode(out), f"generated:{voice}", "generated", "espeak", part)

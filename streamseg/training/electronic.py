"""Electronic music by rule: what neither the soundfont nor the clips of the corpus have enough of.

Pads and dark drones whose harmony moves, basses and arpeggios through moving filters, drum
machines made of noise, loops, plucked and distorted guitars, bells, sparse notes in large rooms.
All is music: it has pitches or a pulse that somebody chose. A tone that nobody plays is noise and
made in ``tones`` and ``synthetic``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import scipy.signal
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training import augment, effects, synthetic
from streamseg.training.augment import Samples
from streamseg.training.data import RATE_HZ, Part, Sound
from streamseg.training.tunes import SCALES

Voice = Callable[[Generator, float, float], NDArray[np.floating]]
"""(random, pitch in Hz, seconds) to one note, with a peak near 1."""


def _times(seconds: float) -> NDArray[np.float64]:
    return np.arange(max(2, int(seconds * RATE_HZ))) / RATE_HZ


def _envelope(seconds: float, attack_s: float, release_s: float) -> NDArray[np.float64]:
    time_s = _times(seconds)
    rise = np.minimum(time_s / max(attack_s, 1e-3), 1)
    return np.asarray(rise * np.clip((time_s[-1] - time_s) / max(release_s, 1e-3), 0, 1))


def _waves(random: Generator, hz: float, seconds: float, voices: int) -> NDArray[np.floating]:
    """Saws or squares a few cents apart."""
    time_s = _times(seconds)
    width = float(random.uniform(0.1, 1.0))
    total = np.zeros(len(time_s))
    for _ in range(voices):
        detuned = hz * float(np.exp2(random.normal(0, 0.008)))
        phase = 2 * np.pi * detuned * time_s + float(random.uniform(0, 6.28))
        total += scipy.signal.sawtooth(phase, width)
    return total / voices


def pad(random: Generator, hz: float, seconds: float) -> NDArray[np.floating]:
    """Slow, soft, detuned."""
    waves = _waves(random, hz, seconds, int(random.integers(2, 6)))
    cutoff_hz = float(np.exp(random.uniform(np.log(200), np.log(5000))))
    sos = scipy.signal.butter(2, max(cutoff_hz, hz * 1.2), fs=RATE_HZ, output="sos")
    return scipy.signal.sosfilt(sos, waves) * _envelope(seconds, 0.3 * seconds, 0.3 * seconds)


def pluck(random: Generator, hz: float, seconds: float) -> NDArray[np.floating]:
    """A string: Karplus and Strong (1983), as a comb filter on a burst of noise."""
    period = max(2, int(RATE_HZ / hz))
    burst = np.zeros(len(_times(seconds)))
    burst[:period] = random.standard_normal(min(period, len(burst)))[: len(burst)]
    keep = float(random.uniform(0.985, 0.9985))
    feedback = np.zeros(period + 2)
    feedback[0], feedback[period], feedback[period + 1] = 1, -keep / 2, -keep / 2
    return scipy.signal.lfilter([1.0], feedback, burst) * _envelope(seconds, 0.0, 0.03)


def bell(random: Generator, hz: float, seconds: float) -> NDArray[np.floating]:
    """Frequency modulation (Chowning 1973): bells, electric pianos, brass, clangs."""
    time_s = _times(seconds)
    ratio = float(random.choice([0.5, 1, 1, 2, 3, 1.41, 2.76, 3.5]))
    depth = float(random.uniform(0.3, 6)) * np.exp(-time_s / float(random.uniform(0.05, 1.5)))
    carrier = np.sin(2 * np.pi * hz * time_s + depth * np.sin(2 * np.pi * hz * ratio * time_s))
    fade = np.exp(-time_s / float(random.uniform(0.1, 2)))
    return carrier * fade * _envelope(seconds, 0.004, 0.03)


def lead(random: Generator, hz: float, seconds: float) -> NDArray[np.floating]:
    """A synthesiser's lead or bass: saws with a filter envelope."""
    waves = _waves(random, hz, seconds, int(random.integers(1, 4)))
    shaped = np.tanh(float(random.uniform(0.5, 4)) * waves)
    cutoff_hz = min(hz * float(random.uniform(2, 20)), 18000.0)
    sos = scipy.signal.butter(2, cutoff_hz, fs=RATE_HZ, output="sos")
    return scipy.signal.sosfilt(sos, shaped) * _envelope(seconds, 0.005, 0.05)


def sine(random: Generator, hz: float, seconds: float) -> NDArray[np.floating]:
    """A plain tone with a tremble: ambient notes, theremins, musical saws."""
    time_s = _times(seconds)
    shake = float(random.uniform(0, 0.015)) * np.sin(2 * np.pi * 5.3 * time_s) / 5.3
    return np.sin(2 * np.pi * hz * (time_s + shake)) * _envelope(seconds, 0.05, 0.2)


_VOICES: tuple[Voice, ...] = (pad, pluck, bell, lead, sine)
_PIECES = {
    "drone": 0.16,
    "ambient": 0.14,
    "sparse": 0.14,
    "beat": 0.12,
    "band": 0.2,
    "guitars": 0.14,
    "solo": 0.1,
}


def add(total: NDArray[np.floating], note: NDArray[np.floating], start_s: float) -> None:
    """Put a note (n,) into ``total`` in place; what reaches beyond its end is cut off."""
    at = int(start_s * RATE_HZ)
    count = min(len(note), len(total) - at)
    if count > 0:
        total[at : at + count] += note[:count]


def pitch_hz(random: Generator, scale: Sequence[int], root_hz: float, low: int, high: int) -> float:
    """A note of a scale (half tones above ``root_hz``), from its degree ``low`` to ``high - 1``."""
    octave, index = divmod(int(random.integers(low, high)), len(scale))
    return float(root_hz * 2 ** (octave + scale[index] / 12))


def chords(random: Generator, seconds: float, voice: Voice, each_s: float) -> Samples:
    """Two to four notes at a time that change every ``each_s`` seconds or so."""
    total = np.zeros(int(seconds * RATE_HZ))
    scale = SCALES[random.integers(len(SCALES))]
    root_hz = float(np.exp(random.uniform(np.log(45), np.log(330))))
    at = 0.0
    while at < seconds:
        length = each_s * float(random.choice([0.5, 1, 1, 2]))
        for _ in range(int(random.integers(1, 5))):
            hz = pitch_hz(random, scale, root_hz, 0, 12)
            add(total, voice(random, hz, length * float(random.uniform(0.9, 1.4))), at)
        at += length
    return total.astype(np.float32)


def figure(
    random: Generator, seconds: float, voice: Voice, beat_s: float, root_hz: float | None = None
) -> Samples:
    """A figure of 4 to 16 steps, repeated, moved and varied: arpeggios, basses, riffs."""
    total = np.zeros(int(seconds * RATE_HZ))
    scale = SCALES[random.integers(len(SCALES))]
    drawn_hz = float(np.exp(random.uniform(np.log(40), np.log(700))))
    root_hz = drawn_hz if root_hz is None else root_hz
    steps = [pitch_hz(random, scale, root_hz, 0, 10) for _ in range(int(random.integers(4, 17)))]
    rests = random.random(len(steps)) < float(random.uniform(0, 0.4))
    notes = [voice(random, hz, beat_s * float(random.uniform(0.5, 1.3))) for hz in steps]
    for count, start_s in enumerate(np.arange(0, seconds, beat_s)):
        index = count % len(steps)
        if random.random() < 0.08:
            notes[index] = voice(random, pitch_hz(random, scale, root_hz, 0, 12), beat_s)
        if not rests[index]:
            add(total, notes[index] * float(random.uniform(0.6, 1)), float(start_s))
    return total.astype(np.float32)


def _hit(random: Generator, kind: int) -> NDArray[np.floating]:
    """A drum machine's kick, snare, hat or clap, drawn anew for each kit."""
    decay_s = float(random.uniform(0.02, (0.35, 0.25, 0.12, 0.3)[kind]))
    time_s = _times(5 * decay_s)
    fade = np.exp(-time_s / decay_s)
    if kind == 0:
        drop = float(random.uniform(20, 150)) * np.exp(-time_s / 0.03)
        return np.sin(2 * np.pi * np.cumsum(float(random.uniform(40, 80)) + drop) / RATE_HZ) * fade
    noise = random.standard_normal(len(time_s))
    low = float(random.uniform(*((0, 1), (120, 900), (3000, 9000), (700, 2000))[kind]))
    sos = scipy.signal.butter(2, low, "high", fs=RATE_HZ, output="sos")
    hit = scipy.signal.sosfilt(sos, noise)
    if kind == 1:
        hit = hit + 1.5 * np.sin(2 * np.pi * float(random.uniform(120, 300)) * time_s)
    return hit * fade


def beat(random: Generator, seconds: float, beat_s: float) -> Samples:
    """A loop of one or two bars on a drum machine; metal and noise hits among it at times."""
    total = np.zeros(int(seconds * RATE_HZ))
    steps = int(random.choice([8, 16, 16, 12]))
    swing = float(random.uniform(0, 0.3)) if random.random() < 0.4 else 0.0
    for kind in random.permutation(4)[: int(random.integers(1, 5))]:
        share = float(random.uniform(0.15, (0.4, 0.3, 1.0, 0.3)[kind]))
        pattern = random.random(steps) < share
        pattern[0] |= kind == 0
        accents = random.uniform(0.4, 1, steps)
        hit = _hit(random, int(kind)) * float(random.uniform(0.4, 1))
        if random.random() < 0.3:
            hit = effects.hall(random, np.pad(hit, (0, 20000)).astype(np.float32))
        for count, start_s in enumerate(np.arange(0, seconds, beat_s / 2)):
            step = count % steps
            if pattern[step] and random.random() < 0.97:
                late_s = swing * beat_s / 2 if step % 2 else 0.0
                add(total, hit * accents[step], float(start_s) + late_s)
    return total.astype(np.float32)


def texture(random: Generator, seconds: float) -> Samples:
    """A bed of filtered noise that opens and closes, as under ambient music."""
    return effects.moving_filter(random, synthetic.steady(random, seconds + 0.1))[
        : int(seconds * RATE_HZ)
    ]


def _parts(random: Generator, seconds: float) -> list[Samples]:
    """The parts of a piece, the leading one first."""
    beat_s = float(random.uniform(0.22, 0.65))
    voice = _VOICES[random.integers(len(_VOICES))]
    manner = str(random.choice(list(_PIECES), p=list(_PIECES.values())))
    if manner == "beat":
        return [beat(random, seconds, beat_s)]
    if manner == "solo":
        return [figure(random, seconds, voice, beat_s)]
    if manner == "band":
        parts = [beat(random, seconds, beat_s), figure(random, seconds, lead, beat_s / 2)]
        return [*parts, chords(random, seconds, voice, beat_s * 4)]
    if manner == "guitars":
        strings = chords(random, seconds, pluck, beat_s * float(random.choice([1, 2, 4])))
        parts = [effects.amplifier(random, strings)]
        return [*parts, beat(random, seconds, beat_s)] if random.random() < 0.6 else parts
    if manner == "drone":
        parts = [chords(random, seconds, pad, float(random.uniform(1.5, 4)))]
        if random.random() < 0.6:
            parts.append(chords(random, seconds, voice, float(random.uniform(1.5, 5))))
    elif manner == "ambient":
        parts = [chords(random, seconds, pad, float(random.uniform(1, 4)))]
        parts.append(figure(random, seconds, voice, beat_s * float(random.choice([1, 4]))))
    else:
        parts = [chords(random, seconds, voice, float(random.uniform(0.8, 2.5)))]
    return [*parts, texture(random, seconds)] if random.random() < 0.5 else parts


def piece(random: Generator, seconds: float) -> Samples:
    """One piece: drones, ambient, sparse notes, a beat alone, or a band of machines or guitars."""
    parts = _parts(random, seconds)
    total = np.zeros(int(seconds * RATE_HZ), np.float32)
    for index, part in enumerate(parts):
        under_db = 0.0 if index == 0 else float(random.uniform(-12, 3))
        gain = 10 ** (under_db / 20) / augment.rms(part)
        total += augment.fit_length(part, len(total)) * np.float32(gain)
    return effects.produced(random, total / np.float32(max(float(np.abs(total).max()), 1e-6)))


def electronic_sounds(count: int, seed: int) -> Iterator[Sound]:
    """``count`` pieces of 10 to 20 seconds; one in eight is for validation."""
    random = np.random.default_rng([seed, 81])
    for index in range(count):
        part: Part = "validation" if index % 8 == 0 else "fit"
        made = piece(random, float(random.uniform(10, 20)))
        yield Sound(made, "generated:electronic", "generated", "electronic", part)

"""Music that is texture rather than tune: what real music of that kind the corpus hardly has.

Half of it is made from recorded music, so that it is as varied as that: stretched in time until
chords are clouds (after Nasca's Paulstretch), scattered in grains, driven into distortion. The rest
is by rule: drones whose partials come and go, clusters that swell, single notes in large rooms
over hiss or weather, sweeps and booms, loops of struck things. All is music: somebody put it there.
A tone or a noise that nobody plays is made in ``tones`` and ``synthetic``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import scipy.signal
import soxr
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training import augment, effects, electronic, synthetic
from streamseg.training.augment import Samples
from streamseg.training.data import RATE_HZ, Bank, Entry, Part, Sound
from streamseg.training.synthetic import unit
from streamseg.training.tunes import SCALES

_MUSIC = ("music", "stems", "scored", "bands", "dance")
"""Banks whose pieces are stretched, scattered and driven."""


class Sources:
    """Recorded and made music, and recorded noises, of one part of the banks of a folder."""

    def __init__(self, folder: Path, part: Part) -> None:
        self._music = [held for kind in _MUSIC if (held := _held(folder, kind, part))]
        noise = _held(folder, "noise", part)
        if not self._music or noise is None:
            raise ValueError(f"expected music and noise for {part} in {folder}, found none")
        self._noise = noise

    def music(self, random: Generator, seconds: float) -> Samples:
        """An excerpt with a peak of 1; every second one is of recorded clips."""
        first = random.random() < 0.5
        bank, entries = self._music[0 if first else random.integers(len(self._music))]
        return _excerpt(random, bank, entries, seconds)

    def noise(self, random: Generator, seconds: float) -> Samples:
        """An excerpt with a peak of 1."""
        return _excerpt(random, *self._noise, seconds)


def _held(folder: Path, kind: str, part: Part) -> tuple[Bank, list[Entry]] | None:
    if not (folder / f"{kind}.json").exists():
        return None
    bank = Bank(folder, kind)
    entries = [entry for entry in bank.entries if entry.part == part]
    return (bank, entries) if entries else None


def _excerpt(random: Generator, bank: Bank, entries: Sequence[Entry], seconds: float) -> Samples:
    """Of one sound, repeated where it is too short."""
    samples = bank.samples(entries[int(random.integers(len(entries)))])
    count = int(seconds * RATE_HZ)
    start = int(random.integers(max(1, len(samples) - count)))
    return unit(np.resize(samples[start : start + count], count))


# Made from recorded music ----------------------------------------------------------------------


def stretched(random: Generator, source: Sources, seconds: float) -> Samples:
    """Music slowed 4 to 20 times: windows of 0.1 to 0.7 s with phases by chance, overlapped."""
    factor = float(np.exp(random.uniform(np.log(4), np.log(20))))
    window = int(float(np.exp(random.uniform(np.log(0.1), np.log(0.7)))) * RATE_HZ) // 2 * 2
    count = int(seconds * RATE_HZ)
    music = source.music(random, seconds / factor + 2 * window / RATE_HZ)
    shape = np.sin(np.pi * (np.arange(window) + 0.5) / window).astype(np.float32)
    total = np.zeros(count + 2 * window, np.float32)
    for at in range(0, count + window, window // 2):
        begin = int(at / factor)
        spectrum = np.abs(np.fft.rfft(music[begin : begin + window] * shape))
        phases = np.exp(2j * np.pi * random.random(len(spectrum)))
        total[at : at + window] += np.fft.irfft(spectrum * phases, window) * shape
    return total[window // 2 : window // 2 + count]


def scattered(random: Generator, source: Sources, seconds: float) -> Samples:
    """Grains of 20 to 250 ms of a short excerpt, transposed, at places by chance or in a pulse."""
    music = source.music(random, float(random.uniform(1, 5)))
    count = int(seconds * RATE_HZ)
    per_s = float(np.exp(random.uniform(np.log(4), np.log(60))))
    starts_s = np.sort(random.uniform(0, seconds, int(per_s * seconds)))
    if random.random() < 0.4:
        pulse_s = float(random.uniform(0.08, 0.3))
        starts_s = np.round(starts_s / pulse_s) * pulse_s
    pitches = [
        soxr.resample(music, RATE_HZ * 2 ** (step / 12), RATE_HZ, "LQ")
        for step in random.choice([-12, -7, -5, 0, 0, 4, 7, 12], 3)
    ]
    length = int(float(np.exp(random.uniform(np.log(0.02), np.log(0.25)))) * RATE_HZ)
    shape = np.hanning(length).astype(np.float32)
    total = np.zeros(count + length, np.float32)
    for start_s in starts_s:
        pitched = pitches[random.integers(len(pitches))]
        begin = int(random.integers(max(1, len(pitched) - length)))
        grain = augment.fit_length(pitched[begin : begin + length], length)
        at = min(int(start_s * RATE_HZ), count)
        total[at : at + length] += grain * shape * np.float32(random.uniform(0.3, 1))
    return effects.hall(random, total[:count]) if random.random() < 0.6 else total[:count]


def driven(random: Generator, source: Sources, seconds: float) -> Samples:
    """Music through one or two amplifiers until little but its rhythm is left."""
    music = source.music(random, seconds)
    for _ in range(int(random.integers(1, 3))):
        music = effects.amplifier(random, music)
    return effects.moving_filter(random, music) if random.random() < 0.3 else music


# By rule ---------------------------------------------------------------------------------------


def _drift(random: Generator, count: int, per_s: float) -> NDArray[np.float64]:
    """A slow curve by chance between 0 and 1."""
    knots = max(4, int(count / RATE_HZ * per_s) + 4)
    places = np.linspace(0, knots - 1, count)
    return np.asarray(np.interp(places, np.arange(knots), random.random(knots)))


def drone(random: Generator, _: Sources, seconds: float) -> Samples:
    """Low partials, in tune or not, each of which comes and goes, beats and glides a little."""
    count = int(seconds * RATE_HZ)
    root_hz = float(np.exp(random.uniform(np.log(30), np.log(220))))
    total = np.zeros(count)
    stretch = float(random.choice([1.0, 1.0, random.uniform(0.9, 1.15)]))
    for _turn in range(int(random.integers(4, 12))):
        multiple = float(random.choice([0.5, 1, 1, 1.5, 2, 2, 3, 4, 5, 6, 8])) ** stretch
        glide = np.exp2((_drift(random, count, 0.15) - 0.5) * float(random.uniform(0, 2)) / 12)
        phase = 2 * np.pi * np.cumsum(root_hz * multiple * glide) / RATE_HZ
        wave = np.sin(phase + float(random.uniform(0, 6.28)))
        if random.random() < 0.4:
            wave = np.tanh(float(random.uniform(1, 6)) * wave)
        loud = _drift(random, count, float(random.uniform(0.15, 0.8))) ** 2
        total += wave * loud / multiple ** float(random.uniform(0, 1))
    made = unit(total)
    return effects.moving_filter(random, made) if random.random() < 0.4 else made


def cluster(random: Generator, _: Sources, seconds: float) -> Samples:
    """Many neighbouring tones that swell and break off, often trembling: dread, suspense."""
    count = int(seconds * RATE_HZ)
    root_hz = float(np.exp(random.uniform(np.log(60), np.log(900))))
    total = np.zeros(count)
    for _turn in range(int(random.integers(4, 10))):
        hz = root_hz * 2 ** (float(random.integers(0, 14)) / 12)
        total += electronic.pad(random, hz, seconds)[:count]
    if random.random() < 0.5:
        rate_hz = float(random.uniform(5, 14))
        total *= 0.6 + 0.4 * np.sin(2 * np.pi * rate_hz * np.arange(count) / RATE_HZ)
    swell_s = float(random.uniform(2, 7))
    place = (np.arange(count) / RATE_HZ + float(random.uniform(0, swell_s))) % swell_s / swell_s
    ends = np.minimum(1, (1 - place) * swell_s / 0.03)
    return unit(total * (0.05 + ends * place ** float(random.uniform(0.7, 3))))


def lonely(random: Generator, _: Sources, seconds: float) -> Samples:
    """Single notes, seconds apart, each in a large room; some played backwards."""
    count = int(seconds * RATE_HZ)
    voices = (electronic.bell, electronic.pluck, electronic.sine, electronic.pad, electronic.lead)
    voice = voices[random.integers(len(voices))]
    scale = SCALES[random.integers(len(SCALES))]
    root_hz = float(np.exp(random.uniform(np.log(55), np.log(900))))
    apart_s = float(random.uniform(0.7, 4))
    total = np.zeros(count)
    at_s = float(random.uniform(0, 1))
    while at_s < seconds:
        hz = electronic.pitch_hz(random, scale, root_hz, 0, 14)
        note = voice(random, hz, float(random.uniform(0.3, 3)))
        if random.random() < 0.12:
            note = note[::-1]
        electronic.add(total, note, at_s)
        at_s += apart_s * float(random.choice([0.5, 1, 1, 1.5]))
    made = unit(total)
    if random.random() < 0.5:
        wet = scipy.signal.oaconvolve(made, augment.far_room(random))
        return augment.fit_length(wet, count)
    return effects.hall(random, made)


def sweeps(random: Generator, source: Sources, seconds: float) -> Samples:
    """Risers and falls of noise and tone with a boom at their ends, over a piece that goes on."""
    count = int(seconds * RATE_HZ)
    total = np.zeros(count + 8 * RATE_HZ)
    at_s = -float(random.uniform(0, 3))
    while at_s < seconds:
        long_s = float(random.choice([1, 2, 2, 4])) * float(random.uniform(0.8, 1.2))
        size = int(long_s * RATE_HZ)
        rise = np.linspace(0, 1, size)
        rise = rise if random.random() < 0.7 else rise[::-1]
        low_hz = float(np.exp(random.uniform(np.log(80), np.log(600))))
        hz = low_hz * 2 ** (rise * float(random.uniform(1, 5)))
        tone = np.sin(2 * np.pi * np.cumsum(np.minimum(hz, 18000)) / RATE_HZ)
        hiss = synthetic.coloured(random, size, float(random.uniform(-0.2, 1)))
        share = float(random.uniform(0, 1))
        riser = ((1 - share) * tone + share * hiss) * rise ** float(random.uniform(0.5, 3))
        for part, start_s in ((riser, at_s), (_boom(random), at_s + long_s)):
            begin = int(start_s * RATE_HZ)
            kept = part[max(0, -begin) :]
            total[max(0, begin) : max(0, begin) + len(kept)] += kept
        at_s += long_s + float(random.uniform(0, 3))
    swept = effects.hall(random, unit(total[:count]))
    under_db = -float(random.uniform(3, 24))
    slow = random.random() < 0.3
    bed = stretched(random, source, seconds) if slow else source.music(random, seconds)
    return _over(swept, bed, under_db)


def _boom(random: Generator) -> NDArray[np.float64]:
    """A low stroke that falls and dies away in a second or three."""
    time_s = np.arange(int(float(random.uniform(1, 3)) * RATE_HZ)) / RATE_HZ
    hz = float(random.uniform(28, 70)) * (1 + float(random.uniform(0, 3)) * np.exp(-time_s / 0.08))
    stroke = np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ)
    fade = np.exp(-time_s / float(random.uniform(0.2, 1))) * np.minimum(1, (3 - time_s) / 0.1)
    return np.asarray(np.tanh(float(random.uniform(1, 5)) * stroke) * fade)


def struck(random: Generator, source: Sources, seconds: float) -> Samples:
    """A loop of hits cut from recorded noises: metal, stones, doors in a rhythm."""
    count = int(seconds * RATE_HZ)
    beat_s = float(random.uniform(0.16, 0.45))
    steps = int(random.choice([8, 12, 16]))
    total = np.zeros(count)
    for _turn in range(int(random.integers(2, 5))):
        hit = source.noise(random, float(random.uniform(0.06, 0.5)))
        first = int(np.abs(hit).argmax())
        hit = hit[max(0, first - 200) :]
        hit = hit * np.exp(-np.arange(len(hit)) / (RATE_HZ * float(random.uniform(0.02, 0.2))))
        pattern = random.random(steps) < float(random.uniform(0.1, 0.5))
        pattern[random.integers(steps)] = True
        accents = random.uniform(0.4, 1, steps)
        for turn, start_s in enumerate(np.arange(0, seconds, beat_s)):
            if pattern[turn % steps]:
                electronic.add(total, hit * accents[turn % steps], float(start_s))
    return unit(total)


Maker = Callable[[Generator, Sources, float], Samples]
"""(random, sources, seconds) to mono samples at ``RATE_HZ``, of any level."""

_MAKERS: dict[Maker, float] = {
    stretched: 0.2,
    scattered: 0.13,
    driven: 0.16,
    drone: 0.12,
    cluster: 0.08,
    lonely: 0.15,
    sweeps: 0.09,
    struck: 0.07,
}


def _over(first: Samples, bed: Samples, under_db: float) -> Samples:
    """The first at a level of 1 with the bed so far under it."""
    gain = 10 ** (under_db / 20) * augment.rms(first) / max(augment.rms(bed), 1e-6)
    return first + np.float32(gain) * augment.fit_length(bed, len(first))


def piece(random: Generator, source: Sources, seconds: float) -> Samples:
    """One to three textures over each other, half of the time with hiss or weather under them."""
    makers, shares = list(_MAKERS), list(_MAKERS.values())
    count = int(random.choice([1, 2, 3], p=[0.55, 0.35, 0.1]))
    chosen = random.choice(len(makers), count, replace=False, p=shares)
    total = unit(makers[chosen[0]](random, source, seconds))
    for index in chosen[1:]:
        other = makers[index](random, source, seconds)
        total = _over(total, other, float(random.uniform(-12, 2)))
    if random.random() < 0.5:
        recorded = random.random() < 0.3
        bed = source.noise(random, seconds) if recorded else electronic.texture(random, seconds)
        total = _over(total, bed, float(random.uniform(-28, -9 if recorded else -5)))
    return effects.produced(random, unit(total))


def ambient_sounds(folder: Path, part: Part, count: int, seed: int) -> Iterator[Sound]:
    """``count`` pieces of 10 to 18 seconds, made from what the banks of ``folder`` hold."""
    source = Sources(folder, part)
    random = np.random.default_rng([seed, part == "fit", 97])
    for _ in range(count):
        made = piece(random, source, float(random.uniform(10, 18)))
        yield Sound(made, "generated:ambient", "generated", "ambient", part)

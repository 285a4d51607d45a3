"""Music from notes: the corpus' MIDI files and invented pieces, played by FluidSynth.

The clips of the corpus are mostly game and electronic music; a General MIDI soundfont adds pianos,
strings, winds, organs, plucked and struck instruments, alone and together, and choir patches.
"""

from __future__ import annotations

import csv
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training.data import RATE_HZ, Part, Sound, decode, fraction_of
from streamseg.training.tunes import compose

SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
_TICKS_PER_S = 960  # 480 ticks a beat at MIDI's default of 120 beats a minute

# General MIDI programs by family; voices, winds and strings come more often than special effects.
_SOLO = (
    *(0, 4, 6, 11, 13, 16, 19, 21, 22, 24, 26, 40, 41, 42, 46, 52, 53, 54, 56, 57, 60, 64, 66),
    *(68, 71, 73, 74, 75, 77, 79, 104, 105, 107, 108, 109, 110, 111, 52, 53, 53),
)
_PADS = (48, 49, 50, 51, 52, 52, 53, 54, 88, 89, 91, 92, 94, 95, 19, 61)
_BASS = (32, 33, 34, 35, 38, 43)


@dataclass(frozen=True, slots=True)
class Played:
    """One note of a part, in MIDI numbers and seconds."""

    start_s: float
    end_s: float
    key: int
    velocity: int


def available() -> bool:
    """True when FluidSynth and its soundfont are installed."""
    return shutil.which("fluidsynth") is not None and SOUNDFONT.is_file()


def _variable(value: int) -> bytes:
    data = [value & 0x7F]
    while value := value >> 7:
        data.append(0x80 | (value & 0x7F))
    return bytes(reversed(data))


def _track(channel: int, program: int, notes: Sequence[Played]) -> bytes:
    events = [(0, bytes((0xC0 | channel, program)))]
    for note in notes:
        events.append(
            (round(note.start_s * _TICKS_PER_S), bytes((0x90 | channel, note.key, note.velocity)))
        )
        events.append((round(note.end_s * _TICKS_PER_S), bytes((0x80 | channel, note.key, 0))))
    events.sort(key=lambda event: event[0])
    body, now = b"", 0
    for tick, data in events:
        body += _variable(tick - now) + data
        now = tick
    body += b"\x00\xff\x2f\x00"
    return b"MTrk" + struct.pack(">I", len(body)) + body


def midi_file(parts: Sequence[tuple[int, int, Sequence[Played]]]) -> bytes:
    """A format 1 MIDI file of (channel, program, notes) parts."""
    tracks = [_track(*part) for part in parts]
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), _TICKS_PER_S // 2) + b"".join(tracks)


def _key(hz: float) -> int:
    return int(np.clip(round(69 + 12 * np.log2(hz / 440)), 24, 100))


def invent(random: Generator, seconds: float) -> bytes:
    """A piece: a melody alone, or with chords, bass and drums."""
    root_hz = float(2 ** random.uniform(np.log2(110), np.log2(520)))
    melody, now = [], 0.0
    for note in compose(random, seconds, root_hz):
        if note.hz:
            velocity = int(random.integers(60, 120))
            melody.append(Played(now, now + note.seconds * 0.95, _key(note.hz), velocity))
        now += note.seconds
    parts = [(0, int(random.choice(_SOLO)), melody)]
    chords, bass = [], []
    step_s = float(random.uniform(1.2, 4.0))
    for start_s in np.arange(0, now, step_s):
        root = _key(root_hz) + int(random.choice([0, 5, 7, 9, -3, -5])) - 12
        third = int(random.choice([3, 4]))
        for key in (root, root + third, root + 7, root + 12):
            chords.append(Played(start_s, start_s + step_s, int(np.clip(key, 24, 96)), 70))
        bass.append(Played(start_s, start_s + step_s * 0.9, max(root - 12, 28), 90))
    manner = random.random()
    if manner > 0.35:
        parts.append((1, int(random.choice(_PADS + _SOLO)), chords))
    if manner < 0.12:  # a pad or a choir alone
        parts = [(0, int(random.choice(_PADS)), chords)]
    if manner > 0.6:
        parts.append((2, int(random.choice(_BASS)), bass))
    if manner > 0.75:
        beat_s = float(random.uniform(0.25, 0.5))
        beats = np.arange(0, now, beat_s)
        kit = [(36, 4, 0), (38, 4, 2), (42, 1, 0), (46, 8, 7)]
        drums = [
            Played(t, t + 0.1, key, int(random.integers(60, 120)))
            for i, t in enumerate(beats)
            for key, every, phase in kit
            if i % every == phase
        ]
        parts.append((9, int(random.choice([0, 8, 24, 40])), drums))
    return midi_file(parts)


def play(midi: Path, dry: bool = False, soundfont: Path = SOUNDFONT) -> NDArray[np.float32]:
    """Play a MIDI file through FluidSynth: mono float32 at 44.1 kHz; ``dry`` without its reverb."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "played.wav"
        command = ["fluidsynth", "-ni", "-q", "-g", "0.4", "-r", str(RATE_HZ), "-F", str(out)]
        command += ["-R", "0", "-C", "0"] if dry else []
        subprocess.run(  # noqa: S603 - fixed program, own file
            [*command, str(soundfont), str(midi)], check=True, capture_output=True, timeout=120
        )
        return decode(out)


def invented_sounds(count: int, seed: int) -> Iterator[Sound]:
    """``count`` invented pieces of 12 to 20 seconds; one in eight is for validation."""
    random = np.random.default_rng([seed, 77])
    with tempfile.TemporaryDirectory() as folder:
        for index in range(count):
            path = Path(folder) / "piece.mid"
            path.write_bytes(invent(random, float(random.uniform(12, 20))))
            part: Part = "validation" if index % 8 == 0 else "fit"
            yield Sound(play(path), "generated:invented", "generated", "invented", part)


def midi_sounds(corpus: Path, count: int, seed: int, seconds: float = 45.0) -> Iterator[Sound]:
    """An excerpt of up to ``count`` MIDI files of the corpus, spread over their sources."""
    random = np.random.default_rng([seed, 78])
    with (corpus / "midi" / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if float(row["duration_s"]) < 400]
    sources = sorted({row["source_repo"] for row in rows})
    for source in sources:
        own = [row for row in rows if row["source_repo"] == source]
        for index in random.permutation(len(own))[: count // len(sources)]:
            row = own[index]
            played = play(corpus / row["path"])
            spare = max(0, len(played) - int(seconds * RATE_HZ))
            start = int(random.uniform(0, spare))
            excerpt = played[start : start + int(seconds * RATE_HZ)]
            part: Part = "validation" if fraction_of(row["path"]) < 0.12 else "fit"
            yield Sound(excerpt, f"midi:{source}", source, "midi", part)

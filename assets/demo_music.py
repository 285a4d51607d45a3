"""The music of the demo programme: four short own compositions, as notes.

Called by ``make_demo.py`` only. A piece is a list of parts; a part is a General MIDI
instrument and its notes; ``render`` writes a Standard MIDI File and lets FluidSynth play it.
The instruments are FluidR3 GM's (MIT licence); notes, chords and rhythms were composed for
this file, so the result contains no third party's recording or composition.
"""

import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

TICKS_PER_BEAT = 480
DRUM_CHANNEL = 9  # fixed by General MIDI
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
DRUMS = {"kick": 36, "stick": 37, "snare": 38, "clap": 39, "hat": 42, "open": 46,
         "tom": 47, "crash": 49, "ride": 51, "tambourine": 54, "shaker": 70}  # fmt: skip
CHORDS = {"": (0, 4, 7), "m": (0, 3, 7), "7": (0, 4, 7, 10), "m7": (0, 3, 7, 10),
          "maj7": (0, 4, 7, 11), "5": (0, 7, 12)}  # fmt: skip
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True, slots=True)
class Note:
    """One note; times in beats, pitch and velocity as MIDI has them (0 to 127)."""

    at_beat: float
    beats: float
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Part:
    """One instrument: its General MIDI programme (0-based; ``None``: drums) and notes."""

    programme: int | None
    notes: list[Note]
    pan: int = 64


@dataclass(frozen=True, slots=True)
class Piece:
    """A composition: tempo in beats a minute, and the parts that sound together."""

    tempo_bpm: float
    parts: list[Part]


def pitch_of(name: str) -> int:
    """MIDI pitch of a name such as ``C4`` (60), ``F#3`` or ``Bb5``."""
    sharps = name.count("#") - name[1:].count("b")
    return STEPS[name[0]] + sharps + 12 * (int(name[-1]) + 1)


def melody(line: str, velocity: int = 88, at_beat: float = 0.0) -> list[Note]:
    """Notes of ``"E4/1 G4/.5 r/1"``: pitch or rest, a slash, the length in beats."""
    notes = []
    for token in line.split():
        name, length = token.split("/")
        if name != "r":
            notes.append(Note(at_beat, 0.95 * float(length), pitch_of(name), velocity))
        at_beat += float(length)
    return notes


def beat(bars: int, **patterns: str) -> list[Note]:
    """Drums from strings of sixteenths, repeated: ``X`` loud, ``x`` normal, ``o`` soft."""
    loudness = {"X": 112, "x": 90, "o": 58}
    notes = []
    for drum, pattern in patterns.items():
        for step in range(16 * bars):
            mark = pattern[step % len(pattern)]
            if mark in loudness:
                notes.append(Note(step / 4, 0.2, DRUMS[drum], loudness[mark]))
    return notes


def chords(progression: str, octave: int) -> Iterator[tuple[float, float, list[int]]]:
    """(at_beat, beats, pitches) for each chord of ``"C/4 Am/2 G7/2"``."""
    at_beat = 0.0
    for token in progression.split():
        symbol, length = token.split("/")
        root = symbol[:2] if symbol[1:2] in ("#", "b") else symbol[:1]
        low = pitch_of(f"{root}{octave}")
        yield at_beat, float(length), [low + step for step in CHORDS[symbol[len(root) :]]]
        at_beat += float(length)


def comp(progression: str, octave: int, hits: str, velocity: int = 76) -> list[Note]:
    """Block chords on the eighths that ``hits`` marks with ``x``, each held to the next."""
    notes = []
    for at_beat, beats, pitches in chords(progression, octave):
        marks = [i for i in range(int(2 * beats)) if hits[i % len(hits)] == "x"]
        for mark, following in zip(marks, [*marks[1:], int(2 * beats)], strict=True):
            length = 0.9 * (following - mark) / 2
            # A few ticks between the strings of a chord, as fingers strum it.
            notes += [
                Note(at_beat + mark / 2 + 0.02 * string, length, pitch, velocity)
                for string, pitch in enumerate(pitches)
            ]
    return notes


def broken(progression: str, octave: int, order: str, velocity: int = 76) -> list[Note]:
    """Chords broken into eighths; each digit of ``order`` picks a chord note (3: octave)."""
    notes = []
    for at_beat, beats, pitches in chords(progression, octave):
        ladder = [*pitches[:3], pitches[0] + 12, pitches[1] + 12]
        for eighth in range(int(2 * beats)):
            pitch = ladder[int(order[eighth % len(order)])]
            notes.append(Note(at_beat + eighth / 2, 0.7, pitch, velocity))
    return notes


def jingle() -> Piece:
    """Station opener, 4 bars at 128: brass stabs, glockenspiel, guitar, bass, drums."""
    changes = "C/4 Am/4 F/2 G7/2 C/4"
    return Piece(128, [
        Part(None, beat(3, kick="X...x...X..xx...", snare="....X.......X..o",
                        hat="x.o.x.o.x.o.x.oo", clap="....x.......x...")
             + beat(1, crash="X" + "." * 15)
             + [Note(12, 0.2, 36, 115), Note(12, 0.2, 49, 112), Note(12.5, 0.2, 38, 100)]),
        Part(38, broken(changes, 2, "00300302", 96)),
        Part(61, comp(changes, 4, "x..x..x.", 92), pan=50),
        Part(27, comp(changes, 3, "x.xxx.xx", 70), pan=84),
        Part(90, comp(changes, 4, "x.......", 62), pan=40),
        Part(9, melody("E6/.5 G6/.5 C7/1 B6/.5 G6/.5 E6/1 A6/.5 C7/.5 E7/1 D7/.5 C7/.5 A6/1 "
                       "F6/.5 A6/.5 C7/1 D7/.5 B6/.5 G6/1 C7/.5 E7/.5 G7/.5 C7/2.5", 100)),
    ])  # fmt: skip


def bed() -> Piece:
    """Quiet bed under a voice, 5 bars at 100: electric piano, pad, bass, light drums."""
    changes = "Fmaj7/4 Em7/4 Dm7/4 G7/4 Cmaj7/4"
    return Piece(100, [
        Part(None, beat(5, kick="x.....o.x.......", stick="....x.......x...",
                        shaker="o.oxo.oxo.oxo.ox", hat="x...x...x...x...")),
        Part(33, broken(changes, 2, "00203021", 84)),
        Part(4, comp(changes, 4, "x..x.x..", 78), pan=54),
        Part(89, comp(changes, 4, "x.......", 70), pan=74),
        Part(11, melody("r/2 E5/.5 A5/.5 C6/1 r/2 D6/.5 B5/.5 G5/1 r/2 F5/.5 A5/.5 E6/1 "
                        "r/1 D6/1 B5/.5 G5/.5 F5/1 E5/4", 66), pan=84),
    ])  # fmt: skip


def song() -> Piece:
    """Rock song, 6 bars at 112: two guitars, organ, bass, saxophone, full drums."""
    changes = "Em/4 C/4 G/4 D/4 Am/4 Em/4"
    power = "E5/4 C5/4 G5/4 D5/4 A5/4 E5/4"
    return Piece(112, [
        Part(None, beat(5, kick="X..x..x.X.x...x.", snare="....X.......X..o",
                        hat="x.x.x.x.x.x.x.x.", open="..............x.",
                        crash="X" + "." * 63)
             + [Note(20 + i / 4, 0.2, pitch, 84 + 3 * i) for i, pitch in
                enumerate([38, 38, 50, 50, 47, 47, 45, 45])]
             + [Note(22, 0.2, 36, 118), Note(22, 0.2, 49, 116)]),
        Part(34, broken(changes, 2, "00003002", 100)),
        Part(29, comp(power, 3, "x.xxx.xx", 80), pan=34),
        Part(27, comp(changes, 4, "..x...xx", 74), pan=96),
        Part(18, comp(changes, 4, "x.......", 66)),
        Part(65, melody("B4/1 E5/.5 F#5/.5 G5/1.5 F#5/.5 E5/2 G5/.5 A5/.5 G5/1 D5/1.5 B4/.5 "
                        "D5/1 G5/1 A5/2 F#5/.5 G5/.5 A5/1 C6/1 B5/.5 A5/.5 G5/1 E5/1 "
                        "G5/.5 F#5/.5 E5/3", 104)),
    ])  # fmt: skip


def finale() -> Piece:
    """Closing theme, 6 bars at 96: nylon guitar, strings, flute, horn, bass, percussion."""
    changes = "Dm/4 Bb/4 F/4 C/4 Gm/2 A7/2 D/4"
    return Piece(96, [
        Part(None, [*beat(5, kick="x.....x.x.......", stick="....x.......x.x.",
                          shaker="x.ox.oxox.ox.oxo", tambourine="........x......."),
                    Note(20, 0.3, 49, 84), Note(20, 0.3, 36, 100)]),
        Part(32, broken(changes, 2, "00020003", 92)),
        Part(24, broken(changes, 3, "01342143", 92), pan=44),
        Part(48, comp(changes, 4, "x.......", 76), pan=80),
        Part(60, melody("r/4 D4/2 F4/2 A3/2 C4/2 E4/2 G4/2 G3/2 C#4/2 D4/4", 84), pan=56),
        Part(73, melody("D5/1 F5/.5 A5/.5 G5/1 F5/.5 E5/.5 F5/1.5 D5/.5 Bb5/1 A5/1 "
                        "A5/.5 G5/.5 F5/1 C6/1.5 A5/.5 G5/1 E5/.5 G5/.5 C6/2 "
                        "Bb5/.5 A5/.5 G5/1 A5/.5 G5/.5 E5/1 F#5/4", 104), pan=72),
    ])  # fmt: skip


def _varlen(number: int) -> bytes:
    """Variable-length quantity of the MIDI file format (seven bits a byte, high first)."""
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(0x80 | number & 0x7F)
    return bytes(reversed(digits))


def midi_file(piece: Piece, rng: np.random.Generator) -> bytes:
    """The piece as a Standard MIDI File (format 0).

    ``rng`` moves each note a few milliseconds and loudness steps, as players do; without
    that every drum hit is the same sample at the same level, and sounds like a machine.
    """
    events: list[tuple[int, int, bytes]] = []  # tick, order at equal ticks, message
    for index, part in enumerate(piece.parts):
        channel = DRUM_CHANNEL if part.programme is None else index + (index >= DRUM_CHANNEL)
        if part.programme is not None:
            events.append((0, 0, bytes([0xC0 | channel, part.programme])))
        events.append((0, 0, bytes([0xB0 | channel, 10, part.pan])))
        for note in part.notes:
            late = int(rng.normal(0, 5))
            start = max(0, round(note.at_beat * TICKS_PER_BEAT) + late)
            stop = start + max(30, round(note.beats * TICKS_PER_BEAT))
            velocity = int(np.clip(note.velocity + rng.normal(0, 5), 1, 127))
            events.append((start, 2, bytes([0x90 | channel, note.pitch, velocity])))
            events.append((stop, 1, bytes([0x80 | channel, note.pitch, 0])))
    track = b"\x00\xff\x51\x03" + round(60e6 / piece.tempo_bpm).to_bytes(3, "big")
    now = 0
    for tick, _, message in sorted(events):
        track += _varlen(tick - now) + message
        now = tick
    track += b"\x00\xff\x2f\x00"
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS_PER_BEAT)
    return header + b"MTrk" + struct.pack(">I", len(track)) + track


def render(piece: Piece, rate_hz: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """What FluidSynth makes of the piece: (frames, 2), with its own reverberation's tail."""
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder, "piece.mid"), Path(folder, "piece.wav")
        score.write_bytes(midi_file(piece, rng))
        subprocess.run(
            ["fluidsynth", "-niq", "-g", "0.5", "-r", str(rate_hz), "-O", "float", "-T", "wav",
             "-F", str(sound), str(SOUNDFONT), str(score)], check=True, capture_output=True,
        )  # fmt: skip
        samples: NDArray[np.float64] = soundfile.read(sound, always_2d=True)[0]
    return samples

"""The corpus' MIDI files played again by other bands: other instruments, key, pace, effects.

A file played once is one piece. An excerpt with other General MIDI programs, some parts left out
(a solo, only the drums, no drums), transposed and through ``effects`` is another each time.
"""

from __future__ import annotations

import csv
import struct
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.random import Generator

from streamseg.training.data import RATE_HZ, Part, Sound, fraction_of
from streamseg.training.effects import produced
from streamseg.training.melodies import Played, midi_file, play

DRUMS = 9
# Programs by family of eight, without the last: those are effects (helicopter, applause).
_FAMILIES = np.array([1.4, 1.0, 1.2, 1.6, 0.8, 1.4, 1.0, 1.2, 1.2, 1.2, 1.0, 1.4, 1.0, 1.2, 0.6])


@dataclass(frozen=True, slots=True)
class Score:
    """Notes by (channel, program), in seconds."""

    parts: dict[tuple[int, int], list[Played]]

    @property
    def seconds(self) -> float:
        """End of the last note."""
        return max((note.end_s for notes in self.parts.values() for note in notes), default=0.0)


def _length(data: bytes, at: int) -> tuple[int, int]:
    """A MIDI variable-length number and the place after it."""
    value = 0
    while True:
        value = value << 7 | data[at] & 0x7F
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def _events(track: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Tick, status and data of every event; a tempo is status 0x51, what else is meta is left out.

    Standard MIDI Files 1.0, "MTrk": running status lasts until the next status or meta event.
    """
    at, tick, status = 0, 0, 0
    while at < len(track):
        delta, at = _length(track, at)
        tick += delta
        if track[at] & 0x80:
            status = track[at]
            at += 1
        if status in (0xFF, 0xF0, 0xF7):
            kind = track[at] if status == 0xFF else 0
            size, at = _length(track, at + (status == 0xFF))
            if kind == 0x51:
                yield tick, kind, track[at : at + size]
        else:
            size = 1 if 0xC0 <= status < 0xE0 else 2
            yield tick, status, track[at : at + size]
        at += size


def read_score(path: Path) -> Score:
    """Notes of a MIDI file. Raises ValueError where it is none."""
    data = path.read_bytes()
    if data[:4] != b"MThd":
        raise ValueError(f"expected a Standard MIDI File, got {path}; remove it from the manifest")
    tracks, division = struct.unpack(">HH", data[10:14])
    at, events = 14, []
    for _ in range(tracks):
        size = struct.unpack(">I", data[at + 4 : at + 8])[0]
        events += list(_events(data[at + 8 : at + 8 + size]))
        at += 8 + size
    # At one tick a program change and a note's end come before a note's beginning.
    events.sort(key=lambda event: (event[0], event[1] & 0xF0 == 0x90))
    parts: dict[tuple[int, int], list[Played]] = defaultdict(list)
    programs = [0] * 16
    open_notes: dict[tuple[int, int], Played] = {}
    now_s, last, per_tick_s = 0.0, 0, 0.5 / division
    for tick, status, content in events:
        now_s += (tick - last) * per_tick_s
        last = tick
        channel, kind = status & 0x0F, status & 0xF0
        if status == 0x51:
            per_tick_s = int.from_bytes(content, "big") / 1e6 / division
        elif kind == 0xC0:
            programs[channel] = content[0]
        elif kind in (0x80, 0x90):
            begun = open_notes.pop((channel, content[0]), None)
            if begun is not None and now_s > begun.start_s:
                parts[channel, programs[channel]].append(replace(begun, end_s=now_s))
            if kind == 0x90 and content[1]:
                open_notes[channel, content[0]] = Played(now_s, now_s, content[0], content[1])
    return Score(dict(parts))


def _program(random: Generator) -> int:
    family = int(random.choice(len(_FAMILIES), p=_FAMILIES / _FAMILIES.sum()))
    return family * 8 + int(random.integers(8))


def rearranged(random: Generator, score: Score, seconds: float) -> bytes:
    """An excerpt for another band, as a MIDI file that begins at its first note."""
    start_s = float(random.uniform(0, max(0.0, score.seconds - seconds)))
    pace, key = float(np.exp(random.normal(0, 0.15))), int(random.integers(-5, 6))
    end_s = start_s + seconds
    kept = {
        part: [replace(n, end_s=min(n.end_s, end_s)) for n in notes if start_s <= n.start_s < end_s]
        for part, notes in score.parts.items()
    }
    kept = {part: notes for part, notes in kept.items() if notes}
    manner = random.random()
    if manner < 0.12 and any(channel == DRUMS for channel, _ in kept):
        kept = {part: notes for part, notes in kept.items() if part[0] == DRUMS}
    elif manner < 0.3:
        kept = {part: notes for part, notes in kept.items() if part[0] != DRUMS} or kept
    melodic = [part for part in kept if part[0] != DRUMS]
    if 0.3 <= manner < 0.6 and len(melodic) > 1:  # a few parts, often one
        gone = random.permutation(len(melodic))[int(random.integers(1, len(melodic))) :]
        for index in gone:
            del kept[melodic[index]]
    first_s = min((n.start_s for notes in kept.values() for n in notes), default=0.0)
    parts = []
    for (channel, program), notes in kept.items():
        drums = channel == DRUMS
        moved = [
            Played(
                (n.start_s - first_s) / pace,
                (max(n.end_s, n.start_s + 0.05) - first_s) / pace,
                n.key if drums else int(np.clip(n.key + key, 12, 115)),
                n.velocity,
            )
            for n in notes
        ]
        if drums:
            program = int(random.choice([0, 8, 16, 24, 25, 32, 40, 48]))
        elif random.random() < 0.75:
            program = _program(random)
        parts.append((channel, program, moved))
    return midi_file(parts)


def scored_sounds(
    corpus: Path, seed: int, each: int = 60, seconds: float = 20.0
) -> Iterator[Sound]:
    """Up to ``each`` MIDI files of a source, by other bands; the parts are those of ``midi``."""
    random = np.random.default_rng([seed, 79])
    with (corpus / "midi" / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    taken: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        midi = Path(folder) / "piece.mid"
        for index in random.permutation(len(rows)):
            row = rows[index]
            taken[row["source_repo"]] += 1
            if taken[row["source_repo"]] > each:
                continue
            midi.write_bytes(rearranged(random, read_score(corpus / row["path"]), seconds))
            played = play(midi, dry=True)[: int((seconds + 2) * RATE_HZ)]
            part: Part = "validation" if fraction_of(row["path"]) < 0.12 else "fit"
            repo = row["source_repo"]
            yield Sound(produced(random, played), f"midi:{repo}", repo, "scored", part)

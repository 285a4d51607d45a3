"""More kinds of music for the banks: bands, whole or some of their stems, and dance music.

The bands are the pieces that the stem networks are trained on (``band_data``), the dance music is
made as that of the genre network (``dance``), with seeds of its own. Whoever sings is sung: a
speaker over a band would be two classes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training import augment
from streamseg.training.augment import Samples
from streamseg.training.band import STEM_RATE_HZ
from streamseg.training.dance import piece as dance
from streamseg.training.dance.genres import GENRES
from streamseg.training.data import RATE_HZ, Bank, Part, Sound

_SUNG = "generated:generated:"
"""How origins name a singer that was made (``band.voice``)."""
# What is left of a piece: drums, bass, other, vocals.
_KEPT = {
    (1, 1, 1, 1): 0.4,
    (0, 0, 1, 1): 0.1,
    (0, 1, 1, 0): 0.13,
    (0, 0, 1, 0): 0.15,
    (1, 1, 0, 0): 0.1,
    (1, 0, 1, 0): 0.08,
    (1, 0, 0, 0): 0.04,
}
_SEED = 30_000  # no song of ``genre_trials``, no piece of ``genre_pieces``
_VOICES, _VOICE_S = 40, 6.0


def in_part(random: Generator, stems: NDArray[np.floating], spoken: bool) -> NDArray[np.floating]:
    """Some or all of the stems (4, n) of a piece as one sound (n,), never a speaker."""
    choice = list(_KEPT)[int(random.choice(len(_KEPT), p=list(_KEPT.values())))]
    gains = np.array(choice, float)
    gains[3] *= not spoken
    power = np.einsum("sn,sn->s", stems, stems, dtype=np.float64) * gains
    if power.sum() < 0.02 * np.einsum("sn,sn->", stems, stems, dtype=np.float64):
        gains = np.array([1.0, 1.0, 1.0, 0.0 if spoken else 1.0])  # nothing was left
    return np.asarray(gains.astype(np.float32) @ stems)


def band_sounds(pieces: Path, part: Part, seed: int, seconds: float = 12.0) -> Iterator[Sound]:
    """An excerpt of every rendered piece of a folder (``band_data.render``); real stems are left
    to the bank "stems".
    """
    random = np.random.default_rng([seed, part == "fit", 91])
    for table in sorted(pieces.glob("pieces*.json")):
        origins = json.loads(table.read_text())
        shard = np.load(table.with_suffix(".npy"), mmap_mode="r")
        count = min(int(seconds * STEM_RATE_HZ), shard.shape[2])
        for row, names in enumerate(origins):
            start = int(random.integers(shard.shape[2] - count + 1))
            stems = shard[row, :, start : start + count].astype(np.float32) / np.float32(32768)
            spoken = len(names) > 1 and not names[-1].startswith(_SUNG)
            samples = in_part(random, stems, spoken)
            if augment.rms(np.asarray(samples, np.float32)) < 1e-3:
                continue
            full = np.asarray(soxr.resample(samples, STEM_RATE_HZ, RATE_HZ), np.float32)
            repo = names[0].split(":")[0]
            yield Sound(full, f"midi:{repo}", repo, "band", part)


def sung_voices(banks: Path, part: Part, random: Generator) -> list[Samples]:
    """Some seconds each of some solos of one part, at one level."""
    bank = Bank(banks, "sung" if part == "fit" else "sung_held_out")
    entries = [entry for entry in bank.entries if entry.detail == "solo"]
    chosen = [entries[index] for index in random.permutation(len(entries))[:_VOICES]]
    sung = (bank.samples(entry)[: int(_VOICE_S * RATE_HZ)] for entry in chosen)
    return [voice / np.float32(20 * augment.rms(voice)) for voice in sung]


def dance_sounds(
    banks: Path, part: Part, count: int, seed: int, seconds: float = 12.0
) -> Iterator[Sound]:
    """``count`` pieces of each genre in turn, whole or in part."""
    random = np.random.default_rng([seed, part == "fit", 92])
    singers = sung_voices(banks, part, random)
    first = _SEED if part == "fit" else 2 * _SEED
    for index in range(count):
        genre = list(GENRES)[index % len(GENRES)]
        made = dance.make(genre, first + 1000 * seed + index, singers, seconds)
        stems = np.stack([made.stems[name] for name in dance.STEMS])
        samples = np.asarray(in_part(random, stems, spoken=False), np.float32)
        yield Sound(samples, "generated:dance", "generated", f"dance {genre}", part)

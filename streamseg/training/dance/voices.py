"""Vocals: phrases, chops and stutters of voices that are given, laid on the beat.

Every genre draws from the same voices, so who speaks tells nothing; how voices are used does, a
little. Without voices (no corpus) a stand-in of gliding pulses through formants is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import soxr
from numpy.random import Generator

from streamseg.training import effects, synthetic
from streamseg.training.augment import Samples, fit_length, rms
from streamseg.training.dance.synth import Clock
from streamseg.training.data import RATE_HZ, Clip, Part, decode, read_manifest

VOICE_S = 6.0


def voice_clips(
    corpus: Path, count: int = 120, split: str = "train", part: Part | None = None
) -> list[Clip]:
    """Clips of speech and singing of a split of the corpus, in a fixed order.

    ``part`` keeps to the sounds that are trained on, or to those held out inside ``train``.
    """
    clips = [
        clip
        for clip in read_manifest(corpus, split)
        if (clip.label == "speech" or clip.vocals)
        and clip.duration_s >= 3
        and part in (None, clip.part)
    ]
    chosen = np.random.default_rng(41).permutation(len(clips))[:count]
    return [clips[index] for index in chosen]


def corpus_voices(
    corpus: Path, count: int = 120, split: str = "train", part: Part | None = None
) -> list[Samples]:
    """Some seconds of each of the clips of ``voice_clips``."""
    clips = voice_clips(corpus, count, split, part)
    found = (decode(clip.path)[: int(VOICE_S * RATE_HZ)] for clip in clips)
    return [voice / np.float32(20 * rms(voice)) for voice in found if rms(voice) > 1e-4]


@lru_cache(maxsize=2)
def made_voices(count: int = 12) -> list[Samples]:
    """Stand-ins."""
    random = np.random.default_rng(42)
    return [synthetic.babbled_syllables(random, VOICE_S) / np.float32(4) for _ in range(count)]


def _changed(random: Generator, voice: Samples) -> Samples:
    """Faster or slower as a record is: pitch and pace together."""
    ratio = float(np.exp2(random.choice([0, 0, 0, 3, 5, 7, 12, -2, -5]) / 12))
    return np.asarray(soxr.resample(voice, RATE_HZ * ratio, RATE_HZ, "LQ"), np.float32)


def _piece_of(random: Generator, voice: Samples, seconds: float) -> Samples:
    count = min(int(seconds * RATE_HZ), len(voice))
    start = int(random.uniform(0, len(voice) - count + 1))
    fade = np.minimum(np.minimum(np.arange(count), np.arange(count)[::-1]) / 400, 1)
    return np.asarray(voice[start : start + count] * fade, np.float32)


def vocals(random: Generator, voices: Sequence[Samples], clock: Clock) -> Samples:
    """Phrases now and then, chops in a rhythm, or a stutter; (clock.count,)."""
    voice = _changed(random, voices[int(random.integers(len(voices)))])
    total = np.zeros(clock.count, np.float32)
    manner = random.choice(["phrase", "chops", "stutter"], p=[0.5, 0.35, 0.15])
    if manner == "phrase":
        onsets = [int(16 * bar) for bar in range(clock.bars) if random.random() < 0.6] or [0]
        pieces = [_piece_of(random, voice, float(random.uniform(0.8, 3))) for _ in onsets]
    else:
        steps = 16 if manner == "chops" else 4
        figure = np.flatnonzero(random.random(steps) < 0.35).tolist() or [0]
        onsets = [c + step for c in range(0, 16 * clock.bars, steps) for step in figure]
        few = [
            _piece_of(random, voice, clock.step_s * float(random.uniform(0.8, 3))) for _ in range(3)
        ]
        pieces = [few[step % 3] for step in onsets]
    for onset, piece in zip(onsets, pieces, strict=True):
        at = clock.sample_of(onset)
        if at < clock.count:
            total[at : at + len(piece)] += piece[: clock.count - at]
    if random.random() < 0.5:
        total = effects.echo(random, total)
    if random.random() < 0.5:
        total = effects.hall(random, total)
    return fit_length(total, clock.count)

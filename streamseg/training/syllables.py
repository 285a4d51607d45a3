"""Spoken syllables one by one, with the pitch of tone languages, for the bank ``syllables``.

The corpus' single words are of few languages, none of which tells words apart by pitch. Here the
syllables of its speakers come back with a lexical tone each: high, rising, dipping, falling, low
or none, made by the vocoder or by grains of the voice (``singing``); espeak-ng says others in
Mandarin and Vietnamese, held out in Cantonese.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training import synthetic
from streamseg.training.data import Clip, Part, Sound, decode
from streamseg.training.singers import out, voices
from streamseg.training.singing import FRAME_S, Voice, Way, spoken

# Semitones from the middle of the voice, at the start, middle and end of the vowel.
_TONES = ((5, 5, 5), (-2, 0, 4), (-2, -6, 1), (5, 2, -6), (-5, -6, -6), (0, 0, -2))
_ONSETS = "b p m f d t n l g k h j q x zh ch sh r z c s"
_RIMES = "a ai an ang ao e ei en eng i ie in ing iu o ong ou u ua uai uan un uo"
_VIETNAMESE = "má bà trời mẹ một hai bốn năm sáu bảy tám chín mười cá gà chó mèo nước lửa đất"
_CANTONESE = "一 二 三 四 五 六 七 八 九 十 人 口 手 日 月 火 水 木 金 土 山 大 小 天"
_SPEAKERS = ("m1", "m3", "m7", "f1", "f2", "f4", "f5")


def toned(voice: Voice, random: Generator, way: Way) -> NDArray[np.float32]:
    """One syllable of a voice with a tone, 0.2 to 0.7 s: (n,) float32 at ``VOICE_HZ``."""
    consonant, start, end = voice.syllables[int(random.integers(len(voice.syllables)))]
    count = int(random.uniform(0.2, 0.6) / FRAME_S)
    vowel = np.linspace(start, end - 1, count)
    source = np.concatenate((np.arange(consonant, start, dtype=np.float64), vowel))
    lead = start - consonant
    tone = _TONES[int(random.integers(len(_TONES)))]
    curve = np.interp(np.linspace(0, 2, count), [0, 1, 2], tone) * float(random.uniform(0.5, 1.5))
    middle_hz = voice.median_hz * float(np.exp2(random.uniform(-0.25, 0.5)))
    pitch_hz = middle_hz * np.exp2(np.concatenate((np.full(lead, curve[0]), curve)) / 12)
    there = voice.f0_hz[np.clip(source.astype(int), 0, len(voice.f0_hz) - 1)] > 0
    there[lead:] = True
    fade = np.clip((len(source) - np.arange(len(source))) / random.uniform(8, 40), 0, 1)
    size = float(random.uniform(0.87, 1.18))
    return spoken(voice, source, np.where(there, pitch_hz, 0.0), fade, size, random, way)


def syllable_sounds(
    clips: Sequence[Clip], part: Part, speakers: int, each: int, seed: int
) -> Iterator[Sound]:
    """``each`` syllables of up to ``speakers`` speakers of one part, then espeak-ng's, if there."""
    random = np.random.default_rng([seed, part == "fit", 17])
    for voice in voices(clips, part, speakers, random):
        for index in range(each):
            way: Way = "grains" if index % 2 else "world"
            yield out(toned(voice, random, way), "syllable", part)
    if synthetic.espeak_available():
        yield from _espeak(random, part, 20 * each)


def _espeak(random: Generator, part: Part, count: int) -> Iterator[Sound]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        for index in range(count):
            if part == "validation":
                language, text = "yue", str(random.choice(_CANTONESE.split()))
            elif index % 4:
                onset, rime = random.choice(_ONSETS.split()), random.choice(_RIMES.split())
                language, text = "cmn-latn-pinyin", f"{onset}{rime}{random.integers(1, 5)}"
            else:
                language, text = "vi", str(random.choice(_VIETNAMESE.split()))
            voice = f"{language}+{random.choice(_SPEAKERS)}"
            options = ["-v", voice, "-s", str(random.integers(90, 190))]
            options += ["-p", str(random.integers(15, 85)), "-w", str(path)]
            command = ["espeak-ng", *options, text]
            done = subprocess.run(command, capture_output=True)  # noqa: S603 - own words
            if done.returncode == 0 and path.exists():
                yield Sound(decode(path), f"generated:{voice}", "generated", "espeak", part)

"""Spoken syllables with a tone."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from streamseg.training import singing, syllables
from streamseg.training.data import Clip

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pyworld") is None, reason="training needs the extra 'train'"
)


def buzzing() -> singing.Voice:
    """Three seconds of a buzz at 130 Hz: one long vowel, cut into syllables."""
    time_s = np.arange(3 * singing.VOICE_HZ) / singing.VOICE_HZ
    sound = sum(np.sin(2 * np.pi * 130 * n * time_s) / n for n in range(1, 30))
    return singing.analyse((0.2 * sound).astype(np.float32))


def pitch_hz(sound: np.ndarray) -> float:
    """Of a sound at ``VOICE_HZ``, by its autocorrelation."""
    likeness = np.correlate(sound, sound, "full")[len(sound) :]
    return float(singing.VOICE_HZ / (60 + likeness[60:370].argmax() + 1))


@pytest.mark.parametrize("way", ["world", "grains"])
@pytest.mark.parametrize("rises", [True, False])
def test_a_syllable_has_the_tone_that_was_drawn(
    way: singing.Way, rises: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rising tone ends higher than it begins, a falling one lower; both are brief."""
    monkeypatch.setattr(syllables, "_TONES", ((-4, 0, 4) if rises else (4, 0, -4),))
    voice = buzzing()
    voice = replace(voice, syllables=voice.syllables[1:2])  # no consonant
    for seed in range(3):
        said = syllables.toned(voice, np.random.default_rng(seed), way)
        length_s = len(said) / singing.VOICE_HZ
        assert 0.19 <= length_s <= 0.61
        part = len(said) // 4
        first, last = pitch_hz(said[:part]), pitch_hz(said[-2 * part : -part])
        assert (last > 1.05 * first) if rises else (last < first / 1.05)


def test_espeak_holds_a_language_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody trains on what chooses."""
    monkeypatch.setattr(syllables, "voices", lambda *_: iter(()))
    if not syllables.synthetic.espeak_available():
        pytest.skip("espeak-ng is not installed")
    clips: list[Clip] = []
    fit = {s.group.split("+")[0] for s in syllables.syllable_sounds(clips, "fit", 1, 1, 0)}
    held = {s.group.split("+")[0] for s in syllables.syllable_sounds(clips, "validation", 1, 1, 0)}
    assert fit == {"generated:cmn-latn-pinyin", "generated:vi"}
    assert held == {"generated:yue"}

"""Singing made from a voice."""

import importlib.util

import numpy as np
import pytest

from streamseg.training import singing
from streamseg.training.tunes import Note, compose

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pyworld") is None, reason="training needs the extra 'train'"
)


def voice() -> singing.Voice:
    """Five seconds of a made-up voice: pulses through two formants, with pauses."""
    rate = singing.VOICE_HZ
    time_s = np.arange(5 * rate) / rate
    hz = 120 + 15 * np.sin(2 * np.pi * 0.7 * time_s)
    phase = np.cumsum(hz) / rate
    pulses = (np.diff(np.floor(phase), prepend=0) > 0).astype(float)
    ring = np.arange(400) / rate
    hz_of = np.array([[600], [1400], [2600]])
    formants = (np.exp(-ring * 350) * np.sin(2 * np.pi * hz_of * ring)).sum(axis=0)
    sound = np.convolve(pulses, formants)[: len(time_s)]
    sound *= np.sin(2 * np.pi * 1.5 * time_s) > -0.6
    return singing.analyse((0.5 * sound / np.abs(sound).max()).astype(np.float32))


@pytest.mark.parametrize("way", ["world", "grains"])
def test_a_sung_note_has_the_pitch_of_the_note(way: singing.Way) -> None:
    """Without vibrato and drift, the strongest period of a held note is that of the note."""
    style = singing.Style(0.0, 0.0, 0.02, 0.0, 0.0, 1.0, 0.0)
    notes = [Note(1.0, 220.0), Note(0.2, 0.0), Note(1.0, 330.0)]
    sung = singing.sing(voice(), notes, style, np.random.default_rng(0), way)
    rate = singing.VOICE_HZ
    for start_s, hz in ((0.3, 220.0), (1.5, 330.0)):
        part = sung[int(start_s * rate) : int((start_s + 0.4) * rate)]
        likeness = np.correlate(part, part, "full")[len(part) :]
        lag = 30 + likeness[30:400].argmax()  # 55 to 735 Hz
        assert rate / lag == pytest.approx(hz, rel=0.03)


def test_a_melody_lasts_as_long_as_asked() -> None:
    """A composed melody fills its seconds and ends with a rest."""
    for seed in range(5):
        notes = compose(np.random.default_rng(seed), 10.0, 200.0)
        assert sum(note.seconds for note in notes) >= 10.0
        assert notes[-1].hz == 0.0
        assert min(note.seconds for note in notes) > 0.05


def test_respoken_speech_is_finite_and_sounds() -> None:
    """The vocoder gives the voice back as speech of about its length."""
    said = singing.respoken(voice(), np.random.default_rng(2))
    assert np.isfinite(said).all()
    assert 5 / 1.3 < len(said) / singing.VOICE_HZ < 5 / 0.7
    assert np.sqrt(np.mean(said**2)) > 1e-3

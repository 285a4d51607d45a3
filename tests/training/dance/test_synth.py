"""The synthesiser."""

import numpy as np
import pytest

from streamseg.training.dance.synth import Clock, Note, Patch, play, swept
from streamseg.training.data import RATE_HZ

CLOCK = Clock(bpm=120.0, swing=0.0, count=2 * RATE_HZ)


def _loudest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * RATE_HZ / len(samples))


@pytest.mark.parametrize("wave", ["saw", "square", "sine"])
def test_a_note_has_its_pitch(wave: str) -> None:
    """MIDI key 57 is 220 Hz."""
    patch = Patch(wave=wave, sustain=1.0, cutoff_hz=300.0)  # type: ignore[arg-type]
    line = play(patch, [Note(0, 16, 57)], CLOCK, np.random.default_rng(0))
    assert line.shape == (CLOCK.count,)
    assert _loudest_hz(line) == pytest.approx(220, abs=1)


def test_a_note_begins_where_its_step_does_and_ends() -> None:
    """At 120 beats a minute step 4 is at half a second; after its release a note is silent."""
    notes = [Note(4, 2, 60)]
    line = np.abs(play(Patch(), notes, CLOCK, np.random.default_rng(0)))
    begins, ends = RATE_HZ // 2, RATE_HZ // 2 + RATE_HZ // 4
    assert line[: begins - 900].max() < 0.01
    assert line[begins : begins + 4410].max() > 0.2
    assert line[ends + RATE_HZ // 2 :].max() < 0.01


def test_swing_delays_every_second_step() -> None:
    """With a swing of 0.2, odd steps are late by a fifth of a step."""
    swung = Clock(120.0, 0.2, RATE_HZ)
    assert swung.sample_of(2) == CLOCK.sample_of(2)
    late_s = (swung.sample_of(3) - CLOCK.sample_of(3)) / RATE_HZ
    assert late_s == pytest.approx(0.2 * CLOCK.step_s, abs=1e-4)


def test_a_still_filter_keeps_what_lies_below_and_kills_what_lies_above() -> None:
    """A tone two octaves under the cutoff stays within 0.1 dB, one three above loses 35 dB."""
    time_s = np.arange(RATE_HZ) / RATE_HZ
    cutoff_hz = np.full(RATE_HZ // 441 + 2, 1000.0)
    for hz, low, high in ((250.0, 0.99, 1.0), (8000.0, 0.0, 0.018)):
        tone = np.sin(2 * np.pi * hz * time_s)
        heard = swept(tone, cutoff_hz)[4410:-4410]
        assert low <= np.abs(heard).max() <= high


def test_a_wobble_opens_and_closes_the_filter() -> None:
    """With a wave of four steps the treble comes and goes twice a second at 120 beats a minute."""
    patch = Patch(
        sustain=1.0, decay_s=9.0, cutoff_hz=400.0, lfo_steps=(4.0,), lfo_octaves=2.5, sub=0.0
    )
    line = play(patch, [Note(0, 16, 40)], CLOCK, np.random.default_rng(0))
    sharp = np.abs(np.diff(line, prepend=0)).reshape(-1, 441).mean(axis=1)
    level_db = 20 * np.log10(sharp[20:] + 1e-6)
    spectrum = np.abs(np.fft.rfft(level_db - level_db.mean()))
    assert np.fft.rfftfreq(len(level_db), 0.01)[spectrum.argmax()] == pytest.approx(2.0, abs=0.3)

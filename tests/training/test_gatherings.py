"""People singing together."""

import importlib.util

import numpy as np
import pytest

from streamseg.training import gatherings, singing
from streamseg.training.tunes import Note

MELODY = [Note(0.6, 200.0), Note(0.5, 250.0), Note(0.3, 0.0), Note(0.8, 300.0), Note(0.2, 0.0)]


@pytest.mark.parametrize("ornaments", [0.0, 1.0])
def test_an_own_version_lasts_as_long_and_ends_on_the_notes_of_the_melody(ornaments: float) -> None:
    """Everyone is back together at the end; without ornaments the pitches are the same."""
    own = gatherings.own_version(np.random.default_rng(1), MELODY, ornaments, 0.03)
    assert gatherings.seconds_of(own) == pytest.approx(2.4)
    assert min(note.seconds for note in own) > 0.03
    if ornaments:
        assert len(own) == len(MELODY) + 3
        assert [note.hz for note in own[1::2][:2]] == [200.0, 250.0]
    else:
        assert [note.hz for note in own] == [note.hz for note in MELODY]


def test_phrases_end_with_their_rests() -> None:
    """A melody is cut behind its rests, and nothing of it is lost."""
    phrases = gatherings.phrases_of(MELODY)
    assert [len(phrase) for phrase in phrases] == [3, 2]
    assert [note for phrase in phrases for note in phrase] == MELODY


@pytest.mark.parametrize("seed", range(4))
def test_in_an_answer_one_sings_while_the_others_wait(seed: int) -> None:
    """At most moments where the first sings, the second rests, and the other way round."""
    call, reply = gatherings.lines(np.random.default_rng(seed), "answer", 2, 10.0)
    grid_s = np.arange(0, min(map(gatherings.seconds_of, (call, reply))), 0.01)
    sounding = []
    for line in (call, reply):
        ends_s = np.cumsum([note.seconds for note in line])
        which = np.minimum(np.searchsorted(ends_s, grid_s, side="right"), len(line) - 1)
        sounding.append(np.array([line[index].hz > 0 for index in which]))
    assert (sounding[0] & sounding[1]).mean() < 0.1
    assert (sounding[0] | sounding[1]).mean() > 0.6


def test_a_drone_stays_on_its_note() -> None:
    """Somebody holds the lowest note of the melody all through."""
    lines = gatherings.lines(np.random.default_rng(3), "drone", 4, 8.0)
    held = {note.hz for note in lines[-1] if note.hz}
    assert len(held) == 1
    assert gatherings.seconds_of(lines[-1]) > 0.9 * gatherings.seconds_of(lines[0])


def test_somebody_else_is_some_cents_away() -> None:
    """A copy keeps the pitch to half a semitone and is not the same."""
    rate = singing.VOICE_HZ
    line = np.sin(2 * np.pi * 220 * np.arange(2 * rate) / rate).astype(np.float32)
    other = gatherings.somebody_else(np.random.default_rng(2), line)
    assert other.shape == line.shape
    power = np.abs(np.fft.rfft(other * np.hanning(len(other)))) ** 2
    hz = np.fft.rfftfreq(len(other), 1 / rate)
    assert float((power * hz).sum() / power.sum()) == pytest.approx(220, rel=0.03)
    assert np.abs(other - line).max() > 0.1


@pytest.mark.skipif(
    importlib.util.find_spec("pyworld") is None, reason="training needs the extra 'train'"
)
@pytest.mark.parametrize("way", ["world", "grains"])
def test_a_gathering_sounds_to_its_end(way: singing.Way) -> None:
    """Three voices: finite, loud, and no silence longer than a rest and an answer."""
    rate = singing.VOICE_HZ
    time_s = np.arange(4 * rate) / rate
    phase = np.cumsum(130 + 12 * np.sin(2 * np.pi * 0.6 * time_s)) / rate
    voice = np.diff(np.floor(phase), prepend=0.0)
    ring = np.exp(-np.arange(300) / 60) * np.sin(2 * np.pi * 700 * np.arange(300) / rate)
    spoken = np.convolve(voice, ring)[: len(voice)] * (np.sin(2 * np.pi * 1.5 * time_s) > -0.6)
    singer = singing.analyse((0.5 * spoken / np.abs(spoken).max()).astype(np.float32))
    sung = gatherings.gathering([singer] * 3, 6.0, np.random.default_rng(5), way)
    assert np.isfinite(sung).all()
    halves = sung[: len(sung) // rate * rate].reshape(-1, rate)
    loud = np.sqrt((halves**2).mean(axis=1))
    assert (loud > 0.02 * loud.max()).mean() > 0.6

"""MIDI files read and played by other bands."""

from pathlib import Path

import numpy as np
import pytest

from streamseg.training import melodies, scores
from streamseg.training.melodies import Played

NOTES = [Played(0.0, 0.5, 60, 90), Played(0.5, 1.0, 64, 80), Played(1.0, 2.0, 67, 70)]
DRUMS = [Played(0.25 * i, 0.25 * i + 0.1, 38, 100) for i in range(8)]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Notes, programs and times come back from a file."""
    path = tmp_path / "a.mid"
    path.write_bytes(melodies.midi_file([(0, 24, NOTES), (9, 0, DRUMS)]))
    score = scores.read_score(path)
    assert set(score.parts) == {(0, 24), (9, 0)}
    for got, want in zip(score.parts[0, 24], NOTES, strict=True):
        assert (got.key, got.velocity) == (want.key, want.velocity)
        assert (got.start_s, got.end_s) == pytest.approx((want.start_s, want.end_s), abs=2e-3)
    assert score.seconds == pytest.approx(2.0, abs=2e-3)


def test_tempo_changes_and_running_status_are_understood(tmp_path: Path) -> None:
    """A beat lasts 0.5 s until the tempo says 1 s; a status byte holds until the next."""
    track = bytes.fromhex(
        "00 90 3C 40"  # a note on
        "60 3C 00"  # 96 ticks later off, by running status and velocity 0
        "00 FF 51 03 0F 42 40"  # one second a beat
        "00 90 40 40"
        "60 80 40 00"
        "00 FF 2F 00"
    )
    head = b"MThd" + bytes.fromhex("00000006 0000 0001 0060")  # 96 ticks a beat
    path = tmp_path / "b.mid"
    path.write_bytes(head + b"MTrk" + len(track).to_bytes(4, "big") + track)
    notes = scores.read_score(path).parts[0, 0]
    assert [(n.start_s, n.end_s) for n in notes] == [(0.0, 0.5), (0.5, 1.5)]


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    path = tmp_path / "c.mid"
    path.write_bytes(b"RIFF....")
    with pytest.raises(ValueError, match=r"expected a Standard MIDI File, got .*c\.mid"):
        scores.read_score(path)


def test_another_band_plays_an_excerpt_from_its_beginning(tmp_path: Path) -> None:
    """An arrangement begins at once, ends with the excerpt, and leaves no note hanging."""
    score = scores.Score({(0, 0): NOTES * 1, (9, 0): DRUMS, (1, 33): NOTES})
    path = tmp_path / "d.mid"
    shapes = set()
    for seed in range(30):
        path.write_bytes(scores.rearranged(np.random.default_rng(seed), score, 1.2))
        played = scores.read_score(path)
        notes = [note for part in played.parts.values() for note in part]
        assert min(note.start_s for note in notes) == pytest.approx(0, abs=2e-3)
        assert played.seconds < 1.2 * 1.8  # slower by e^0.45 in one of a thousand
        assert path.read_bytes().count(b"\x00\xff\x2f\x00") == len(played.parts)
        shapes.add(frozenset(played.parts))
    assert len(shapes) > 10

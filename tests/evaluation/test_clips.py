"""Scoring of clips that hold one class."""

from __future__ import annotations

import numpy as np

from streamseg.evaluation.analyser import Heard
from streamseg.evaluation.clips import loud_frames, score_clip


def heard(prob: list[list[float]], level_dbfs: list[float]) -> Heard:
    """One row of probabilities and one level a frame."""
    return Heard(
        np.arange(len(prob)) * 0.02,
        np.array(prob, np.float32).reshape(-1, 3),
        np.array(level_dbfs, np.float32),
        (),
        48000,
    )


def test_pauses_are_not_scored() -> None:
    """Frames more than 25 dB under the loud ones, or below -60 dBFS, do not count."""
    loud = np.array([-20] * 40 + [-44, -46, -90], np.float32)
    assert loud_frames(loud)[38:].tolist() == [True, True, True, False, False]
    quiet = np.array([-50] * 40 + [-59, -61], np.float32)
    assert loud_frames(quiet)[38:].tolist() == [True, True, True, False]


def test_a_clip_without_frames_or_sound_adds_nothing() -> None:
    """Too short for a frame, or silent."""
    assert loud_frames(np.zeros(0, np.float32)).tolist() == []
    silent = score_clip("speech", heard([[0.0, 0.9, 0.0]], [-90.0]))
    assert silent.three_classes.frames.sum() == 0


def test_the_larger_of_two_probabilities_decides_music_or_speech() -> None:
    """Noise has the largest probability of a speech frame, and speech is still right of the two."""
    score = score_clip("speech", heard([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]], [-20.0, -20.0]))
    assert score.music_speech.frames.tolist() == [[0, 0, 0], [1, 1, 0]]
    assert score.three_classes.frames[1].tolist() == [1, 0, 1, 0]


def test_noise_clips_count_among_three_classes_alone() -> None:
    """There is no noise in a table of music against speech."""
    score = score_clip("noise", heard([[0.1, 0.2, 0.7]], [-20.0]))
    assert score.music_speech.frames.sum() == 0
    assert score.three_classes.frames.tolist() == [[0] * 4, [0] * 4, [0, 0, 1, 0]]


def test_clips_add_up() -> None:
    """F1 over the frames of both clips: two of three music frames, one of one speech frame."""
    music = score_clip("music", heard([[0.9, 0, 0], [0.9, 0, 0], [0, 0.9, 0]], [-20.0] * 3))
    speech = score_clip("speech", heard([[0, 0.9, 0]], [-20.0]))
    assert (music + speech).music_speech.f1.tolist() == [4 / 5, 2 / 3]

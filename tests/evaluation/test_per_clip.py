"""One answer a clip."""

from __future__ import annotations

import numpy as np
import pytest

from streamseg.evaluation.analyser import Heard
from streamseg.evaluation.per_clip import answer_clip, pair_accuracy, three_accuracy


def heard(prob: list[list[float]], level_dbfs: list[float] | None = None) -> Heard:
    """One row of probabilities and one level an answer."""
    levels = level_dbfs if level_dbfs is not None else [-20.0] * len(prob)
    table = np.array(prob, np.float32).reshape(-1, 3)
    return Heard(np.arange(len(prob)) * 0.7, table, np.array(levels, np.float32), (), 48000)


def test_the_mean_decides_and_not_the_number_of_segments() -> None:
    """Two segments of three lean to speech a little; the third is sure of music."""
    answer = answer_clip("music", heard([[0.45, 0.55, 0], [0.45, 0.55, 0], [0.9, 0.1, 0]]))
    assert answer.right
    assert pair_accuracy([answer]).segments == pytest.approx(1 / 3)


def test_noise_is_no_choice_between_music_and_speech() -> None:
    """A speech clip taken for noise is wrong of three and right of two."""
    answer = answer_clip("speech", heard([[0.1, 0.2, 0.7]]))
    assert not answer.right
    assert answer.right_of_pair


def test_pauses_do_not_vote() -> None:
    """A quiet segment, sure of noise, is left out."""
    prob = [[0.0, 0.6, 0.4]] * 20 + [[0.0, 0.0, 1.0]] * 2
    assert answer_clip("speech", heard(prob, [-20.0] * 20 + [-50.0] * 2)).right


@pytest.mark.parametrize("level_dbfs", [-90.0, -20.0])
def test_a_clip_of_which_nothing_is_heard_is_wrong(level_dbfs: float) -> None:
    """Too quiet to be scored, or called silent: the answer is missing, so it is not right."""
    answer = answer_clip("music", heard([[0.0, 0.0, 0.0]], [level_dbfs]))
    assert not answer.right
    assert not answer.right_of_pair


def test_noise_clips_are_asked_in_three_classes_alone() -> None:
    """Two of three clips are right of three classes; one clip is asked of the pair."""
    answers = [
        answer_clip("noise", heard([[0.1, 0.2, 0.7]])),
        answer_clip("noise", heard([[0.7, 0.2, 0.1]])),
        answer_clip("speech", heard([[0.1, 0.8, 0.1]])),
    ]
    assert three_accuracy(answers).clips.tolist() == [True, False, True]
    assert three_accuracy(answers).per_clip == pytest.approx(2 / 3)
    assert pair_accuracy(answers).clips.tolist() == [True]
    with pytest.raises(ValueError, match="music or speech, got one of noise"):
        _ = answers[0].right_of_pair


def test_no_clip_is_no_accuracy() -> None:
    """NaN and not 0: nothing was asked."""
    assert np.isnan(pair_accuracy([]).per_clip)
    assert np.isnan(pair_accuracy([]).segments)

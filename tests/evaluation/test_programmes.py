"""The scoring rules, on programmes small enough to count by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from streamseg.evaluation.analyser import CLASSES, Heard
from streamseg.evaluation.programmes import at_moments, moments, score_programme
from streamseg.evaluation.truth import Programme, Truth
from streamseg.messages import Segment


def programme(*truth: Truth, duration_s: float = 10.0) -> Programme:
    """A programme with this truth; nobody opens its sound."""
    return Programme("test", "clean", duration_s, Path("none"), truth)


def heard(*answers: tuple[float, float, str, float], duration_s: float = 10.0) -> Heard:
    """Frames of 20 ms; each answer gives a class a probability for a while, and a segment."""
    time_s = (np.arange(round(duration_s * 50)) + 0.5) / 50
    prob = np.zeros((len(time_s), 3), np.float32)
    segments = []
    for start_s, end_s, label, value in answers:
        prob[(time_s >= start_s) & (time_s < end_s), CLASSES.index(label)] = value
        segments.append(
            Segment(label, round(start_s * 1000), round(end_s * 1000), value, value, -20.0)
        )
    return Heard(time_s, prob, np.full(len(time_s), -20.0, np.float32), tuple(segments), 1000)


MUSIC_THEN_SPEECH = (Truth(0, 5, "music", 99), Truth(5, 10, "speech", 99))


def test_a_perfect_answer_scores_one() -> None:
    """Every figure of a perfect answer is perfect."""
    score = score_programme(
        programme(Truth(0, 4, "music", 99), Truth(4, 6, "silence", 99), Truth(6, 10, "noise", 99)),
        heard((0, 4, "music", 1.0), (6, 10, "noise", 1.0)),
    )
    assert score.one_class.f1.tolist()[::2] == [1.0, 1.0]
    assert score.multi_label.f1.tolist()[::2] == [1.0, 1.0]
    assert score.events.f1.tolist()[::2] == [1.0, 1.0]
    assert score.silence_false_alarms == 0.0
    assert score.calibration.error == 0.0


def test_moments_near_an_edge_are_left_out() -> None:
    """Of ten seconds with three edges 4 x 0.1 s are lost: 480 of 500 moments remain."""
    score = score_programme(programme(*MUSIC_THEN_SPEECH), heard((0, 10, "music", 0.9)))
    assert score.one_class.frames.sum() == 480
    assert score.one_class.frames[1].tolist() == [240, 0, 0, 0]


def test_one_class_takes_the_best_class_whatever_its_value() -> None:
    """A best class of 0.2 is right in one-class scoring and a miss at threshold 0.5."""
    score = score_programme(
        programme(*MUSIC_THEN_SPEECH), heard((0, 5, "music", 0.2), (5, 10, "speech", 0.8))
    )
    assert score.one_class.f1[:2].tolist() == [1.0, 1.0]
    assert score.multi_label.f1[:2].tolist() == [0.0, 1.0]


def test_the_threshold_itself_counts() -> None:
    """A probability of exactly 0.5 is a claim."""
    score = score_programme(programme(*MUSIC_THEN_SPEECH), heard((0, 5, "music", 0.5)))
    assert score.multi_label.f1[0] == 1.0


def test_overlaps_count_in_multi_label_only() -> None:
    """Where two classes sound there is no one class, and both are expected."""
    score = score_programme(
        programme(Truth(0, 10, "music", 5), Truth(0, 10, "speech", -5)),
        heard((0, 10, "music", 0.9), (0, 5, "speech", 0.9)),
    )
    assert score.one_class.frames.sum() == 0
    assert score.multi_label.hits.tolist() == [490, 245, 0]
    assert score.multi_label.f1[0] == 1.0
    assert score.multi_label.f1[1] == pytest.approx(2 * 245 / (2 * 245 + 245))


@pytest.mark.parametrize("claimed", [0.0, 0.9])
def test_a_hidden_layer_is_neither_hit_nor_miss_nor_false_alarm(claimed: float) -> None:
    """Noise 13 dB under speech is not scored, claimed or not, in frames or events."""
    score = score_programme(
        programme(Truth(0, 10, "speech", 13), Truth(0, 10, "noise", -13)),
        heard((0, 10, "speech", 0.95), *([(2, 8, "noise", claimed)] if claimed else [])),
    )
    for counts in (score.multi_label, score.events):
        assert counts.f1[1] == 1.0
        assert (counts.hits[2], counts.false_alarms[2], counts.misses[2]) == (0, 0, 0)
    assert score.one_class.frames.sum() == 0


def test_a_layer_12_db_down_is_scored() -> None:
    """More than 12 dB is the limit, not 12."""
    score = score_programme(
        programme(Truth(0, 10, "speech", 12), Truth(0, 10, "noise", -12)),
        heard((0, 10, "speech", 0.9)),
    )
    assert score.multi_label.misses.tolist() == [0, 0, 490]


def test_silence_that_is_called_something() -> None:
    """One of two seconds is called noise: 45 of the 90 moments away from the edges."""
    score = score_programme(
        programme(Truth(0, 4, "music", 99), Truth(4, 6, "silence", 99)),
        heard((0, 4, "music", 0.9), (4, 5, "noise", 0.5)),
    )
    assert (score.silence, score.silence_called) == (90, 45)
    assert score.silence_false_alarms == 0.5


def test_without_silence_there_is_no_such_figure() -> None:
    """NaN and not zero: nothing was shown."""
    assert np.isnan(score_programme(programme(), heard()).silence_false_alarms)


def test_events_are_scored_by_their_onset() -> None:
    """An onset 0.4 s late is a hit however the event ends; 0.6 s late is none."""
    truth = programme(Truth(2, 8, "speech", 99))
    late = score_programme(truth, heard((2.4, 4.0, "speech", 0.9)))
    too_late = score_programme(truth, heard((2.6, 8.0, "speech", 0.9)))
    assert late.events.f1[1] == 1.0
    assert too_late.events.f1[1] == 0.0


def test_touching_segments_of_one_class_are_one_event() -> None:
    """Two recordings of speech with 0.6 s between them: a monitor reports one, rightly."""
    truth = programme(Truth(1, 4, "speech", 99), Truth(4.6, 9, "speech", 99))
    assert score_programme(truth, heard((1, 9, "speech", 0.9))).events.f1[1] == 1.0
    split = heard((1, 4, "speech", 0.9), (4.6, 9, "speech", 0.9))
    assert score_programme(truth, split).events.f1[1] == 1.0


def test_scores_of_programmes_add_up() -> None:
    """A perfect and an empty answer to the same programme: half of the moments."""
    truth = programme(Truth(0, 5, "music", 99), Truth(5, 10, "silence", 99))
    both = score_programme(truth, heard((0, 5, "music", 0.9))) + score_programme(truth, heard())
    assert both.multi_label.f1[0] == pytest.approx(2 / 3)
    assert both.one_class.frames[0].tolist() == [240, 0, 0, 240]
    assert both.silence == 480


def test_the_nearest_frame_answers() -> None:
    """Frames of half a second answer for the moments around them; beyond 0.5 s nobody does."""
    coarse = Heard(
        np.array([0.25, 0.75]),
        np.array([[0.1, 0, 0], [0.7, 0, 0]], np.float32),
        np.zeros(2, np.float32),
        (),
        1000,
    )
    answers = at_moments(coarse, np.array([0.01, 0.49, 0.51, 1.24, 1.26]))
    assert answers[:, 0].tolist() == pytest.approx([0.1, 0.1, 0.7, 0.7, 0.0])


def test_no_frame_answers_nothing() -> None:
    """A system that gave up has probability 0 everywhere, not an error."""
    nothing = Heard(np.zeros(0), np.zeros((0, 3), np.float32), np.zeros(0, np.float32), (), 1000)
    assert at_moments(nothing, np.array([0.5, 1.0])).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_the_truth_on_the_grid() -> None:
    """Layers, hidden layers and silence by moment."""
    truth = (
        Truth(0, 1, "music", 20),
        Truth(0, 1, "speech", -20),
        Truth(1, 2, "silence", 99),
    )
    grid = moments(truth, 3.0)
    assert len(grid.time_s) == 150
    assert grid.time_s[0] == pytest.approx(0.01)
    assert grid.sounds.sum(0).tolist() == [50, 50, 0]
    assert grid.hidden.sum(0).tolist() == [0, 50, 0]
    assert grid.silent.sum() == 50
    assert grid.clear.sum() == 150 - 5 - 10 - 10

"""Counts and figures, computed by hand or by another library."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from streamseg.errors import UsageError
from streamseg.evaluation.metrics import (
    Calibration,
    Confusion,
    Counts,
    EventCount,
    Stretch,
    match_onsets,
    merged,
)

NAN = float("nan")


def onsets(*starts_s: float) -> list[Stretch]:
    """Events of one second."""
    return [Stretch(start_s, start_s + 1.0) for start_s in starts_s]


def test_counts_by_hand() -> None:
    """Four frames, two classes, one place that is not scored."""
    found = np.array([[1, 0], [1, 1], [0, 0], [0, 1]], bool)
    truth = np.array([[1, 0], [0, 1], [1, 0], [0, 0]], bool)
    scored = np.array([[1, 1], [1, 1], [1, 1], [1, 0]], bool)
    counts = Counts.of(found, truth, scored)
    assert counts.hits.tolist() == [1, 1]
    assert counts.false_alarms.tolist() == [1, 0]
    assert counts.misses.tolist() == [1, 0]
    assert counts.f1.tolist() == [0.5, 1.0]


def test_a_class_that_never_occurs_has_no_f1() -> None:
    """Nothing found and nothing to find is not a figure."""
    empty = np.zeros((3, 1), bool)
    assert np.isnan(Counts.of(empty, empty, ~empty).f1[0])


def test_counts_add_up_before_f1() -> None:
    """Two files give the F1 of all frames, not the mean of two F1."""
    one = Counts(np.array([9]), np.array([0]), np.array([0]))
    other = Counts(np.array([0]), np.array([1]), np.array([1]))
    assert (one + other).f1.tolist() == [18 / 20]


def test_confusion_by_hand() -> None:
    """Rows are the truth; a frame with no probability at all goes to the last column."""
    prob = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.1], [0.0, 0.0, 0.0], [0.1, 0.0, 0.2]])
    confusion = Confusion.of(prob, np.array([0, 0, 0, 2]))
    assert confusion.frames.tolist() == [[1, 1, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]]
    assert confusion.f1.tolist() == [0.5, 0.0, 1.0]


def test_confusion_of_nothing_is_empty() -> None:
    """A clip without a loud frame adds nothing."""
    confusion = Confusion.of(np.zeros((0, 3)), np.zeros(0, np.int64))
    assert confusion.frames.sum() == 0


def test_f1_is_that_of_scikit_learn(rng: np.random.Generator) -> None:
    """Per class, on random answers."""
    sklearn_metrics = pytest.importorskip("sklearn.metrics")
    prob, truth = rng.random((500, 3)), rng.integers(0, 3, 500)
    theirs = sklearn_metrics.f1_score(truth, prob.argmax(1), average=None)
    np.testing.assert_allclose(Confusion.of(prob, truth).f1, theirs, rtol=1e-12)


def test_calibration_error_by_hand() -> None:
    """Claimed 0.8 and right half of the time, four times; claimed 0.1 and never right, once."""
    prob = np.array([[0.8], [0.8], [0.8], [0.8], [0.1], [0.99]])
    truth = np.array([[1], [1], [0], [0], [0], [0]], bool)
    scored = np.array([[1], [1], [1], [1], [1], [0]], bool)
    error = Calibration.of(prob, truth, scored).error
    assert error == pytest.approx((abs(4 * 0.8 - 2) + 0.1) / 5)


def test_calibration_adds_up_in_bins() -> None:
    """Too much in one file and too little in another cancel within a bin, as in one long file."""
    scored = np.ones((1, 1), bool)
    one = Calibration.of(np.array([[0.5]]), scored, scored)
    other = Calibration.of(np.array([[0.5]]), ~scored, scored)
    assert one.error == 0.5
    assert (one + other).error == 0.0


def test_a_certain_answer_falls_into_the_last_bin() -> None:
    """A probability of exactly 1 has a bin."""
    one = np.ones((2, 1))
    assert Calibration.of(one, one > 0, one > 0).number.tolist() == [0] * 9 + [2]


def test_calibration_of_nothing_is_no_figure() -> None:
    """No place scored."""
    nothing = np.zeros((2, 1), bool)
    assert np.isnan(Calibration.of(np.ones((2, 1)), nothing, nothing).error)


def test_stretches_merge_across_short_gaps() -> None:
    """Less than one second apart is one; a stretch inside another changes nothing."""
    stretches = [Stretch(5, 6), Stretch(0, 4), Stretch(1, 2), Stretch(6.9, 8), Stretch(9, 10)]
    assert merged(stretches, 1.0) == [Stretch(0, 4), Stretch(5, 8), Stretch(9, 10)]
    assert merged(stretches[:2], 1.1) == [Stretch(0, 6)]


def test_onsets_match_within_the_collar() -> None:
    """0.4 s late is a hit, 0.6 s late a miss and a false alarm."""
    assert match_onsets(onsets(1, 10), onsets(1.4, 10.6), [], 0.5) == EventCount(1, 1, 1)


def test_every_onset_is_matched_once() -> None:
    """Two answers to one event are a hit and a false alarm."""
    assert match_onsets(onsets(5), onsets(4.9, 5.1), [], 0.5) == EventCount(1, 1, 0)


def test_as_many_onsets_are_matched_as_can_be() -> None:
    """A greedy choice would pair 1.0 with 1.4 and leave 0.7 without a partner."""
    assert match_onsets(onsets(1.0, 1.8), onsets(1.4, 0.7), [], 0.5) == EventCount(2, 0, 0)


def test_a_hidden_event_is_no_false_alarm() -> None:
    """What begins in an ignored stretch, or within the collar of it, is not counted at all."""
    ignored = [Stretch(10, 12)]
    assert match_onsets([], onsets(9.6, 11, 12.4), ignored, 0.5) == EventCount(0, 0, 0)
    assert match_onsets([], onsets(9.4, 12.6), ignored, 0.5) == EventCount(0, 2, 0)


def test_no_event_at_all() -> None:
    """Nothing expected and nothing found."""
    assert match_onsets([], [], [], 0.5) == EventCount(0, 0, 0)
    assert match_onsets(onsets(1), [], [], 0.5) == EventCount(0, 0, 1)


def test_without_mir_eval_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The library comes with an extra only."""
    monkeypatch.setitem(sys.modules, "mir_eval.util", None)
    with pytest.raises(UsageError, match=r"pip install 'streamseg\[evaluate\]'"):
        match_onsets(onsets(1), onsets(1), [], 0.5)

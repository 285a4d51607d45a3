"""Figures of a classifier."""

import numpy as np
import pytest

from streamseg.training.genre_verdict import verdict


def test_figures_of_a_few_windows_by_hand() -> None:
    """Three of four are right; the wrong one is a 0 that was called 1."""
    prob = np.array([[0.7, 0.3], [0.4, 0.6], [0.2, 0.8], [0.1, 0.9]])
    found = verdict(prob, np.array([0, 0, 1, 1]))
    assert found.accuracy == 0.75
    assert found.confusion.tolist() == [[1, 1], [0, 2]]
    assert found.macro_f1 == pytest.approx((2 / 3 + 0.8) / 2)
    assert found.cross_entropy == pytest.approx(-np.log([0.7, 0.4, 0.8, 0.9]).mean())
    assert found.windows == 4


def test_calibration_is_the_distance_of_what_is_said_from_what_is_right() -> None:
    """Always 0.75 sure: no error where three of four are right, 0.75 where none is."""
    prob = np.tile([0.75, 0.25], (400, 1))
    good = verdict(prob, np.tile([0, 0, 0, 1], 100))
    bad = verdict(prob, np.ones(400, np.int64))
    assert good.calibration_error == pytest.approx(0, abs=1e-6)
    assert bad.calibration_error == pytest.approx(0.75, abs=1e-6)
    assert good.sure[7].tolist() == pytest.approx([400, 0.75, 0.75])
    assert good.sure[:, 0].sum() == 400
    assert np.isnan(good.sure[3, 1])


def test_no_window_has_no_figures() -> None:
    """An empty set is an error, not a zero."""
    with pytest.raises(ValueError, match="at least one window"):
        verdict(np.empty((0, 6)), np.empty(0, np.int64))

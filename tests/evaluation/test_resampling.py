"""Significance over repeated random splits."""

import numpy as np
import pytest

from streamseg.evaluation.resampling import gain


def test_the_corrected_test_is_more_careful() -> None:
    """A gain that a plain test calls sure is less so when trials share their data."""
    random = np.random.default_rng(0)
    other = random.normal(0.40, 0.05, 50)
    one = other + random.normal(0.03, 0.05, 50)
    found = gain(one, other, 0.2)
    assert found.mean == pytest.approx((one - other).mean())
    assert found.p_independent < 0.05 < found.p_corrected


def test_the_correction_is_that_of_nadeau_and_bengio() -> None:
    """Differences of 1, 2 and 3 at a test share of 0.2: t = 2 / sqrt(1 / 3 + 1 / 4)."""
    found = gain(np.array([1.0, 2.0, 3.0]), np.zeros(3), 0.2)
    # Student's t with two degrees of freedom: p = 1 - t / sqrt(2 + t^2).
    t = 2 / np.sqrt(1 / 3 + 1 / 4)
    assert found.p_corrected == pytest.approx(1 - t / np.sqrt(2 + t**2))


def test_equal_figures_are_no_gain() -> None:
    """The same figures in every trial give a p-value of 1; another trial count is refused."""
    same = np.full(5, 0.4)
    assert gain(same, same, 0.2).p_corrected == 1.0
    assert gain(same + 0.1, same, 0.2).p_corrected == 0.0
    with pytest.raises(ValueError, match="same two or more trials"):
        gain(same, same[:4], 0.2)

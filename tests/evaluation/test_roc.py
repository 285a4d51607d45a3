"""Facts about the area under the curve."""

import math

import numpy as np

from streamseg.evaluation.roc import auc


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    """Of six pairs four are in order and one is a tie: 4.5 of 6."""
    assert auc(np.array([3.0, 2.0, 0.5]), np.array([2.0, 0.0])) == 4.5 / 6


def test_order_alone_decides() -> None:
    """A rising function of the scores leaves the area as it is, the other sign turns it round."""
    random = np.random.default_rng(0)
    one, other = random.normal(1, 1, 500), random.normal(0, 1, 400)
    area = auc(one, other)
    assert 0.7 < area < 0.82  # the normal distribution function of 1 / sqrt(2) is 0.76
    assert auc(np.exp(one), np.exp(other)) == area
    assert math.isclose(auc(-one, -other), 1 - area)


def test_without_one_of_the_two_there_is_no_area() -> None:
    """Nothing to compare is NaN, not one half."""
    assert math.isnan(auc(np.zeros(0), np.ones(3)))
    assert math.isnan(auc(np.ones(3), np.zeros(0)))

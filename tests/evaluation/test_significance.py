"""Tests of luck against published and hand-computed values."""

from __future__ import annotations

import numpy as np
import pytest

from streamseg.evaluation.significance import holm, mcnemar, wilson


def answers(*, both: int = 0, one: int = 0, other: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """So many clips on which both systems are right, only one, only the other."""
    first = np.array([True] * (both + one) + [False] * other)
    second = np.array([True] * both + [False] * one + [True] * other)
    return first, second


def test_mcnemar_counts_the_clips_on_which_one_alone_is_right() -> None:
    """Five against none: two tails of a coin thrown five times, 2 / 32."""
    found = mcnemar(*answers(both=100, one=5))
    assert (found.only_one, found.only_other) == (5, 0)
    assert found.p_value == pytest.approx(2 / 32)


def test_mcnemar_agrees_with_the_sum_of_the_binomial_tails() -> None:
    """Two against eight: (1 + 10 + 45) / 1024 on each side."""
    assert mcnemar(*answers(both=3, one=2, other=8)).p_value == pytest.approx(2 * 56 / 1024)


def test_systems_that_never_differ_are_equal() -> None:
    """Nothing to throw a coin about."""
    assert mcnemar(*answers(both=7)).p_value == 1.0


def test_answers_to_other_clips_are_refused() -> None:
    """Pairs need the same clips."""
    with pytest.raises(ValueError, match="same clips, got 3 and 4"):
        mcnemar(np.ones(3, np.bool_), np.ones(4, np.bool_))


def test_holm_is_stricter_for_the_smaller_values_and_keeps_the_order() -> None:
    """Times 3, times 2, times 1, never falling, never over 1."""
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_wilson_gives_room_to_a_perfect_score() -> None:
    """Ten of ten may still be 72 % in truth (Wilson's formula by hand: 1 / (1 + 1.96^2 / 10))."""
    found = wilson(10, 10)
    assert found.low == pytest.approx(1 / (1 + 1.959964**2 / 10), abs=1e-6)
    assert found.high == pytest.approx(1.0)

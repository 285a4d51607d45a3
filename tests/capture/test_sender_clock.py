"""The sender's own clock tells sound that is missing from sound that was heard already."""

from __future__ import annotations

import numpy as np
import pytest

from streamseg.capture.decoded import Decoded
from streamseg.capture.sender_clock import WRAP_S, SenderClock

RATE_HZ = 8000


def piece(at_s: float | None, seconds: float = 1.0) -> Decoded:
    """Frames with a time stamp."""
    return Decoded(np.zeros((round(seconds * RATE_HZ), 1), np.float32), RATE_HZ, at_s)


def heard(*pieces: Decoded) -> SenderClock:
    """A clock that has heard these."""
    clock = SenderClock()
    for each in pieces:
        clock.heard(each)
    return clock


@pytest.mark.parametrize(("at_s", "missing_s"), [(102, 0), (105.5, 3.5), (99, -3)])
def test_what_is_missing_is_the_difference(at_s: float, missing_s: float) -> None:
    """From the end of what was heard to the beginning of what comes; negative: heard already."""
    clock = heard(piece(100), piece(101))
    assert clock.goes_on(at_s, away_s=5)
    assert clock.missing_s(piece(at_s)) == pytest.approx(missing_s)


def test_a_clock_that_runs_over_goes_on() -> None:
    """After a day and some the 33 bits begin anew."""
    clock = heard(piece(WRAP_S - 1.5))
    assert clock.goes_on(2.0, away_s=3)
    assert clock.missing_s(piece(2.0)) == pytest.approx(2.5)


@pytest.mark.parametrize("at_s", [1.4, 5000, 135])
def test_another_clock_is_told_from_the_old_one(at_s: float) -> None:
    """A sender that started anew, or more missing than time has passed."""
    assert not heard(piece(100)).goes_on(at_s, away_s=3)


def test_frames_without_a_stamp_move_the_clock_on() -> None:
    """Silence in place of a damaged packet has no stamp of its own."""
    clock = heard(piece(100), piece(None, 0.5))
    assert clock.missing_s(piece(102)) == pytest.approx(0.5)


def test_without_stamps_nothing_is_known() -> None:
    """Most radio streams carry no clock."""
    assert not heard(piece(None)).goes_on(1.0, 1)
    assert not heard(piece(1.0)).goes_on(None, 1)

"""The engine of the benchmark counts what it runs."""

import numpy as np
import pytest

from streamseg.bench.engine import drive, runner
from streamseg.bench.measure import RATE_HZ, least_s


@pytest.mark.parametrize("stem", ["frame_conv", "window_mask"])
def test_the_first_two_pieces_are_not_counted(stem: str) -> None:
    """Of five pieces of three sources, nine pieces of sound are left."""
    sound = np.zeros(round(5.1 * 0.5 * RATE_HZ), np.float32)
    spent = drive(runner(stem, 3), 3, sound, 0.5)
    assert spent.audio_s == pytest.approx(4.5)
    assert spent.front_s > 0
    assert spent.network_s > 0


def test_less_than_three_pieces_are_refused() -> None:
    """Nothing would be left to count."""
    with pytest.raises(ValueError, match=r"at least 1.5 s of sound"):
        drive(runner("frame_conv", 1), 1, np.zeros(50_000, np.float32), 0.5)


def test_the_least_of_some_runs_is_taken() -> None:
    """One run more than is counted, and never nothing."""
    runs: list[int] = []
    assert least_s(lambda: runs.append(1), 3) > 0
    assert len(runs) == 4

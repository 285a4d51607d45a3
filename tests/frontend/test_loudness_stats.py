"""The histograms against the exact computation over everything."""

from __future__ import annotations

import numpy as np
import pytest

from streamseg.frontend.loudness import SHORT_STEPS, Float64Array, gated_lufs, lufs
from streamseg.frontend.loudness_stats import LoudnessRange, ProgrammeLoudness


def exact_range_lu(powers: Float64Array) -> float:
    """EBU Tech 3342 with a sorted list, as its appendix prints it."""
    window = np.full(SHORT_STEPS, 1.0 / SHORT_STEPS)
    short = np.convolve(powers, window, mode="valid")
    short = short[10 * np.log10(short) - 0.691 > -70]
    gate = lufs(float(short.mean())) - 20
    levels = np.sort(10 * np.log10(short) - 0.691)
    levels = levels[levels > gate]
    last = len(levels) - 1
    return float(levels[round(last * 0.95)] - levels[round(last * 0.10)])


def test_the_histogram_agrees_with_the_exact_gate(rng: np.random.Generator) -> None:
    """Over levels spread across both gates the 0.1 LU bins cost less than 0.05 LU."""
    powers = 10 ** rng.uniform(-9, -1, 5000)
    loudness = ProgrammeLoudness()
    for part in np.array_split(powers, 37):
        loudness.push(part)
    assert loudness.lufs == pytest.approx(gated_lufs(powers), abs=0.05)


def test_the_range_agrees_with_a_sorted_list(rng: np.random.Generator) -> None:
    """Two bins of 0.1 LU is all that a histogram can cost; the split does not matter."""
    powers = 10 ** np.interp(np.arange(3000), np.arange(0, 3000, 50), rng.uniform(-6, -1, 60))
    found = LoudnessRange()
    for part in np.array_split(powers, 41):
        found.push(part)
    assert found.lu == pytest.approx(exact_range_lu(powers), abs=0.2)


def test_no_window_reaches_across_a_hole() -> None:
    """Two halves of 300 ms with a hole between them hold no block of 400 ms, nor 29 steps a 3 s."""
    loudness, spread = ProgrammeLoudness(), LoudnessRange()
    for _ in range(2):
        loudness.push(np.full(3, 0.01))
        loudness.interrupt()
        spread.push(np.full(29, 0.01))
        spread.interrupt()
    assert loudness.lufs is None
    assert spread.lu is None
    loudness.push(np.full(4, 0.01))
    assert loudness.lufs == pytest.approx(-20.69, abs=0.01)


def test_reset_forgets_the_stream() -> None:
    """After a reset nothing of the loud past is left."""
    loudness, spread = ProgrammeLoudness(), LoudnessRange()
    for meter in (loudness, spread):
        meter.push(np.full(100, 0.5))
        meter.reset()
        meter.push(np.full(100, 0.01))
    assert loudness.lufs == pytest.approx(-20.69, abs=0.01)
    assert spread.lu == 0.0

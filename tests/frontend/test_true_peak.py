"""Between the samples: tones whose highest point no sample hits."""

from __future__ import annotations

import numpy as np
import pytest
import splits
from hypothesis import given, settings

from streamseg.frontend.true_peak import TruePeak


def faded(samples: np.ndarray) -> np.ndarray:
    """10 ms in and out: a hard edge rings, rightly."""
    ramp = np.clip(np.arange(samples.size) / 480, 0, 1)
    return (samples * ramp * ramp[::-1]).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [8000, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("share", [0.02, 0.1, 1 / 6, 0.25])
def test_a_tone_reads_its_amplitude_at_any_phase(rate_hz: int, share: float) -> None:
    """Four points a sample miss the highest by at most 1 - cos(pi * share / 4), 0.17 dB; two by
    four times as much, one by all of it."""
    points = max(1, min(4, 1 << int(np.ceil(np.log2(176_400 / rate_hz)))))
    missed = np.cos(np.pi * share / points)
    for phase in np.linspace(0, np.pi, 7):
        tone = np.sin(2 * np.pi * share * np.arange(4000) + phase)
        peak = TruePeak(rate_hz).push(faded(tone)[None]).value
        assert missed - 0.003 < peak < 1.003


def test_a_sample_peak_is_never_missed() -> None:
    """One sample alone stands where it is, in the channel that has it."""
    sound = np.zeros((2, 1000), np.float32)
    sound[1, 700] = -0.5
    peak = TruePeak(48000, 2).push(sound)
    assert peak.value >= 0.5
    assert abs(peak.at - 700) <= 1


def test_a_point_between_the_last_samples_comes_with_the_next() -> None:
    """It lies up to 12 samples before the block that brings it."""
    sound = np.zeros((1, 200), np.float32)
    sound[0, 99:101] = 0.5  # between them the signal is 0.64
    meter = TruePeak(48000)
    assert meter.push(sound[:, :101]).value == 0.5
    late = meter.push(sound[:, 101:])
    assert late.value == pytest.approx(0.637, abs=0.01)
    assert late.at in (-2, -1)


@settings(max_examples=20)
@given(seed=splits.SEEDS)
def test_any_split_finds_the_same_highest_point(seed: int) -> None:
    """To the rounding of float32 sums, which depend on the shape (1e-6)."""
    sound = np.random.default_rng(5).normal(0, 0.1, 6000).astype(np.float32)
    whole = TruePeak(44100).push(sound[None]).value
    meter = TruePeak(44100)
    split = max(meter.push(block[None]).value for block in splits.blocks(sound, seed))
    assert split == pytest.approx(whole, abs=1e-6)


def test_reset_forgets_the_signal() -> None:
    """What was loud before does not ring into what comes after."""
    meter = TruePeak(48000)
    meter.push(np.full((1, 100), 0.9, np.float32))
    meter.reset()
    assert meter.push(np.zeros((1, 100), np.float32)).value == 0.0

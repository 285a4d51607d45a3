"""Loudness against the standard's own numbers and physics; EBU's signals: ``test_ebu_mode``."""

from __future__ import annotations

import numpy as np
import pytest
import signals
import splits
from hypothesis import given, settings

from streamseg.frontend.loudness import (
    KWeightedPower,
    LoudnessHistory,
    channel_weights,
    gated_lufs,
    k_weighting,
)

ONE_CHANNEL_LU = -3.01
"""EBU Tech 3341 plays the same tone in two channels; the same in one reads half the power."""

RATES_HZ = [8000, 11025, 22050, 44100, 48000, 96000, 192000]


def tone(level_dbfs: float, seconds: float, rate_hz: int = 48000) -> np.ndarray:
    """A sine of 1 kHz with this peak level."""
    return signals.sine(seconds, rate_hz, 1000.0, level_dbfs)


def programme_lufs(samples: np.ndarray, rate_hz: int = 48000) -> float | None:
    """Integrated loudness of one channel."""
    return gated_lufs(KWeightedPower(rate_hz).push(samples))


def test_coefficients_at_48_khz_are_those_that_the_standard_prints() -> None:
    """ITU-R BS.1770-4, annex 1, tables 1 and 2."""
    shelf, high_pass = k_weighting(48000)
    printed = [1.53512485958697, -2.69169618940638, 1.19839281085285]
    assert shelf[:3] == pytest.approx(printed, abs=1e-9)
    assert shelf[3:] == pytest.approx([1.0, -1.69065929318241, 0.73248077421585], abs=1e-9)
    assert high_pass[:3].tolist() == [1.0, -2.0, 1.0]
    assert high_pass[3:] == pytest.approx([1.0, -1.99004745483398, 0.99007225036621], abs=1e-9)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_full_scale_tone_in_one_channel_reads_3_lu_below_zero(rate_hz: int) -> None:
    """BS.1770-4: 0 dBFS at 997 Hz in one front channel is -3.01 LKFS; here at any rate."""
    measured = programme_lufs(signals.sine(5.0, rate_hz, 997.0, 0.0), rate_hz)
    assert measured == pytest.approx(-3.01, abs=0.05)


def test_too_low_a_rate_is_refused() -> None:
    """At 2 kHz half of the weighting curve does not exist."""
    with pytest.raises(ValueError, match="at least 4000 Hz, got 2000: resample first"):
        KWeightedPower(2000)


@pytest.mark.parametrize(
    ("channels", "weights"),
    [
        (1, [1]),
        (2, [1, 1]),
        (5, [1, 1, 1, 1.41, 1.41]),
        (6, [1, 1, 1, 0, 1.41, 1.41]),
        (8, [1, 1, 1, 0, 1.41, 1.41, 1.41, 1.41]),
        (4, [1, 1, 1, 1]),
    ],
)
def test_the_rear_counts_more_and_the_lfe_not_at_all(channels: int, weights: list[float]) -> None:
    """BS.1770-4, table 3, in the usual order of channels; an unknown order counts all alike."""
    assert channel_weights(channels).tolist() == weights


def test_silence_and_very_short_sounds_have_no_loudness() -> None:
    """Below the absolute gate, or under 400 ms, there is nothing to measure."""
    assert programme_lufs(signals.silence(2.0, 48000)) is None
    assert programme_lufs(tone(-80.0, 2.0)) is None
    assert programme_lufs(tone(-23.0, 0.39)) is None
    assert programme_lufs(tone(-23.0, 0.4)) is not None


@settings(max_examples=25)
@given(seed=splits.SEEDS)
def test_any_split_gives_the_same_powers(seed: int) -> None:
    """1102.5 samples a step at 11025 Hz; only the order of additions differs (1e-12)."""
    samples = signals.noise("pink", 2.0, 11025)
    whole = KWeightedPower(11025).push(samples)
    assert len(whole) == 20
    split = splits.push_all(KWeightedPower(11025).push, samples, seed)
    np.testing.assert_allclose(split, whole, rtol=1e-12)


def test_reset_forgets_the_signal() -> None:
    """After a reset the same samples give the same powers, bit for bit."""
    samples = signals.noise("pink", 1.0, 48000)
    power = KWeightedPower(48000)
    first = power.push(samples)
    power.push(samples[:1234])
    power.reset()
    assert np.array_equal(power.push(samples), first)


def test_the_history_measures_the_stretch_that_is_asked_for() -> None:
    """Of a quiet and a loud part, each gets its own loudness, at the source's positions."""
    history = LoudnessHistory(48000, reach_s=60.0)
    weighted = KWeightedPower(48000)
    history.reset(origin=1_000_000)
    for block in np.array_split(np.concatenate((tone(-40.0, 5.0), tone(-20.0, 5.0))), 99):
        history.push(weighted.push(block))
    middle = 1_000_000 + 5 * 48000
    assert history.lufs(1_000_000, middle) == pytest.approx(-40 + ONE_CHANNEL_LU, abs=0.05)
    assert history.lufs(middle, middle + 5 * 48000) == pytest.approx(-23.01, abs=0.05)
    assert history.lufs(middle, middle + 4800 * 3) is None


def test_the_history_uses_whole_steps_inside_the_stretch_alone() -> None:
    """A loud sample range that begins between two steps does not leak into the one before it."""
    history = LoudnessHistory(1000 * 48, reach_s=10.0)
    signal = np.concatenate((tone(-60.0, 2.05), tone(-10.0, 2.0)))
    history.push(KWeightedPower(48000).push(signal))
    edge = round(2.05 * 48000)
    assert history.lufs(edge - 48000, edge) == pytest.approx(-63.01, abs=0.1)


def test_the_history_says_when_it_does_not_know_any_more() -> None:
    """A stretch that began before the reach has no loudness; a recent one still has."""
    history = LoudnessHistory(8000, reach_s=5.0)
    weighted = KWeightedPower(8000)
    for _ in range(20):
        history.push(weighted.push(tone(-20.0, 1.0, 8000)))
    assert history.lufs(0, 20 * 8000) is None
    assert history.lufs(15 * 8000, 20 * 8000) == pytest.approx(-23.01, abs=0.1)

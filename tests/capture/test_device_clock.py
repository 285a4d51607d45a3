"""Losses are found, delays and drift are not taken for losses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamseg.capture.device_clock import PERSIST_S, SETTLE_S, DeviceClock

RATE_HZ = 48_000
BLOCK = 512
BLOCK_S = BLOCK / RATE_HZ
TOLERANCE_S = 0.25


def clock() -> DeviceClock:
    """As a device at 48 kHz with default settings makes it."""
    return DeviceClock(RATE_HZ, TOLERANCE_S, BLOCK_S)


def run(
    times_s: np.ndarray, frames: np.ndarray, flagged: frozenset[int] = frozenset()
) -> list[tuple[float, int]]:
    """Time and size of every loss that the clock finds."""
    watch = clock()
    found = []
    for index, (time_s, total) in enumerate(zip(times_s, frames, strict=True)):
        lost = watch.observe(float(time_s), int(total), index in flagged)
        if lost:
            found.append((float(time_s), lost))
    return found


def blocks(seconds: float) -> np.ndarray:
    """Totals after each block of an undisturbed device."""
    return (1 + np.arange(round(seconds / BLOCK_S))) * BLOCK


@given(st.integers(0, 2**32 - 1), st.floats(0, 0.1))
def test_jitter_is_no_loss(seed: int, jitter_s: float) -> None:
    """Callbacks up to 0.1 s late, each by chance, lose nothing."""
    frames = blocks(20)
    late = np.random.default_rng(seed).uniform(0, jitter_s, frames.size)
    times_s = np.maximum.accumulate(frames / RATE_HZ + late)
    assert run(times_s, frames) == []


@pytest.mark.parametrize("drift", [-300e-6, 300e-6])
def test_drift_of_a_sound_card_is_no_loss(drift: float) -> None:
    """Three hours with a card 300 parts per million off lose nothing, though 3 s are missing."""
    frames = np.arange(1, 3 * 3600 * 20) * 2400  # 20 callbacks a second
    assert run(frames / RATE_HZ * (1 + drift), frames) == []


@pytest.mark.parametrize("stall_s", [0.3, 2.0, 20.0])
def test_stall_with_a_burst_after_it_is_no_loss(stall_s: float) -> None:
    """Callbacks that stop and then catch up in a burst have lost nothing, however long it took."""
    frames = blocks(40)
    times_s = frames / RATE_HZ
    stalled = (times_s > 10) & (times_s < 10 + stall_s)
    # The burst: a tenth of a millisecond from one callback to the next.
    times_s = np.where(stalled, 10 + stall_s + 1e-4 * np.cumsum(stalled), times_s)
    assert run(np.maximum.accumulate(times_s), frames) == []


@pytest.mark.parametrize("lost_s", [0.3, 1.0, 9.0])
def test_loss_is_found_with_its_size(lost_s: float) -> None:
    """A hole is reported once, about a second later, to the size of the jitter."""
    frames = blocks(20)
    jitter = np.random.default_rng(3).uniform(0, 0.03, frames.size)
    times_s = frames / RATE_HZ + jitter + np.where(frames > 8 * RATE_HZ, lost_s, 0)
    [(at_s, lost)] = run(np.maximum.accumulate(times_s), frames)
    assert lost / RATE_HZ == pytest.approx(lost_s, abs=0.03)
    assert 8 + lost_s + PERSIST_S <= at_s <= 8 + lost_s + PERSIST_S + 0.2


def test_small_losses_add_up_until_they_are_found() -> None:
    """Losses below the tolerance are reported together once they exceed it."""
    frames = blocks(60)
    holes_s = 0.1 * np.floor(frames / RATE_HZ / 5)  # 0.1 s every 5 s
    found = run(frames / RATE_HZ + holes_s, frames)
    # What drift could explain (500 parts per million) and the last 0.25 s stay unreported.
    assert sum(lost for _, lost in found) / RATE_HZ == pytest.approx(1.1, abs=0.3)
    assert len(found) >= 2


def test_losses_after_one_another_are_told_apart() -> None:
    """After a loss the clock starts from there: the next one is found with its own size."""
    frames = blocks(30)
    times_s = frames / RATE_HZ + 0.5 * (frames > 8 * RATE_HZ) + 0.7 * (frames > 18 * RATE_HZ)
    sizes = [lost / RATE_HZ for _, lost in run(times_s, frames)]
    assert sizes == pytest.approx([0.5, 0.7], abs=0.02)


def test_flagged_overflow_is_measured_below_the_tolerance() -> None:
    """When the back end says that it lost sound, a hole far below the tolerance is measured."""
    frames = blocks(20)
    at = round(8 / BLOCK_S)
    times_s = frames / RATE_HZ + np.where(np.arange(frames.size) >= at, 0.05, 0)
    [(_, lost)] = run(times_s, frames, frozenset({at}))
    assert lost / RATE_HZ == pytest.approx(0.05, abs=BLOCK_S)


def test_flag_without_a_measurable_hole_still_counts() -> None:
    """A flag is a loss even when the clock sees none; it then has the smallest size there is."""
    frames = blocks(20)
    [(_, lost)] = run(frames / RATE_HZ, frames, frozenset({900}))
    assert lost == 1


def test_noise_of_a_starting_server_is_no_loss() -> None:
    """A burst and a pause in the first half second do not set the standard for what follows."""
    frames = blocks(20)
    times_s = frames / RATE_HZ
    burst = times_s < 0.4 * SETTLE_S
    times_s = np.where(burst, 1e-3 * np.arange(frames.size), times_s + 0.4)
    assert run(times_s, frames) == []

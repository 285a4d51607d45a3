"""Samples keep their dates: with slow and fast clocks, bursts, stalls, clocks that are set."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamseg.timekeeper import SLACK_S, WINDOW_S, Now, Step, Timekeeper, read_clocks

RATE_HZ = 48_000
BLOCK_S = 0.25
WALL = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(monotonic_s: float, step_s: float = 0.0, utc_offset_s: float = 0.0) -> Now:
    """Both clocks after so many seconds; the time of day was set by ``step_s`` besides."""
    wall = WALL + timedelta(seconds=monotonic_s + step_s)
    return Now(wall, monotonic_s, utc_offset_s)


class Station:
    """A source whose sound comes late by chance, and whose clock is wrong by ``ppm``."""

    def __init__(self, ppm: float = 0.0, jitter_s: float = 0.03, live: bool = True) -> None:
        self.keeper = Timekeeper(RATE_HZ, 0, at(0), live=live)
        self.monotonic_s = 0.0
        self.ppm = ppm
        self.steps: list[Step] = []
        self.errors_s: list[float] = []
        self._jitter = np.random.default_rng(5)
        self._jitter_s = jitter_s

    def sample_made(self, monotonic_s: float) -> int:
        """Position of the sound that is being made."""
        return round(monotonic_s * (1 + self.ppm * 1e-6) * RATE_HZ)

    def run(
        self,
        seconds: float,
        late: Callable[[float], float] = lambda monotonic_s: 0.0,
        step_s: float = 0.0,
    ) -> None:
        """Let time pass; ``late`` tells how old the sound is that comes at a moment."""
        for _ in range(round(seconds / BLOCK_S)):
            self.monotonic_s += BLOCK_S
            age_s = late(self.monotonic_s) + self._jitter.uniform(0, self._jitter_s)
            sample = self.sample_made(self.monotonic_s - age_s)
            self.keeper.heard(sample, self.monotonic_s)
            if self.keeper.due(self.monotonic_s):
                step = self.keeper.look(at(self.monotonic_s, step_s))
                self.steps.extend([step] if step else [])
                made = self.sample_made(self.monotonic_s)
                error = self.keeper.clock.monotonic_at(made) - self.monotonic_s
                self.errors_s.append(error)


@pytest.mark.parametrize("ppm", [-200, -20, 20, 200])
def test_a_wrong_clock_is_measured_and_followed(ppm: float) -> None:
    """Six hours with a card that is slow or fast: the drift is known, and no date runs away."""
    station = Station(ppm)
    station.run(6 * 3600)
    assert station.keeper.drift_ppm == pytest.approx(ppm, abs=1)
    # Without correction 200 parts per million are 4.3 s here.
    assert np.abs(station.errors_s).max() < 2 * SLACK_S
    assert np.abs(station.errors_s[3600:]).max() < 0.03


def test_drift_is_unknown_before_it_can_be_told() -> None:
    """A few minutes of jitter are no measurement."""
    station = Station(100)
    station.run(4 * WINDOW_S)
    assert station.keeper.drift_ppm is None


def test_a_burst_at_the_beginning_moves_the_anchor_back_at_once() -> None:
    """A server that sends five seconds when one connects: they were made before, not after."""
    keeper = Timekeeper(RATE_HZ, 0, at(0), live=True)
    keeper.heard(5 * RATE_HZ, 0.1)
    keeper.look(at(1.1))
    assert keeper.clock.monotonic_at(5 * RATE_HZ) == pytest.approx(0.1)
    assert keeper.clock.time(5 * RATE_HZ) == WALL + timedelta(seconds=0.1)


def test_a_stall_that_catches_up_moves_nothing() -> None:
    """Sound that is late for half a minute and then comes at once was only late."""
    station = Station()
    station.run(90)
    before = station.keeper.clock
    station.run(30, late=lambda now_s: now_s - 90)
    station.run(90)
    assert np.abs(station.errors_s).max() < SLACK_S
    assert station.keeper.clock.monotonic_at(0) == pytest.approx(before.monotonic_at(0), abs=0.03)


def test_sound_that_stays_late_is_dated_when_it_comes() -> None:
    """A stream that pauses for three seconds for good is three seconds later from then on."""
    station = Station()
    station.run(120)
    station.run(180, late=lambda now_s: 3.0)
    made = station.sample_made(station.monotonic_s - 3)
    assert station.keeper.clock.monotonic_at(made) == pytest.approx(station.monotonic_s, abs=0.05)


@settings(max_examples=20)
@given(st.integers(1, 15), st.floats(-300, 300), st.floats(0, 0.2))
def test_no_date_is_worse_than_the_jitter(minutes: int, ppm: float, jitter_s: float) -> None:
    """Whatever the drift, dates are right to the slack and what drifts away in a minute."""
    station = Station(ppm, jitter_s)
    station.run(60 * minutes)
    assert np.abs(station.errors_s).max() < SLACK_S + jitter_s / 2 + abs(ppm) * 1e-6 * 120


@pytest.mark.parametrize("step_s", [3600.0, -3600.0, 0.5, -0.5])
def test_a_clock_that_is_set_is_one_step(step_s: float) -> None:
    """Forwards or backwards, it is said once, and dates follow; distances do not change."""
    station = Station()
    station.run(10)
    before = station.keeper.clock
    station.run(10, step_s=step_s)
    [step] = station.steps
    assert step == Step(pytest.approx(step_s), "clock_set")
    after = station.keeper.clock
    assert (after.time(0) - before.time(0)).total_seconds() == pytest.approx(step_s, abs=1e-3)
    assert after.monotonic_at(RATE_HZ) == before.monotonic_at(RATE_HZ)


def test_slow_corrections_of_ntp_are_no_step() -> None:
    """What stays below a tenth of a second is not worth an event."""
    station = Station()
    station.run(10, step_s=0.05)
    assert station.steps == []


def test_summer_time_is_a_step_that_leaves_the_dates_alone() -> None:
    """The offset of the zone changes: an event says so, the instants stay what they were."""
    keeper = Timekeeper(RATE_HZ, 0, at(0, utc_offset_s=3600), live=True)
    assert keeper.look(at(1, utc_offset_s=3600)) is None
    before = keeper.clock
    assert keeper.look(at(2, utc_offset_s=7200)) == Step(3600, "utc_offset")
    assert keeper.clock == before
    assert keeper.look(at(3, utc_offset_s=7200)) is None


def test_a_file_faster_than_time_keeps_its_anchor() -> None:
    """Sound that was not made just now is dated by its own length, however fast it comes."""
    keeper = Timekeeper(RATE_HZ, 0, at(0), live=False)
    for second in range(1, 600):
        keeper.heard(second * 100 * RATE_HZ, second)
        keeper.look(at(second))
    assert keeper.clock.time(0) == WALL
    assert keeper.drift_ppm is None


def test_a_sound_card_behind_a_pipe_is_followed() -> None:
    """A pipe that delivers at the speed of a sound card has the drift of one."""
    station = Station(60, live=False)
    station.run(3600)
    assert station.keeper.drift_ppm == pytest.approx(60, abs=2)
    assert np.abs(station.errors_s[600:]).max() < SLACK_S


def test_a_restored_source_is_never_dated_later_than_now() -> None:
    """A gap that was guessed too long moves the anchor back; one that was right moves nothing."""
    keeper = Timekeeper(RATE_HZ, 0, at(0), live=True)
    keeper.restored(10 * RATE_HZ, at(10))
    assert keeper.clock.monotonic_at(10 * RATE_HZ) == 10
    keeper.restored(30 * RATE_HZ, at(20))
    assert keeper.clock.monotonic_at(30 * RATE_HZ) == 20


def test_an_hour_without_sound_is_no_drift() -> None:
    """Windows in which nothing came are left out, and looking still finds a clock that is set."""
    station = Station()
    station.run(120)
    for second in range(3600):
        now = at(station.monotonic_s + second, step_s=7.0 if second > 1800 else 0.0)
        step = station.keeper.look(now)
        assert (step is not None) == (second == 1801)
    assert station.keeper.drift_ppm is None


def test_the_clocks_are_read_together() -> None:
    """Two readings agree: the time of day and the monotonic clock advanced alike."""
    one = read_clocks()
    time.sleep(0.01)
    two = read_clocks()
    passed_s = two.monotonic_s - one.monotonic_s
    assert passed_s >= 0.01
    assert (two.wall - one.wall).total_seconds() == pytest.approx(passed_s, abs=0.05)


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the local zone cannot be set here")
def test_the_offset_is_that_of_the_local_zone() -> None:
    """Half-hour zones too."""
    program = "from streamseg.timekeeper import read_clocks; print(read_clocks().utc_offset_s)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TZ": "IST-5:30"},
        capture_output=True,
        check=True,
    )
    assert float(done.stdout) == 5.5 * 3600

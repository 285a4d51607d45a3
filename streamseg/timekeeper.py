"""Dates the samples of one source, and measures how far its clock and the machine's differ.

Called by the source's analysis thread with every block. Allocates nothing per block; keeps an hour
of one number a minute.

Three clocks disagree. The *sample counter* runs at the rate that the device believes in; the
*monotonic clock* never jumps; the *time of day* is set by people and by NTP. The counter is dated
by an anchor (``events.Clock``): a sample that is known to have been heard at a certain moment.

Late is normal, early is impossible: sound waits in buffers, but it cannot come before it was made.
So the *earliest* arrivals tell the truth. Sound that comes earlier than the anchor allows (a server
that sends some seconds at once) moves the anchor back at once; sound that has come late for a whole
minute (a slow clock, sound that was lost unnoticed) moves it forward. The slope of the earliest
arrivals of each minute is the drift, and the anchor follows it from then on: between two moves the
dates are right to ``SLACK_S``, and they never run away.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from streamseg.sinks.events import Clock
from streamseg.ticks import now_s

LOOK_S = 1.0
"""Between two looks at the clocks: no decision is made sooner."""
SLACK_S = 0.05
"""A burst of device blocks; less is not worth an anchor."""
WINDOW_S = 60.0
"""Whoever has been late for so long is late for good."""
WINDOWS = 60
DRIFT_WINDOWS = 5
"""Five minutes: the slope is right to some 20 parts per million, after an hour to one or two."""
STEP_S = 0.1
"""NTP moves the time of day gently when it is less wrong than this, which is no step."""
PACED_PPM = 1000.0
"""A pipe that is faster or slower than this is no sound card behind a pipe, but a file."""


@dataclass(frozen=True, slots=True)
class Now:
    """The same moment on both clocks."""

    wall: datetime
    """In UTC."""
    monotonic_s: float
    utc_offset_s: float
    """Of the local zone."""


def read_clocks() -> Now:
    """Both clocks, closer together than an interrupted thread would read them."""
    best: tuple[float, float, datetime] | None = None
    for _ in range(3):
        before_s = now_s()
        wall = datetime.now(UTC)
        spread_s = now_s() - before_s
        if best is None or spread_s < best[0]:
            best = (spread_s, before_s + spread_s / 2, wall)
    assert best is not None
    offset = best[2].astimezone().utcoffset()
    return Now(best[2], best[1], offset.total_seconds() if offset else 0.0)


@dataclass(frozen=True, slots=True)
class Step:
    """The time of day jumped; see ``events.ClockStep``."""

    step_s: float
    cause: str


class Timekeeper:
    """One source, one thread. ``clock`` is the anchor in force."""

    def __init__(self, rate_hz: int, sample: int, now: Now, *, live: bool) -> None:
        """Sample ``sample`` of the source is heard ``now``."""
        self.clock = Clock(now.wall, now.monotonic_s, rate_hz, sample)
        self._follows = live
        self._utc_offset_s = now.utc_offset_s
        self._zone_s = now.monotonic_s  # when the zone was read from the system
        self._look_s = now.monotonic_s + LOOK_S
        self._window_s = now.monotonic_s + WINDOW_S
        self._second = self._minute = -float("inf")  # how early at best, in seconds
        self._first = (now.monotonic_s, sample)
        self._earliest: deque[tuple[float, float]] = deque(maxlen=WINDOWS)
        self._drift_ppm: float | None = None

    @property
    def drift_ppm(self) -> float | None:
        """By how much the source counts faster than the monotonic clock; None: not yet known."""
        return self._drift_ppm if self._follows else None

    def heard(self, sample: int, monotonic_s: float) -> None:
        """The sound up to ``sample`` has come. Cheap: for every block."""
        early_s = self.clock.monotonic_at(sample) - monotonic_s
        self._second = max(self._second, early_s)

    def restored(self, sample: int, now: Now) -> None:
        """The source is back with ``sample``: never dated later than now."""
        self._forget_arrivals(now)
        self._earliest.clear()  # the length of a gap is not measured as well as drift is
        self._move(max(0.0, self.clock.monotonic_at(sample) - now.monotonic_s))

    def due(self, monotonic_s: float) -> bool:
        """Whether it is time for ``look``."""
        return monotonic_s >= self._look_s

    def look(self, now: Now) -> Step | None:
        """Compare the clocks. ``clock`` may be another one afterwards. At most once a second."""
        self._look_s = now.monotonic_s + LOOK_S
        if self._second > SLACK_S and self._follows:
            early_s = self._second
            self._move(early_s)
            self._minute -= early_s
            self._second = 0.0
        self._minute = max(self._minute, self._second)
        self._second = -float("inf")
        if now.monotonic_s >= self._window_s:
            self._end_window(now)
        return self._zone_changed(now) or self._clock_set(now)

    def _end_window(self, now: Now) -> None:
        early_s = self._minute
        self._forget_arrivals(now)
        if early_s == -float("inf"):
            return  # nothing came
        self._earliest.append((now.monotonic_s, early_s - self._correction_s(now)))
        self._measure_drift()
        if not self._follows:
            return
        drift_ppm = self._drift_ppm or 0.0
        if abs(early_s) > SLACK_S / 2 or abs(drift_ppm - self.clock.drift_ppm) > 2:
            self._follow(drift_ppm, early_s, now)

    def _forget_arrivals(self, now: Now) -> None:
        self._window_s = now.monotonic_s + WINDOW_S
        self._second = self._minute = -float("inf")

    def _correction_s(self, now: Now) -> float:
        """By how much the anchor in force lies behind the first one, at the nominal rate, now."""
        first_s, first = self._first
        sample = self._sample_at(now.monotonic_s)
        nominal_s = first_s + (sample - first) / self.clock.rate_hz
        return now.monotonic_s - nominal_s

    def _sample_at(self, monotonic_s: float) -> int:
        clock = self.clock
        seconds = (monotonic_s - clock.monotonic_s) / (1 - clock.drift_ppm * 1e-6)
        return clock.sample + round(seconds * clock.rate_hz)

    def _measure_drift(self) -> None:
        if len(self._earliest) < DRIFT_WINDOWS:
            return
        times_s, early_s = np.array(self._earliest).T
        one, other = np.triu_indices(len(times_s), 1)
        # The median slope (Theil and Sen): stalls and badly guessed losses weigh little.
        slopes = (early_s[other] - early_s[one]) / (times_s[other] - times_s[one])
        self._drift_ppm = float(np.median(slopes)) * 1e6
        # What comes through a pipe at the speed of a sound card is a sound card.
        self._follows = self._follows or abs(self._drift_ppm) < PACED_PPM

    def _follow(self, drift_ppm: float, early_s: float, now: Now) -> None:
        """From here on with this drift; the newest earliest arrival lies on the line."""
        sample = self._sample_at(now.monotonic_s)
        heard_s = self.clock.monotonic_at(sample)
        wall = self.clock.wall + timedelta(seconds=heard_s - self.clock.monotonic_s)
        self.clock = Clock(wall, heard_s, self.clock.rate_hz, sample, drift_ppm)
        self._move(early_s)

    def _move(self, early_s: float) -> None:
        """Date all sound earlier by so much; both clocks alike, so that steps stay visible."""
        clock = self.clock
        wall = clock.wall - timedelta(seconds=early_s)
        self.clock = replace(clock, wall=wall, monotonic_s=clock.monotonic_s - early_s)

    def _clock_set(self, now: Now) -> Step | None:
        step_s = self.clock.step_s(now.wall, now.monotonic_s)
        if abs(step_s) < STEP_S:
            return None
        self.clock = replace(self.clock, wall=self.clock.wall + timedelta(seconds=step_s))
        return Step(step_s, "clock_set")

    def _zone_changed(self, now: Now) -> Step | None:
        if now.monotonic_s - self._zone_s >= WINDOW_S and hasattr(time, "tzset"):
            time.tzset()  # somebody may have given the machine another zone
            self._zone_s = now.monotonic_s
        change_s = now.utc_offset_s - self._utc_offset_s
        self._utc_offset_s = now.utc_offset_s
        return Step(change_s, "utc_offset") if change_s else None

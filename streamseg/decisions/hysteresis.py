"""The state machine of one class: from one score per frame to stretches of frames.

It is the same for every class and published here, so that any row of an event log can be explained
from the scores. ``on`` and ``off`` are thresholds; the other limits are counted in frames. Breaks
are bridged first and short sounds dropped after that (a voice that draws breath is one voice).

========  ===============================================  ========  ==============================
state     condition                                        next      what happens
========  ===============================================  ========  ==============================
idle      score >= on                                      rising    start := back-dated, see below
rising    start is ``min_on`` ago                          on        Began(start)
rising    score < off                                      dipped    end := this frame
dipped    score >= on                                      rising    the dip belongs to the sound
dipped    end is ``min_off`` ago                           idle      too short: nothing is said
on        score < off                                      falling   end := this frame
on        start is ``heartbeat`` ago                       on        Ended(start, here), Began(here)
falling   score >= on                                      on        the break belongs to the sound
falling   end is ``min_off`` ago                           idle      Ended(start, end)
========  ===============================================  ========  ==============================

*Back-dated*: the frame after the last one with score < ``off``, at most ``backdate`` frames ago,
and never less than ``min_off`` frames after the end of the stretch before.

*At the end of the stream* an open stretch ends where it fell, or else with the last frame. A sound
shorter than ``min_on`` is dropped there too, unless it has lasted since the first frame: cut at
both ends, it is all that the stream had to say.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

SILENT_POWER = 1e-12
"""-120 dB: keeps the logarithm of digital silence finite."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds (0..1) and durations in frames; see the table of the module."""

    on: float
    off: float
    min_on: int
    min_off: int
    heartbeat: int
    backdate: int


@dataclass(frozen=True, slots=True)
class Began:
    """A stretch begins with this frame; said at least ``min_on`` frames later."""

    start: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Frames ``start`` to ``end`` (not included) were one stretch."""

    start: int
    end: int
    score_mean: float
    score_peak: float
    level_dbfs: float


@dataclass(slots=True)
class _Tally:
    """Running sums over frames."""

    count: int = 0
    score: float = 0.0
    peak: float = 0.0
    power: float = 0.0

    def add(self, score: float, power: float) -> None:
        self.count += 1
        self.score += score
        self.peak = max(self.peak, score)
        self.power += power

    def merge(self, other: _Tally) -> None:
        self.count += other.count
        self.score += other.score
        self.peak = max(self.peak, other.peak)
        self.power += other.power


class Hysteresis:
    """One class of one stream. ``step`` is constant in time and memory."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._recent: deque[tuple[float, float]] = deque(maxlen=limits.backdate + 1)
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next frame is frame 0 of a new stream, in state idle."""
        self._frame = 0
        self._opened = False  # on or falling
        self._start: int | None = None  # None when idle
        self._end: int | None = None  # a frame when dipped or falling
        self._above_off_since = 0
        self._earliest = 0  # no onset before this frame
        self._sound = _Tally()
        self._break = _Tally()
        self._recent.clear()

    @property
    def state(self) -> str:
        """Name of the state, as in the table."""
        if self._start is None:
            return "idle"
        if self._end is None:
            return "on" if self._opened else "rising"
        return "falling" if self._opened else "dipped"

    def step(self, score: float, power: float) -> tuple[Began | Ended, ...]:
        """One frame: its score and its mean square (any scale). What it decides, in order."""
        frame = self._frame
        self._frame += 1
        self._recent.append((score, power))
        if score < self.limits.off:
            self._above_off_since = frame + 1
        if self._start is None:
            return self._rise(frame) if score >= self.limits.on else ()
        if self._end is None and score < self.limits.off:
            self._end = frame
            self._break = _Tally()
        if self._end is not None:
            if score < self.limits.on:
                self._break.add(score, power)
                return self._expire(frame)
            self._sound.merge(self._break)
            self._end = None
        return self._go_on(frame, score, power)

    def flush(self) -> tuple[Began | Ended, ...]:
        """End of the stream: closes what is open, then as ``reset``."""
        said: tuple[Began | Ended, ...] = ()
        if self._start is not None:
            end = self._frame if self._end is None else self._end
            if self._opened:
                said = (self._ended(self._start, end),)
            elif self._start == 0 and end == self._frame:
                said = (Began(0), self._ended(0, end))
        self.reset()
        return said

    def _rise(self, frame: int) -> tuple[Began | Ended, ...]:
        start = max(self._above_off_since, self._earliest, frame - self.limits.backdate)
        self._start = start
        self._sound = _Tally()
        for score, power in list(self._recent)[start - frame - 1 :]:
            self._sound.add(score, power)
        return self._open_if_long(start, frame)

    def _go_on(self, frame: int, score: float, power: float) -> tuple[Began | Ended, ...]:
        assert self._start is not None
        if self._opened and frame - self._start >= self.limits.heartbeat:
            said = (self._ended(self._start, frame), Began(frame))
            self._start = frame
            self._sound = _Tally()
            self._sound.add(score, power)
            return said
        self._sound.add(score, power)
        return () if self._opened else self._open_if_long(self._start, frame)

    def _open_if_long(self, start: int, frame: int) -> tuple[Began | Ended, ...]:
        self._opened = frame + 1 - start >= self.limits.min_on
        return (Began(start),) if self._opened else ()

    def _expire(self, frame: int) -> tuple[Began | Ended, ...]:
        """The break goes on with this frame: is it the end?"""
        assert self._start is not None
        assert self._end is not None
        if frame + 1 - self._end < self.limits.min_off:
            return ()
        said: tuple[Began | Ended, ...] = ()
        if self._opened:
            said = (self._ended(self._start, self._end),)
            self._earliest = frame + 1
        self._start = self._end = None
        self._opened = False
        return said

    def _ended(self, start: int, end: int) -> Ended:
        tally = self._sound
        level_dbfs = 10.0 * math.log10(max(tally.power / tally.count, SILENT_POWER))
        return Ended(start, end, tally.score / tally.count, tally.peak, level_dbfs)

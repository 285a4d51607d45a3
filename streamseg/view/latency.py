"""How old the picture is: from the arrival of a sample to its drawing. No Qt, thread-safe.

Samples arrive in blocks, and blocks arrive late now and then, so the arrival of a block says little
about when its samples were heard. The clock used here is the promptest delivery of the last
seconds: position p was there at ``anchor + p / rate``. What a delivery is later than that counts
as age of the picture, so jitter of the source is not hidden. What no program can see, the constant
delay inside a device or server, is not in it.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np

WINDOW_S = 2.0  # a streaming server's burst at the start is forgotten after twice this


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Median and 95th percentile in seconds."""

    p50_s: float
    p95_s: float


class ArrivalClock:
    """When samples were there, by the promptest block of the last two to four seconds."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._lock = threading.Lock()
        self._anchors: deque[tuple[float, float]] = deque()  # (since when, best anchor)

    def arrived(self, end_sample: int, now_s: float) -> None:
        """A block that ends at ``end_sample`` was delivered at ``now_s`` (monotonic)."""
        anchor = now_s - end_sample / self._rate_hz
        with self._lock:
            if not self._anchors or now_s - self._anchors[-1][0] > WINDOW_S:
                self._anchors.append((now_s, anchor))
                while len(self._anchors) > 2:
                    self._anchors.popleft()
            elif anchor < self._anchors[-1][1]:
                self._anchors[-1] = (self._anchors[-1][0], anchor)

    def age_s(self, sample: int, now_s: float) -> float | None:
        """How long ago the sample at this position was there; None before the first block."""
        with self._lock:
            if not self._anchors:
                return None
            anchor = min(value for _, value in self._anchors)
        return now_s - anchor - sample / self._rate_hz


class Latencies:
    """The ages of the last pictures."""

    def __init__(self, count: int = 600) -> None:
        self._lock = threading.Lock()
        self._ages: deque[float] = deque(maxlen=count)

    def add(self, age_s: float) -> None:
        """A picture was drawn whose newest sample was this old."""
        with self._lock:
            self._ages.append(age_s)

    def clear(self) -> None:
        """Forget all: another source."""
        with self._lock:
            self._ages.clear()

    def percentiles(self) -> Percentiles | None:
        """None before the first picture."""
        with self._lock:
            ages = list(self._ages)
        if not ages:
            return None
        p50_s, p95_s = np.percentile(ages, (50, 95))
        return Percentiles(float(p50_s), float(p95_s))

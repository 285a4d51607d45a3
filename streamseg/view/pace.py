"""How often the window draws: as often as asked, less when the machine does not keep up. No Qt.

The window gives way first: before masks, before the network, and long before capture.
"""

from __future__ import annotations

_SLOWEST = 10
_LATE = 1.6  # times the interval asked for
_PATIENCE = 20  # pictures, one way or the other
_TRY_AGAIN_S = 20.0


class Pace:
    """Called once per picture, on the GUI thread."""

    def __init__(self, wanted_fps: int) -> None:
        self.wanted_fps = wanted_fps
        self.fps = wanted_fps
        self._last_s: float | None = None
        self._late = 0
        self._lowered_s = 0.0
        self._wished = False
        self._count = 0
        self._since_s: float | None = None
        self.measured_fps: float | None = None
        """Pictures in the last second."""

    def want(self, fps: int) -> None:
        """Another wish of the user; the next ``tick`` says so."""
        self.wanted_fps = self.fps = fps
        self._late = 0
        self._wished = True

    @property
    def interval_ms(self) -> int:
        """For the timer."""
        return max(1, round(1000 / self.fps))

    def tick(self, now_s: float) -> bool:
        """A picture is due; True if ``interval_ms`` has changed."""
        self._measure(now_s)
        last_s, self._last_s = self._last_s, now_s
        if self._wished:
            self._wished = False
            return True
        if last_s is None:
            return False
        late = now_s - last_s > _LATE / self.fps
        self._late = max(0, self._late + (1 if late else -1))
        if self._late > _PATIENCE and self.fps > _SLOWEST:
            self.fps = max(_SLOWEST, self.fps // 2)
            self._late, self._lowered_s = 0, now_s
            return True
        if self.fps < self.wanted_fps and now_s - self._lowered_s > _TRY_AGAIN_S:
            self.fps = min(self.wanted_fps, self.fps * 2)
            self._late, self._lowered_s = 0, now_s
            return True
        return False

    def _measure(self, now_s: float) -> None:
        self._count += 1
        if self._since_s is None:
            self._since_s, self._count = now_s, 0
        elif now_s - self._since_s >= 1.0:
            self.measured_fps = self._count / (now_s - self._since_s)
            self._since_s, self._count = now_s, 0

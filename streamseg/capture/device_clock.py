"""Find lost frames by counting them against the monotonic clock.

Some back ends never say that they dropped sound (PulseAudio's ALSA plug-in lost 9 of 32 s with an
empty status), so frames are compared with time. Called by the thread that reads the device;
allocates nothing.

How it tells a loss from a delay: the *lead* of a callback is the sound received so far minus the
time that has passed. A late callback has a small lead, and the burst that follows brings it back; a
loss never comes back. The lead is therefore measured against an *anchor*, the best lead seen, and a
loss is what is still missing after a second of callbacks that all lag by more than the tolerance.
The anchor follows the drift between the two clocks.
"""

from __future__ import annotations

SETTLE_S = 1.0
"""A starting server delivers bursts and pauses; only the second half of this sets the anchor."""
PERSIST_S = 1.0
"""Longer than any burst of catching up."""
DRIFT = 500e-6
"""Sound cards stay within 100 parts per million; five times that is still no loss."""


class DeviceClock:
    """One thread only. Feed it every callback in order."""

    def __init__(self, rate_hz: int, tolerance_s: float, block_s: float) -> None:
        self._rate_hz = rate_hz
        self._tolerance_s = tolerance_s
        self._block_s = block_s
        self._first_s: float | None = None
        self._anchor_s: float | None = None
        self._flagged = False
        self._behind_since_s: float | None = None
        self._best_s = 0.0
        self._epoch_s = 0.0
        self._epoch_best_s = -float("inf")
        self._ever_best_s = -float("inf")

    @property
    def settled(self) -> bool:
        """Whether the anchor is known."""
        return self._anchor_s is not None

    def heard_s(self, frames: int) -> float:
        """When a frame was heard, on the clock of ``observe``, by the earliest arrivals.

        Raises RuntimeError before the first callback.
        """
        if self._first_s is None:
            raise RuntimeError("expected a callback before this, got none")
        lead_s = self._ever_best_s if self._anchor_s is None else self._anchor_s
        return self._first_s + frames / self._rate_hz - lead_s

    def observe(self, monotonic_s: float, frames: int, overflow: bool = False) -> int:
        """Note a callback; returns the number of frames found lost just now, mostly 0.

        ``frames`` is the total received with it; ``overflow`` is what the back end says itself: a
        hint that lowers the tolerance to one block until the next verdict.
        """
        if self._first_s is None:
            self._first_s = self._epoch_s = monotonic_s
        lead_s = frames / self._rate_hz - (monotonic_s - self._first_s)
        self._ever_best_s = max(self._ever_best_s, lead_s)
        if self._anchor_s is None:
            self._settle(monotonic_s, lead_s)
            return 0
        self._flagged |= overflow
        tolerance_s = self._block_s if self._flagged else self._tolerance_s
        if lead_s >= self._anchor_s - tolerance_s and not self._flagged:
            self._behind_since_s = None
            self._follow_drift(monotonic_s, lead_s)
            return 0
        if self._behind_since_s is None:
            self._behind_since_s, self._best_s = monotonic_s, lead_s
        self._best_s = max(self._best_s, lead_s)
        if monotonic_s - self._behind_since_s < PERSIST_S:
            return 0
        return self._verdict(monotonic_s)

    def _verdict(self, monotonic_s: float) -> int:
        assert self._anchor_s is not None
        lost_s = self._anchor_s - self._best_s
        # A back end that says it lost something did, even where the clock cannot tell how much.
        lost = max(1 if self._flagged else 0, round(lost_s * self._rate_hz))
        self._anchor_s = self._best_s
        self._behind_since_s = None
        self._flagged = False
        self._epoch_s, self._epoch_best_s = monotonic_s, -float("inf")
        return lost

    def _settle(self, monotonic_s: float, lead_s: float) -> None:
        assert self._first_s is not None
        elapsed_s = monotonic_s - self._first_s
        if elapsed_s >= SETTLE_S / 2:
            self._epoch_best_s = max(self._epoch_best_s, lead_s)
        if elapsed_s >= SETTLE_S:
            self._anchor_s = self._epoch_best_s
            self._epoch_s, self._epoch_best_s = monotonic_s, -float("inf")

    def _follow_drift(self, monotonic_s: float, lead_s: float) -> None:
        assert self._anchor_s is not None
        self._epoch_best_s = max(self._epoch_best_s, lead_s)
        passed_s = monotonic_s - self._epoch_s
        if passed_s >= 1:
            self._anchor_s = max(self._epoch_best_s, self._anchor_s - DRIFT * passed_s)
            self._epoch_s, self._epoch_best_s = monotonic_s, -float("inf")

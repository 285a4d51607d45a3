"""What is missing between two connections to the same sender, by the time stamps in its stream.

Called by the thread that decodes a live URL. MPEG transport streams, and so HLS, carry a clock that
the sender set going when it began. It goes on whoever is connected; only a sender that starts anew
starts it anew. A server whose sender has gone hands out the last seconds again and again: by the
clock they are recognised.
"""

from __future__ import annotations

from streamseg.capture.decoded import Decoded

WRAP_S = 2**33 / 90_000
"""The clock of MPEG has 33 bits."""
AGAIN_S = 60.0
"""Who connects is not sent older sound than this."""
LATE_S = 30.0
"""Nor newer sound than was made since then; but one may have been so far behind before."""


class SenderClock:
    """One source."""

    def __init__(self) -> None:
        self._end_s: float | None = None

    def heard(self, decoded: Decoded) -> None:
        """These frames were heard."""
        if decoded.at_s is not None:
            self._end_s = decoded.at_s + decoded.seconds
        elif self._end_s is not None:
            self._end_s += decoded.seconds

    def goes_on(self, at_s: float | None, away_s: float) -> bool:
        """Whether a stream that begins with ``at_s`` is the one that was heard until now.

        ``away_s`` is the time since then.
        """
        if at_s is None or self._end_s is None:
            return False
        return -AGAIN_S <= self._since_s(at_s) <= away_s + LATE_S

    def missing_s(self, decoded: Decoded) -> float:
        """Sound that nobody heard before these frames; negative: they were heard already."""
        assert decoded.at_s is not None
        return self._since_s(decoded.at_s)

    def _since_s(self, at_s: float) -> float:
        assert self._end_s is not None
        return (at_s - self._end_s + WRAP_S / 2) % WRAP_S - WRAP_S / 2

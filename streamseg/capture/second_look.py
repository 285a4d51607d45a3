"""Whether a recording that gives nothing but zeros still records what it was opened for.

Belongs to the analysis thread of a source and never waits. When a device goes away, some audio
servers quietly move its recordings to another one, and leave them there when it comes back; if
nothing plays on that one, all that is heard is digital silence. From inside nobody can tell. So
after a while of zeros the device is opened a second time, beside the first recording: if it can be,
the source goes over to the new one, which is the right one in any case. Nothing is lost by that,
not even silence. If it cannot be (it is gone, or can be opened only once), all stays as it is until
the next look.
"""

from __future__ import annotations

from collections.abc import Callable

from streamseg.capture.take import Opening, Take
from streamseg.errors import StreamsegError
from streamseg.messages import Block
from streamseg.ticks import now_s


class SecondLook:
    """Watches the blocks of one recording."""

    def __init__(self, open_again: Callable[[], Opening], after_s: float) -> None:
        """``after_s``: between two looks, and before the first; 0: never."""
        self._open_again = open_again
        self._after_s = after_s
        self._next_s: float | None = None
        self._opening: Opening | None = None
        self._take: Take | None = None

    def push(self, block: Block) -> None:
        """The newest sound of the recording."""
        if not self._after_s:
            return
        if block.samples.any():
            self.close()
        elif self._next_s is None:
            self._next_s = now_s() + self._after_s

    def step(self) -> Take | None:
        """A new recording of the device, once there is one that runs steadily."""
        if self._next_s is None:
            return None
        try:
            if self._take is not None:
                return self._settled(self._take)
            if self._opening is not None:
                self._take = self._opening.step()
                if self._take is not None:
                    self._opening = None
            elif now_s() >= self._next_s:
                self._next_s = now_s() + self._after_s
                self._opening = self._open_again()
        except StreamsegError:
            self._drop()
        return None

    def close(self) -> None:
        """It sounds again, or is lost: no look is needed."""
        self._next_s = None
        self._drop()

    def _settled(self, take: Take) -> Take | None:
        take.look()
        if take.settled:
            self._take = self._next_s = None
            return take
        if take.over() is not None:
            self._drop()
        return None

    def _drop(self) -> None:
        for part in (self._opening, self._take):
            if part is not None:
                part.close()
        self._opening = self._take = None

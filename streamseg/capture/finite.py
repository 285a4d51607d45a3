"""Read sound that has an end: a file, or a URL of known size.

Called by the analysis thread of one source; decodes inside ``read``, so a slow reader holds it back
and nothing is ever dropped. Allocates one block per call.
"""

from __future__ import annotations

import time
from collections import deque

import numpy as np

from streamseg.capture.decoded import Conform, Decoder, channels_of, mix_of
from streamseg.capture.gathering import Gathering
from streamseg.messages import Block, Float32Array

BLOCK_S = 0.25
"""Long enough that the cost per call does not matter, short enough for a progress bar."""
REALTIME_BLOCK_S = 0.04
"""As a live source would deliver."""


class FiniteReader:
    """Gather decoded frames into blocks of ``BLOCK_S`` to twice that (the last may be shorter)."""

    def __init__(
        self, decoder: Decoder, conform: Conform, *, realtime: bool, gather_s: float = 0.0
    ) -> None:
        """``gather_s``: in real time, a block holds at least this."""
        block_s = max(gather_s, REALTIME_BLOCK_S) if realtime else BLOCK_S
        self._decoder = Gathering(decoder, block_s)
        self._conform = conform
        self._block_frames = round(block_s * conform.rate_hz)
        self._realtime = realtime
        self._started_s: float | None = None
        self._ready: deque[Float32Array] = deque()
        self._sample = 0
        self._ended = False

    @property
    def exhausted(self) -> bool:
        """True once the end was reached and everything was read."""
        return self._ended and not self._ready

    def read(self, timeout_s: float) -> Block | None:
        """The next block, or None at the end, or when paced and ``timeout_s`` passed first."""
        while not self._ready and not self._ended:
            self._fill()
        if not self._ready or not self._wait(len(self._ready[0]), timeout_s):
            return None
        frames = self._ready.popleft()
        block = Block(mix_of(frames), self._sample, channels_of(frames))
        self._sample += len(frames)
        return block

    def _fill(self) -> None:
        decoded = self._decoder.read()
        if decoded is None:
            self._ended = True
            frames = self._conform.flush()
        else:
            frames = self._conform.push(decoded)
        # A packet may hold many seconds: blocks stay bounded whatever the container does.
        pieces = max(1, len(frames) // self._block_frames)
        self._ready.extend(piece for piece in np.array_split(frames, pieces) if piece.size)

    def _wait(self, frames: int, timeout_s: float) -> bool:
        """Sleep until a live source would have delivered the block; False when that is too long."""
        if not self._realtime:
            return True
        now_s = time.monotonic()
        if self._started_s is None:
            self._started_s = now_s
        due_s = self._started_s + (self._sample + frames) / self._conform.rate_hz
        if due_s - now_s > timeout_s:
            time.sleep(timeout_s)
            return False
        if due_s > now_s:
            time.sleep(due_s - now_s)
        return True

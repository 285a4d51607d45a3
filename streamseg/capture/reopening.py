"""Read a live URL: a thread of its own decodes into a ring, and opens the URL again when it drops.

The thread that calls ``read`` is the analysis thread. The decoder thread never waits for it: what
does not fit the ring is dropped and counted. For a live stream its end is a drop like any other
(a live HLS stream simply ends when its server goes), so the reader tries again for ever, with a
wait that doubles up to ``retry_longest_s`` and starts small again after a connection that held.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from streamseg.capture.base import Delivery
from streamseg.capture.decoded import Conform, Decoder
from streamseg.capture.tape import tape
from streamseg.errors import StreamsegError
from streamseg.settings import CaptureSettings

_STABLE_S = 10.0
"""A connection that held this long was a good one: the next wait is short again."""
_BLOCK_S = 0.25
_PIECE_S = 0.1
_JOIN_S = 1.0
"""FFmpeg cannot be interrupted from outside; it comes back by its own time-out after close."""


class ReopeningReader:
    """The ring, the decoder thread and the waits between attempts."""

    def __init__(
        self,
        open_decoder: Callable[[], Decoder],
        conform: Conform,
        settings: CaptureSettings,
        name: str,
    ) -> None:
        self._open_decoder = open_decoder
        self._conform = conform
        self._settings = settings
        self._rate_hz = conform.rate_hz
        self._writer, self._reader = tape(
            round(settings.ring_s * self._rate_hz),
            1,
            lambda frames: frames.reshape(-1),
            round(_BLOCK_S * self._rate_hz),
        )
        self._stop = threading.Event()
        self._arrived = threading.Event()
        self._failure: BaseException | None = None
        self._last_data_s = 0.0
        self._thread = threading.Thread(target=self._run, name=f"reader {name}", daemon=True)
        self._decoder: Decoder | None = None

    def start(self, decoder: Decoder) -> None:
        """Begin to read from a decoder that is open already; the reader closes it."""
        self._decoder = decoder
        self._thread.start()

    def read(self, timeout_s: float) -> Delivery | None:
        """The next thing that happened, or None after ``timeout_s``."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            self._arrived.clear()
            delivery = self._reader.read()
            if delivery is not None:
                return delivery
            if self._failure is not None:
                raise self._failure
            if not self._arrived.wait(max(0.0, deadline_s - time.monotonic())):
                return None

    def close(self) -> None:
        """Stop the thread. It may outlive this call by one read time-out, reading nothing more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def _run(self) -> None:
        decoder = self._decoder
        retry_s = self._settings.retry_first_s
        try:
            while decoder is not None:
                began_s = time.monotonic()
                try:
                    reason = self._pump(decoder)
                finally:
                    decoder.close()
                if self._stop.is_set():
                    return
                if time.monotonic() - began_s >= _STABLE_S:
                    retry_s = self._settings.retry_first_s
                self._writer.lost(reason)
                self._arrived.set()
                decoder, retry_s = self._reopen(retry_s)
        except BaseException as error:  # whatever it is, the analysis thread must hear of it
            self._failure = error
            self._arrived.set()

    def _pump(self, decoder: Decoder) -> str:
        """Decode into the ring until the stream drops; returns why it did.

        A server may send its backlog in a burst, or a whole file at once. More than half a ring
        ahead of the clock is left in the socket, so a burst alone never overflows the ring.
        """
        began_s = time.monotonic()
        delivered = 0
        while not self._stop.is_set():
            try:
                decoded = decoder.read()
            except StreamsegError as error:
                return str(error)
            if decoded is None:
                return "the stream ended"
            self._last_data_s = time.monotonic()
            mono = self._conform.push(decoded)
            pieces = max(1, round(mono.size / (_PIECE_S * self._rate_hz)))
            for piece in np.array_split(mono.reshape(-1, 1), pieces):
                self._writer.push(piece)
            self._arrived.set()
            delivered += mono.size
            ahead_s = delivered / self._rate_hz - (self._last_data_s - began_s)
            if ahead_s > self._settings.ring_s / 2:
                self._stop.wait(ahead_s - self._settings.ring_s / 2)
        return "closed"

    def _reopen(self, retry_s: float) -> tuple[Decoder | None, float]:
        """Try until it works or ``close`` is called; the decoder, and the next wait."""
        while not self._stop.wait(retry_s):
            retry_s = min(2 * retry_s, self._settings.retry_longest_s)
            try:
                decoder = self._open_decoder()
            except StreamsegError:
                continue
            self._conform.flush()
            gap_s = time.monotonic() - self._last_data_s
            self._writer.restored(gap_s, round(gap_s * self._rate_hz))
            self._arrived.set()
            return decoder, retry_s
        return None, retry_s

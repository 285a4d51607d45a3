"""Read a live URL: a thread of its own decodes onto a tape, and opens the URL again when it drops.

The thread that calls ``read`` is the analysis thread. The decoder thread never waits for it: what
does not fit the tape is dropped and counted. For a live stream its end is a drop like any other
(a live HLS stream simply ends when its server goes), so the reader tries again for ever, with a
wait that doubles up to ``retry_longest_s`` and starts small again after a connection that held.

The gap is the sound that nobody heard, which is not the time without a connection: whoever connects
is sent the last seconds first. Where the stream carries the sender's clock (``sender_clock``) it
says exactly what is missing, or what was heard already and is left out. Elsewhere the first second
of a new connection waits until it is known, by the earliest arrivals (``device_clock``), when its
first sample was on air; if that was before the last one that was heard, there is no gap, and some
sound is heard twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from streamseg.capture.base import Delivery
from streamseg.capture.decoded import Conform, Decoded, Decoder
from streamseg.capture.device_clock import DeviceClock
from streamseg.capture.gathering import Gathering
from streamseg.capture.sender_clock import SenderClock
from streamseg.capture.tape import tape
from streamseg.errors import SourceUnavailableError, StreamsegError
from streamseg.settings import CaptureSettings
from streamseg.ticks import now_s

_STABLE_S = 10.0
"""A connection that held this long was a good one: the next wait is short again."""
_BLOCK_S = 1.0
"""The most that is handed over at once; usually it is what ``capture.gather_s`` says."""
_HOLD_S = 1.25
"""How long sound is held until its beginning can be dated; half a tape may come before that."""
_LEAST_TAPE_S = 4.0
"""Has room for what was held."""
BURST_S = 5.0
"""Sound that is sent again comes at once after connecting. Whatever comes later is new, and a
sender's clock that says otherwise was set going anew."""
_JOIN_S = 1.0
"""FFmpeg cannot be interrupted from outside; it comes back by its own time-out after close."""


@dataclass(slots=True)
class _Connection:
    """One decoder, from its first piece to its last."""

    clock: DeviceClock
    restoring: bool
    """Not the first, and too young to say how long the gap was."""
    began_s: float
    delivered_s: float = 0.0
    held: list[Decoded] = field(default_factory=list)
    """What came while ``restoring``."""
    left_out_s: float = 0.0
    """Sound that came before ``held`` and found no room in it."""
    by_sender: bool | None = None
    """The sender's clock seems to go on from the connection before; None: no piece yet."""

    def hold(self, decoded: Decoded, limit_s: float) -> None:
        """Keep sound until it is known where it belongs; the newest ``limit_s`` at most."""
        self.held.append(decoded)
        while sum(piece.seconds for piece in self.held) > limit_s and len(self.held) > 1:
            self.left_out_s += self.held.pop(0).seconds


class ReopeningReader:
    """The tape, the decoder thread and the waits between attempts."""

    def __init__(
        self,
        open_decoder: Callable[[], Decoder],
        conform: Conform,
        settings: CaptureSettings,
        name: str,
    ) -> None:
        self._open_decoder = open_decoder
        self._settings = settings
        self._rate_hz = conform.rate_hz
        self._tape_s = max(_LEAST_TAPE_S, settings.ring_s)
        self._writer, self._reader = tape(self._tape_s, conform, _BLOCK_S)
        self._stop = threading.Event()
        self._arrived = threading.Event()
        self._failure: BaseException | None = None
        self._end_s = 0.0  # when the last sound that was heard was on air
        self._sender = SenderClock()
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
            failure = self._failure  # set after the last piece was written
            delivery = self._reader.read()
            if delivery is not None:
                return delivery
            if failure is not None:
                raise failure
            if timeout_s <= 0 or not self._arrived.wait(max(0.0, deadline_s - time.monotonic())):
                return None

    def close(self) -> None:
        """Stop the thread. It may outlive this call by one read time-out, reading nothing more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def _run(self) -> None:
        decoder = self._decoder
        retry_s = self._settings.retry_first_s
        restoring = False
        try:
            while decoder is not None:
                connection = self._connection(restoring)
                gathering = Gathering(decoder, self._settings.gather_s)
                try:
                    reason = self._pump(gathering, connection)
                finally:
                    decoder.close()
                if self._stop.is_set():
                    return
                if connection.held and not connection.by_sender:
                    self._restore_by_arrival(connection)  # it was short, but it was heard
                if not connection.restoring:
                    self._lose(connection, reason)
                restoring = True
                if now_s() - connection.began_s >= _STABLE_S:
                    retry_s = self._settings.retry_first_s
                decoder, retry_s = self._reopen(retry_s)
        except BaseException as error:  # whatever it is, the analysis thread must hear of it
            self._failure = error
            self._arrived.set()

    def _connection(self, restoring: bool) -> _Connection:
        settings = self._settings
        clock = DeviceClock(self._rate_hz, settings.lost_tolerance_s, settings.block_s)
        return _Connection(clock, restoring, now_s())

    def _lose(self, connection: _Connection, reason: str) -> None:
        delivered = round(connection.delivered_s * self._rate_hz)
        self._end_s = connection.clock.heard_s(delivered) if delivered else connection.began_s
        if not self._settings.reopen:
            raise SourceUnavailableError(
                f"expected more sound, got: {reason}; check the connection and the server"
            )
        self._writer.lost(reason)
        self._arrived.set()

    def _pump(self, decoder: Decoder, connection: _Connection) -> str:
        """Decode onto the tape until the stream drops; returns why it did.

        A server may send its backlog in a burst, or a whole file at once. More than half a tape
        ahead of the clock is left in the socket, so a burst alone never overflows the tape.
        """
        while not self._stop.is_set():
            try:
                decoded = decoder.read()
            except StreamsegError as error:
                return getattr(error, "reason", str(error))
            if decoded is None:
                return "the stream ended"
            connection.delivered_s += decoded.seconds
            # What was lost on the way cannot be told from what is late: the verdict is not used.
            connection.clock.observe(now_s(), round(connection.delivered_s * self._rate_hz))
            if connection.restoring:
                self._take_again(decoded, connection)
            else:
                self._write(decoded)
            ahead_s = connection.delivered_s - (now_s() - connection.began_s)
            # What is sent again is thrown away as fast as it comes.
            again = connection.restoring and connection.by_sender
            if ahead_s > self._tape_s / 2 and not again:
                self._stop.wait(ahead_s - self._tape_s / 2)
        return "closed"

    def _take_again(self, decoded: Decoded, connection: _Connection) -> None:
        """The first sound of a new connection: where does it belong?"""
        connection.hold(decoded, self._tape_s / 2 + _HOLD_S)
        if connection.by_sender is None:
            connection.by_sender = self._sender.goes_on(decoded.at_s, now_s() - self._end_s)
        if connection.by_sender and now_s() - connection.began_s < BURST_S:
            missing_s = self._sender.missing_s(decoded)
            fresh = decoded.without_first(-missing_s)
            if len(fresh.frames):  # otherwise all of it was heard before
                connection.held = [fresh]
                self._restore(connection, max(0.0, missing_s))
        elif connection.clock.settled:
            self._restore_by_arrival(connection)

    def _restore_by_arrival(self, connection: _Connection) -> None:
        start_s = connection.clock.heard_s(round(connection.left_out_s * self._rate_hz))
        self._restore(connection, max(0.0, start_s - self._end_s))

    def _restore(self, connection: _Connection, gap_s: float) -> None:
        connection.restoring = False
        self._writer.restored(gap_s)
        for piece in connection.held:
            self._write(piece)
        connection.held.clear()

    def _write(self, decoded: Decoded) -> None:
        self._writer.push(decoded)
        self._sender.heard(decoded)
        self._arrived.set()

    def _reopen(self, retry_s: float) -> tuple[Decoder | None, float]:
        """Try until it works or ``close`` is called; the decoder, and the next wait."""
        while not self._stop.wait(retry_s):
            retry_s = min(2 * retry_s, self._settings.retry_longest_s)
            try:
                return self._open_decoder(), retry_s
            except StreamsegError:
                continue
        return None, retry_s

"""One thread that reads many live sources in turn.

Fifty analysis threads spend more time on handing the interpreter to each other than on sound: on
two cores they are slower than on one, and the network's thread starves among them. So live sources
share this one, where there are several. Each keeps a thread of its own that opens it, which may
take seconds, and then sleeps until the source has ended; sound still arrives by other threads and
processes, so nobody loses any while another one is served. Files decode while they are read, and
stay on their own threads.

A source that raises ends alone. Nothing waits here: what is full behind a source drops its oldest
live sound, counted. Rounds do not follow each other at once: whoever is asked more often has less
to give, and small pieces cost more than large ones. When a round takes longer than that, everybody
has more to give in the next, which then costs less for the same sound.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

IDLE_S = 0.02
"""The shortest wait between two rounds: new passengers and the end of old ones are seen then."""
MOST_STEPS = 20
"""Of one passenger in one round, so that a long backlog of one does not hold up the others."""


class Passenger(Protocol):
    """What is served in turn: ``reader.Reader``."""

    @property
    def exhausted(self) -> bool:
        """Nothing will come any more."""
        ...

    def step(self, timeout_s: float) -> bool:
        """Serve it once without waiting longer; whether there was anything to do."""
        ...

    def finish(self) -> None:
        """It has ended, in whatever way."""
        ...


@dataclass(slots=True)
class _Seat:
    passenger: Passenger
    left: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None


class Roundabout:
    """``ride`` may be called from any thread and at any time, ``start`` once."""

    def __init__(
        self, stop: threading.Event, round_s: float = 0.0, turn: threading.Lock | None = None
    ) -> None:
        """Everybody leaves when ``stop`` is set; rounds begin ``round_s`` after each other.

        ``turn`` is held during a round.
        """
        self._stop = stop
        self._turn = turn or threading.Lock()
        self._round_s = round_s
        self._seats: list[_Seat] = []
        self._over = False  # the thread has ended, or is about to
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="live sources", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def ride(self, passenger: Passenger) -> None:
        """Returns when the passenger has ended, or raises what it raised."""
        seat = _Seat(passenger)
        with self._lock:
            late = self._over
            if not late:
                self._seats.append(seat)
        if late:  # nobody serves it any more
            passenger.finish()
            return
        seat.left.wait()
        if seat.error is not None:
            raise seat.error

    def _run(self) -> None:
        while True:
            began_s = time.monotonic()
            with self._lock:
                seats = list(self._seats)
                self._over = self._stop.is_set() and not seats
                if self._over:
                    return
            with self._turn:
                for seat in seats:
                    self._serve(seat)
            took_s = time.monotonic() - began_s
            self._stop.wait(max(IDLE_S, self._round_s - took_s))

    def _serve(self, seat: _Seat) -> None:
        passenger = seat.passenger
        try:
            for _ in range(MOST_STEPS):
                if self._stop.is_set() or passenger.exhausted:
                    break
                if not passenger.step(0.0):
                    return
            else:
                return
        except BaseException as error:  # raised by ``ride``, on the source's own thread
            seat.error = error
        try:
            passenger.finish()
        except BaseException as error:
            seat.error = seat.error or error
        with self._lock:
            self._seats.remove(seat)
        seat.left.set()

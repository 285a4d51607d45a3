"""Every event to the log first, then to all other outputs, none of which can hold up another.

``FanOut`` is called on the sink thread, with one event at a time. The log is written there and
then; what is in memory (the board) is brought up to date; every other output has a ``Lane``: a
thread and a bounded queue of its own. Full: the oldest event of that lane is dropped, counted, and
said once on standard error and in the metrics. An output that raises is told about once and goes on
with the next event.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from streamseg.sinks.event_log import EventLog
from streamseg.sinks.events import Event

TICK_S = 0.5
DRAIN_S = 5.0  # at the end, for all lanes together: a broker that is away must not hold us


def _to_stderr(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


class Output(Protocol):
    """Where events go that is slower than memory. All calls but ``abandon`` come from its lane."""

    @property
    def name(self) -> str:
        """For messages and metrics: ``mqtt``, ``hook``, ``clips``."""
        ...

    @property
    def capacity(self) -> int:
        """Events that may wait."""
        ...

    def handle(self, event: Event) -> None:
        """Deliver one event. May wait, until ``abandon`` was called."""
        ...

    def tick(self) -> None:
        """Called about twice a second while no event is delivered."""
        ...

    def abandon(self) -> None:
        """From another thread: return soon, whatever you wait for."""
        ...

    def close(self) -> None:
        """The end, after the last event."""
        ...


class Lane:
    """One output, its queue and its thread."""

    def __init__(self, output: Output, warn: Callable[[str], None] = _to_stderr) -> None:
        self.name = output.name
        self.dropped = 0
        self._output = output
        self._warn = warn
        self._complained: set[str] = set()
        self._events: deque[Event] = deque()
        self._changed = threading.Condition()
        self._closing = self._given_up = self._in_hand = False
        self._thread = threading.Thread(target=self._run, name=f"output {self.name}", daemon=True)

    @property
    def waiting(self) -> int:
        """Events in the queue."""
        return len(self._events)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, event: Event) -> None:
        """Hand over an event; never waits. Any thread."""
        with self._changed:
            if self._closing:
                return
            if len(self._events) >= self._output.capacity:
                self._events.popleft()
                self.dropped += 1
            self._events.append(event)
            self._changed.notify()
        if self.dropped:
            self._complain("dropped", f"{self.name}: too slow; the oldest events are dropped")

    def close(self, deadline_s: float) -> None:
        """Deliver what waits until this moment of the monotonic clock, then give up."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if not self._thread.is_alive():
            return
        self._thread.join(max(0.0, deadline_s - time.monotonic()))
        lost = self.dropped
        if self._thread.is_alive():
            self._given_up = True
            lost += self.waiting + self._in_hand
            self._output.abandon()
            self._thread.join(1.0)
        if lost:
            self._warn(f"{self.name}: {lost} events were not delivered; the log has them all")

    def _run(self) -> None:
        next_tick_s = 0.0
        while True:
            with self._changed:
                if not self._events and not self._closing:
                    self._changed.wait(TICK_S)
                event = self._events.popleft() if self._events else None
                self._in_hand = event is not None
                if self._given_up or (event is None and self._closing):
                    break
            if event is not None:
                self._guarded(lambda event=event: self._output.handle(event))  # type: ignore[misc]
                self._in_hand = False
            if time.monotonic() >= next_tick_s:
                next_tick_s = time.monotonic() + TICK_S
                self._guarded(self._output.tick)
        self._guarded(self._output.close)

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # an output is the least important thing here
            kind = type(error).__name__
            self._complain(kind, f"{self.name}: {kind}: {error}")

    def _complain(self, kind: str, message: str) -> None:
        if kind not in self._complained:
            self._complained.add(kind)
            self._warn(message)


class FanOut:
    """The sink of the monitor."""

    def __init__(
        self,
        log: EventLog,
        at_once: Sequence[Callable[[Event], object]] = (),
        outputs: Sequence[Output] = (),
        warn: Callable[[str], None] = _to_stderr,
    ) -> None:
        """``at_once``: called on the sink thread behind the log; must not wait."""
        self._log = log
        self._at_once = at_once
        self.lanes = [Lane(output, warn) for output in outputs]
        self.busy_since_s: float | None = None
        """Monotonic time at which the event was taken that is being written now; None: idle."""

    def start(self) -> None:
        """Start the lanes."""
        for lane in self.lanes:
            lane.start()

    def __call__(self, event: Event) -> None:
        """Take one event."""
        self.busy_since_s = time.monotonic()
        self._log.write(event)
        for call in self._at_once:
            call(event)
        for lane in self.lanes:
            lane.put(event)
        self.busy_since_s = None

    def close(self, drain_s: float = DRAIN_S) -> None:
        """Let every lane finish, within one deadline for all. The log is the owner's to close."""
        deadline_s = time.monotonic() + drain_s
        for lane in self.lanes:
            lane.close(deadline_s)

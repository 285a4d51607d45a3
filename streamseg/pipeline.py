"""The live engine: who runs on which thread, and in which order they start and stop.

One analysis thread per source (read, resample, STFT, mel) -> one worker for the network, batched
over the sources -> decisions on the same thread -> one worker for the sinks. Sources and sink are
handed in; this module knows neither devices nor files.

Holes: sound that nobody heard ends the stretch. Up to ``FILL_S`` of it is replaced by silence, so
that a lost block of a hundredth of a second does not cut a song in two; a longer hole closes all
segments, and front end, network and decisions begin anew behind it. Both are logged.

Full: a live source that is not analysed in time loses sound in its ring (counted there); spectra
that the network cannot take in time are dropped, oldest first, and count as a hole; a file simply
waits. Events are never dropped.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from streamseg.capture.base import Delivery, Lost, Restored, Source
from streamseg.errors import StreamsegError
from streamseg.listener import Anchor, Begin, End, Listener, Note
from streamseg.messages import Block, Estimate, Loss, Spectra
from streamseg.models import Job, Network
from streamseg.settings import Settings
from streamseg.sinks.events import Clock, Event, Overload, SourceLost, SourceRestored
from streamseg.stages import EndOfStretch, SourceFront
from streamseg.worker import Mailbox, Worker

FILL_S = 0.5
READ_TIMEOUT_S = 0.2  # how soon a stop is noticed on a source that delivers nothing
LOOK_S = 1.0  # between two looks at the clock: no decision is made sooner
AHEAD_S = 0.05  # a burst of device blocks; less is not worth an anchor
MAIL_S = 5.0  # sound that may wait for the network before the oldest is dropped

Mail = Spectra | Begin | Anchor | EndOfStretch | Note | End


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that ended in an error."""

    source: str
    error: StreamsegError


class Monitor:
    """Sources through a network to a sink, until all have ended or ``stop`` is called.

    ``sink`` is called with every event, in order per source, on the sink thread. ``watch`` is
    called with every estimate on the network's thread, ``tap`` with every block of sound on the
    thread of its source: both must return at once.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        network: Network,
        settings: Settings,
        sink: Callable[[Event], None],
        watch: Callable[[Estimate], None] = lambda estimate: None,
        tap: Callable[[str, Block], None] = lambda source, block: None,
    ) -> None:
        names = [source.name for source in sources]
        assert len(set(names)) == len(names), "sources need different names"
        self.failures: list[Failure] = []
        self._network = network
        self._settings = settings
        self._sink = sink
        self._watch = watch
        self._tap = tap
        self._stop = threading.Event()
        self._live: set[str] = set()  # names; whether a source is live is known once it is open
        capacity = max(8, round(MAIL_S / settings.model.block_s)) * max(1, len(sources))
        self._mail: Mailbox[Mail] = Mailbox(capacity, self._may_displace)
        self._events: Mailbox[Event] = Mailbox(10_000)
        self._listeners: dict[str, Listener] = {}
        self._broken: list[BaseException] = []  # what no source should ever raise
        self._model_worker = Worker("network", self._mail, self._think, self._stop.set)
        self._sink_worker = Worker("sinks", self._events, self._write, self._stop.set)
        self._threads = [
            threading.Thread(target=self._listen, args=(s,), name=f"source {s.name}", daemon=True)
            for s in sources
        ]

    def start(self) -> None:
        """Start every thread, the last in the chain first."""
        self._sink_worker.start()
        self._model_worker.start()
        for thread in self._threads:
            thread.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """True once every source has ended (or none can be heard any more)."""
        for thread in self._threads:
            thread.join(timeout_s)
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Stop reading, close what is open, write everything, and wait for all threads.

        Raises what ended a thread that should not have ended, if anything did.
        """
        self._stop.set()
        for thread in self._threads:
            # A source that hangs in its library must not keep the log from being closed.
            thread.join(self._settings.capture.read_timeout_s + 2.0)
        self._model_worker.stop()
        self._sink_worker.stop()
        errors = [self._model_worker.error, self._sink_worker.error, *self._broken]
        for error in errors:
            if error is not None:
                raise error

    def _may_displace(self, new: Mail, old: Mail) -> bool:
        """Live sound cannot wait; a file can, and must not push live sound out."""
        live = self._live
        return new.source in live and isinstance(old, Spectra) and old.source in live

    # Analysis thread of one source

    def _listen(self, source: Source) -> None:
        reason = "stopped"
        try:
            reader = _Reader(source, self._network, self._settings, self._mail, self._tap)
            if source.live:
                self._live.add(source.name)
            reader.run(self._stop)
            if source.exhausted:
                reason = "end of source"
        except StreamsegError as error:
            self.failures.append(Failure(source.name, error))
            reason = str(error)
        except BaseException as error:  # kept: ``stop`` raises it, the log says it
            self._broken.append(error)
            reason = f"{type(error).__name__}: {error}"
        finally:
            source.close()
            self._mail.put(End(source.name, reason, source.bad_samples))

    # Thread of the network

    def _think(self, items: list[Mail]) -> None:
        waiting: dict[str, deque[Mail]] = {}
        for item in items:
            waiting.setdefault(item.source, deque()).append(item)
        while any(waiting.values()):
            jobs = [job for name, mail in waiting.items() if (job := self._next_job(name, mail))]
            for estimate in self._network.run(jobs):
                self._watch(estimate)
                self._listeners[estimate.source].decide(estimate)

    def _next_job(self, name: str, mail: deque[Mail]) -> Job | None:
        """Everything up to the next spectra of this source is handled at once."""
        while mail:
            item = mail.popleft()
            if isinstance(item, Begin):
                self._listeners[name] = Listener(
                    item, self._network, self._settings, self._events.put
                )
            elif listener := self._listeners.get(name):
                if isinstance(item, Spectra):
                    return listener.job(item)
                listener.note(item)
        return None

    # Thread of the sinks

    def _write(self, events: list[Event]) -> None:
        for event in events:
            self._sink(event)


class _Reader:
    """Reads one source on its analysis thread until it ends or is stopped."""

    def __init__(
        self,
        source: Source,
        network: Network,
        settings: Settings,
        mail: Mailbox[Mail],
        tap: Callable[[str, Block], None],
    ) -> None:
        self._source = source
        self._tap = tap
        self._mail = mail
        self._lookahead = network.flush_frames
        self._format = source.open()
        self._rate_hz = self._format.rate_hz
        self._clock: Clock | None = None
        self._next_look_s = 0.0  # at the clock, on the monotonic clock
        grid = network.grid(self._rate_hz)
        self._front = SourceFront(source.name, network.card, grid, settings.model.block_s)

    def run(self, stop: threading.Event) -> None:
        """Returns at the end of the source or when ``stop`` is set; closes the stretch always."""
        try:
            while not (stop.is_set() or self._source.exhausted):
                delivery = self._source.read(READ_TIMEOUT_S)
                if delivery is not None:
                    self._take(delivery)
        finally:
            if self._clock is None:
                self._begin(0)
            self._end_stretch()

    def _begin(self, frames: int) -> Clock:
        """The anchor: the first ``frames`` samples have just been heard."""
        age_s = frames / self._rate_hz if self._source.live else 0.0
        self._clock = Clock(
            datetime.now(UTC) - timedelta(seconds=age_s),
            time.monotonic() - age_s,
            self._rate_hz,
        )
        self._mail.put(Begin(self._source.name, self._format, self._clock))
        return self._clock

    def _take(self, delivery: Delivery) -> None:
        if isinstance(delivery, Block):
            if self._clock is None:
                self._begin(delivery.sample + delivery.samples.size)
            self._keep_time(delivery.sample + delivery.samples.size)
            self._tap(self._source.name, delivery)
            self._close_hole(delivery.sample)
            for spectra in self._front.push(delivery.samples):
                self._mail.put(spectra)
            return
        clock = self._clock or self._begin(0)
        if isinstance(delivery, Restored):
            # How long the gap was is known by the clock alone: a new anchor.
            clock = Clock(datetime.now(UTC), time.monotonic(), self._rate_hz, delivery.sample)
            self._set_clock(clock)
        stamp = clock.stamp(self._source.name, delivery.sample)
        if isinstance(delivery, Loss):
            lost_s = delivery.frames / self._rate_hz
            self._note(Overload(stamp, dropped_s=lost_s, queue=delivery.queue))
        elif isinstance(delivery, Lost):
            self._end_stretch()
            self._note(SourceLost(stamp, reason=delivery.reason))
        else:
            self._note(SourceRestored(stamp, gap_s=delivery.gap_s))

    def _keep_time(self, end: int) -> None:
        """No sound is dated later than it came.

        A streaming server sends some seconds at once when one connects: the sample counter then
        runs ahead of the clock, and the anchor has to move back.
        """
        clock, now_s = self._clock, time.monotonic()
        if clock is None or not self._source.live or now_s < self._next_look_s:
            return
        self._next_look_s = now_s + LOOK_S
        ahead_s = clock.monotonic_s + (end - clock.sample) / self._rate_hz - now_s
        if ahead_s > AHEAD_S:
            wall = clock.wall - timedelta(seconds=ahead_s)
            self._set_clock(replace(clock, wall=wall, monotonic_s=clock.monotonic_s - ahead_s))

    def _set_clock(self, clock: Clock) -> None:
        self._clock = clock
        self._mail.put(Anchor(self._source.name, clock))

    def _close_hole(self, sample: int) -> None:
        missing = sample - self._front.sample
        assert missing >= 0, "the sample counter of a source never runs backwards"
        if missing > FILL_S * self._rate_hz:
            self._end_stretch()
            self._front.restart(sample)
        elif missing:
            for spectra in self._front.push(np.zeros(missing, np.float32)):
                self._mail.put(spectra)

    def _end_stretch(self) -> None:
        for spectra in self._front.finish(self._lookahead):
            self._mail.put(spectra)
        self._mail.put(self._front.end())
        self._front.restart(self._front.sample)

    def _note(self, event: Event) -> None:
        self._mail.put(Note(self._source.name, event))

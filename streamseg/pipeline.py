"""The live engine: who runs on which thread, and in which order they start and stop.

One analysis thread per source (read, resample, STFT, mel) -> one worker for the network, batched
over the sources -> decisions on the same thread -> one worker for the sinks. Sources and sink are
handed in; this module knows neither devices nor files.

Full: a live source that is not analysed in time loses sound in its ring (counted there); spectra
that the network cannot take in time are dropped, oldest first, and count as a hole; a file simply
waits. Events are never dropped.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streamseg.capture.base import Source
from streamseg.errors import StreamsegError
from streamseg.listener import Begin, End, Listener
from streamseg.messages import Block, Estimate, Spectra
from streamseg.models import Job, Network
from streamseg.reader import Mail, Reader
from streamseg.settings import Settings
from streamseg.sinks.events import Event
from streamseg.worker import Mailbox, Worker

MAIL_S = 5.0  # sound that may wait for the network before the oldest is dropped


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
            reader = Reader(source, self._network, self._settings, self._mail, self._tap)
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

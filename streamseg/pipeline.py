"""The live engine: who runs on which thread, and in which order they start and stop.

One analysis thread per source (read, resample, STFT, mel) -> one worker for the network, batched
over the sources -> decisions on the same thread -> one worker for the sinks. Several live sources
share one analysis thread (``roundabout`` says why), which takes turns with the network, and more
than ``FEW`` take larger pieces. Where masks of the classes or of the stems are wanted, each source
has a front end and a worker more for either; what genre the stems are is said on theirs. Sources
and sink are handed in; this module knows neither devices nor files.

Full: while the network is behind, live sources are not read, and their sound waits in their rings;
what does not fit there is lost, counted. Spectra that the network still cannot take in time are
dropped, oldest first, and count as a hole; a file simply waits. Masks are dropped before the
network is late, those of the stems first. Events are never dropped.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from streamseg.capture.base import Source
from streamseg.drawing import BandStream, MaskDrawer, StemDrawer
from streamseg.errors import StreamsegError
from streamseg.listener import Acknowledge, Begin, End, Listener
from streamseg.mask_stage import MaskStage
from streamseg.messages import Block, Change, Estimate, Genre, Mask, Second, Spectra
from streamseg.models import GenreNetwork, Job, MaskNetwork, MaskStream, Network, StemNetwork
from streamseg.reader import Mail, Reader, open_source
from streamseg.roundabout import Roundabout
from streamseg.settings import Settings
from streamseg.sinks.events import Event
from streamseg.stages import SourceFront
from streamseg.worker import Mailbox, Worker

MAIL_S = 5.0  # sound that may wait for the network before the oldest is dropped
FEW = 8  # sources that need not be thrifty
MANY_PIECE_S = 0.8  # of more: one run of the network for this costs less than half of four
LINGER_S = 0.1  # of many sources: how long the network waits for more of them
TURN_S = 0.5  # the longest that the network waits for the end of a round
BEHIND_S = 0.6  # no passing delay: then there are no masks, before capture is held back
STEMS_BEHIND_S = 0.3  # those of the stems give way first
STEMS_PIECE_S = 0.2  # a call of one frame costs four times as much for each second


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that ended in an error."""

    source: str
    error: StreamsegError


class Monitor:
    """Sources through a network to a sink, until all have ended or ``stop`` is called.

    ``sink`` is called with every event, in order per source, on the sink thread. ``watch`` is
    called with every estimate on the network's thread, ``changes`` with every piece of the boundary
    curve, ``tap`` with every block of sound on the thread of its source, ``masks`` with what
    ``mask_network`` and ``stem_network`` draw, each on a thread of its own, ``genres`` with what
    ``genre_network`` says of the stems, on their thread: all must return at once.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        network: Network,
        settings: Settings,
        sink: Callable[[Event], None],
        watch: Callable[[Estimate], None] = lambda estimate: None,
        tap: Callable[[str, Block], None] = lambda source, block: None,
        mask_network: MaskNetwork | None = None,
        masks: Callable[[Mask], None] = lambda mask: None,
        own_settings: Mapping[str, Settings] = MappingProxyType({}),
        trace: Callable[[Second], None] | None = None,
        changes: Callable[[Change], None] = lambda change: None,
        stem_network: StemNetwork | None = None,
        genre_network: GenreNetwork | None = None,
        genres: Callable[[Genre], None] = lambda genre: None,
    ) -> None:
        """``own_settings``: for sources that do not go by ``settings``, under their names.

        ``trace`` is called with every second of every source, some seconds late, on the sink
        thread.
        """
        names = [source.name for source in sources]
        assert len(set(names)) == len(names), "sources need different names"
        assert stem_network is not None or genre_network is None, "a genre is said of stems"
        self.failures: list[Failure] = []
        self._network = network
        self._settings = settings
        self._own_settings = own_settings
        self._sink = sink
        self._watch = watch
        self._tap = tap
        self._trace = trace
        self._changes = changes
        self._stop = threading.Event()
        self._live: set[str] = set()  # names; whether a source is live is known once it is open
        self._piece_s = settings.model.block_s
        if len(sources) > FEW:
            self._piece_s = max(self._piece_s, MANY_PIECE_S)
        capacity = max(8, round(MAIL_S / self._piece_s)) * max(1, len(sources))
        self._capacity = capacity
        self._mail: Mailbox[Mail] = Mailbox(capacity, self._may_displace, self._is_live_sound)
        self._events: Mailbox[Event | Second] = Mailbox(10_000)
        self._listeners: dict[str, Listener] = {}
        self._readers: dict[str, Reader] = {}
        self._broken: list[BaseException] = []  # what no source should ever raise
        # One run of the network for many sources is far cheaper than a run for each.
        linger_s = LINGER_S if len(sources) > 1 else 0.0
        self._turn = threading.Lock()
        think = self._think_in_turn if len(sources) > 1 else self._think
        self._model_worker = Worker("network", self._mail, think, self._stop.set, linger_s)
        self._sink_worker = Worker("sinks", self._events, self._write, self._stop.set)
        self._roundabout = None
        if len(sources) > 1:
            round_s = min(settings.capture.gather_s, self._piece_s)
            self._roundabout = Roundabout(self._stop, round_s, self._turn)
        self._masks: MaskStage[MaskStream] | None = None
        if mask_network is not None:
            self._masks = MaskStage(
                MaskDrawer(mask_network),
                len(sources),
                settings.model.block_s,
                self._live,
                masks,
                lambda: self._behind(BEHIND_S),
                self._stop.set,
            )
        self._stems: MaskStage[BandStream] | None = None
        if stem_network is not None:
            self._stems = MaskStage(
                StemDrawer(stem_network, genre_network, genres),
                len(sources),
                max(STEMS_PIECE_S, settings.model.block_s),
                self._live,
                masks,
                lambda: (
                    self._behind(STEMS_BEHIND_S) or (self._masks is not None and self._masks.late)
                ),
                self._stop.set,
                "stems",
            )
        self._stages = [stage for stage in (self._masks, self._stems) if stage is not None]
        self._threads = [
            threading.Thread(target=self._listen, args=(s,), name=f"source {s.name}", daemon=True)
            for s in sources
        ]

    @property
    def masks_dropped_s(self) -> float:
        """Sound of all sources that was heard but got no mask of the classes, because something was
        too slow.
        """
        return 0.0 if self._masks is None else self._masks.dropped_s

    @property
    def stems_dropped_s(self) -> float:
        """The same of the masks of the stems."""
        return 0.0 if self._stems is None else self._stems.dropped_s

    def start(self) -> None:
        """Start every thread, the last in the chain first."""
        # What is imported with the first front end takes seconds on a busy machine: no source is
        # opened before that, since sound that is late cannot be dated.
        SourceFront("", self._network.card, self._network.grid(48_000), 1.0, self._settings.alarms)
        self._sink_worker.start()
        self._model_worker.start()
        for stage in self._stages:
            stage.start()
        if self._roundabout is not None:
            self._roundabout.start()
        for thread in self._threads:
            thread.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """True once every source has ended (or none can be heard any more)."""
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        for thread in self._threads:  # fifty of them must not wait fifty times as long
            thread.join(None if deadline_s is None else max(0.0, deadline_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def drift_ppm(self) -> dict[str, float]:
        """By source, how much faster its clock is than this machine's, where that is known."""
        found = {name: reader.drift_ppm for name, reader in list(self._readers.items())}
        return {name: drift_ppm for name, drift_ppm in found.items() if drift_ppm is not None}

    def acknowledge(self, source: str, rule: str | None, by: str) -> None:
        """Somebody (``by``) has seen this alarm of a source, or all of them; any thread."""
        self._mail.put(Acknowledge(source, rule, by))

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
        for stage in self._stages:
            stage.stop()
            errors.append(stage.error)
        for error in errors:
            if error is not None:
                raise error

    def _settings_of(self, source: str) -> Settings:
        return self._own_settings.get(source, self._settings)

    def _behind(self, most_s: float) -> bool:
        """Whether more than so much sound of each source waits for the main network."""
        return self._mail.waiting > most_s / MAIL_S * self._capacity

    def _may_displace(self, new: Mail, old: Mail) -> bool:
        """Live sound cannot wait; a file can, and must not push live sound out."""
        return new.source in self._live and self._is_live_sound(old)

    def _is_live_sound(self, item: Mail) -> bool:
        return isinstance(item, Spectra) and item.source in self._live

    # Analysis thread of one source

    def _listen(self, source: Source) -> None:
        reason = "stopped"
        settings = self._settings_of(source.name)
        reader: Reader | None = None
        try:
            opened = open_source(source, settings.capture, self._stop, self._events.put)
            if opened is None:
                return
            reader = Reader(
                source,
                opened,
                self._network,
                settings,
                self._mail,
                self._tap,
                self._stages,
                max(settings.model.block_s, self._piece_s),
            )
            self._readers[source.name] = reader
            if source.live:
                self._live.add(source.name)
            if source.live and self._roundabout is not None:
                self._roundabout.ride(reader)
            else:
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
            drift_ppm = reader.drift_ppm if reader else None
            self._mail.put(End(source.name, reason, source.bad_samples, drift_ppm))

    # Thread of the network

    def _think_in_turn(self, items: list[Mail]) -> None:
        """Between two rounds of the live sources.

        Two threads that compute hand the interpreter to each other at every operation on arrays,
        and wait up to 5 ms to get it back: together they are slower than one after the other. It is
        a courtesy: whoever holds the turn may be waiting for this thread to make room.
        """
        mine = self._turn.acquire(timeout=TURN_S)
        try:
            self._think(items)
        finally:
            if mine:
                self._turn.release()

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
                settings, put = self._settings_of(name), self._events.put
                tell = put if self._trace is not None else _nobody
                self._listeners[name] = Listener(
                    item, self._network, settings, put, tell, self._changes
                )
            elif listener := self._listeners.get(name):
                if isinstance(item, Spectra):
                    return listener.job(item)
                listener.note(item)
        return None

    # Thread of the sinks

    def _write(self, items: list[Event | Second]) -> None:
        for item in items:
            if isinstance(item, Event):
                self._sink(item)
            elif self._trace is not None:
                self._trace(item)


def _nobody(second: Second) -> None:
    """Where no trace is wanted."""

"""What the network's thread keeps of one source: stream, decisions, loudness, counters.

Called by ``pipeline.Monitor`` on the network's thread only. Events leave through ``emit``, which
may wait (a full disk), never drop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streamseg import __version__
from streamseg.decisions.segments import Decider, Decision, Opened
from streamseg.frontend.loudness import LoudnessHistory
from streamseg.messages import Estimate, Spectra, StreamFormat
from streamseg.models import Job, Network
from streamseg.settings import Settings
from streamseg.sinks.events import (
    Clock,
    Event,
    Overload,
    SegmentClose,
    SegmentOpen,
    SourceRestored,
    Stamp,
    Started,
    Stopped,
)
from streamseg.stages import EndOfStretch, shifted


@dataclass(frozen=True, slots=True)
class Begin:
    """A source was opened and its first sound has come."""

    source: str
    format: StreamFormat
    clock: Clock


@dataclass(frozen=True, slots=True)
class Anchor:
    """From here on the samples of a source are dated by this clock."""

    source: str
    clock: Clock


@dataclass(frozen=True, slots=True)
class Note:
    """Something about a source that is logged as it is."""

    source: str
    event: Event


@dataclass(frozen=True, slots=True)
class End:
    """Nothing more will come from a source."""

    source: str
    reason: str
    bad_samples: int


class Listener:
    """One source, from its spectra to its events."""

    def __init__(
        self, begin: Begin, network: Network, settings: Settings, emit: Callable[[Event], object]
    ) -> None:
        self._source = begin.source
        self._clock = begin.clock
        self._grid = network.grid(begin.format.rate_hz)
        self._stride = network.card.stride
        self._emit = emit
        self._stream = network.open()
        self._decider = Decider(network.card.classes, self._grid, settings.decisions)
        self._loudness = LoudnessHistory(begin.format.rate_hz, self._decider.reach_s)
        self._base = 0  # feature frame at which the network's stream began
        self._next = 0  # feature frame that should come next
        self._heard_to = 0  # sample counter up to which the source was heard
        self._dropped_s = 0.0
        self._segments = 0
        emit(
            Started(
                self._stamp(0),
                model=network.card.stem,
                provider=network.provider,
                format=begin.format.description,
                version=__version__,
            )
        )

    def job(self, spectra: Spectra) -> Job:
        """Make the spectra ready for the network; a hole before them begins a new stretch."""
        if spectra.first_frame == 0:
            self._loudness.reset(spectra.origin)
        elif spectra.first_frame != self._next:
            self._hole(spectra)
        self._loudness.push(spectra.k_power)
        self._next = spectra.first_frame + len(spectra.power)
        return Job(self._stream, shifted(spectra, self._base, self._grid, self._stride))

    def decide(self, estimate: Estimate) -> None:
        """Log what these estimates decide."""
        self._log(self._decider.push(estimate))

    def note(self, item: Anchor | Note | EndOfStretch | End) -> None:
        """Act on what is no sound."""
        if isinstance(item, Anchor):
            self._clock = item.clock
        elif isinstance(item, EndOfStretch):
            if item.frames > self._next:
                self._dropped(item.begin, item.sample)
            self._end_stretch(item.sample)
        elif isinstance(item, Note):
            if isinstance(item.event, Overload):
                self._dropped_s += item.event.dropped_s
            elif isinstance(item.event, SourceRestored):
                self._dropped_s += item.event.gap_s
            self._emit(item.event)
        else:
            heard_s = self._heard_to / self._clock.rate_hz - self._dropped_s
            self._emit(
                Stopped(
                    self._stamp(self._heard_to),
                    reason=item.reason,
                    heard_s=heard_s,
                    dropped_s=self._dropped_s,
                    bad_samples=item.bad_samples,
                    segments=self._segments,
                )
            )

    def _end_stretch(self, sample: int) -> None:
        self._log(self._decider.flush(sample))
        self._stream.reset()
        self._base = self._next = 0
        self._heard_to = sample

    def _hole(self, spectra: Spectra) -> None:
        """Spectra before these were dropped because the network did not keep up."""
        until = self._sample_of(spectra.origin, spectra.first_frame)
        self._dropped(spectra.origin, until)
        self._base = spectra.first_frame
        # The 100 ms steps go on where they were, so this is right to one of them.
        self._loudness.reset(until)

    def _dropped(self, begin: int, until: int) -> None:
        """Log that a stretch that began with ``begin`` is missing from here to ``until``."""
        here = min(until, self._sample_of(begin, self._next))
        dropped_s = (until - here) / self._clock.rate_hz
        self._end_stretch(here)
        self._dropped_s += dropped_s
        self._emit(Overload(self._stamp(here), dropped_s=dropped_s, queue="network"))

    def _sample_of(self, begin: int, frame: int) -> int:
        """Position at which a feature frame begins, in a stretch that began with ``begin``."""
        return begin + round(frame * self._grid.hop_s / self._stride * self._clock.rate_hz)

    def _log(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, Opened):
                self._emit(SegmentOpen(self._stamp(decision.start), label=decision.label))
                continue
            segment = decision.segment
            self._segments += 1
            lufs = self._loudness.lufs(segment.start, segment.end)
            self._emit(SegmentClose.of(segment, self._source, self._clock, lufs))

    def _stamp(self, sample: int) -> Stamp:
        return self._clock.stamp(self._source, sample)

"""What the network's thread keeps of one source: stream, decisions, loudness, counters.

Called by ``pipeline.Monitor`` on the network's thread only. Events leave through ``emit``, which
may wait (a full disk), never drop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from streamseg import __version__
from streamseg.decisions.alarm_rules import rules
from streamseg.decisions.alarms import AlarmChange, Alarms
from streamseg.decisions.boundaries import Boundaries, Changes
from streamseg.decisions.segments import Decider, Decision, Opened
from streamseg.frontend.loudness import LoudnessHistory, gated_lufs
from streamseg.messages import (
    Change,
    Estimate,
    RuleBroken,
    Second,
    Spectra,
    StreamFormat,
    step_start,
)
from streamseg.models import Job, Network
from streamseg.settings import Settings
from streamseg.sinks.events import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    Boundary,
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
from streamseg.trace import Tracer


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
class Acknowledge:
    """Somebody has seen an alarm of a source."""

    source: str
    rule: str | None
    """None: all that stand."""
    by: str


@dataclass(frozen=True, slots=True)
class End:
    """Nothing more will come from a source."""

    source: str
    reason: str
    bad_samples: int
    drift_ppm: float | None = None


class Listener:
    """One source, from its spectra to its events."""

    def __init__(
        self,
        begin: Begin,
        network: Network,
        settings: Settings,
        emit: Callable[[Event], object],
        tell: Callable[[Second], object] = lambda second: None,
        changed: Callable[[Change], object] = lambda change: None,
    ) -> None:
        """``tell`` is called with every second of the source, some seconds late, ``changed`` with
        every piece of its boundary curve.
        """
        self._source = begin.source
        self._clock = begin.clock
        self._grid = network.grid(begin.format.rate_hz)
        self._stride = network.card.stride
        self._emit = emit
        self._stream = network.open()
        self._tell = tell
        classes, rate_hz = network.card.classes, begin.format.rate_hz
        table = rules(settings.alarms)
        self._trace = Tracer(begin.source, classes, self._grid, settings.decisions.on, table)
        self._alarms = Alarms(rate_hz, settings.alarms, gated_lufs, self._time, self._trace.read)
        self._acknowledged: set[str] = set()  # of the rules that stand
        self._decider = Decider(classes, self._grid, settings.decisions, self._trace.decided)
        self._boundaries = (
            boundaries_of(network, rate_hz) if settings.decisions.boundaries else None
        )
        self._changed = changed
        self._loudness = LoudnessHistory(rate_hz, self._decider.reach_s)
        self._base = 0  # feature frame at which the network's stream began
        self._next = 0  # feature frame that should come next
        self._newest = 0  # sample counter up to which spectra came
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
            self._begin_stretch(spectra.origin, spectra)
        elif spectra.first_frame != self._next:
            self._hole(spectra)
        self._loudness.push(spectra.steps["k_power"])
        first = spectra.first_step
        self._trace.measured(spectra.steps, spectra.origin, first)
        self._log_alarms(self._alarms.measured(spectra.steps, spectra.origin, first))
        if self._boundaries is not None:
            sound = spectra.features[: len(spectra.features) - spectra.padding]
            self._log_changes(self._boundaries, self._boundaries.push(sound))
        self._next = spectra.first_frame + len(spectra.power)
        self._newest = self._sample_of(spectra.origin, self._next)
        return Job(self._stream, shifted(spectra, self._base, self._grid, self._stride))

    def decide(self, estimate: Estimate) -> None:
        """Log what these estimates decide."""
        decisions = self._decider.push(estimate)
        self._log(decisions)
        known_to = self._decider.certain_to
        self._log_alarms(self._alarms.decided(decisions, known_to))
        if known_to is not None:
            for second in self._trace.ready(known_to, self._time):
                self._tell(second)

    def note(self, item: Anchor | Note | EndOfStretch | Acknowledge | End) -> None:
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
        elif isinstance(item, Acknowledge):
            self._acknowledge(item)
        else:
            self._log_alarms(self._alarms.finish(self._heard_to))
            heard_s = self._heard_to / self._clock.rate_hz - self._dropped_s
            self._emit(
                Stopped(
                    self._stamp(self._heard_to),
                    reason=item.reason,
                    heard_s=heard_s,
                    dropped_s=self._dropped_s,
                    bad_samples=item.bad_samples,
                    segments=self._segments,
                    drift_ppm=item.drift_ppm,
                )
            )

    def _begin_stretch(self, sample: int, spectra: Spectra) -> None:
        """Sound begins at this sample; the first step that is known may begin a little later."""
        step = spectra.origin + step_start(spectra.first_step, self._clock.rate_hz)
        self._loudness.reset(step)
        self._alarms.begin(sample)
        if self._boundaries is not None:
            self._boundaries.begin(sample)
        self._trace.begin(sample)

    def _end_stretch(self, sample: int) -> None:
        if self._boundaries is not None:
            self._log_changes(self._boundaries, self._boundaries.flush())
        decisions = self._decider.flush(sample)
        self._log(decisions)
        self._log_alarms(self._alarms.decided(decisions, sample))
        for second in self._trace.flush(sample, self._time):
            self._tell(second)
        self._stream.reset()
        self._base = self._next = 0
        self._heard_to = sample

    def _hole(self, spectra: Spectra) -> None:
        """Spectra before these were dropped because the network did not keep up."""
        until = self._sample_of(spectra.origin, spectra.first_frame)
        self._dropped(spectra.origin, until)
        self._base = spectra.first_frame
        self._begin_stretch(until, spectra)

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

    def _acknowledge(self, item: Acknowledge) -> None:
        for rule in self._standing:
            if item.rule in (None, rule) and rule not in self._acknowledged:
                self._acknowledged.add(rule)
                self._emit(AlarmAcknowledged(self._stamp(self._newest), rule=rule, by=item.by))

    @property
    def _standing(self) -> list[str]:
        return list(self._alarms.standing)

    def _log_alarms(self, changes: list[AlarmChange]) -> None:
        for change in changes:
            # Over, or worse than what somebody has seen: either way it is not acknowledged.
            self._acknowledged.discard(change.rule)
            if isinstance(change, RuleBroken):
                self._emit(AlarmRaised.of(change, self._source, self._clock))
            else:
                self._emit(AlarmCleared.of(change, self._source, self._clock))

    def _log_changes(self, boundaries: Boundaries, changes: Changes) -> None:
        for sample, strength in changes.found:
            self._emit(Boundary(self._stamp(sample), strength))
        if len(changes.values):
            step_s = boundaries.step_s
            self._changed(Change(self._source, changes.values, changes.sample, step_s))

    def _log(self, decisions: list[Decision]) -> None:
        self._trace.logged(decisions)
        for decision in decisions:
            if isinstance(decision, Opened):
                self._emit(SegmentOpen(self._stamp(decision.start), label=decision.label))
                continue
            segment = decision.segment
            self._segments += 1
            lufs = self._loudness.lufs(segment.start, segment.end)
            self._emit(SegmentClose.of(segment, self._source, self._clock, lufs))

    def _time(self, sample: int) -> datetime:
        return self._clock.time(sample)

    def _stamp(self, sample: int) -> Stamp:
        return self._clock.stamp(self._source, sample)


def boundaries_of(network: Network, rate_hz: int) -> Boundaries | None:
    """What finds the boundaries of a source at ``rate_hz`` by the bands that a network hears.

    None where these are no decibels by mel band: after a normalisation the sound of a moment ago
    decides what loud is, and linear bands weigh the treble too much.
    """
    front = network.card.front_end
    if front.norm is not None or front.scale != "mel":
        return None
    return Boundaries(rate_hz, front.hop_s, front.n_fft / 2 / front.rate_hz, front.n_mels)

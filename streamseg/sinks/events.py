"""The records of the event log, one class an event, so that a wrong key cannot be written.

The keys are a promise to scripts. Every line begins with ``schema``, ``event``, ``source``,
``time``, ``sample`` and ``rate_hz``; the fields of the event's class follow, under their own names.
Only the standard library is imported here.

``time`` and ``sample`` say where in the sound the event lies, not when it was decided:
``segment_open`` has the onset, ``segment_close`` the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from streamseg.messages import Label, RuleBroken, RuleHolds, Segment

Severity = Literal["warn", "alarm"]


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where and when an event lies."""

    source: str
    time: datetime
    """Aware of its zone."""
    sample: int
    """On the source's sample counter."""
    rate_hz: int


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall time of a source: one anchor, and the sample counter from there on.

    The anchor is taken when the source begins. ``timekeeper`` takes a new one when the sound comes
    too early or too late for the old one, or when the system's clock was set.
    """

    wall: datetime
    """Time of day, aware of its zone, at which sample ``sample`` was heard."""
    monotonic_s: float
    """The monotonic clock at that moment."""
    rate_hz: int
    sample: int = 0
    drift_ppm: float = 0.0
    """By how much the source counts faster than this machine's clock, in parts per million."""

    def __post_init__(self) -> None:
        if self.wall.tzinfo is None:
            raise ValueError(
                f"expected a time with its zone, got {self.wall}: use datetime.now(UTC)"
            )

    def time(self, sample: int) -> datetime:
        """Time of day of a sample, with the local zone's offset at that very instant."""
        microseconds = (sample - self.sample) * 1_000_000 // self.rate_hz
        microseconds -= round(microseconds * self.drift_ppm * 1e-6)
        # In UTC, because adding across a change to summer time is an hour wrong in local time.
        return (self.wall.astimezone(UTC) + timedelta(microseconds=microseconds)).astimezone()

    def stamp(self, source: str, sample: int) -> Stamp:
        """For an event of this source at this sample."""
        return Stamp(source, self.time(sample), sample, self.rate_hz)

    def monotonic_at(self, sample: int) -> float:
        """When a sample was heard, on the monotonic clock."""
        seconds = (sample - self.sample) / self.rate_hz
        return self.monotonic_s + seconds * (1 - self.drift_ppm * 1e-6)

    def step_s(self, wall: datetime, monotonic_s: float) -> float:
        """By how much the system's clock was set since the anchor; positive is forwards."""
        return (wall - self.wall).total_seconds() - (monotonic_s - self.monotonic_s)


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    name: ClassVar[str]

    stamp: Stamp


@dataclass(frozen=True, slots=True)
class SegmentOpen(Event):
    """A sound is on air. Its stamp is the back-dated onset."""

    name: ClassVar[str] = "segment_open"

    label: Label


@dataclass(frozen=True, slots=True)
class SegmentClose(Event):
    """A sound is over. Its stamp is the end."""

    name: ClassVar[str] = "segment_close"

    label: Label
    start: datetime
    end: datetime
    duration_s: float
    score_mean: float
    score_peak: float
    level_dbfs: float
    lufs: float | None
    """Integrated loudness of the segment; null where it is too short or too quiet for one."""

    @classmethod
    def of(cls, segment: Segment, source: str, clock: Clock, lufs: float | None) -> SegmentClose:
        """The event of a segment, on this clock."""
        return cls(
            stamp=clock.stamp(source, segment.end),
            label=segment.label,
            start=clock.time(segment.start),
            end=clock.time(segment.end),
            duration_s=(segment.end - segment.start) / clock.rate_hz,
            score_mean=segment.score_mean,
            score_peak=segment.score_peak,
            level_dbfs=segment.level_dbfs,
            lufs=lufs,
        )


@dataclass(frozen=True, slots=True)
class Started(Event):
    """The monitoring of a source begins."""

    name: ClassVar[str] = "started"

    model: str
    provider: str
    """The execution provider that really runs."""
    format: str
    """What was opened, through what, in one line."""
    version: str


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """The monitoring of a source is over."""

    name: ClassVar[str] = "stopped"

    reason: str
    heard_s: float
    """Sound that was analysed."""
    dropped_s: float
    """Sound that nobody heard."""
    bad_samples: int
    """Samples that were not finite and were taken as silence."""
    segments: int
    drift_ppm: float | None = None
    """By how much the source's clock was faster than this machine's; null: not yet measured."""


@dataclass(frozen=True, slots=True)
class SourceLost(Event):
    """A source gives no sound any more."""

    name: ClassVar[str] = "source_lost"

    reason: str


@dataclass(frozen=True, slots=True)
class SourceRestored(Event):
    """A lost source is back."""

    name: ClassVar[str] = "source_restored"

    gap_s: float


@dataclass(frozen=True, slots=True)
class SourceSilent(Event):
    """A live source delivers nothing but zeros: nothing is played, or it was moved elsewhere.

    Digital silence, not quiet: no microphone gives it. The stamp is the first zero. It ends with
    ``source_sounding`` or with ``source_lost``.
    """

    name: ClassVar[str] = "source_silent"

    silent_s: float
    """How long it had lasted when this was decided."""


@dataclass(frozen=True, slots=True)
class SourceSounding(Event):
    """Digital silence is over. The stamp is the first sample that is not zero."""

    name: ClassVar[str] = "source_sounding"

    silent_s: float


@dataclass(frozen=True, slots=True)
class Overload(Event):
    """Sound was dropped because something was too slow."""

    name: ClassVar[str] = "overload"

    dropped_s: float
    queue: str


@dataclass(frozen=True, slots=True)
class EventsLost(Event):
    """Events of this source that the log could not take: the disk and the memory were full.

    Written as soon as there is room, in the place of those events; the stamp is that of the last.
    """

    name: ClassVar[str] = "events_lost"

    events: int
    since: datetime
    """Of the first of them."""


@dataclass(frozen=True, slots=True)
class AlarmRaised(Event):
    """A rule is broken. The stamp is where the condition began, not where it was decided.

    The same rule may be raised once more, from warn to alarm, before it is cleared. Every raised
    rule is cleared in the end.
    """

    name: ClassVar[str] = "alarm_raised"

    rule: str
    """Stable; ``docs/alarms.md`` lists them."""
    severity: Severity
    value: float | None
    """What was measured, in ``unit``."""
    threshold: float
    unit: str
    held_s: float
    """How long the condition had lasted when this was decided."""
    flapping: bool
    """It came too often: from here on it is counted, not repeated, until it stays away."""
    text: str
    """One sentence for people."""

    @classmethod
    def of(cls, change: RuleBroken, source: str, clock: Clock) -> AlarmRaised:
        """The event of a broken rule, on this clock."""
        return cls(
            stamp=clock.stamp(source, change.start),
            rule=change.rule,
            severity=change.severity,
            value=change.value,
            threshold=change.threshold,
            unit=change.unit,
            held_s=change.held_s,
            flapping=change.flapping,
            text=change.text,
        )


@dataclass(frozen=True, slots=True)
class AlarmCleared(Event):
    """A broken rule holds again. The stamp is where the condition ended."""

    name: ClassVar[str] = "alarm_cleared"

    rule: str
    severity: Severity
    """The highest that it had."""
    value: float | None
    """The worst that was measured."""
    threshold: float
    unit: str
    start: datetime
    """The stamp of the ``alarm_raised`` that this one ends."""
    duration_s: float
    occurrences: int
    """How often the condition came; more than one only where it was flapping."""
    reason: str
    """``recovered``, or ``stopped``: the monitoring ended while it was broken."""
    text: str

    @classmethod
    def of(cls, change: RuleHolds, source: str, clock: Clock) -> AlarmCleared:
        """The event of a rule that holds again, on this clock."""
        return cls(
            stamp=clock.stamp(source, change.end),
            rule=change.rule,
            severity=change.severity,
            value=change.value,
            threshold=change.threshold,
            unit=change.unit,
            start=clock.time(change.start),
            duration_s=(change.end - change.start) / clock.rate_hz,
            occurrences=change.occurrences,
            reason="stopped" if change.stopped else "recovered",
            text=change.text,
        )


@dataclass(frozen=True, slots=True)
class AlarmAcknowledged(Event):
    """Somebody has seen a raised alarm; it stays raised. The stamp is when that was."""

    name: ClassVar[str] = "alarm_acknowledged"

    rule: str
    by: str


@dataclass(frozen=True, slots=True)
class ClockStep(Event):
    """The time of day jumped: the clock was set, or the local zone changed its offset.

    The stamp has the new time; events from here on follow it. Distances are told by ``sample``.
    """

    name: ClassVar[str] = "clock_step"

    step_s: float
    """Positive is forwards: 3600 when summer time begins."""
    cause: str = "clock_set"
    """``clock_set``, or ``utc_offset``: summer time or another zone."""


@dataclass(frozen=True, slots=True)
class Boundary(Event):
    """The sound turned into another one; the stamp is the moment, not when it was decided."""

    name: ClassVar[str] = "boundary"

    strength: float
    """Height of the boundary curve's peak: 0 none, 2 two worlds."""

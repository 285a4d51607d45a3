"""Events of the log in words, and which of them are alarms. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

from streamseg.sinks.events import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    Boundary,
    ClockStep,
    Event,
    EventsLost,
    Overload,
    SegmentClose,
    SegmentOpen,
    Severity,
    SourceLost,
    SourceRestored,
    SourceSilent,
    SourceSounding,
    Started,
    Stopped,
)


@dataclass(frozen=True, slots=True)
class Raised:
    """What an event says as an alarm."""

    rule: str
    text: str
    severity: Severity = "alarm"
    momentary: bool = False
    """Over as soon as it was said: nothing would clear it."""


def raised(event: Event) -> Raised | None:
    """The alarm that an event raises, if it raises one."""
    match event:
        case AlarmRaised():
            return Raised(event.rule, describe(event), event.severity)
        case SourceLost():
            return Raised("source_lost", describe(event))
        case SourceSilent():
            return Raised("source_silent", describe(event), "warn")
        case Overload():
            return Raised("overload", describe(event), momentary=True)
        case EventsLost():
            return Raised("events_lost", describe(event), momentary=True)
        case _:
            return None


def ended_rules(event: Event) -> tuple[str, ...]:
    """The rules whose alarms an event ends."""
    match event:
        case AlarmCleared():
            return (event.rule,)
        case SourceRestored():
            return ("source_lost",)
        case SourceSounding() | SourceLost():
            return ("source_silent",)
        case _:
            return ()


def describe(event: Event) -> str:
    """One line; the time and the source stand elsewhere."""
    match event:
        case SegmentOpen() | SegmentClose():
            return _of_segment(event)
        case AlarmRaised() | AlarmCleared():
            return event.text.replace(" -", " −")
        case AlarmAcknowledged():
            who = "here" if event.by == "window" else f"by {event.by}"
            return f"{in_words(event.rule)}: acknowledged {who}"
        case Boundary():
            return f"the sound changes ({event.strength:.2f})"
        case Started():
            return f"started: {event.model} on {event.provider}"
        case Stopped():
            return f"stopped: {event.reason}; {duration(event.heard_s)} heard"
        case _:
            return _of_source(event)


def _of_segment(event: SegmentOpen | SegmentClose) -> str:
    if isinstance(event, SegmentOpen):
        return f"{event.label} begins"
    loudness = "" if event.lufs is None else f", {event.lufs:.1f} LUFS".replace("-", "−")
    return f"{event.label} ends after {duration(event.duration_s)}{loudness}"


def _of_source(event: Event) -> str:
    match event:
        case SourceLost():
            return f"source lost: {event.reason}"
        case SourceRestored():
            return f"source restored after {duration(event.gap_s)}"
        case SourceSilent():
            return "nothing but digital zeros: nothing is played, or it was moved elsewhere"
        case SourceSounding():
            return f"sound again after {duration(event.silent_s)} of digital zeros"
        case Overload():
            return f"{duration(event.dropped_s)} of sound dropped ({event.queue})"
        case EventsLost():
            return f"{event.events} events could not be logged: no room on the disk"
        case ClockStep():
            cause = "the local zone changed" if event.cause == "utc_offset" else "the clock was set"
            return f"{cause} by {event.step_s:+.1f} s".replace("-", "−")
        case _:
            return event.name.replace("_", " ")


def in_words(rule: str) -> str:
    """``dead_air`` as a person says it."""
    return rule.replace("_", " ")


def duration(seconds: float) -> str:
    """``0.35 s``, ``12.3 s``, ``4:05``, ``1:02:33``."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"

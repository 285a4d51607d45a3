"""Events of the log in words, for the event list. No Qt."""

from __future__ import annotations

from streamseg.sinks.events import (
    ClockStep,
    Event,
    Overload,
    SegmentClose,
    SegmentOpen,
    SourceLost,
    SourceRestored,
    Started,
    Stopped,
)

ALARMS = frozenset({"alarm_raised", "overload", "source_lost"})
"""Kinds that stand out until somebody acknowledges them."""


def describe(event: Event) -> str:
    """One line; the time and the source stand elsewhere."""
    match event:
        case SegmentOpen():
            return f"{event.label} begins"
        case SegmentClose():
            loudness = "" if event.lufs is None else f", {event.lufs:.1f} LUFS"
            return f"{event.label} ends after {duration(event.duration_s)}{loudness}"
        case SourceLost():
            return f"source lost: {event.reason}"
        case SourceRestored():
            return f"source restored after {duration(event.gap_s)}"
        case Overload():
            return f"{duration(event.dropped_s)} of sound dropped ({event.queue})"
        case Started():
            return f"started: {event.model} on {event.provider}"
        case Stopped():
            return f"stopped: {event.reason}; {duration(event.heard_s)} heard"
        case ClockStep():
            return f"the system's clock was set by {event.step_s:+.1f} s"
        case _:
            return event.name.replace("_", " ")


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

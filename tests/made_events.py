"""Events for tests of the sinks, one line each."""

from __future__ import annotations

from datetime import datetime, timedelta

from streamseg.messages import Label
from streamseg.sinks.events import (
    AlarmCleared,
    AlarmRaised,
    SegmentClose,
    SegmentOpen,
    Severity,
    SourceLost,
    SourceRestored,
    Stamp,
    Started,
    Stopped,
)

RATE_HZ = 16_000
BEGIN = datetime.now().astimezone().replace(microsecond=0) - timedelta(seconds=600)


def stamp(at_s: float, source: str = "studio") -> Stamp:
    """A moment of a source that began ten minutes ago."""
    return Stamp(source, BEGIN + timedelta(seconds=at_s), round(at_s * RATE_HZ), RATE_HZ)


def started(at_s: float = 0.0, source: str = "studio") -> Started:
    """The first event."""
    return Started(stamp(at_s, source), "activity", "CPU", "a test", "0.1")


def stopped(at_s: float, source: str = "studio") -> Stopped:
    """The last event."""
    return Stopped(stamp(at_s, source), "end of source", at_s, 0.0, 0, 1)


def opened(at_s: float, label: Label = "music", source: str = "studio") -> SegmentOpen:
    """A sound begins."""
    return SegmentOpen(stamp(at_s, source), label)


def closed(
    from_s: float, to_s: float, label: Label = "music", source: str = "studio"
) -> SegmentClose:
    """A sound is over."""
    begin, end = stamp(from_s, source).time, stamp(to_s, source).time
    length_s = to_s - from_s
    return SegmentClose(stamp(to_s, source), label, begin, end, length_s, 0.9, 0.99, -20.0, -23.0)


def lost(at_s: float, source: str = "studio") -> SourceLost:
    """No sound any more."""
    return SourceLost(stamp(at_s, source), "unplugged")


def restored(at_s: float, gap_s: float, source: str = "studio") -> SourceRestored:
    """Sound again."""
    return SourceRestored(stamp(at_s, source), gap_s)


def raised(
    at_s: float, rule: str = "dead_air", severity: Severity = "alarm", source: str = "studio"
) -> AlarmRaised:
    """A rule is broken."""
    text = f"{rule} since {at_s:g} s"
    return AlarmRaised(stamp(at_s, source), rule, severity, -90.0, -40.0, "dBFS", 30.0, False, text)


def cleared(
    from_s: float, to_s: float, rule: str = "dead_air", source: str = "studio"
) -> AlarmCleared:
    """It holds again."""
    at, begin = stamp(to_s, source), stamp(from_s, source).time
    return AlarmCleared(
        at, rule, "alarm", -90.0, -40.0, "dBFS", begin, to_s - from_s, 1, "recovered", "over"
    )

"""Which alarms wait for a person, in words, the most urgent first. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

from streamseg.sinks.events import Severity
from streamseg.view.events_text import duration
from streamseg.view.records import Alarm, Snapshot

MOST = 4  # lines; the event list has all


@dataclass(frozen=True, slots=True)
class AlarmLine:
    """One line of the alarm bar."""

    text: str
    severity: Severity
    acknowledged: bool
    moment_s: float | None
    """Where it began, if that can still be shown."""


def alarm_lines(snapshot: Snapshot, told: str = "") -> list[AlarmLine]:
    """``told``: a rule of this source of which the banner speaks already."""
    waiting = [alarm for alarm in snapshot.waiting if not _told(alarm, snapshot, told)]
    waiting.sort(key=_urgency)
    lines = [
        AlarmLine(
            _sentence(alarm, snapshot),
            alarm.severity,
            alarm.acknowledged,
            alarm.stamp.sample / alarm.stamp.rate_hz if _current(alarm, snapshot) else None,
        )
        for alarm in waiting[:MOST]
    ]
    if len(waiting) > MOST:
        more = f"and {len(waiting) - MOST} more: choose Alarms in the event list"
        lines.append(AlarmLine(more, "alarm", False, None))
    return lines


def _urgency(alarm: Alarm) -> tuple[bool, bool, bool, float]:
    """False comes first; of equals the newest."""
    return (
        alarm.acknowledged,
        not alarm.stands,
        alarm.severity != "alarm",
        -alarm.stamp.time.timestamp(),
    )


def _told(alarm: Alarm, snapshot: Snapshot, rule: str) -> bool:
    return alarm.rule == rule and _current(alarm, snapshot)


def _current(alarm: Alarm, snapshot: Snapshot) -> bool:
    return alarm.session == snapshot.session


def _sentence(alarm: Alarm, snapshot: Snapshot) -> str:
    stamp = alarm.stamp
    began = f"{stamp.time.astimezone():%H:%M:%S}"
    text = alarm.text[:1].upper() + alarm.text[1:]
    if not _current(alarm, snapshot):
        text = f"{stamp.source}: {text}"
    if alarm.end is None:
        lasted_s = (snapshot.edge - stamp.sample) / stamp.rate_hz
        when = f"since {began}, for {duration(max(0.0, float(int(lasted_s))))}"
    elif alarm.end.sample > stamp.sample:
        when = f"{began}, over after {duration((alarm.end.sample - stamp.sample) / stamp.rate_hz)}"
    else:
        when = began
    seen = "  (acknowledged)" if alarm.acknowledged else ""
    return f"{text}  ·  {when}{seen}"

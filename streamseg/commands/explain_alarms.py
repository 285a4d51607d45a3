"""Why an alarm was raised, or was not: sentences with the numbers that decided it.

Pure: from the records of ``explain_log`` to text. The rules are the same rows that raised the
alarms, made from the settings that the trace says were in force.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from streamseg.commands.explain_log import SourceLog, Stretch
from streamseg.commands.explain_span import Span
from streamseg.decisions.alarm_rules import Rule, rules
from streamseg.decisions.alarm_words import duration, quantity
from streamseg.messages import Second, Verdict
from streamseg.settings import Settings
from streamseg.settings_alarms import parse_window

_NOUNS = {
    "dead_air": "level",
    "true_peak": "true peak",
    "clipping": "number of flat tops in 5 s",
    "dc": "offset",
    "loudness_high": "loudness",
    "loudness_low": "loudness",
    "channel_lost": "difference of the channels",
    "phase_inverted": "correlation of the channels",
}


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds in a row in which a rule read bad."""

    start: datetime
    end: datetime
    held_s: float
    value: float | None


def explain_rule(name: str, source: SourceLog, span: Span, settings: Settings) -> Iterator[str]:
    """When an alarm rule was raised in a span, or why it was not."""
    rule = rules(settings.alarms)[name]
    here = [a for a in source.alarms if a.name == name and a.touches(span.start, span.end)]
    for alarm in sorted(here, key=lambda alarm: alarm.start):
        yield _alarm(alarm, span)
    if not rule.enabled:
        yield f"{name} is off: {_off(rule, settings)}."
        return
    if here:
        return
    yield f"{name} was not raised: {_not_raised(rule, source, span, settings)}."


def _alarm(alarm: Stretch, span: Span) -> str:
    said = alarm.said
    since = span.clock(alarm.start)
    what = said.get("severity", "alarm")
    text = f"{alarm.name} was raised ({what}) since {since}"
    if "held_s" in said:
        decided = alarm.start + timedelta(seconds=float(said["held_s"]))
        text += f", decided at {span.clock(decided)}"
    text += f": {said.get('text', 'no text')}"
    if alarm.end is None:
        return text + "; it still stands at the end of the log."
    ended = "the monitoring ended" if said.get("reason") == "stopped" else "it was cleared"
    return f"{text}; {ended} at {span.clock(alarm.end)}."


def _off(rule: Rule, settings: Settings) -> str:
    if rule.name in settings.alarms.off:
        return "alarms.off names it"
    if rule.name.startswith("schedule"):
        return "alarms.schedule has no entry"
    keys = {
        "noise_only": "noise_s",
        "no_speech": "no_speech_min",
        "no_music": "no_music_min",
        "clipping": "clip_runs",
        "dc": "dc_percent",
        "channel_lost": "channel_lost_db",
    }
    return f"alarms.{keys.get(rule.name, 'loudness_tolerance_lu')} is 0"


_SILENT_RULES = {
    "channel_lost": "there was one channel only, or both were too quiet to tell",
    "phase_inverted": "there was one channel only, or one was too quiet to tell",
    "loudness_high": "no window was full and loud enough to be measured",
    "loudness_low": "no window was full and loud enough to be measured",
}


def _not_raised(rule: Rule, source: SourceLog, span: Span, settings: Settings) -> str:
    rows = [row for row in source.seconds if span.start <= row.time < span.end]
    if not rows:
        return "there is no trace of this time"
    verdicts = [v for row in rows for v in row.verdicts if v.rule == rule.name]
    if not verdicts:
        return _SILENT_RULES.get(rule.name, "nothing was judged in this time")
    if not any(verdict.bad for verdict in verdicts):
        return _never_bad(rule, rows, span, settings)
    runs = [
        run for run in _runs(rule, source.seconds) if run.start < span.end and run.end > span.start
    ]
    longest = max(runs, key=lambda run: run.held_s)
    hold_s = _hold_s(rule, settings)
    value = ""
    if longest.value is not None:
        most = "no louder than " if rule.name == "dead_air" else ""
        value = f" ({most}{quantity(longest.value, rule.unit)})"
    text = (
        f"{_condition(rule)} for {duration(longest.held_s)} at most, "
        f"{span.part(longest.start, longest.end)}{value}"
    )
    if longest.held_s >= hold_s - rule.tick_s:
        return f"{text}; with breaks that began it anew before {duration(hold_s)} were full"
    return f"{text}, and it takes {duration(hold_s)}"


def _hold_s(rule: Rule, settings: Settings) -> float:
    if rule.name.startswith("schedule"):
        entries = [parse_window(entry) for entry in settings.alarms.schedule]
        wanted, label = "_missing_" in rule.name, rule.name.rsplit("_", 1)[1]
        fitting = [w.patience_s for w in entries if (w.label, w.wanted) == (label, wanted)]
        return min(fitting, default=0.0)
    return rule.holds_s[0][1]


def _condition(rule: Rule) -> str:
    if rule.unit == "s":
        return f"{rule.title} lasted"
    way = "above" if rule.above else "under"
    return f"the {_NOUNS[rule.name]} was {way} {quantity(rule.threshold, rule.unit)}"


def _never_bad(rule: Rule, rows: list[Second], span: Span, settings: Settings) -> str:
    if rule.unit == "s":
        if rule.name.startswith("schedule"):
            return f"nothing spoke against the schedule ({'; '.join(settings.alarms.schedule)})"
        return f"{rule.title} was not the case for a single second"
    found = [
        (verdict.value, row.time)
        for row in rows
        for verdict in row.verdicts
        if verdict.rule == rule.name and verdict.value is not None
    ]
    # In every second the worst is known; of a dead air that is the loudest tenth of it.
    value, moment = (max if rule.above else min)(found)
    if rule.name == "dead_air":
        return (
            f"even its quietest second, {span.clock(moment)}, reached "
            f"{quantity(value, rule.unit)}, over {quantity(rule.threshold, rule.unit)}"
        )
    edge, way = ("highest", "not above") if rule.above else ("lowest", "not under")
    return (
        f"the {edge} {_NOUNS[rule.name]} was {quantity(value, rule.unit)}, "
        f"at {span.clock(moment)}, {way} {quantity(rule.threshold, rule.unit)}"
    )


def _runs(rule: Rule, rows: Sequence[Second]) -> Iterator[Run]:
    """Stretches in which the rule read bad, with breaks that its machine bridges."""
    current: list[tuple[Second, Verdict]] = []
    good_s = 0.0
    for row in rows:
        verdict = next((v for v in row.verdicts if v.rule == rule.name), None)
        if verdict is None:
            continue
        if verdict.bad:
            current.append((row, verdict))
        good = (verdict.ticks - verdict.bad) * rule.tick_s
        good_s = 0.0 if verdict.bad == verdict.ticks else good_s + good
        if current and good_s >= max(rule.bridge_s, rule.tick_s):
            yield _run(rule, current)
            current, good_s = [], 0.0
    if current:
        yield _run(rule, current)


def _run(rule: Rule, found: list[tuple[Second, Verdict]]) -> Run:
    first, last = found[0][0], found[-1][0]
    # A second that is bad in part only has the value of its better part in it.
    whole = [verdict for _, verdict in found if verdict.bad == verdict.ticks]
    values = [verdict.value for verdict in whole if verdict.value is not None]
    worst = None
    for value in values:
        worst = value if worst is None else rule.worse(worst, value)
    held_s = sum(verdict.bad for _, verdict in found) * rule.tick_s
    return Run(first.time, last.time + timedelta(seconds=last.length_s), held_s, worst)

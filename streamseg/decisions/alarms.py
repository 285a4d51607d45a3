"""All alarms of one source: measures and decisions in, what is raised and cleared out.

Called by the source's ``Listener`` on the network's thread; keeps one small machine a rule
(``alarm_state`` publishes its table) and a minute of loudness. ``docs/alarms.md`` describes the
rules. Positions are samples of the source; where a condition began is found out afterwards, so an
alarm is dated to that, not to when it was decided. The result does not depend on how the sound was
split.

Two kinds of rules keep their own time: those that measure are judged as soon as 100 ms are over,
those about the programme when the segments up to there are certain, some seconds later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from streamseg.decisions.alarm_channels import ChannelLost, Phase
from streamseg.decisions.alarm_measures import (
    Clipping,
    DeadAir,
    Gated,
    Loudness,
    Measure,
    Offset,
    Reading,
    TruePeak,
    steps_of,
)
from streamseg.decisions.alarm_programme import LocalTime, ProgrammeRules
from streamseg.decisions.alarm_rules import Rule, rules
from streamseg.decisions.alarm_state import Cleared, Raised
from streamseg.decisions.alarm_words import duration
from streamseg.decisions.segments import Decision
from streamseg.messages import RuleBroken, RuleHolds, Severity, Steps
from streamseg.settings_alarms import AlarmSettings, parse_window

AlarmChange = RuleBroken | RuleHolds

Heard = Callable[[int, Reading], None]
"""Is told every reading, with the sample at which its tick ends."""


class Alarms:
    """The rules of one source, from its opening to its end."""

    def __init__(
        self,
        rate_hz: int,
        settings: AlarmSettings,
        gated: Gated,
        local_time: LocalTime,
        heard: Heard = lambda end, reading: None,
    ) -> None:
        """``local_time``: of a sample, for the schedule; ``heard``: for the decision trace."""
        self._rate_hz = rate_hz
        self._heard = heard
        self.table = rules(settings)
        on = {name: rule for name, rule in self.table.items() if rule.enabled}
        self._alarms = {name: rule.alarm(settings) for name, rule in on.items()}
        self._levels = list(_level_measures(self.table, settings, gated))
        schedule = [parse_window(entry) for entry in settings.schedule]
        self._programme = ProgrammeRules(rate_hz, on, schedule, local_time)
        self._threshold: dict[str, float] = {}  # of a rule of the schedule, when it was raised

    @property
    def standing(self) -> dict[str, Severity]:
        """The rules that are raised now."""
        return {
            name: alarm.standing
            for name, alarm in self._alarms.items()
            if alarm.standing is not None
        }

    def begin(self, sample: int) -> None:
        """A stretch of sound begins with this sample."""
        for measure in self._levels:
            measure.interrupt()
        for measure in self._levels:
            for rule in measure.rules:
                if rule.enabled:
                    self._alarms[rule.name].interrupt()
        self._programme.begin(sample)

    def measured(self, steps: Steps, origin: int, first: int) -> list[AlarmChange]:
        """The next steps; the first of the array is step ``first`` after sample ``origin``."""
        changes: list[AlarmChange] = []
        for step in steps_of(steps, self._rate_hz, origin, first):
            for measure in self._levels:
                changes += self._judge(step.end, measure.read(step, self._strict))
        return changes

    def decided(self, decisions: Sequence[Decision], known_to: int | None) -> list[AlarmChange]:
        """The next decisions; no more will come about what lies before sample ``known_to``."""
        self._programme.note(decisions)
        changes: list[AlarmChange] = []
        if known_to is not None:
            for end, readings in self._programme.ticks(known_to):
                changes += self._judge(end, readings)
        return changes

    def finish(self, sample: int) -> list[AlarmChange]:
        """The monitoring ends here: whatever is raised is cleared."""
        changes: list[AlarmChange] = []
        for name, alarm in self._alarms.items():
            stopped = alarm.strict  # else it was only being watched for coming back
            for said in alarm.close(sample):
                assert isinstance(said, Cleared)
                changes.append(self._holds(self.table[name], said, stopped))
        return changes

    def _strict(self, rule: str) -> bool:
        return self._alarms[rule].strict

    def _judge(self, end: int, readings: Iterable[Reading]) -> list[AlarmChange]:
        changes: list[AlarmChange] = []
        for reading in readings:
            rule, alarm = self.table[reading.rule], self._alarms[reading.rule]
            self._heard(end, reading)
            patience_s = self._programme.patience_s(reading.rule)
            if patience_s is not None:
                alarm.expect(rule.patience((("alarm", patience_s),)))
                self._threshold[rule.name] = patience_s
            for said in alarm.step(reading.bad, reading.at, reading.value):
                if isinstance(said, Raised):
                    changes.append(self._broken(rule, said, end))
                else:
                    changes.append(self._holds(rule, said, stopped=False))
        return changes

    def _broken(self, rule: Rule, said: Raised, end: int) -> RuleBroken:
        held_s = (end - said.start) / self._rate_hz
        value = held_s if rule.unit == "s" else said.worst
        threshold = self._threshold.get(rule.name, rule.threshold)
        text = rule.words(value, threshold)
        if rule.unit != "s" and held_s >= rule.tick_s * 2:
            text += f" for {duration(held_s)}"
        if said.flapping:
            text += "; it comes and goes, and is counted from here on"
        return RuleBroken(
            rule.name,
            said.severity,
            said.start,
            value,
            threshold,
            rule.unit,
            held_s,
            said.flapping,
            text,
        )

    def _holds(self, rule: Rule, said: Cleared, stopped: bool) -> RuleHolds:
        length_s = (said.end - said.start) / self._rate_hz
        value = length_s if rule.unit == "s" else said.worst
        how = "monitoring ended" if stopped else "over"
        text = f"{rule.title}: {how} after {duration(length_s)}"
        if said.occurrences > 1:
            text += f", {said.occurrences} times"
        return RuleHolds(
            rule.name,
            said.severity,
            said.start,
            said.end,
            value,
            self._threshold.get(rule.name, rule.threshold),
            rule.unit,
            said.occurrences,
            stopped,
            text,
        )


def _level_measures(
    table: dict[str, Rule], settings: AlarmSettings, gated: Gated
) -> Iterable[Measure]:
    single: dict[str, Callable[[Rule], Measure]] = {
        "dead_air": DeadAir,
        "true_peak": TruePeak,
        "clipping": Clipping,
        "dc": Offset,
        "channel_lost": ChannelLost,
        "phase_inverted": Phase,
    }
    for name, measure in single.items():
        if table[name].enabled:
            yield measure(table[name])
    high, low = table["loudness_high"], table["loudness_low"]
    if high.enabled or low.enabled:
        yield Loudness(high, low, settings.loudness_window_s, gated)

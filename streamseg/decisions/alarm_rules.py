"""The alarm rules of one source as a table: limits, patience, units, and how to say it.

Made once from the settings. The machines (``alarm_state``), the rules that measure
(``alarm_levels``, ``alarm_programme``) and ``streamseg explain`` read the same rows, so they cannot
disagree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from streamseg.decisions.alarm_state import Alarm, Patience
from streamseg.decisions.alarm_words import duration, quantity
from streamseg.messages import STEP_S, Severity
from streamseg.settings_alarms import AlarmSettings

TICK_S = 1.0
"""Rules about the programme and its loudness are judged once a second, the others every step."""

CLICK_S = 0.3
"""A shorter sound does not end a dead air, a shorter pause no hum: as for the silences."""

PAUSE_S = 2.0
"""A shorter relapse does not end a recovery: a speaker pauses too."""

CLIP_WINDOW_S = 5.0
DC_WINDOW_S = 5.0
PHASE_WINDOW_S = 3.0

Holds = tuple[tuple[Severity, float], ...]
"""After how many seconds it is a warning, an alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row."""

    name: str
    title: str
    unit: str
    threshold: float
    above: bool
    """Bad is above the threshold; else below."""
    hysteresis: float = 0.0
    """While it is raised, the value must pass the threshold by this much to be good."""
    holds_s: Holds
    bridge_s: float = 0.0
    """Shorter good stretches do not end a condition that is not raised yet."""
    recovery_s: float
    relapse_s: float = 0.0
    """Shorter bad stretches do not end a recovery."""
    saying: str
    """A clause for people, with ``{value}`` and ``{threshold}``."""
    tick_s: float = STEP_S
    enabled: bool = True

    def bad(self, value: float, strict: bool = False) -> bool:
        """The verdict on a value; ``strict`` while the alarm is raised."""
        margin = self.hysteresis if strict else 0.0
        if self.above:
            return value > self.threshold - margin
        return value < self.threshold + margin

    def worse(self, one: float, other: float) -> float:
        """The one to tell; of a dead air that is how loud it was at most."""
        return max(one, other) if self.above or self.name == "dead_air" else min(one, other)

    def ticks(self, seconds: float) -> int:
        """At least this long, at least one; the hair's breadth forgives that 0.3 is not 3 / 10."""
        return max(1, math.ceil(seconds / self.tick_s - 1e-6))

    def patience(self, holds_s: Holds | None = None) -> Patience:
        """The limits in ticks."""
        return Patience(
            tuple((name, self.ticks(hold_s)) for name, hold_s in holds_s or self.holds_s),
            self.ticks(self.bridge_s),
            self.ticks(self.recovery_s),
            self.ticks(self.relapse_s),
        )

    def alarm(self, settings: AlarmSettings) -> Alarm:
        """A machine for this rule."""
        window = self.ticks(settings.rate_window_s)
        return Alarm(self.patience(), self.worse, settings.rate_max, window)

    def words(self, value: float | None, threshold: float) -> str:
        """What is wrong, for people."""
        return self.saying.format(
            value=quantity(value, self.unit), threshold=quantity(threshold, self.unit)
        )


def rules(settings: AlarmSettings) -> dict[str, Rule]:
    """All rules by name, those that are off too (``enabled``)."""
    table = [
        *_level_rules(settings),
        *_loudness_rules(settings),
        *_channel_rules(settings),
        *_programme_rules(settings),
    ]
    return {
        rule.name: replace(rule, enabled=False) if rule.name in settings.off else rule
        for rule in table
    }


def _level_rules(settings: AlarmSettings) -> list[Rule]:
    return [
        Rule(
            name="dead_air",
            title="dead air",
            unit="dBFS",
            threshold=settings.dead_air_dbfs,
            above=False,
            hysteresis=2.0,
            holds_s=(("warn", settings.dead_air_warn_s), ("alarm", settings.dead_air_alarm_s)),
            bridge_s=CLICK_S,
            recovery_s=settings.recovery_s,
            relapse_s=PAUSE_S,
            saying="dead air: no louder than {value}, under {threshold}",
        ),
        Rule(
            name="true_peak",
            title="true peak",
            unit="dBTP",
            threshold=settings.true_peak_dbtp,
            above=True,
            holds_s=(("warn", 0.0),),
            recovery_s=settings.recovery_s,
            saying="true peak {value}, above {threshold}",
        ),
        Rule(
            name="clipping",
            title="clipping",
            unit="runs",
            threshold=settings.clip_runs,
            above=True,
            hysteresis=settings.clip_runs,  # good is none at all
            holds_s=(("alarm", 0.0),),
            recovery_s=settings.recovery_s,
            saying="clipping: {value} of samples at full scale within 5 s, more than {threshold}",
            enabled=settings.clip_runs > 0,
        ),
        Rule(
            name="dc",
            title="DC offset",
            unit="%",
            threshold=settings.dc_percent,
            above=True,
            hysteresis=0.3 * settings.dc_percent,
            holds_s=(("warn", settings.dc_s),),
            recovery_s=settings.recovery_s,
            saying="DC offset: {value} of full scale, above {threshold}",
            tick_s=TICK_S,
            enabled=settings.dc_percent > 0,
        ),
    ]


def _loudness_rules(settings: AlarmSettings) -> list[Rule]:
    window = duration(settings.loudness_window_s)
    high = Rule(
        name="loudness_high",
        title="too loud",
        unit="LUFS",
        threshold=settings.loudness_target_lufs + settings.loudness_tolerance_lu,
        above=True,
        hysteresis=1.0,
        holds_s=(("warn", settings.loudness_s),),
        recovery_s=settings.recovery_s,
        saying=f"too loud: {{value}} over the last {window}, above {{threshold}}",
        tick_s=TICK_S,
        enabled=settings.loudness_tolerance_lu > 0,
    )
    low = replace(
        high,
        name="loudness_low",
        title="too quiet",
        threshold=settings.loudness_target_lufs - settings.loudness_tolerance_lu,
        above=False,
        saying=f"too quiet: {{value}} over the last {window}, under {{threshold}}",
    )
    return [high, low]


def _channel_rules(settings: AlarmSettings) -> list[Rule]:
    return [
        Rule(
            name="channel_lost",
            title="channel lost",
            unit="dB",
            threshold=settings.channel_lost_db,
            above=True,
            hysteresis=6.0,
            holds_s=(("alarm", settings.channel_lost_s),),
            bridge_s=CLICK_S,
            recovery_s=settings.recovery_s,
            relapse_s=PAUSE_S,
            saying="a channel is lost: {value} under the other, more than {threshold}",
            enabled=settings.channel_lost_db > 0,
        ),
        Rule(
            name="phase_inverted",
            title="phase inverted",
            unit="",
            threshold=settings.phase_correlation,
            above=False,
            hysteresis=0.2,
            holds_s=(("alarm", settings.phase_s),),
            recovery_s=settings.recovery_s,
            relapse_s=PAUSE_S,
            saying="phase inverted: correlation of the channels {value}, under {threshold}",
            tick_s=TICK_S,
        ),
    ]


def _programme_rules(settings: AlarmSettings) -> list[Rule]:
    def lasting(name: str, title: str, saying: str, hold_s: float, on: bool) -> Rule:
        return Rule(
            name=name,
            title=title,
            unit="s",
            threshold=hold_s,
            above=True,
            holds_s=(("alarm", hold_s),),
            bridge_s=settings.presence_s,
            recovery_s=settings.presence_s,
            relapse_s=settings.presence_s,
            saying=saying,
            tick_s=TICK_S,
            enabled=on,
        )

    noise_s = settings.noise_s
    found = [
        lasting(
            "noise_only",
            "noise only",
            "noise instead of programme for {value}",
            noise_s,
            noise_s > 0,
        )
    ]
    for label, minutes in (("speech", settings.no_speech_min), ("music", settings.no_music_min)):
        words = f"no {label} for {{value}}"
        found.append(lasting(f"no_{label}", f"no {label}", words, 60 * minutes, minutes > 0))
    for label in ("speech", "music"):
        # How long, the entry of the schedule says that is in force.
        words = f"no {label} for {{value}} where the schedule needs it"
        on = bool(settings.schedule)
        found.append(lasting(f"schedule_missing_{label}", f"{label} missing", words, 0, on))
        words = f"{label} for {{value}} where the schedule has none"
        found.append(lasting(f"schedule_unwanted_{label}", f"unwanted {label}", words, 0, on))
    return found

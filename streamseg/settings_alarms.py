"""What is an alarm: thresholds and patience of every rule, with the reasons for the defaults.

``docs/alarms.md`` describes the rules. A rule that depends on the station's own format (speech or
music that must come, the schedule) is off until somebody says what the programme must hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from streamseg.settings_outputs import Section

RULES = (
    "dead_air",
    "noise_only",
    "no_speech",
    "no_music",
    "schedule_missing_speech",
    "schedule_missing_music",
    "schedule_unwanted_speech",
    "schedule_unwanted_music",
    "loudness_high",
    "loudness_low",
    "true_peak",
    "clipping",
    "dc",
    "channel_lost",
    "phase_inverted",
)
"""The names that stand in events; they never change."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_GROUPS = {"daily": (0, 6), "weekdays": (0, 4), "weekend": (5, 6)}
_ENTRY = re.compile(
    r"(?P<days>\S+)\s+(?P<begin>\d\d?:\d\d)-(?P<end>\d\d?:\d\d)\s+(?P<kind>needs|no)\s+"
    r"(?P<label>speech|music)\s+(?P<length>\d+(?:\.\d+)?)\s*(?P<unit>s|min|h)"
)
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Window:
    """An entry of the schedule: what must, or must not, be on air on some days at some hours."""

    days: frozenset[int]
    """0 is Monday; of a window over midnight the day on which it begins."""
    begin_s: int
    """Seconds since midnight, local time."""
    end_s: int
    """Up to two days: greater than ``begin_s`` also where it lies after midnight."""
    label: Literal["speech", "music"]
    wanted: bool
    patience_s: float
    """How long it may be absent, or present, before it is an alarm."""


def parse_window(text: str) -> Window:
    """``mon-fri 06:00-09:00 needs speech 10 min`` or ``daily 20:00-02:00 no music 30 s``.

    Raises ValueError with what was expected.
    """
    match = _ENTRY.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(
            f'expected "DAYS HH:MM-HH:MM needs|no speech|music LENGTH s|min|h", got {text!r}; '
            'for example "mon-fri 06:00-09:00 needs speech 10 min"'
        )
    begin_s, end_s = _time_s(match["begin"]), _time_s(match["end"])
    if end_s <= begin_s:
        end_s += _DAY_S
    unit_s = {"s": 1, "min": 60, "h": 3600}[match["unit"]]
    patience_s = float(match["length"]) * unit_s
    if not 1 <= patience_s <= end_s - begin_s:
        raise ValueError(
            f"expected a length from 1 s to that of the window, {end_s - begin_s} s, "
            f"got {patience_s:g} s in {text!r}"
        )
    label: Literal["speech", "music"] = "speech" if match["label"] == "speech" else "music"
    return Window(_days(match["days"]), begin_s, end_s, label, match["kind"] == "needs", patience_s)


def _time_s(text: str) -> int:
    hours, minutes = (int(part) for part in text.split(":"))
    if minutes > 59 or hours * 60 + minutes > 24 * 60:
        raise ValueError(f"expected a time from 00:00 to 24:00, got {text}")
    return (hours * 60 + minutes) * 60


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        if part in _GROUPS:
            first, last = _GROUPS[part]
        else:
            names = part.split("-")
            unknown = [name for name in names if name not in DAYS]
            if unknown or len(names) > 2:
                raise ValueError(
                    f"expected days such as mon-fri, sat,sun, daily, weekdays or weekend, "
                    f"got {part!r}"
                )
            first, last = DAYS.index(names[0]), DAYS.index(names[-1])
        found.update((first + step) % 7 for step in range((last - first) % 7 + 1))
    return frozenset(found)


def _split(separator: str) -> BeforeValidator:
    """A list may come as one text: environment variables know nothing else."""

    def split(value: Any) -> Any:
        if isinstance(value, str):
            return [part.strip() for part in value.split(separator) if part.strip()]
        return value

    return BeforeValidator(split)


class AlarmSettings(Section):
    """When somebody must be told."""

    off: Annotated[tuple[str, ...], _split(",")] = Field(
        (), description="names of rules that are never raised; docs/alarms.md lists them"
    )
    recovery_s: float = Field(
        5, ge=0.1, le=3600, description="good for so long before an alarm is cleared"
    )
    dead_air_dbfs: float = Field(
        -40, ge=-110, le=-10, description="a quieter programme is dead air: studio noise is lower"
    )
    dead_air_warn_s: float = Field(
        10, ge=0.5, le=3600, description="a pause in a drama is shorter; a warning"
    )
    dead_air_alarm_s: float = Field(
        30, ge=0.5, le=86400, description="nobody does this on purpose; an alarm"
    )
    noise_s: float = Field(
        60, ge=0, le=86400, description="noise without speech or music: a dead line; 0: never"
    )
    no_speech_min: float = Field(
        0, ge=0, le=1440, description="minutes without speech; 0: never, a music station has none"
    )
    no_music_min: float = Field(
        0, ge=0, le=1440, description="minutes without music; 0: never, a talk station has none"
    )
    presence_s: float = Field(
        3, ge=0, le=600, description="a shorter jingle or call ends no absence and makes no alarm"
    )
    schedule: Annotated[tuple[str, ...], _split(";")] = Field(
        (),
        description='such as "mon-fri 06:00-09:00 needs speech 10 min", "daily 0:00-6:00 no '
        'speech 2 min"; local time',
    )
    loudness_target_lufs: float = Field(-23, ge=-70, le=0, description="EBU R 128")
    loudness_tolerance_lu: float = Field(
        5,
        ge=0,
        le=40,
        description="R 128 s1 lets 3 s be so much louder, here it is a minute; 0: never",
    )
    loudness_window_s: float = Field(
        60,
        ge=3,
        le=3600,
        description="gated loudness of the last so many seconds: shorter follows the music itself",
    )
    loudness_s: float = Field(
        10, ge=0, le=3600, description="outside for so long, so that one shout is no alarm"
    )
    dual_mono: bool = Field(
        False, description="measure one channel as two loudspeakers, 3 LU more; BS.1770 does not"
    )
    true_peak_dbtp: float = Field(
        -1, ge=-20, le=20, description="EBU R 128: more may clip in a converter or codec"
    )
    clip_runs: int = Field(
        5, ge=0, le=100_000, description="flat tops (3 samples at full scale) in 5 s; 0: never"
    )
    dc_percent: float = Field(
        1, ge=0, le=100, description="of full scale, mean of 5 s: a broken converter; 0: never"
    )
    dc_s: float = Field(10, ge=0, le=3600, description="for so long")
    channel_lost_db: float = Field(
        30, ge=0, le=120, description="one channel so much under the other; 0: never"
    )
    channel_lost_s: float = Field(
        15, ge=0, le=3600, description="old stereo records leave a side alone for some bars"
    )
    phase_correlation: float = Field(
        -0.5, ge=-1, le=0, description="of left and right over 3 s; wide stereo stays above -0.3"
    )
    phase_s: float = Field(10, ge=0, le=3600, description="mono listeners hear nothing by now")
    rate_max: int = Field(
        3, ge=1, le=1000, description="so often in rate_window_s; after that it is only counted"
    )
    rate_window_s: float = Field(
        600, ge=1, le=86400, description="and cleared when it stayed away for so long"
    )

    @field_validator("off")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in RULES]
        if unknown:
            raise ValueError(f"expected rules out of {', '.join(RULES)}, got {', '.join(unknown)}")
        return names

    @field_validator("schedule")
    @classmethod
    def _readable(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            parse_window(entry)
        return entries

    @model_validator(mode="after")
    def _warns_first(self) -> AlarmSettings:
        if self.dead_air_warn_s > self.dead_air_alarm_s:
            raise ValueError(
                f"alarms.dead_air_warn_s ({self.dead_air_warn_s:g}) must not exceed "
                f"alarms.dead_air_alarm_s ({self.dead_air_alarm_s:g})"
            )
        return self

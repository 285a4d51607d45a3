"""Settings of everything that leaves the program: log, clips, and the outside world.

A part of ``settings``, which merges the layers and names the reasons. No password is a setting:
secrets come from a file or from the environment, so that `streamseg config` has none to print.
"""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, field_validator

_BROKER = re.compile(
    r"mqtts?://([^/@:\s]+@)?(\[[0-9a-fA-F:]+\]|[^/@:\s\[\]]+)(:\d{1,5})?/?", re.ASCII
)


class Section(BaseModel):
    """One table of the settings file: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LogSettings(Section):
    """Where events go."""

    file: str = Field("", description="event log; empty: standard output")
    rotate_mb: float = Field(
        64, ge=0, le=100_000, description="a new file beyond this size: easy to open; 0: never"
    )
    rotate_daily: bool = Field(True, description="a new file at midnight: a day is easy to find")
    keep_days: float = Field(
        0, ge=0, le=36_500, description="older rotated files are deleted; 0: never, it is evidence"
    )
    keep_mb: float = Field(
        4096, ge=0, le=1e9, description="the oldest go beyond this total: years of air; 0: never"
    )
    min_free_mb: float = Field(
        64, ge=0, le=1e9, description="and while the disk has less room than this; 0: never"
    )
    trace_mb: float = Field(
        64,
        ge=0,
        le=1e6,
        description="decision trace beside the log for `streamseg explain`: some two days of a "
        "source; 0: none",
    )


class ClipSettings(Section):
    """Sound around alarms, as WAV files."""

    folder: str = Field("", description="where the clips go; empty: none are kept")
    before_s: float = Field(20, ge=0, le=120, description="how it came to the alarm")
    after_s: float = Field(10, ge=0, le=120, description="and whether it goes on")
    rest_s: float = Field(
        60, ge=0, le=86_400, description="one clip in this time for a source and rule: no flood"
    )
    keep_days: float = Field(30, ge=0, le=36_500, description="older clips go; 0: never")
    keep_mb: float = Field(
        1024, ge=1, le=1e6, description="the oldest go beyond this: about 350 clips at 48 kHz"
    )


class MetricsSettings(Section):
    """Figures for Prometheus."""

    listen: str = Field("", description="address of the endpoint, 127.0.0.1:9464; empty: none")


class MqttSettings(Section):
    """States and events for a message broker; the password stands in a file or the environment."""

    url: str = Field(
        "",
        description="mqtt://USER@HOST:PORT, mqtts:// for TLS, never with a password; empty: none",
    )
    password_file: str = Field("", description="its first line; or STREAMSEG_MQTT_PASSWORD")
    ca_file: str = Field("", description="authority of the broker; empty: those of the system")
    cert_file: str = Field("", description="certificate of this client, where the broker asks")
    key_file: str = Field("", description="its key")
    prefix: str = Field(
        "streamseg", pattern=r"^[^+#\x00-\x1f/][^+#\x00-\x1f]*$", description="first part of topics"
    )
    discovery: str = Field(
        "homeassistant", pattern=r"^[^+#\x00-\x1f]*$", description="of Home Assistant; empty: none"
    )
    state_s: float = Field(10, ge=1, le=3600, description="level and loudness, this often")
    queue_events: int = Field(
        10_000, ge=10, le=1_000_000, description="kept while the broker is away: a day of a source"
    )

    @field_validator("url")
    @classmethod
    def _without_a_password(cls, url: str) -> str:
        if url and not _BROKER.fullmatch(url):
            raise ValueError(
                "expected mqtt://USER@HOST:PORT or mqtts://...; a password stands in "
                "mqtt.password_file or STREAMSEG_MQTT_PASSWORD"
            )
        return url


class HookSettings(Section):
    """A command that is run with every event, as JSON on its standard input; no shell."""

    command: str = Field("", description="program and arguments, quoted as in a shell; empty: none")
    events: str = Field(
        "alarm_raised,alarm_cleared,source_lost,source_restored",
        description="which events; all: every one. A process a segment would be many",
    )
    timeout_s: float = Field(10, ge=0.1, le=3600, description="then it is killed")
    at_once: int = Field(1, ge=1, le=64, description="runs side by side; 1 keeps the order")
    queue_events: int = Field(1000, ge=1, le=100_000, description="waiting; then the oldest goes")


class StatusSettings(Section):
    """A page that shows what is on air."""

    listen: str = Field(
        "", description="address, 127.0.0.1:8765; other than loopback needs a token; empty: none"
    )
    token_file: str = Field("", description="its first line; or STREAMSEG_STATUS_TOKEN")

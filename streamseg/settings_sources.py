"""``[[sources]]`` of the settings file: what to monitor, under which name, by which settings.

A part of ``settings``. A password need not stand in the file: ``${NAME}`` in a URL is taken from
the environment, when the source is made and not before, so that nobody prints it by accident.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from streamseg.errors import ConfigError
from streamseg.settings_outputs import Section

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class SourceSettings(Section):
    """One source. Whatever is set here goes before the general settings, also before flags."""

    name: str = Field(min_length=1, description="stands in every event; each only once")
    url: str = Field("", description="what FFmpeg reads; ${NAME} is taken from the environment")
    device: str = Field("", description="an input device: name, part of a name, or index")
    file: str = Field("", description="path of a sound file")
    realtime: bool = Field(False, description="play the file at its own speed")
    rate_hz: int | None = Field(None, ge=1000, le=768_000, description="of the device")
    channels: int | None = Field(None, ge=1, le=64, description="of the device")
    channel: str | None = Field(None, description="channel number from 1, or mean, mid, side")
    capture: dict[str, Any] = Field({}, description="settings of [capture] for this source alone")
    decisions: dict[str, Any] = Field({}, description="settings of [decisions] for it alone")
    alarms: dict[str, Any] = Field({}, description="settings of [alarms] for it alone")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        given = [key for key in ("url", "device", "file") if getattr(self, key)]
        if len(given) != 1:
            raise ValueError(f"expected one of url, device and file, got {len(given)}")
        if self.url and "://" not in self.url:
            raise ValueError("expected a url with ://, got none")
        return self

    def overrides(self) -> dict[str, dict[str, Any]]:
        """By section, what differs from the general settings."""
        capture = dict(self.capture)
        if self.channel is not None:
            capture["channel"] = self.channel
        sections = {"capture": capture, "decisions": self.decisions, "alarms": self.alarms}
        return {section: values for section, values in sections.items() if values}


def expand(url: str, source: str, environment: Mapping[str, str] | None = None) -> str:
    """Put variables into a URL. Raises ConfigError when one is not set."""
    values = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1])
        if found is None:
            raise ConfigError(
                f"source {source!r}: expected the environment to have {match[1]}, "
                "which its url asks for, got nothing; set it for this process"
            )
        return found

    return _VARIABLE.sub(value, url)

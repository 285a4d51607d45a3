"""What can be set, with defaults, ranges and reasons; units stand in the names.

Values come from, in rising order: the defaults here, a TOML file, ``STREAMSEG_*`` environment
variables (``STREAMSEG_DECISIONS_SILENCE_DBFS=-55``), and flags. ``Loaded.origin`` says for every
value which of these it came from. Every error names the key, the value and the range.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import BaseModel, Field, ValidationError, model_validator

from streamseg.errors import ConfigError
from streamseg.settings_alarms import AlarmSettings
from streamseg.settings_outputs import (
    ClipSettings,
    HookSettings,
    LogSettings,
    MetricsSettings,
    MqttSettings,
    StatusSettings,
)
from streamseg.settings_outputs import Section as _Section
from streamseg.settings_sources import SourceSettings

_PASSWORD = re.compile(r"(://[^/\s:@]*):\S*@")  # of a URL: no error may repeat it


class CaptureSettings(_Section):
    """How sound comes in."""

    channel: str = Field("mean", description="channel number from 1, or mean, mid, side")
    block_s: float = Field(
        0.0107, ge=0.001, le=1, description="device block: 512 frames at 48 kHz; 0 is irregular"
    )
    ring_s: float = Field(10, ge=0.5, le=600, description="sound kept while the analysis is busy")
    gather_s: float = Field(
        0.2, ge=0, le=0.25, description="live: sound per step; larger steps cost less than many"
    )
    open_timeout_s: float = Field(5, ge=0.1, le=120, description="a frozen server must not hold us")
    read_timeout_s: float = Field(4, ge=0.1, le=120, description="silence on the wire is a drop")
    retry_first_s: float = Field(0.5, ge=0.05, le=60, description="first wait before reopening")
    retry_longest_s: float = Field(30, ge=0.1, le=3600, description="the wait doubles up to this")
    lost_tolerance_s: float = Field(
        0.25, ge=0.05, le=10, description="frames behind the clock by more than this were lost"
    )
    reopen: bool = Field(
        True, description="open again what was lost, for ever; false: a lost source is an error"
    )
    retry_at_start: bool = Field(
        False, description="wait also for a source that is not there when the program starts"
    )
    silent_s: float = Field(
        10, ge=0, le=3600, description="only zeros for so long are logged; 0: never"
    )
    reopen_silent_s: float = Field(
        60,
        ge=0,
        le=86400,
        description="only zeros for so long: open the device again, the server may have moved "
        "the recording elsewhere; 0: never",
    )


class DecisionSettings(_Section):
    """The state machine that turns probabilities into segments; the same for every class."""

    on: float = Field(0.6, gt=0, lt=1, description="a segment opens when the score rises above")
    off: float = Field(0.3, gt=0, lt=1, description="and closes when it falls below: no flicker")
    smooth_s: float = Field(0.5, ge=0, le=10, description="centred mean: removes single frames")
    min_on_s: float = Field(0.8, ge=0, le=60, description="shorter sounds are not reported")
    min_off_s: float = Field(1.0, ge=0, le=60, description="shorter breaks are bridged: breaths")
    silence_dbfs: float = Field(
        -70,
        ge=-110,
        le=-20,
        description="level below which nothing is on air; the absolute gate of BS.1770",
    )
    silence_min_on_s: float = Field(1.0, ge=0, le=60, description="pauses in speech are shorter")
    heartbeat_s: float = Field(
        3600, ge=1, le=86400, description="a longer segment is closed and opened again"
    )
    boundaries: bool = Field(
        True, description="log where the sound turns into another one, within a label too"
    )

    @model_validator(mode="after")
    def _thresholds_in_order(self) -> DecisionSettings:
        if self.off > self.on:
            raise ValueError(f"decisions.off ({self.off}) must not exceed decisions.on ({self.on})")
        return self


class ModelSettings(_Section):
    """Which network, and where it runs."""

    name: str = Field("activity", description="a stem that `streamseg models` lists")
    mask: str = Field(
        "window_mask", description="network that draws masks in the window; empty: none"
    )
    stems: str = Field(
        "stem_unet_small",
        description="network that draws masks of drums, bass, other and vocals in the window; "
        "empty: none",
    )
    genre: str = Field(
        "stem_genre",
        description="network that says in the window which kind of dance music the stems are; "
        "empty: none",
    )
    provider: str = Field(
        "auto", pattern="^(auto|cpu|cuda)$", description="auto: CUDA where it really runs"
    )
    block_s: float = Field(
        0.2, ge=0.02, le=10, description="live: sound per call of the network; shorter is sooner"
    )

    @model_validator(mode="after")
    def _genre_of_stems(self) -> ModelSettings:
        if self.genre and not self.stems:
            raise ValueError(
                f"model.genre ({self.genre}) needs model.stems, which is empty; empty both"
            )
        return self


class Settings(_Section):
    """Everything."""

    capture: CaptureSettings = CaptureSettings()
    decisions: DecisionSettings = DecisionSettings()
    model: ModelSettings = ModelSettings()
    alarms: AlarmSettings = AlarmSettings()
    log: LogSettings = LogSettings()
    clips: ClipSettings = ClipSettings()
    metrics: MetricsSettings = MetricsSettings()
    mqtt: MqttSettings = MqttSettings()
    hook: HookSettings = HookSettings()
    status: StatusSettings = StatusSettings()

    def alone(self) -> Settings:
        """The same without what reaches the outside world: the log is all that is written."""
        outside = ("clips", "metrics", "mqtt", "hook", "status")
        return self.model_copy(update={name: getattr(Settings(), name) for name in outside})


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings in force and, per dotted key, where the value came from."""

    settings: Settings
    origin: dict[str, str]
    sources: tuple[SourceSettings, ...] = ()
    """What the settings file wants monitored."""


def default_config_path() -> Path:
    """Where the settings file lies unless ``--config`` names another."""
    return platformdirs.user_config_path("streamseg") / "streamseg.toml"


def keys() -> list[str]:
    """Every dotted key, in the order of the sections."""
    return [
        f"{section}.{key}"
        for section, field in Settings.model_fields.items()
        for key in _fields(field.annotation)
    ]


def describe(key: str) -> str:
    """The reason that stands behind the default of a dotted key."""
    section, name = key.split(".")
    annotation = Settings.model_fields[section].annotation
    return _fields(annotation)[name].description or ""


def load(
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Loaded:
    """Merge the layers. ``flags`` maps dotted keys to values; None means not given.

    Raises ConfigError for a missing or broken file, an unknown key, or a value out of range.
    """
    values: dict[str, dict[str, Any]] = {}
    origin = dict.fromkeys(keys(), "default")

    def put(key: str, value: Any, where: str) -> None:
        if key not in origin:
            raise ConfigError(f"{where}: unknown key {key!r}; `streamseg config` lists the keys")
        section, name = key.split(".")
        values.setdefault(section, {})[name] = value
        origin[key] = where

    path = config or default_config_path()
    tables: object = []
    if config is not None or path.exists():
        read = _read_toml(path)
        tables = read.pop("sources", [])
        for key, value in read.items():
            put(key, value, str(path))
    names = {_variable(key): key for key in keys()}
    environment = os.environ if environment is None else environment
    for variable, text in environment.items():
        if variable in names:
            put(names[variable], text, variable)
    for key, value in (flags or {}).items():
        if value is not None:
            put(key, value, "flag")
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_explain(error, origin)) from None
    return Loaded(settings, origin, _sources(tables, settings, str(path)))


def own_settings(general: Settings, source: SourceSettings) -> Settings:
    """The settings by which one source goes. Raises ConfigError."""
    values = general.model_dump()
    for section, changes in source.overrides().items():
        values[section] = {**values[section], **changes}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"source {source.name!r}: {_explain(error, {})}") from None


def _sources(tables: object, general: Settings, where: str) -> tuple[SourceSettings, ...]:
    """``[[sources]]``, every one of them checked. Raises ConfigError."""
    if not isinstance(tables, list):
        raise ConfigError(f"{where}: expected sources as [[sources]], got {tables!r}")
    sources = []
    for number, table in enumerate(tables, 1):
        try:
            source = SourceSettings.model_validate(table)
            own_settings(general, source)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            told = f"{key}: " if key else ""
            reason = first["msg"].removeprefix("Value error, ")
            raise ConfigError(f"{where}: [[sources]] number {number}: {told}{reason}") from None
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None
        sources.append(source)
    names = [source.name for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"{where}: expected every source to have its own name, got {name!r} "
                f"{names.count(name)} times"
            )
    return tuple(sources)


def _variable(key: str) -> str:
    return "STREAMSEG_" + key.replace(".", "_").upper()


def _fields(annotation: Any) -> dict[str, Any]:
    assert issubclass(annotation, BaseModel)
    return dict(annotation.model_fields)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        tree = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(
            f"expected a settings file at {path}: {error.strerror}; check --config"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"expected TOML in {path}: {error}") from None
    flat: dict[str, Any] = {}
    for section, content in tree.items():
        if isinstance(content, dict):
            flat.update({f"{section}.{name}": value for name, value in content.items()})
        else:
            flat[section] = content
    return flat


def _explain(error: ValidationError, origin: Mapping[str, str]) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    where = origin.get(key, "settings")
    if key in origin:
        given = _PASSWORD.sub(r"\1:***@", repr(first["input"]))
        reason = first["msg"].removeprefix("Value error, ")
        return f"{where}: {key} = {given}: {reason[0].lower()}{reason[1:]}"
    reason = first["msg"].removeprefix("Value error, ")
    return f"{where}: {key + ': ' if key else ''}{reason}"

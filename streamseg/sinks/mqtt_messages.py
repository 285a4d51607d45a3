"""What is said to a broker: topics, states and Home Assistant's discovery. No network here.

Topics, with the default prefix, all retained: ``streamseg/status`` (online, offline; the last
will), ``streamseg/<source>/status``, ``streamseg/<source>/<class>`` (ON, OFF) and
``streamseg/<source>/state`` (JSON). Not retained: ``streamseg/<source>/event``, the line of the
event log.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Iterable
from typing import Any

from streamseg import __version__
from streamseg.settings_outputs import MqttSettings
from streamseg.sinks.board import LABELS, SourceState
from streamseg.sinks.lines import rfc3339

ONLINE, OFFLINE = "online", "offline"
_LONGEST = 60


def topic_parts(names: Iterable[str]) -> dict[str, str]:
    """For every source the level of its topics: letters, digits and ``._-`` alone.

    Two names that become the same get a number that depends on the name only, so that topics stay
    the same over restarts.
    """
    plain = {name: re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("_") for name in names}
    parts = {}
    for name, part in plain.items():
        unique = list(plain.values()).count(part) == 1 and 0 < len(part) <= _LONGEST
        number = f"{zlib.crc32(name.encode('utf-8', 'surrogateescape')):08x}"
        parts[name] = part if unique else f"{part[:_LONGEST]}-{number}".lstrip("-")
    return parts


class Messages:
    """Makes the retained messages of all sources."""

    def __init__(self, settings: MqttSettings, names: Iterable[str]) -> None:
        self._settings = settings
        self.prefix = settings.prefix.rstrip("/")
        self._parts = topic_parts(names)
        self.status = f"{self.prefix}/status"
        """Topic of the last will."""

    def event_topic(self, source: str) -> str:
        """Where the events of a source go."""
        return f"{self.prefix}/{self._parts.get(source, 'unknown')}/event"

    def states(self, state: SourceState) -> dict[str, str]:
        """Topics and payloads that say what is on air of one source."""
        base = f"{self.prefix}/{self._parts[state.name]}"
        messages = {f"{base}/status": ONLINE if state.condition == "up" else OFFLINE}
        if state.condition != "waiting":  # its classes are not known before
            for label in (*state.classes, "silence"):
                messages[f"{base}/{label}"] = "ON" if label in state.open else "OFF"
        return messages

    def figures(self, state: SourceState) -> dict[str, str]:
        """Topic and payload of the JSON state."""
        value = {
            "source": state.name,
            "condition": state.condition,
            "reason": state.reason,
            "on": {label: rfc3339(opened.stamp.time) for label, opened in state.open.items()},
            "probability": {name: round(p, 3) for name, p in state.probability.items()},
            "level_dbfs": _finite(state.level_dbfs),
            "lufs": {window: _finite(value) for window, value in state.lufs.items()},
            "alarms": sorted(state.raised),
            "alarm": "ON" if state.raised else "OFF",
        }
        topic = f"{self.prefix}/{self._parts[state.name]}/state"
        return {topic: json.dumps(value, ensure_ascii=False, allow_nan=False)}

    def discovery(self, state: SourceState) -> dict[str, str]:
        """Home Assistant's configuration topics for one source; none if switched off.

        https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
        """
        if not self._settings.discovery or state.condition == "waiting":
            return {}
        part = self._parts[state.name]
        base = f"{self.prefix}/{part}"
        common: dict[str, Any] = {
            "availability": [{"topic": self.status}, {"topic": f"{base}/status"}],
            "availability_mode": "all",
            "device": {
                "identifiers": [f"{self.prefix}_{part}"],
                "name": state.name,
                "manufacturer": "streamseg",
                "model": "audio monitor",
                "sw_version": __version__,
            },
            "origin": {"name": "streamseg", "sw": __version__},
        }
        entities: dict[tuple[str, str], dict[str, Any]] = {}
        for label in LABELS:
            if label in (*state.classes, "silence"):
                entities["binary_sensor", label] = {
                    "name": label.capitalize(),
                    "state_topic": f"{base}/{label}",
                    "device_class": "sound",
                }
        entities["binary_sensor", "alarm"] = {
            "name": "Alarm",
            "state_topic": f"{base}/state",
            "value_template": "{{ value_json.alarm }}",
            "device_class": "problem",
            "json_attributes_topic": f"{base}/state",
        }
        entities["sensor", "level"] = {
            "name": "Level",
            "state_topic": f"{base}/state",
            "value_template": "{{ value_json.level_dbfs }}",
            "unit_of_measurement": "dBFS",
            "state_class": "measurement",
        }
        messages = {}
        for (kind, entity), config in entities.items():
            unique = re.sub(r"[^A-Za-z0-9_-]", "_", f"{self.prefix}_{part}")
            topic = f"{self._settings.discovery}/{kind}/{unique}/{entity}/config"
            identity = {"unique_id": f"{unique}_{entity}", **config, **common}
            messages[topic] = json.dumps(identity, ensure_ascii=False)
        return messages


def _finite(value: float) -> float | None:
    return round(value, 1) if math.isfinite(value) else None

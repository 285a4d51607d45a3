"""Topics, states and discovery, without a network."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from made_events import lost, opened, raised, started

from streamseg.settings_outputs import MqttSettings
from streamseg.sinks.board import Board, SourceState
from streamseg.sinks.mqtt_messages import Messages, topic_parts


def state(*events: object, name: str = "studio") -> SourceState:
    """A source that these events were about."""
    board = Board([name])
    for event in events:
        board.apply(event)  # type: ignore[arg-type]
    found: list[SourceState] = []
    board.read(found.append)
    found[0].classes = ("music", "speech", "noise")
    return found[0]


def test_a_name_becomes_one_level_of_a_topic() -> None:
    """Whatever it holds; different names stay different."""
    parts = topic_parts(["studio 1", "a/b+c#", "a b c", "", "é"])
    assert parts["studio 1"] == "studio_1"
    assert len(set(parts.values())) == 5
    assert all(part and not set(part) & set("/+# ") for part in parts.values())


@given(st.lists(st.text(max_size=80), unique=True, max_size=8))
def test_topics_are_safe_and_unique(names: list[str]) -> None:
    """For any set of names, and the same whatever their order."""
    parts = topic_parts(names)
    assert len(set(parts.values())) == len(names)
    assert all(part.isascii() and not set(part) & set("/+#\0 $") for part in parts.values())
    assert topic_parts(names[::-1]) == parts


def test_states_say_what_is_on_air() -> None:
    """ON for an open segment, OFF for the other classes."""
    messages = Messages(MqttSettings(), ["studio"])
    assert messages.states(state(started(), opened(1, "speech"))) == {
        "streamseg/studio/status": "online",
        "streamseg/studio/music": "OFF",
        "streamseg/studio/speech": "ON",
        "streamseg/studio/noise": "OFF",
        "streamseg/studio/silence": "OFF",
    }


def test_a_source_that_was_never_heard_says_nothing_about_sound() -> None:
    """It is offline, and has no entities yet."""
    messages = Messages(MqttSettings(), ["studio"])
    assert messages.states(state()) == {"streamseg/studio/status": "offline"}
    assert messages.discovery(state()) == {}


def test_a_lost_source_is_offline() -> None:
    """Home Assistant then shows it as unavailable."""
    messages = Messages(MqttSettings(prefix="air/one"), ["studio"])
    assert messages.states(state(started(), lost(5)))["air/one/studio/status"] == "offline"


def test_the_json_state_is_json_without_nan() -> None:
    """Level minus infinity is null; alarms stand in it by rule."""
    messages = Messages(MqttSettings(), ["studio"])
    made = state(started(), opened(1, "speech"), raised(5))
    ((topic, text),) = messages.figures(made).items()
    value = json.loads(text, parse_constant=lambda name: 1 / 0)
    assert topic == "streamseg/studio/state"
    assert (value["level_dbfs"], value["alarm"], value["alarms"]) == (None, "ON", ["dead_air"])
    assert list(value["on"]) == ["speech"]


def test_discovery_describes_every_entity_with_topics_that_exist() -> None:
    """What Home Assistant subscribes to is what is published."""
    messages = Messages(MqttSettings(), ["studio"])
    made = state(started())
    published = {*messages.states(made), *messages.figures(made), messages.status}
    found = {topic: json.loads(text) for topic, text in messages.discovery(made).items()}
    assert len(found) == 6
    for topic, config in found.items():
        assert topic.startswith("homeassistant/")
        assert topic.endswith("/config")
        assert config["state_topic"] in published
        assert all(entry["topic"] in published for entry in config["availability"])
    assert len({config["unique_id"] for config in found.values()}) == 6


def test_discovery_can_be_switched_off() -> None:
    """By an empty prefix."""
    assert Messages(MqttSettings(discovery=""), ["studio"]).discovery(state(started())) == {}

"""No settings file and no environment breaks the program: it is taken, or refused in one line."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from streamseg.commands import config
from streamseg.errors import ConfigError
from streamseg.settings import Settings, keys, load

KEYS = keys()
SCALAR = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=30)
    | st.datetimes()
)
VALUE = SCALAR | st.lists(SCALAR, max_size=3) | st.dictionaries(st.just("x"), SCALAR, max_size=1)


def taken_or_refused(text: bytes, environment: Mapping[str, str] | None = None) -> Settings | None:
    """The settings, or None where ``load`` refused them as it should: in one line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "s.toml")
        path.write_bytes(text)
        refusal = ""
        try:
            return load(path, environment or {}).settings
        except ConfigError as error:
            refusal = str(error)
    assert 0 < len(refusal) < 5000
    return None


@given(st.binary(max_size=200))
@example(b"a.b.c = 1")
@example(b"[capture]\n[capture.x]\ny = 1")
@example(b"[[log]]\nfile = 'x'")
@example(b"capture = 3")
@example(b"log = []")
@example(b"'' = {}\n")
@example(b"\xff\xfe")
@example(b"[alarms]\nschedule = [1, [2]]")
def test_any_bytes_are_taken_or_refused(text: bytes) -> None:
    """As a settings file."""
    taken_or_refused(text)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(KEYS), VALUE, max_size=4))
def test_any_value_of_any_key_is_taken_or_refused(values: dict[str, Any]) -> None:
    """Of the right type or not, in the range or not; and what is taken can be printed and read."""
    document: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, name = key.split(".")
        document.setdefault(section, {})[name] = value
    got = taken_or_refused(tomlkit.dumps(document).encode())
    if got is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "s.toml")
        path.write_bytes(tomlkit.dumps(document).encode())
        printed = config.run(load(path, {}))
    assert taken_or_refused(printed.encode()) == got


@given(
    st.dictionaries(
        st.sampled_from(KEYS).map(lambda key: "STREAMSEG_" + key.replace(".", "_").upper()),
        st.text(max_size=30),
        max_size=4,
    )
)
def test_any_environment_is_taken_or_refused(environment: dict[str, str]) -> None:
    """Variables are text, whatever the setting is."""
    taken_or_refused(b"", environment)


SECRET = "correct-horse-battery"


@pytest.mark.parametrize(
    "environment",
    [
        {"STREAMSEG_MQTT_URL": f"mqtt://ana:{SECRET}@broker"},
        {"STREAMSEG_MQTT_URL": f"mqtts://ana:{SECRET}/x@broker:1/"},
        {"STREAMSEG_LOG_ROTATE_MB": f"http://ana:{SECRET}@host"},
    ],
)
def test_a_password_in_a_wrong_place_is_refused_and_not_repeated(
    environment: dict[str, str],
) -> None:
    """Errors end up in the journal."""
    with pytest.raises(ConfigError) as error:
        load(None, environment)
    assert SECRET not in str(error.value)


def test_secrets_of_the_environment_are_not_printed() -> None:
    """They are no settings."""
    secrets = {"STREAMSEG_MQTT_PASSWORD": SECRET, "STREAMSEG_STATUS_TOKEN": SECRET}
    assert SECRET not in config.run(load(None, secrets))

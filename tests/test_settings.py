"""Facts about where settings come from and what is refused."""

import tomllib

import pytest

from streamseg.commands import config
from streamseg.errors import ConfigError
from streamseg.settings import describe, keys, load


@pytest.fixture(autouse=True)
def no_user_file(monkeypatch, tmp_path):
    """Whoever runs the tests may have settings of his own."""
    monkeypatch.setattr("streamseg.settings.default_config_path", lambda: tmp_path / "none.toml")


def write(path, text):
    """A settings file."""
    path.write_text(text, "utf-8")
    return path


def test_flags_beat_the_environment_and_the_environment_beats_the_file(tmp_path):
    """And every value knows where it came from."""
    file = write(tmp_path / "s.toml", "[decisions]\non = 0.7\noff = 0.3\nmin_on_s = 2")
    environment = {"STREAMSEG_DECISIONS_ON": "0.8", "STREAMSEG_DECISIONS_OFF": "0.2"}
    loaded = load(file, environment, {"decisions.on": 0.9, "decisions.off": None})
    decisions = loaded.settings.decisions
    assert (decisions.on, decisions.off, decisions.min_on_s) == (0.9, 0.2, 2.0)
    assert loaded.origin["decisions.on"] == "flag"
    assert loaded.origin["decisions.off"] == "STREAMSEG_DECISIONS_OFF"
    assert loaded.origin["decisions.min_on_s"] == str(file)
    assert loaded.origin["decisions.smooth_s"] == "default"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[decisions]\nonn = 0.7", r"s\.toml: unknown key 'decisions\.onn'"),
        ("[decision]\non = 0.7", r"unknown key 'decision\.on'"),
        ("on = 0.7", "unknown key 'on'"),
        ("[decisions]\non = 7", r"s\.toml: decisions\.on = 7: .*less than 1"),
        ("[decisions]\non = 'loud'", r"decisions\.on = 'loud': .*valid number"),
        ("[decisions]\non = 0.2", r"decisions\.off \(0\.3\) must not exceed decisions\.on"),
        ("[decisions\non = 0.2", "expected TOML in"),
        ("[model]\nprovider = 'tpu'", r"model\.provider = 'tpu'"),
    ],
)
def test_a_bad_file_names_key_value_and_range(tmp_path, text, message):
    """One clear error."""
    with pytest.raises(ConfigError, match=message):
        load(write(tmp_path / "s.toml", text), {})


def test_a_settings_file_that_is_not_there_is_an_error_only_when_asked_for(tmp_path):
    """The default path may be empty; one given with --config may not."""
    assert load(environment={}).settings.model.name == "activity"
    with pytest.raises(ConfigError, match="check --config"):
        load(tmp_path / "missing.toml", {})


def test_a_bad_environment_variable_is_named(tmp_path):
    """The variable, not only the key."""
    with pytest.raises(ConfigError, match=r"STREAMSEG_CAPTURE_RING_S: capture\.ring_s = 'long'"):
        load(environment={"STREAMSEG_CAPTURE_RING_S": "long"})


def test_every_setting_has_a_reason():
    """A default without a reason cannot be judged."""
    assert all(describe(key) for key in keys())


def test_the_output_of_config_is_a_settings_file(tmp_path):
    """What is printed can be saved, and gives the same settings again."""
    loaded = load(environment={"STREAMSEG_DECISIONS_ON": "0.75", "STREAMSEG_LOG_FILE": 'a"b'})
    text = config.run(loaded)
    assert tomllib.loads(text)["decisions"]["on"] == 0.75
    assert load(write(tmp_path / "s.toml", text), {}).settings == loaded.settings


def test_alone_leaves_the_log_and_what_is_heard(tmp_path):
    """The demo must not speak to the broker of the service on the same machine."""
    text = "[mqtt]\nurl = 'mqtt://host'\n[log]\nfile = 'x'\n[decisions]\non = 0.7"
    alone = load(write(tmp_path / "s.toml", text), {}).settings.alone()
    assert (alone.mqtt.url, alone.log.file, alone.decisions.on) == ("", "x", 0.7)

"""Sources in the settings file: names, places, their own settings, and secrets that stay secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamseg.capture.choose import SourceOptions
from streamseg.commands import config
from streamseg.commands.sources import choose
from streamseg.errors import ConfigError, UsageError
from streamseg.settings import Loaded, load, own_settings
from streamseg.settings_sources import expand

TWO = """
[decisions]
silence_dbfs = -60

[[sources]]
name = "studio 1"
url = "http://me:${STUDIO_PASSWORD}@radio.example/live"
channel = "mid"

[sources.decisions]
silence_dbfs = -55

[[sources]]
name = "line"
device = "USB"
rate_hz = 44100
"""


def read(text: str, folder: Path, **flags: object) -> Loaded:
    """Load a settings file."""
    path = folder / "streamseg.toml"
    path.write_text(text)
    return load(path, environment={}, flags={k.replace("__", "."): v for k, v in flags.items()})


def test_every_source_goes_by_its_own_settings(tmp_path: Path) -> None:
    """What a source sets goes before the general settings, and before flags; the rest is theirs."""
    loaded = read(TWO, tmp_path, capture__channel="side", decisions__on=0.7)
    studio, line = (own_settings(loaded.settings, source) for source in loaded.sources)
    assert (studio.capture.channel, line.capture.channel) == ("mid", "side")
    assert (studio.decisions.silence_dbfs, line.decisions.silence_dbfs) == (-55, -60)
    assert studio.decisions.on == line.decisions.on == 0.7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[sources]]\nname = "a"', r"\[\[sources\]\] number 1: expected one of url, device"),
        ('[[sources]]\nname = "a"\nurl = "x"\n', "expected a url with ://"),
        ('[[sources]]\nurl = "http://x/y"\n', "number 1: name: [Ff]ield required"),
        ('[[sources]]\nname = "a"\nfile = "x"\nvolume = 3\n', "volume: [Ee]xtra inputs"),
        (
            '[[sources]]\nname = "a"\nfile = "x"\n[sources.decisions]\non = 7\n',
            "source 'a': .*decisions.on",
        ),
        (
            '[[sources]]\nname = "a"\nfile = "x"\n[sources.capture]\nspeed = 7\n',
            "source 'a': .*capture.speed",
        ),
        (2 * '[[sources]]\nname = "a"\nfile = "x"\n', "'a' 2 times"),
        ('sources = "all"\n', r"expected sources as \[\[sources\]\], got 'all'"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    """The file, the number or name of the source, and what is wrong."""
    with pytest.raises(ConfigError, match=message) as caught:
        read(text, tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_secrets_come_from_the_environment() -> None:
    """When the source is made, and not before; one that is missing is an error with its name."""
    assert expand("http://a:${P}@h/${Q_1}", "x", {"P": "1", "Q_1": "2"}) == "http://a:1@h/2"
    assert expand("http://h/$P", "x", {}) == "http://h/$P"
    with pytest.raises(ConfigError, match=r"source 'x': expected the environment to have P,"):
        expand("http://a:${P}@h/", "x", {})


def test_no_secret_is_printed(tmp_path: Path) -> None:
    """Neither what stands in the file nor what a variable would bring; and it is TOML again."""
    text = TWO + '\n[[sources]]\nname = "b"\nurl = "http://me:hunter2@h/l?token=hunter3"\n'
    printed = config.run(read(text, tmp_path))
    assert "hunter" not in printed
    again = read(printed, tmp_path)
    assert [source.name for source in again.sources] == ["studio 1", "line", "b"]
    assert again.sources[0].decisions == {"silence_dbfs": -55}
    assert again.sources[1].rate_hz == 44100


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    """Two sources of the settings file."""
    monkeypatch.setenv("STUDIO_PASSWORD", "hunter2")
    return read(TWO, tmp_path)


def names(texts: list[str], loaded: Loaded) -> list[str]:
    """What would be monitored."""
    chosen = choose(texts, loaded.sources, SourceOptions(), loaded.settings)
    return [each.source.name for each in chosen]


def test_the_command_line_goes_before_the_file(loaded: Loaded) -> None:
    """All of the file's sources, or those that are named, or something else beside them."""
    assert names([], loaded) == ["studio 1", "line"]
    assert names(["line"], loaded) == ["line"]
    assert names(["studio 1", "Mic"], loaded) == ["studio 1", "Mic"]
    assert names([], Loaded(loaded.settings, {})) == ["default"]


def test_one_source_must_be_there_and_several_are_waited_for(loaded: Loaded) -> None:
    """A box with many sources comes up in any order."""
    for texts, waits in ((["line"], False), ([], True), (["line", "Mic"], True)):
        chosen = choose(texts, loaded.sources, SourceOptions(), loaded.settings)
        assert {each.settings.capture.retry_at_start for each in chosen} == {waits}


def test_a_source_comes_only_once(loaded: Loaded) -> None:
    """Events are told apart by name."""
    with pytest.raises(UsageError, match="got line 2 times"):
        names(["line", "line"], loaded)

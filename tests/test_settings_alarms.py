"""What a person may write about alarms, and what is told of it when it makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamseg.errors import ConfigError
from streamseg.settings import Settings, load
from streamseg.settings_alarms import RULES, parse_window


def alarms(text: str, folder: Path, environment: dict[str, str] | None = None) -> Settings:
    """Settings from a file with this table of alarms."""
    path = folder / "s.toml"
    path.write_text(f"[alarms]\n{text}\n")
    return load(path, environment or {}).settings


def test_an_entry_of_the_schedule_is_read_as_it_is_said() -> None:
    """Days, hours, what, and how long."""
    window = parse_window("mon-fri 06:00-09:30 needs speech 10 min")
    assert window.days == {0, 1, 2, 3, 4}
    assert (window.begin_s, window.end_s) == (6 * 3600, 9 * 3600 + 1800)
    assert (window.label, window.wanted, window.patience_s) == ("speech", True, 600)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("daily", {0, 1, 2, 3, 4, 5, 6}),
        ("weekend", {5, 6}),
        ("weekdays", {0, 1, 2, 3, 4}),
        ("sat-mon", {5, 6, 0}),
        ("Tue,thu,sat-sun", {1, 3, 5, 6}),
    ],
)
def test_days_may_be_said_in_many_ways(days: str, expected: set[int]) -> None:
    """Names, ranges over the end of the week, groups, and lists of them."""
    assert parse_window(f"{days} 0:00-24:00 no music 30s").days == expected


def test_a_window_may_go_over_midnight() -> None:
    """Then it ends on the next day."""
    assert parse_window("fri 22:00-02:00 no speech 1 h").end_s == 26 * 3600


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("", 'expected "DAYS HH:MM-HH:MM needs'),
        ("mon 6-9 needs speech 10 min", 'expected "DAYS HH:MM-HH:MM needs'),
        ("mon 06:00-09:00 needs noise 10 min", 'expected "DAYS'),
        ("mon 06:00-25:00 needs speech 1 min", "expected a time from 00:00 to 24:00, got 25:00"),
        ("mon 06:75-09:00 needs speech 1 min", "got 06:75"),
        ("someday 06:00-09:00 needs speech 1 min", "expected days such as mon-fri"),
        ("mon-tue-wed 06:00-09:00 needs speech 1 min", "expected days such as mon-fri"),
        ("mon 06:00-06:10 needs speech 11 min", "from 1 s to that of the window, 600 s"),
        ("mon 06:00-06:10 no speech 0 s", "from 1 s to that of the window"),
    ],
)
def test_a_wrong_entry_says_what_was_expected(entry: str, why: str) -> None:
    """With an example, or with what is wrong in it."""
    with pytest.raises(ValueError, match=why):
        parse_window(entry)


def test_a_schedule_stands_in_the_settings_file(tmp_path: Path) -> None:
    """A list of sentences; a wrong one names the key and leaves with 78."""
    chosen = alarms('schedule = ["daily 6:00-9:00 needs speech 5 min"]', tmp_path)
    assert chosen.alarms.schedule == ("daily 6:00-9:00 needs speech 5 min",)
    with pytest.raises(ConfigError, match=r"alarms.schedule = .*daily.*got 'daily'"):
        alarms('schedule = ["daily"]', tmp_path)


def test_lists_come_from_the_environment_too(tmp_path: Path) -> None:
    """Rules between commas, entries between semicolons."""
    environment = {
        "STREAMSEG_ALARMS_OFF": "true_peak, clipping",
        "STREAMSEG_ALARMS_SCHEDULE": "mon 6:00-7:00 no music 1 min; tue 6:00-7:00 no music 1 min",
    }
    chosen = alarms("", tmp_path, environment).alarms
    assert chosen.off == ("true_peak", "clipping")
    assert len(chosen.schedule) == 2


def test_an_unknown_rule_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    """A typing error must not leave an alarm on."""
    with pytest.raises(ConfigError, match=r"alarms.off = .*expected rules out of dead_air,"):
        alarms('off = ["dead-air"]', tmp_path)


def test_the_warning_must_come_before_the_alarm(tmp_path: Path) -> None:
    """Dead air warns first."""
    with pytest.raises(ConfigError, match=r"dead_air_warn_s .40. must not exceed"):
        alarms("dead_air_warn_s = 40", tmp_path)


def test_every_rule_is_described() -> None:
    """``docs/alarms.md`` has a row for each name."""
    text = (Path(__file__).parent.parent / "docs" / "alarms.md").read_text("utf-8")
    assert [rule for rule in RULES if f"`{rule}`" not in text] == []

"""The table of ``alarm_state`` row by row, and the limit of rate around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamseg.decisions.alarm_state import Alarm, Cleared, Patience, Raised

LIMITS = Patience(holds=(("warn", 5), ("alarm", 10)), bridge=2, recovery=4, relapse=3)


def play(alarm: Alarm, ticks: str, values: float | None = None) -> list[Raised | Cleared]:
    """``x`` bad, ``.`` good, ``?`` unknown; tick n turns at sample 100 n."""
    verdicts = {"x": True, ".": False, "?": None}
    said: list[Raised | Cleared] = []
    start = getattr(alarm, "played", 0)
    for number, tick in enumerate(ticks, start=start):
        said += alarm.step(verdicts[tick], 100 * number, values)
    alarm.played = start + len(ticks)  # type: ignore[attr-defined]
    return said


def said(ticks: str, **settings: int) -> list[Raised | Cleared]:
    """Everything that a fresh alarm says."""
    return play(Alarm(LIMITS, **settings), ticks)


def test_it_is_raised_when_it_has_lasted_and_dated_to_where_it_began() -> None:
    """Five bad ticks after three good ones: raised at the fifth, since sample 300."""
    assert said("...xxxx") == []
    assert said("...xxxxx") == [Raised("warn", 300, None)]


def test_a_shorter_break_does_not_begin_anew_a_longer_one_does() -> None:
    """One good tick is bridged and counts as time, two in a row forget the condition."""
    assert said("xx.xx") == [Raised("warn", 0, None)]
    assert said("xx..xx") == []
    assert said("xxxx.") == []


def test_it_grows_worse_with_time() -> None:
    """The second severity comes at its own time, with the same beginning, and once."""
    assert said("x" * 20) == [Raised("warn", 0, None), Raised("alarm", 0, None)]


def test_both_severities_at_once_are_said_as_the_higher() -> None:
    """Nobody needs a warning beside the alarm."""
    limits = Patience(holds=(("warn", 3), ("alarm", 3)), bridge=1, recovery=1, relapse=1)
    assert play(Alarm(limits), "xxx") == [Raised("alarm", 0, None)]


def test_it_is_cleared_when_it_stayed_good_and_dated_to_where_that_began() -> None:
    """Four good ticks; the end is the first of them."""
    assert said("xxxxx...") == [Raised("warn", 0, None)]
    assert said("xxxxx....")[1:] == [Cleared("warn", 0, 500, None)]


def test_a_short_relapse_belongs_to_the_recovery_a_long_one_ends_it() -> None:
    """Two bad ticks are borne, three are the condition again."""
    assert said("xxxxx..xx..")[1:] == [Cleared("warn", 0, 500, None)]
    again = said("xxxxx.xxx....")
    assert again[1:] == [Cleared("warn", 0, 900, None)]


def test_a_recovery_must_be_good_for_half_of_its_time() -> None:
    """One click every third tick is no programme: the condition goes on and grows worse."""
    limits = Patience(holds=(("warn", 5), ("alarm", 10)), bridge=2, recovery=7, relapse=3)
    changes = play(Alarm(limits), "xxxxx" + ".xx" * 20)
    assert changes == [Raised("warn", 0, None), Raised("alarm", 0, None)]


def test_unknown_ticks_do_not_exist() -> None:
    """They neither count towards an alarm nor towards its end."""
    assert said("xx??xx") == []
    assert said("xx??xxx") == [Raised("warn", 0, None)]
    assert said("xxxxx..??.") == [Raised("warn", 0, None)]


def test_the_worst_value_is_kept() -> None:
    """At raising that of the condition so far, at clearing that of all of it."""
    alarm = Alarm(LIMITS, max)
    assert play(alarm, "xxxxx", -3.0)[0].worst == -3.0
    assert play(alarm, "x", -1.0) == []
    assert play(alarm, "....", -9.0)[0].worst == -1.0


def test_a_hole_ends_what_was_not_raised_yet() -> None:
    """Nobody knows what the sound was like in between."""
    alarm = Alarm(LIMITS)
    assert play(alarm, "xxxx") == []
    alarm.interrupt()
    assert play(alarm, "xxxx") == []
    assert play(alarm, "x") == [Raised("warn", 400, None)]


def test_a_hole_does_not_clear_what_is_raised_and_breaks_a_recovery() -> None:
    """Three good ticks before the hole and three behind it are not four."""
    alarm = Alarm(LIMITS)
    play(alarm, "xxxxx...")
    alarm.interrupt()
    assert play(alarm, "...") == []
    assert play(alarm, ".") == [Cleared("warn", 0, 800, None)]


def test_the_end_of_the_sound_clears_what_is_raised_and_nothing_else() -> None:
    """A pending condition was never said."""
    alarm = Alarm(LIMITS)
    play(alarm, "xxxxx")
    assert alarm.close(777) == [Cleared("warn", 0, 777, None)]
    play(alarm, "xxxx")
    assert alarm.close(2000) == []


def test_an_alarm_that_comes_too_often_is_counted() -> None:
    """The third within the window is the last that is said; the fourth and fifth are counted."""
    wave = "xxxxx...."
    alarm = Alarm(LIMITS, rate_max=3, rate_window=100)
    changes = play(alarm, wave * 5)
    assert [type(change) for change in changes] == [Raised, Cleared, Raised, Cleared, Raised]
    assert [change.flapping for change in changes if isinstance(change, Raised)] == [
        False,
        False,
        True,
    ]
    assert alarm.standing == "warn"
    (cleared,) = play(alarm, "." * 100)
    last_end = 100 * (4 * len(wave) + 5)
    assert cleared == Cleared("warn", 200 * len(wave), last_end, None, occurrences=3)
    assert play(alarm, wave)[0] == Raised("warn", alarm.played * 100 - 900, None)  # type: ignore[attr-defined]


def test_alarms_further_apart_than_the_window_are_all_said() -> None:
    """The rate counts the last hundred ticks alone."""
    changes = said(("xxxxx" + "." * 60) * 6, rate_max=3, rate_window=100)
    assert len(changes) == 12
    assert not any(change.flapping for change in changes if isinstance(change, Raised))


def test_a_flapping_alarm_that_grows_worse_is_said() -> None:
    """An alarm is never hidden behind a warning."""
    alarm = Alarm(LIMITS, rate_max=1, rate_window=100)
    play(alarm, "xxxxx....")
    assert alarm.standing == "warn"
    (worse,) = play(alarm, "x" * 12)
    assert worse == Raised("alarm", 900, None, flapping=True)
    (cleared,) = alarm.close(5000)
    assert (cleared.severity, cleared.start, cleared.end) == ("alarm", 0, 5000)
    assert isinstance(cleared, Cleared)
    assert cleared.occurrences == 2


def test_a_flapping_alarm_at_rest_ends_where_its_last_occurrence_did() -> None:
    """The end of the sound is not the end of a condition that was over."""
    alarm = Alarm(LIMITS, rate_max=1, rate_window=100)
    play(alarm, "xxxxx....")
    assert alarm.close(5000) == [Cleared("warn", 0, 500, None)]


@given(ticks=st.text("x.?", max_size=200), rate_max=st.integers(1, 4))
def test_what_is_raised_is_cleared_once(ticks: str, rate_max: int) -> None:
    """For any verdicts: raised and cleared alternate, warn goes to alarm only, ends come last."""
    alarm = Alarm(LIMITS, rate_max=rate_max, rate_window=30)
    standing: str | None = None
    for change in [*play(alarm, ticks), *alarm.close(100 * len(ticks))]:
        if isinstance(change, Raised):
            assert (standing, change.severity) in {
                (None, "warn"),
                ("warn", "alarm"),
                (None, "alarm"),
            }
            standing = change.severity
        else:
            assert change.severity == standing
            assert change.end >= change.start
            standing = None
    assert standing is None
    assert alarm.standing is None


@pytest.mark.parametrize("ticks", ["xxxxx", "xxxxx...", "xxxxxxxxxxxx..xx"])
def test_standing_says_what_was_said_last(ticks: str) -> None:
    """Between raised and cleared, and never otherwise."""
    alarm = Alarm(LIMITS)
    changes = play(alarm, ticks)
    assert alarm.standing == changes[-1].severity
    assert alarm.strict

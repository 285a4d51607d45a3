"""The rules about the programme, on segments: absences, noise, the schedule, hours and holes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamseg.decisions.alarms import AlarmChange, Alarms
from streamseg.decisions.segments import Closed, Decider, Opened
from streamseg.messages import Estimate, FrameGrid, Label, RuleBroken, Segment
from streamseg.settings import DecisionSettings
from streamseg.settings_alarms import AlarmSettings

RATE_HZ = 1000
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday

Spans = Sequence[tuple[Label, float, float]]


def alarms(start: datetime = MIDNIGHT, **changes: Any) -> Alarms:
    """Fresh ones; sample 0 was heard at ``start``."""

    def local(sample: int) -> datetime:
        return (start + timedelta(seconds=sample / RATE_HZ)).astimezone()

    return Alarms(RATE_HZ, AlarmSettings(**changes), lambda powers: None, local)


def play(engine: Alarms, spans: Spans, until_s: float, seed: int = 0) -> list[AlarmChange]:
    """Segments as the decider says them, in calls of any length."""
    rng = np.random.default_rng(seed)
    said: list[tuple[float, Opened | Closed]] = []
    for label, start_s, end_s in spans:
        start, end = round(start_s * RATE_HZ), round(end_s * RATE_HZ)
        said.append((start_s + 1, Opened(label, start)))
        said.append((end_s + 1, Closed(Segment(label, start, end, 0.9, 0.9, -20.0))))
    said.sort(key=lambda item: item[0])
    changes: list[AlarmChange] = []
    now_s = 0.0
    while now_s < until_s:
        now_s = min(until_s, now_s + float(rng.uniform(0.1, 20)))
        due = [decision for at_s, decision in said if at_s <= now_s]
        said = [item for item in said if item[0] > now_s]
        known_to = round(min(now_s - 1, until_s) * RATE_HZ)
        changes += engine.decided(due, known_to)
    return changes


def brief(changes: list[AlarmChange]) -> list[tuple[str, str, float]]:
    """Rule, severity or how it ended, and where, in seconds."""
    return [
        (change.rule, change.severity, change.start / RATE_HZ)
        if isinstance(change, RuleBroken)
        else (change.rule, "over", change.end / RATE_HZ)
        for change in changes
    ]


SPEECH: Spans = [("speech", 0.25, 100.7), ("speech", 400.3, 500.0)]


def test_an_absence_is_counted_from_the_end_of_the_last_sound() -> None:
    """Speech ends at 100.7 s; after two minutes without it is an alarm, until it comes back."""
    (broken, holds) = play(alarms(no_speech_min=2), SPEECH, 500)
    assert isinstance(broken, RuleBroken)
    assert broken.start == 100_700
    assert broken.value == pytest.approx(120, abs=1)
    assert (broken.threshold, broken.unit) == (120, "s")
    assert broken.text == "no speech for 2 min"
    assert brief([holds]) == [("no_speech", "over", 400.3)]
    assert holds.value == pytest.approx(299.6)


def test_absences_are_off_unless_somebody_asks() -> None:
    """Only the station knows what its programme must hold."""
    assert play(alarms(), [("music", 0, 5000)], 5000) == []


def test_a_segment_that_stays_open_is_no_absence() -> None:
    """A speaker who talks for three hours is present all the time, and not only at the end."""
    assert play(alarms(no_speech_min=10), [("speech", 0, 10_800)], 10_800) == []


def test_the_heartbeat_does_not_end_a_presence() -> None:
    """Three hours in pieces of one, closed and opened again."""
    hours: Spans = [("speech", 3600 * n, 3600 * (n + 1)) for n in range(3)]
    assert play(alarms(no_speech_min=1, no_music_min=200), hours, 10_800) == []


def test_a_call_ends_no_absence() -> None:
    """One second of speech in the middle: two minutes without are two minutes; 5 s are enough."""
    for length_s, expected in ((1.0, [("no_speech", "alarm", 0.0)]), (5.0, [])):
        spans: Spans = [("speech", 60, 60 + length_s)]
        assert brief(play(alarms(no_speech_min=2), spans, 150)) == expected


def test_noise_instead_of_programme_is_an_alarm() -> None:
    """Noise alone for a minute; beside a voice it is a street, not a dead line."""
    spans: Spans = [("noise", 10, 200), ("speech", 10, 100), ("music", 150.5, 200)]
    changes = play(alarms(noise_s=30), spans, 220)
    assert brief(changes) == [("noise_only", "alarm", 100.0), ("noise_only", "over", 150.5)]


def test_silence_is_no_noise() -> None:
    """That is what dead air is for."""
    assert play(alarms(noise_s=30), [("silence", 0, 300)], 300) == []


def test_what_nobody_heard_does_not_count() -> None:
    """Two hours without a source in the middle: neither an absence nor its end."""
    engine = alarms(no_speech_min=10)
    changes = play(engine, [("speech", 0, 60)], 361)
    engine.begin(7200 * RATE_HZ)
    assert changes == []
    later = engine.decided([], (7200 + 280) * RATE_HZ)
    assert later == []
    later = engine.decided([], (7200 + 400) * RATE_HZ)
    assert brief(later) == [("no_speech", "alarm", 60.0)]


def test_the_end_clears_what_is_raised() -> None:
    """Every raised rule is cleared, and says that it was the monitoring that ended."""
    engine = alarms(no_speech_min=1)
    assert len(play(engine, [], 100)) == 1
    (holds,) = engine.finish(100_000)
    assert not isinstance(holds, RuleBroken)
    assert holds.stopped
    assert holds.text == "no speech: monitoring ended after 1 min 40 s"


@given(seed=st.integers(0, 1000))
def test_any_split_of_the_decisions_gives_the_same_alarms(seed: int) -> None:
    """However much time a call covers."""
    spans: Spans = [*SPEECH, ("noise", 90.5, 405), ("music", 200, 201.5)]
    chosen = {"no_speech_min": 2, "noise_s": 30, "no_music_min": 1}
    assert play(alarms(**chosen), spans, 500, seed) == play(alarms(**chosen), spans, 500)


# Schedule


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Central European time with its summer, by a rule that needs no zone files."""
    if not hasattr(time, "tzset"):
        pytest.skip("the local zone cannot be set on this system")
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_music_where_speech_belongs(berlin: None) -> None:
    """News from 6 to 7 by the clock on the wall: music before it is fine, in it an alarm, and the
    end of the window ends it."""
    start = datetime(2026, 3, 2, 4, 59, tzinfo=UTC)  # 05:59 in Berlin, a Monday
    chosen = {"schedule": ["mon-fri 06:00-07:00 no music 30 s"]}
    changes = play(alarms(start, **chosen), [("music", 0, 4000)], 4000)
    assert brief(changes) == [
        ("schedule_unwanted_music", "alarm", 60.0),
        ("schedule_unwanted_music", "over", 3660.0),
    ]
    assert changes[0].threshold == 30
    assert changes[0].text == "music for 30 s where the schedule has none"
    sunday = datetime(2026, 3, 1, 4, 59, tzinfo=UTC)
    assert play(alarms(sunday, **chosen), [("music", 0, 4000)], 4000) == []


def test_speech_that_the_schedule_needs(berlin: None) -> None:
    """Missing from the first moment of the window: counted from there, not from yesterday."""
    start = datetime(2026, 3, 2, 4, 50, tzinfo=UTC)
    chosen = {"schedule": ["weekdays 06:00-07:00 needs speech 2 min"]}
    spans: Spans = [("music", 0, 900), ("speech", 900, 1500)]
    changes = play(alarms(start, **chosen), spans, 1500)
    assert brief(changes) == [
        ("schedule_missing_speech", "alarm", 600.0),
        ("schedule_missing_speech", "over", 900.0),
    ]


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(berlin: None) -> None:
    """Saturday 22:00 to 02:00 goes on into Sunday; Sunday night is free."""
    chosen = {"schedule": ["sat 22:00-02:00 no speech 1 min"]}
    for day, expected in ((1, True), (2, False)):  # 1 March 2026 is a Sunday
        start = datetime(2026, 3, day, 0, 0, tzinfo=UTC)  # 01:00 in Berlin
        found = play(alarms(start, **chosen), [("speech", 0, 300)], 300)
        assert bool(found) == expected


def test_the_clock_of_the_schedule_goes_with_summer_time(berlin: None) -> None:
    """On 29 March 2026 two becomes three: the window at 03:00 begins one real hour after 02:00."""
    start = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)  # 01:59, a minute before the change
    chosen = {"schedule": ["daily 03:00-04:00 no music 30 s"]}
    changes = play(alarms(start, **chosen), [("music", 0, 200)], 200)
    assert brief(changes) == [("schedule_unwanted_music", "alarm", 60.0)]


def test_the_strictest_entry_counts() -> None:
    """Of two that overlap, the shorter patience."""
    chosen = {"schedule": ["daily 00:00-24:00 no music 5 min", "mon 0:00-24:00 no music 20 s"]}
    (broken, *_) = play(alarms(**chosen), [("music", 0, 400)], 400)
    assert broken.threshold == 20


# Together with the decider


def test_no_decision_comes_for_what_was_called_certain() -> None:
    """For random scores: whatever ``certain_to`` said, later decisions lie behind it."""
    rng = np.random.default_rng(3)
    grid = FrameGrid(RATE_HZ, 0.04, 0.02)
    decider = Decider(("music", "speech", "noise"), grid, DecisionSettings(heartbeat_s=20))
    certain, frame, decisions = 0, 0, 0
    for _ in range(400):
        count = int(rng.integers(1, 30))
        power = rng.choice([0.2, 1.0, 4.0])
        scores = (rng.random((count, 3)) ** power).astype(np.float32)
        level = rng.choice([-20.0, -90.0], count, p=[0.97, 0.03]).astype(np.float32)
        estimate = Estimate("a", decider.classes, scores, scores, level, frame, 0)
        frame += count
        for decision in decider.push(estimate):
            at = decision.start if isinstance(decision, Opened) else decision.segment.end
            assert at >= certain
            decisions += 1
        certain = decider.certain_to or 0
    assert decisions > 20
    assert certain > (frame * 0.04 - 10) * RATE_HZ

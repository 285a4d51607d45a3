"""What is on air now, as the outputs read it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from made_events import (
    RATE_HZ,
    cleared,
    closed,
    lost,
    opened,
    raised,
    restored,
    stamp,
    started,
    stopped,
)

from streamseg.messages import Estimate, Float32Array
from streamseg.sinks.board import Board, SourceState
from streamseg.sinks.events import AlarmAcknowledged, Event, Overload, SourceSilent, SourceSounding

CLASSES = ("music", "speech", "noise")


def board_of(*events: Event, live: bool = True) -> Board:
    """A board with one source that has heard of these events."""
    board = Board(["studio"], "activity", lambda source: live)
    for event in events:
        board.apply(event)
    return board


def the_source(board: Board) -> SourceState:
    """The state of the only source."""
    states: list[SourceState] = []
    board.read(states.append)
    assert len(states) == 1
    return states[0]


def estimate(
    provisional: Float32Array, early: Float32Array, level_dbfs: list[float], source: str = "studio"
) -> Estimate:
    """Estimates at the beginning of a stream."""
    level = np.array(level_dbfs, np.float32)
    return Estimate(source, CLASSES, provisional, provisional, level, 0, 0, early)


@pytest.mark.parametrize(
    ("events", "condition", "reason"),
    [
        ([], "waiting", ""),
        ([started()], "up", ""),
        ([started(), lost(5)], "lost", "unplugged"),
        ([started(), lost(5), restored(9, 4)], "up", ""),
        ([started(), stopped(5)], "ended", "end of source"),
    ],
)
def test_a_source_has_one_condition(events: list[Event], condition: str, reason: str) -> None:
    """Waiting, up, lost or ended, with the reason where there is one."""
    state = the_source(board_of(*events))
    assert (state.condition, state.reason) == (condition, reason)


def test_gaps_and_dropped_sound_are_summed() -> None:
    """Over all of a source's life."""
    overload = Overload(stamp(20), 0.5, "ring")
    state = the_source(
        board_of(started(), lost(5), restored(9, 4), overload, lost(30), restored(31, 1), overload)
    )
    assert (state.gaps, state.gap_s, state.dropped_samples) == (2, 5.0, RATE_HZ)


def test_digital_silence_is_kept_until_it_sounds() -> None:
    """A source that delivers nothing but zeros is up, and says so."""
    board = board_of(started(), SourceSilent(stamp(5), 10.0))
    assert the_source(board).silent
    board.apply(SourceSounding(stamp(30), 25.0))
    assert not the_source(board).silent


def test_open_segments_are_on_air_until_they_close() -> None:
    """Several labels at once, each by itself."""
    board = board_of(started(), opened(1, "music"), opened(2, "speech"))
    assert set(the_source(board).open) == {"music", "speech"}
    board.apply(closed(1, 3, "music"))
    assert set(the_source(board).open) == {"speech"}


def test_the_time_line_keeps_an_hour() -> None:
    """Older segments go, and a flood of short ones is bounded."""
    board = board_of(started())
    for second in range(0, 9000, 10):
        board.apply(closed(second, second + 5))
    spans = the_source(board).spans
    newest = spans[-1].end
    assert newest is not None
    assert all(
        span.end is not None and (newest - span.end).total_seconds() <= 3600 for span in spans
    )
    assert len(spans) == pytest.approx(360, abs=2)
    for number in range(10_000):
        board.apply(closed(9000 + number / 100, 9000 + number / 100 + 0.01))
    assert len(the_source(board).spans) <= 4000


def test_segment_seconds_never_go_down() -> None:
    """An open segment counts while it runs, and its back-dated end takes nothing away."""
    board = board_of(started(), opened(0))
    told = []
    for second in range(0, 20):
        board.measured("studio", 0, float(second), {})
        told.append(the_source(board).segment_s("music"))
    board.apply(closed(0, 14))
    told.append(the_source(board).segment_s("music"))
    board.apply(opened(30))
    board.measured("studio", 0, 40.0, {})
    told.append(the_source(board).segment_s("music"))
    assert told == sorted(told)
    assert told[19] == pytest.approx(16)
    assert told[-1] == pytest.approx(14 + 7)


def test_probabilities_are_the_newest() -> None:
    """What is said early counts, and the level is the mean power of the newest frames."""
    board = board_of(started())
    confirmed = np.array([[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]], np.float32)
    board.estimated(estimate(confirmed, np.empty((0, 3), np.float32), [-20.0, -20.0]))
    assert the_source(board).probability == pytest.approx(
        {"music": 0.2, "speech": 0.3, "noise": 0.4}
    )
    board.estimated(estimate(confirmed, np.array([[0.9, 0.8, 0.7]], np.float32), [-10.0, -110.0]))
    state = the_source(board)
    assert state.probability == pytest.approx({"music": 0.9, "speech": 0.8, "noise": 0.7})
    assert state.level_dbfs == pytest.approx(-13.0, abs=0.02)


def test_an_estimate_without_frames_changes_nothing() -> None:
    """The look-ahead of a network has not passed yet."""
    board = board_of(started())
    board.estimated(estimate(np.empty((0, 3), np.float32), np.empty((0, 3), np.float32), []))
    assert the_source(board).level_dbfs == -math.inf


def test_waiting_sound_is_what_was_heard_and_not_computed() -> None:
    """In seconds; none before the rate is known, never less than none."""
    board = Board(["studio"])
    board.heard("studio", 8000)
    assert the_source(board).queue_s == 0.0
    board.apply(started())
    board.heard("studio", 5 * RATE_HZ)
    board.measured("studio", RATE_HZ, 1.0, {})
    assert the_source(board).queue_s == pytest.approx(3.0)
    board.measured("studio", RATE_HZ, 9.0, {})
    assert the_source(board).queue_s == 0.0


def test_an_alarm_that_grows_is_one_alarm() -> None:
    """From warn to alarm, then seen, then over."""
    board = board_of(started(), raised(10, severity="warn"))
    assert [alarm.severity for alarm in board.alarms()] == ["warn"]
    board.apply(raised(10))
    board.apply(AlarmAcknowledged(stamp(50), "dead_air", "ana"))
    (alarm,) = board.alarms()
    assert (alarm.severity, alarm.acknowledged, alarm.cleared) == ("alarm", True, None)
    board.apply(cleared(10, 60))
    assert alarm.cleared == stamp(60).time
    assert not the_source(board).raised


def test_the_newest_hundred_alarms_are_kept() -> None:
    """Newest first."""
    board = board_of(started())
    for second in range(150):
        board.apply(raised(second, f"rule {second}"))
    rules = [alarm.rule for alarm in board.alarms()]
    assert rules == [f"rule {second}" for second in range(149, 49, -1)]


def test_events_of_a_source_that_is_not_on_the_board_are_counted_only() -> None:
    """Nothing breaks."""
    board = board_of(started(source="elsewhere"))
    assert board.events() == {"started": 1}
    assert the_source(board).condition == "waiting"


def test_the_realtime_factor_is_sound_over_work() -> None:
    """None yet is zero."""
    board = Board(["studio"])
    assert board.realtime_factor == 0.0
    board.worked(10.0, 0.5)
    board.worked(20.0, 0.5)
    assert board.realtime_factor == 30.0

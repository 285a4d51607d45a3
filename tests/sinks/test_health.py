"""What counts as stuck, and what is only a pity."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from made_events import RATE_HZ, lost, opened, restored, started

from streamseg.sinks.board import Board
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.fan_out import FanOut
from streamseg.sinks.health import Health


class Clock:
    """A monotonic clock that a test moves on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = time.monotonic()
        monkeypatch.setattr("streamseg.sinks.health.time.monotonic", lambda: self.now_s)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """For everything that looks at the time."""
    return Clock(monkeypatch)


def health_of(board: Board, tmp_path: Path) -> tuple[Health, FanOut]:
    """Of a board, with a log that works."""
    log = EventLog(tmp_path / "log.jsonl")
    fan_out = FanOut(log)
    return Health(board, log, fan_out), fan_out


def heard(board: Board, heard_s: float, computed_s: float) -> None:
    """So much was heard, so much was computed."""
    board.heard("studio", round(heard_s * RATE_HZ))
    board.measured("studio", 0, computed_s, {})


def test_work_that_goes_on_is_well(clock: Clock, tmp_path: Path) -> None:
    """For hours."""
    board = Board(["studio"])
    health, _ = health_of(board, tmp_path)
    board.apply(started())
    for second in range(1, 10_000, 1000):
        clock.now_s += 1000
        heard(board, second, second - 0.3)
        assert (health.stuck(), health.problems()) == ([], [])


def test_sound_that_is_not_computed_is_stuck(clock: Clock, tmp_path: Path) -> None:
    """The network hangs while its queue grows."""
    board = Board(["studio"])
    health, _ = health_of(board, tmp_path)
    board.apply(started())
    heard(board, 1, 1)
    for second in range(2, 40):
        clock.now_s += 1
        board.heard("studio", second * RATE_HZ)
    assert health.stuck() == ["studio: the network has done nothing for 38 s"]


def test_a_live_source_that_is_up_and_mute_is_stuck(clock: Clock, tmp_path: Path) -> None:
    """A loss would have been said long before; a file or a pipe may take its time."""
    live, file = Board(["studio"]), Board(["studio"], is_live=lambda source: False)
    for board in (live, file):
        board.apply(started())
        heard(board, 1, 1)
    clock.now_s += 70
    folders = [tmp_path / "live", tmp_path / "file"]
    for folder in folders:
        folder.mkdir()
    assert health_of(live, folders[0])[0].stuck() == [
        "studio: no sound for 70 s, and no word of a loss"
    ]
    assert health_of(file, folders[1])[0].stuck() == []


def test_a_lost_source_is_a_problem_and_no_reason_to_restart(clock: Clock, tmp_path: Path) -> None:
    """It is being opened again already, for hours if need be."""
    board = Board(["studio"])
    health, _ = health_of(board, tmp_path)
    board.apply(started())
    heard(board, 1, 1)
    board.apply(lost(1))
    clock.now_s += 10_000
    assert health.stuck() == []
    assert health.problems() == ["studio: lost: unplugged"]
    board.apply(restored(10_000, 9999))
    heard(board, 10_000, 10_000)
    assert health.problems() == []


def test_a_log_that_does_not_answer_is_stuck(clock: Clock, tmp_path: Path) -> None:
    """A network disk may hang for ever in a write."""
    health, fan_out = health_of(Board([]), tmp_path)
    fan_out.busy_since_s = clock.now_s
    clock.now_s += 20
    assert health.stuck() == []
    clock.now_s += 20
    assert health.stuck() == ["the event log has not answered for 40 s"]
    fan_out(opened(1))
    assert health.stuck() == []


def test_a_source_that_was_never_heard_is_a_problem(tmp_path: Path) -> None:
    """It may be waited for."""
    health, _ = health_of(Board(["studio"]), tmp_path)
    assert health.problems() == ["studio: has not been heard yet"]
    assert health.stuck() == []

"""Files beside a log by which somebody says that alarms were seen."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from streamseg.commands import ack
from streamseg.errors import (
    CannotWriteError,
    NoSuchInputError,
    SourceUnavailableError,
    UsageError,
)
from streamseg.sinks.acknowledgements import Acknowledgement, Inbox, ask


class Desk:
    """An inbox, what it was told, and a clock that goes on by itself."""

    def __init__(self, log: Path | None) -> None:
        self.told: list[tuple[str, str | None, str]] = []
        self.now_s = 0.0
        self.inbox = Inbox(
            log, lambda *said: self.told.append(said), ["a", "b"], lambda: self.now_s
        )

    def look(self) -> None:
        """A second later."""
        self.now_s += 1.0
        self.inbox.tend()


def test_what_is_left_is_taken_once(tmp_path: Path) -> None:
    """For the source that was named, or for all; then the files are gone."""
    log = tmp_path / "air.jsonl"
    desk = Desk(log)
    ask(log, Acknowledgement("dead_air", "b", "ana"))
    ask(log, Acknowledgement(None, None, "bob"))
    desk.look()
    desk.look()
    assert desk.told == [("b", "dead_air", "ana"), ("a", None, "bob"), ("b", None, "bob")]
    assert list(tmp_path.iterdir()) == []


def test_what_was_left_for_an_earlier_run_is_thrown_away(tmp_path: Path) -> None:
    """Those alarms ended with it."""
    log = tmp_path / "air.jsonl"
    ask(log, Acknowledgement(None, None, "ana"))
    desk = Desk(log)
    desk.look()
    assert desk.told == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"7", b'{"rule": 5, "source": null, "by": "x"}', b"\xff" * 10_000]
)
def test_anything_else_is_thrown_away(tmp_path: Path, content: bytes) -> None:
    """Whoever may write beside the log may write nonsense."""
    desk = Desk(tmp_path / "air.jsonl")
    (tmp_path / "air.jsonl.ack-1").write_bytes(content)
    desk.look()
    assert desk.told == []
    assert list(tmp_path.iterdir()) == []


def test_files_of_other_names_are_left_alone(tmp_path: Path) -> None:
    """Another log's acknowledgements, half-written ones, and the logs themselves."""
    names = {"air.jsonl", "air.jsonl.trace", "other.jsonl.ack-1", "air.jsonl.ack-1.tmp"}
    desk = Desk(tmp_path / "air.jsonl")
    for name in names:
        (tmp_path / name).write_text("{}")
    desk.look()
    assert {path.name for path in tmp_path.iterdir()} == names


def test_a_folder_that_is_not_there_takes_nothing(tmp_path: Path) -> None:
    """Neither does a log on standard output; both are no reason to fail."""
    for log in (None, tmp_path / "away" / "air.jsonl"):
        desk = Desk(log)
        desk.look()
        assert desk.told == []
    with pytest.raises(CannotWriteError, match="expected to write beside the log"):
        ask(tmp_path / "away" / "air.jsonl", Acknowledgement(None, None, "x"))


def test_the_verb_waits_until_the_monitor_has_it(tmp_path: Path) -> None:
    """And says what was acknowledged."""
    log = tmp_path / "air.jsonl"
    log.touch()
    desk = Desk(log)
    done = threading.Event()

    def monitor() -> None:
        while not done.wait(0.02):
            desk.look()

    thread = threading.Thread(target=monitor)
    thread.start()
    try:
        said = ack.run(log, "dead_air", None, "ana")
    finally:
        done.set()
        thread.join()
    assert said == "acknowledged by ana: dead_air of all sources"
    assert desk.told == [("a", "dead_air", "ana"), ("b", "dead_air", "ana")]


def test_the_verb_says_when_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves nothing behind for the next run."""
    monkeypatch.setattr(ack, "WAIT_S", 0.1)
    log = tmp_path / "air.jsonl"
    log.touch()
    with pytest.raises(SourceUnavailableError, match="expected a running monitor that writes"):
        ack.run(log, None, None, None)
    assert [path.name for path in tmp_path.iterdir()] == ["air.jsonl"]


def test_the_verb_knows_the_rules_and_the_log(tmp_path: Path) -> None:
    """A wrong name is found before anybody is asked."""
    with pytest.raises(UsageError, match=r"expected a rule of dead_air, .*, got 'deadair'"):
        ack.run(tmp_path / "air.jsonl", "deadair", None, None)
    with pytest.raises(NoSuchInputError, match="expected an event log at"):
        ack.run(tmp_path / "air.jsonl", None, None, None)

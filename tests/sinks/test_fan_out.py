"""No output holds up another, or the log."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from made_events import closed, opened
from servers import wait_until

from streamseg.sinks.event_log import EventLog
from streamseg.sinks.events import Event
from streamseg.sinks.fan_out import FanOut


class Collecting:
    """An output that keeps what it gets; it may be held, and it may break."""

    capacity = 5

    def __init__(self, name: str = "collecting", broken: type[Exception] | None = None) -> None:
        self.name = name
        self.events: list[Event] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.taken = threading.Event()
        self.ticks = 0
        self.closed = False
        self.abandoned = threading.Event()
        self._broken = broken

    def handle(self, event: Event) -> None:
        """Wait while held."""
        self.taken.set()
        while not (self.go_on.wait(0.01) or self.abandoned.is_set()):
            pass
        if self._broken:
            raise self._broken("a bug")
        self.events.append(event)

    def tick(self) -> None:
        """Counts."""
        self.ticks += 1

    def abandon(self) -> None:
        """Let go."""
        self.abandoned.set()

    def close(self) -> None:
        """The end."""
        self.closed = True


def seconds(output: Collecting) -> list[float]:
    """When the events were, in their own time."""
    return [event.stamp.sample / event.stamp.rate_hz for event in output.events]


@pytest.fixture
def log(tmp_path: Path):
    """A log on a disk."""
    made = EventLog(tmp_path / "log.jsonl")
    yield made
    made.close()


def logged(tmp_path: Path) -> list[float]:
    """When the logged events were."""
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    return [json.loads(line)["sample"] / json.loads(line)["rate_hz"] for line in lines]


def test_every_output_gets_every_event_in_order(log: EventLog, tmp_path: Path) -> None:
    """And is closed behind the last."""
    outputs = [Collecting("one"), Collecting("two")]
    fan_out = FanOut(log, outputs=outputs)
    fan_out.start()
    for second in range(5):
        fan_out(opened(second))
        time.sleep(0.01)
    fan_out.close()
    assert [seconds(output) for output in outputs] == [[0, 1, 2, 3, 4]] * 2
    assert logged(tmp_path) == [0, 1, 2, 3, 4]
    assert all(output.closed for output in outputs)


def test_the_log_has_an_event_before_anybody_else(log: EventLog, tmp_path: Path) -> None:
    """What hears of an event can find it in the file."""
    seen: list[list[float]] = []
    fan_out = FanOut(log, [lambda event: seen.append(logged(tmp_path))])
    fan_out(opened(1))
    assert seen == [[1]]
    fan_out.close()


def test_an_output_that_hangs_holds_up_nobody(log: EventLog, tmp_path: Path) -> None:
    """Its own oldest events go, counted; the log and the other output have them all."""
    notes: list[str] = []
    hanging, quick = Collecting("hanging"), Collecting("quick")
    hanging.go_on.clear()
    fan_out = FanOut(log, outputs=[hanging, quick], warn=notes.append)
    fan_out.start()
    fan_out(opened(0))
    assert hanging.taken.wait(10)
    for second in range(1, 20):
        fan_out(opened(second))
        wait_until(lambda second=second: len(quick.events) == second + 1, "the quick one")
    assert logged(tmp_path) == list(range(20))
    lane = fan_out.lanes[0]
    assert (lane.waiting, lane.dropped) == (5, 14)
    assert notes == ["hanging: too slow; the oldest events are dropped"]
    hanging.go_on.set()
    fan_out.close()
    assert seconds(hanging) == [0, 15, 16, 17, 18, 19]
    assert notes[1:] == ["hanging: 14 events were not delivered; the log has them all"]


def test_the_end_does_not_wait_for_ever(log: EventLog) -> None:
    """An output that hangs is abandoned, and the number of its events is told."""
    notes: list[str] = []
    hanging = Collecting("hanging")
    hanging.go_on.clear()
    fan_out = FanOut(log, outputs=[hanging], warn=notes.append)
    fan_out.start()
    fan_out(opened(0))
    assert hanging.taken.wait(10)
    fan_out.close(drain_s=0.1)
    assert hanging.abandoned.is_set()
    assert hanging.closed


def test_an_output_that_breaks_is_told_about_once(log: EventLog) -> None:
    """And goes on getting events."""
    notes: list[str] = []
    broken = Collecting("broken", broken=RuntimeError)
    fan_out = FanOut(log, outputs=[broken], warn=notes.append)
    fan_out.start()
    for second in range(3):
        broken.taken.clear()
        fan_out(closed(second, second + 1))
        assert broken.taken.wait(10)
    fan_out.close()
    assert notes == ["broken: RuntimeError: a bug"]


def test_an_idle_output_is_ticked(log: EventLog) -> None:
    """States and clips need no event to be due."""
    output = Collecting()
    fan_out = FanOut(log, outputs=[output])
    fan_out.start()
    wait_until(lambda: output.ticks >= 2, "two ticks")
    fan_out.close()

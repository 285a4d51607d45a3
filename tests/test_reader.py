"""What a source's thread says besides sound: waiting at the start, digital silence, set clocks."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from fake_source import RATE_HZ, FakeSource, cut
from tiny_network import write

from streamseg.capture.base import Delivery, Lost, Restored
from streamseg.errors import NoSuchInputError, SourceUnavailableError
from streamseg.messages import StreamFormat
from streamseg.models import Network, load_network
from streamseg.pipeline import Monitor
from streamseg.settings import Settings, load
from streamseg.sinks.events import ClockStep, Event, SourceLost, SourceRestored, Started
from streamseg.timekeeper import Now

WAIT_S = 30
HISS = np.random.default_rng(0).normal(0, 0.1, 5 * RATE_HZ).astype(np.float32)
ZEROS = np.zeros(5 * RATE_HZ, np.float32)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """The small network, ready to run."""
    return load_network("frame_conv", "cpu", write(tmp_path_factory.mktemp("models")))


def settings(**capture: float | bool) -> Settings:
    """The defaults with some changes, and short waits."""
    flags = {f"capture.{key}": value for key, value in capture.items()}
    quick = {"capture.retry_first_s": 0.05, "capture.retry_longest_s": 0.1}
    return load(environment={}, flags={**quick, **flags}).settings


def run(
    network: Network, source: FakeSource, **capture: float | bool
) -> tuple[Monitor, list[Event]]:
    """Run a source to its end."""
    events: list[Event] = []
    engine = Monitor([source], network, settings(**capture), events.append)
    engine.start()
    assert engine.wait(WAIT_S)
    engine.stop()
    return engine, events


class Late(FakeSource):
    """A source that is not there for the first attempts."""

    def __init__(self, script: list[Delivery | Exception], error: Exception, attempts: int) -> None:
        super().__init__(script, live=True)
        self.error, self.attempts = error, attempts

    def open(self) -> StreamFormat:
        """Works in the end."""
        self.attempts -= 1
        if self.attempts >= 0:
            raise self.error
        return super().open()


def test_a_source_that_comes_later_is_waited_for(network: Network) -> None:
    """It is lost from the beginning, restored when it opens, and then heard like any other."""
    source = Late(cut(HISS), SourceUnavailableError("server down"), 2)
    engine, events = run(network, source, retry_at_start=True)
    assert engine.failures == []
    names = [event.name for event in events]
    assert names[:3] == ["source_lost", "source_restored", "started"]
    assert names[-1] == "stopped"
    lost, restored = events[:2]
    assert isinstance(lost, SourceLost)
    assert (lost.reason, lost.stamp.sample) == ("server down", 0)
    assert isinstance(restored, SourceRestored)
    waited_s = (restored.stamp.time - lost.stamp.time).total_seconds()
    assert restored.gap_s == pytest.approx(waited_s, abs=0.05)
    assert restored.gap_s >= 0.05 + 0.1


@pytest.mark.parametrize("patient", [False, True])
def test_what_waiting_does_not_mend_is_an_error(network: Network, patient: bool) -> None:
    """A file that is not there, or a source that is not there where nobody waits."""
    error = NoSuchInputError("no file") if patient else SourceUnavailableError("down")
    engine, events = run(network, Late([], error, 9), retry_at_start=patient)
    assert [failure.error for failure in engine.failures] == [error]
    assert events == []


def test_waiting_can_be_stopped(network: Network) -> None:
    """A monitor whose source never came stops like any other."""
    events: list[Event] = []
    source = Late([], SourceUnavailableError("down"), 1_000_000)
    engine = Monitor([source], network, settings(retry_at_start=True), events.append)
    engine.start()
    while not events:
        threading.Event().wait(0.01)
    engine.stop()
    assert [event.name for event in events] == ["source_lost"]


def test_digital_silence_of_a_live_source_is_said_once_and_ended(network: Network) -> None:
    """Both events lie where the zeros begin and end, with their length."""
    source = FakeSource(cut(np.concatenate((HISS, ZEROS, HISS))), live=True)
    _, events = run(network, source, silent_s=2)
    silent, sounding = [event for event in events if event.name in SILENT]
    assert (silent.name, silent.stamp.sample) == ("source_silent", HISS.size)
    assert (sounding.name, sounding.stamp.sample) == ("source_sounding", 2 * HISS.size)
    assert sounding.silent_s == pytest.approx(5)


SILENT = ("source_silent", "source_sounding")


def test_zeros_in_a_file_are_the_files_own_business(network: Network) -> None:
    """A pause between two songs is no fault of a source that has an end."""
    source = FakeSource(cut(np.concatenate((HISS, ZEROS, HISS))))
    _, events = run(network, source, silent_s=2)
    assert not [event for event in events if event.name in SILENT]


def test_a_lost_source_ends_digital_silence(network: Network) -> None:
    """What comes after a gap has nothing to do with what was before it."""
    gap = 2 * RATE_HZ
    back = ZEROS.size + gap
    script = [*cut(ZEROS), Lost(ZEROS.size, "gone"), Restored(back, 2.0), *cut(HISS, first=back)]
    _, events = run(network, FakeSource(script, live=True), silent_s=2)
    assert [event.name for event in events if event.name in SILENT] == ["source_silent"]


class SetClock:
    """A machine whose clock somebody sets while a source is heard."""

    def __init__(self, source: FakeSource, step_s: float) -> None:
        self.source, self.step_s = source, step_s
        self.wall = datetime(2026, 5, 1, 12, tzinfo=UTC)
        self.total = len(source.script)

    def __call__(self) -> Now:
        """The time by how much of the source was read."""
        heard_s = (self.total - len(self.source.script)) * 0.1
        step_s = self.step_s if heard_s > 7 else 0.0
        return Now(self.wall + timedelta(seconds=heard_s + step_s), heard_s, 0.0)


@pytest.mark.parametrize("step_s", [3600.0, -86_400.0])
def test_a_clock_that_is_set_is_logged_and_followed(
    network: Network, monkeypatch: pytest.MonkeyPatch, step_s: float
) -> None:
    """Events before it keep the old time, later ones have the new; lengths are not touched."""
    source = FakeSource(cut(np.concatenate((ZEROS, HISS, ZEROS))), live=True)
    clock = SetClock(source, step_s)
    monkeypatch.setattr("streamseg.reader.read_clocks", clock)
    monkeypatch.setattr("streamseg.reader.now_s", lambda: clock().monotonic_s)
    _, events = run(network, source)
    [step] = [event for event in events if isinstance(event, ClockStep)]
    assert (step.step_s, step.cause) == (pytest.approx(step_s), "clock_set")
    assert step.stamp.sample == pytest.approx(7.1 * RATE_HZ, abs=RATE_HZ)
    begun = next(event for event in events if isinstance(event, Started))
    for event in events:
        expected = clock.wall + timedelta(seconds=event.stamp.sample / RATE_HZ)
        after = events.index(event) >= events.index(step)
        expected += timedelta(seconds=step_s if after else 0)
        assert abs((event.stamp.time - expected).total_seconds()) < 0.2, event
    silences = [e for e in events if e.name == "segment_close" and e.label == "silence"]
    assert [event.duration_s for event in silences] == pytest.approx([5, 5], abs=0.1)
    assert begun.stamp.time == clock.wall


def test_the_drift_of_a_source_stands_in_its_last_event(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card that is 500 parts per million fast: known after some minutes, logged at the end."""
    minutes = np.zeros(7 * 60 * RATE_HZ, np.float32)
    source = FakeSource(cut(minutes, size=RATE_HZ), live=True)
    total = len(source.script)
    wall = datetime(2026, 5, 1, 12, tzinfo=UTC)

    def now() -> Now:
        heard_s = (total - len(source.script)) / (1 + 500e-6)
        return Now(wall + timedelta(seconds=heard_s), heard_s, 0.0)

    monkeypatch.setattr("streamseg.reader.read_clocks", now)
    monkeypatch.setattr("streamseg.reader.now_s", lambda: now().monotonic_s)
    _, events = run(network, source)
    assert events[-1].drift_ppm == pytest.approx(500, abs=5)

"""Facts about the live engine: order of events, holes, errors, stopping."""

import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from fake_source import RATE_HZ, FakeSource, cut
from tiny_network import write

from streamseg.capture.base import Lost, Restored
from streamseg.errors import SourceUnavailableError
from streamseg.listener import Begin, Listener
from streamseg.messages import Block, Loss, StreamFormat
from streamseg.models import load_network
from streamseg.pipeline import Monitor
from streamseg.settings import load
from streamseg.sinks.events import Clock
from streamseg.stages import SourceFront
from streamseg.worker import Mailbox

WAIT_S = 30  # far longer than anything here takes


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The small network, ready to run."""
    return load_network("frame_conv", "cpu", write(tmp_path_factory.mktemp("models")))


def settings():
    """As a user without a settings file has them."""
    return load(environment={}).settings


def monitor(network, *sources):
    """Run sources to their end; returns the monitor and the events."""
    events = []
    engine = Monitor(sources, network, settings(), events.append)
    engine.start()
    assert engine.wait(WAIT_S)
    engine.stop()
    return engine, events


def names(events, source="fake"):
    """The kinds of events of one source, in order."""
    return [event.name for event in events if event.stamp.source == source]


SILENCE = np.zeros(5 * RATE_HZ, np.float32)
HISS = np.random.default_rng(0).normal(0, 0.1, 5 * RATE_HZ).astype(np.float32)


def silences(events):
    """Start and end in seconds of every silence in a log."""
    return [
        (event.stamp.sample / RATE_HZ - event.duration_s, event.stamp.sample / RATE_HZ)
        for event in events
        if event.name == "segment_close" and event.label == "silence"
    ]


def test_a_source_is_logged_from_start_to_stop(network):
    """started, what was heard, stopped; silence is found to a frame."""
    source = FakeSource(cut(np.concatenate((HISS, SILENCE, HISS))))
    _, events = monitor(network, source)
    assert names(events)[0] == "started"
    assert names(events)[-1] == "stopped"
    assert silences(events) == [pytest.approx((5, 10), abs=0.05)]
    assert events[-1].heard_s == 15
    assert source.closed


def test_a_silence_at_the_end_is_closed_at_the_last_sample(network):
    """What is open when the source ends is closed, not forgotten."""
    _, events = monitor(network, FakeSource(cut(np.concatenate((HISS, SILENCE)))))
    assert silences(events) == [pytest.approx((5, 10), abs=0.05)]


def test_sources_do_not_touch_each_other(network):
    """Each has its own events, and one that fails leaves the other alone."""
    broken = FakeSource([*cut(SILENCE), SourceUnavailableError("unplugged")], "broken")
    whole = FakeSource(cut(np.concatenate((SILENCE, HISS))), "whole")
    engine, events = monitor(network, broken, whole)
    assert silences([e for e in events if e.stamp.source == "whole"]) == [
        pytest.approx((0, 5), abs=0.05)
    ]
    assert [failure.source for failure in engine.failures] == ["broken"]
    assert [e for e in events if e.stamp.source == "broken"][-1].reason == "unplugged"


def test_what_was_heard_before_an_error_is_closed_and_logged(network):
    """A source that breaks loses nothing that was heard before."""
    script = [*cut(SILENCE), SourceUnavailableError("unplugged")]
    _, events = monitor(network, FakeSource(script))
    assert silences(events) == [pytest.approx((0, 5), abs=0.05)]


def test_a_source_that_does_not_open_logs_nothing(network):
    """Nothing was heard, so nothing is said; the error is kept."""

    class Closed(FakeSource):
        def open(self):
            raise SourceUnavailableError("no such device")

    engine, events = monitor(network, Closed([]))
    assert events == []
    assert str(engine.failures[0].error) == "no such device"


def test_a_lost_block_is_logged_and_does_not_cut_a_segment(network):
    """A tenth of a second of loss is filled with silence and counted."""
    script = cut(SILENCE)
    lost = script[10]
    script[10:11] = [Loss(lost.sample, 1600, "ring")]
    _, events = monitor(network, FakeSource(script, live=True))
    overload = next(event for event in events if event.name == "overload")
    assert (overload.dropped_s, overload.queue) == (0.1, "ring")
    assert silences(events) == [pytest.approx((0, 5), abs=0.05)]
    assert events[-1].dropped_s == pytest.approx(0.1)
    assert events[-1].heard_s == pytest.approx(4.9)


def test_a_long_hole_closes_what_was_open(network):
    """Nothing is said about sound that nobody heard."""
    gap = 4 * RATE_HZ
    script = [
        *cut(SILENCE),
        Lost(SILENCE.size, "connection reset"),
        Restored(SILENCE.size + gap, 4.0),
        *cut(SILENCE, first=SILENCE.size + gap),
    ]
    _, events = monitor(network, FakeSource(script, live=True))
    assert silences(events) == [pytest.approx((0, 5)), pytest.approx((9, 14))]
    order = [name for name in names(events) if name.startswith("source_")]
    assert order == ["source_lost", "source_restored"]
    assert (events[-1].heard_s, events[-1].dropped_s) == (pytest.approx(10), pytest.approx(4))
    # It is restored now, though the script's sound came faster than real time.
    restored = next(event for event in events if event.name == "source_restored")
    assert restored.stamp.time <= datetime.now(UTC)


def test_no_sound_is_dated_later_than_it_came(network, monkeypatch):
    """A server that sends twenty seconds at once when one connects does not move the clock."""
    monkeypatch.setattr("streamseg.timekeeper.LOOK_S", 0.0)
    twenty_s = np.concatenate((HISS, SILENCE, HISS, HISS))
    _, events = monitor(network, FakeSource(cut(twenty_s), live=True))
    now = datetime.now(UTC)
    assert all(event.stamp.time <= now + timedelta(seconds=0.1) for event in events)
    assert events[-1].stamp.time > now - timedelta(seconds=5)


def test_stop_closes_what_is_open(network):
    """A monitor that is stopped in the middle has a complete log."""
    released = threading.Event()

    class Endless(FakeSource):
        position = 0

        @property
        def exhausted(self):
            return False

        def read(self, timeout_s):
            block = Block(np.zeros(1600, np.float32), self.position)
            self.position += 1600
            if self.position > 5 * RATE_HZ:
                released.set()
            return block

    events = []
    engine = Monitor([Endless([])], network, settings(), events.append)
    engine.start()
    assert released.wait(WAIT_S)
    engine.stop()
    assert names(events)[-1] == "stopped"
    assert len(silences(events)) == 1
    assert silences(events)[0][0] == 0


def test_a_sink_that_breaks_ends_the_monitor_with_its_error(network):
    """An error in any thread stops all of them, and is not swallowed."""

    def sink(event):
        raise OSError("disk on fire")

    engine = Monitor([FakeSource(cut(SILENCE))], network, settings(), sink)
    engine.start()
    assert engine.wait(WAIT_S)
    with pytest.raises(OSError, match="disk on fire"):
        engine.stop()


def test_an_error_that_no_source_should_raise_is_not_swallowed(network):
    """It ends that source with its reason in the log, and the monitor raises it."""
    script = [*cut(SILENCE), ZeroDivisionError("a bug")]
    events = []
    engine = Monitor([FakeSource(script)], network, settings(), events.append)
    engine.start()
    assert engine.wait(WAIT_S)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        engine.stop()
    assert events[-1].reason == "ZeroDivisionError: a bug"
    assert len(silences(events)) == 1


def test_spectra_lost_at_the_end_of_a_stretch_are_not_taken_as_heard(network):
    """What was open closes where hearing ended, and the rest is logged as dropped."""
    events = []
    stream_format = StreamFormat(RATE_HZ, 1, "float32", "a test")
    begin = Begin("fake", stream_format, Clock(datetime.now(UTC), 0.0, RATE_HZ))
    listener = Listener(begin, network, settings(), events.append)
    front = SourceFront("fake", network.card, network.grid(RATE_HZ), 0.2)
    pieces = front.push(np.concatenate((SILENCE, SILENCE))) + front.finish(network.flush_frames)
    for spectra in pieces[:25]:
        listener.decide(network.run([listener.job(spectra)])[0])
    listener.note(front.end())
    overload = next(event for event in events if event.name == "overload")
    assert overload.dropped_s == pytest.approx(5, abs=0.1)
    assert silences(events) == [pytest.approx((0, 5), abs=0.1)]


class Slow:
    """A network that is held up until ``go`` is set."""

    def __init__(self, inner, go):
        self.inner, self.go = inner, go

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def run(self, jobs):
        """As the network, later."""
        self.go.wait(WAIT_S)
        return self.inner.run(jobs)


def test_a_live_source_waits_in_its_ring_while_the_network_is_behind(network):
    """What the source itself can keep is not lost in front of the network."""
    go = threading.Event()
    minute = np.concatenate([HISS] * 11 + [SILENCE])
    source = FakeSource(cut(minute), live=True)
    events = []
    engine = Monitor([source], Slow(network, go), settings(), events.append)
    engine.start()
    left = 0
    while left != len(source.script):  # until it is not read any more
        left = len(source.script)
        go.wait(0.5)
    assert left > 400  # of 600: a second or so went on
    go.set()
    assert engine.wait(WAIT_S)
    engine.stop()
    assert "overload" not in names(events)
    assert silences(events) == [pytest.approx((55, 60), abs=0.05)]


def test_a_network_too_slow_for_a_live_source_drops_and_says_so(network, monkeypatch):
    """The oldest spectra go, the log says how much, and the times after it stay right."""
    # As when what was read already is more than the network has room for.
    monkeypatch.setattr(Mailbox, "crowded", False)
    slow = threading.Event()
    minute = np.concatenate([HISS] * 11 + [SILENCE[: 3 * RATE_HZ]])
    source = FakeSource(cut(minute), live=True)
    events = []
    engine = Monitor([source], Slow(network, slow), settings(), events.append)
    engine.start()
    while not source.exhausted:
        slow.wait(0.01)
    slow.set()
    assert engine.wait(WAIT_S)
    engine.stop()
    overload = [event for event in events if event.name == "overload"]
    assert sum(event.dropped_s for event in overload) > 30
    assert events[-1].heard_s + events[-1].dropped_s == pytest.approx(58, abs=0.1)
    assert overload[0].queue == "network"
    assert silences(events) == [pytest.approx((55, 58), abs=0.05)]

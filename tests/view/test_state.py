"""Facts about what the window is told, without a window."""

import threading
import tracemalloc

import numpy as np
import pytest

from streamseg.messages import Block, Mask
from streamseg.sinks.events import Overload, SourceLost, SourceRestored, Stopped
from streamseg.view.feed import Feed
from streamseg.view.state import ViewState

RATE_HZ = 16_000
NOISE = np.random.default_rng(0).normal(0, 0.1, 10 * RATE_HZ).astype(np.float32)


def test_the_snapshot_of_a_new_state_is_idle():
    """Nothing is shown of nothing."""
    snapshot = ViewState(60).snapshot()
    assert snapshot.condition == "idle"
    assert snapshot.spans == ()


def test_sound_becomes_columns_to_its_last_whole_one(station):
    """A column is 40 ms; the last of ten seconds still waits for its window."""
    station.hear(NOISE)
    station.settle()
    snapshot = station.state.snapshot()
    assert 9.9 <= snapshot.seconds(snapshot.heard) <= 10
    pixels = station.state.pixels(0, snapshot.heard // snapshot.hop, 1.0)
    assert pixels.present.all()


@pytest.mark.parametrize("columns_per_pixel", [0.2, 0.9, 1.0, 1.7, 8.0, 20.0])
def test_pixels_show_the_columns_that_they_cover(station, columns_per_pixel):
    """A click is in the pixel of its moment at every zoom."""
    sound = np.zeros(10 * RATE_HZ, np.float32)
    sound[5 * RATE_HZ + 100] = 1
    station.hear(sound)
    station.settle()
    column = (5 * RATE_HZ + 100) // station.state.snapshot().hop
    pixels = station.state.pixels(0, int(240 / columns_per_pixel), columns_per_pixel)
    loudness = pixels.data.astype(int).sum(axis=1)
    loudest = np.flatnonzero(loudness == loudness.max())
    covered = loudest * columns_per_pixel
    assert covered.min() - 1 <= column <= covered.max() + columns_per_pixel


def test_a_hole_in_the_sound_is_a_gap_and_not_a_picture(station):
    """What nobody heard is never drawn."""
    station.hear(NOISE[: 4 * RATE_HZ])
    station.miss(3)
    station.hear(NOISE[: 4 * RATE_HZ])
    station.settle()
    snapshot = station.state.snapshot()
    gap = snapshot.gaps[0]
    assert (gap.start, gap.stop, gap.kind) == (4 * RATE_HZ, 7 * RATE_HZ, "lost")
    present = station.state.pixels(0, 270, 1.0).present
    assert present[:95].all()
    assert not present[101:174].any()
    assert present[176:].all()


def test_blocks_that_the_window_dropped_are_not_called_lost():
    """The analysis heard them: another hatch, and another number."""
    state = ViewState(60)
    feed = Feed(state, state.opening("studio"))
    feed._mailbox._capacity = 4
    from streamseg.messages import FrameGrid, StreamFormat
    from streamseg.view.records import SourceInfo

    info = SourceInfo("studio", "activity", "CPU", ("music",), 0.5, 0.2, 0.6, 0.4)
    release = threading.Event()
    analyse = feed._worker._handle
    feed._worker._handle = lambda pieces: (release.wait(10), analyse(pieces))
    feed.open(info, StreamFormat(RATE_HZ, 1, "float32", ""), FrameGrid(RATE_HZ, 0.02, 0), False)
    for index in range(20):
        feed.tap("studio", Block(NOISE[:1600], index * 1600))
    release.set()
    feed.close()
    snapshot = state.snapshot()
    state.close()
    assert {gap.kind for gap in snapshot.gaps} == {"undrawn"}
    assert snapshot.health.undrawn_s == pytest.approx(1.5, abs=0.11)
    assert snapshot.health.dropped_s == 0


def test_the_spans_are_the_segments_of_the_log(station):
    """Opened, closed, and open to the end."""
    station.hear(NOISE)
    station.think(music=0.9, seconds=9)
    station.open_segment("music", 1.0)
    station.open_segment("speech", 2.0)
    station.close_segment("music", 1.0, 6.0)
    snapshot = station.state.snapshot()
    found = [(span.label, span.start, span.end) for span in snapshot.spans]
    assert found == [("music", RATE_HZ, 6 * RATE_HZ), ("speech", 2 * RATE_HZ, None)]
    assert snapshot.open_labels == ("speech",)
    assert snapshot.seconds(snapshot.confirmed) == pytest.approx(9, abs=0.03)


def test_a_heartbeat_closes_and_opens_without_a_second_open_span(station):
    """A long segment is two spans end to end."""
    station.open_segment("music", 1.0)
    station.close_segment("music", 1.0, 5.0)
    station.open_segment("music", 5.0)
    spans = station.state.snapshot().spans
    assert [(span.start, span.end) for span in spans] == [
        (RATE_HZ, 5 * RATE_HZ),
        (5 * RATE_HZ, None),
    ]


def test_a_lost_source_grows_a_gap_until_it_is_back(station):
    """Time goes on: the picture moves, and what is not heard is hatched."""
    station.hear(NOISE)
    station.settle()
    station.sink(SourceLost(station.stamp(10), reason="connection reset"))
    snapshot = station.state.snapshot()
    later = station.state.snapshot(now_s=station.state._timing.last_arrival_s + 5)
    assert later.condition == "lost"
    assert later.reason == "connection reset"
    assert later.seconds(later.edge) == pytest.approx(15, abs=0.1)
    assert later.heard == snapshot.heard
    station.sink(SourceRestored(station.stamp(15), gap_s=5))
    at_s = station.state._timing.last_arrival_s
    assert station.state.snapshot(now_s=at_s).condition == "live"


def test_a_line_that_delivers_nothing_is_not_called_live(station):
    """A frozen server gives no error."""
    station.hear(NOISE[:RATE_HZ])
    station.settle()
    later = station.state.snapshot(now_s=station.state._timing.last_arrival_s + 3)
    assert later.condition == "starved"
    assert later.health.silent_for_s == pytest.approx(3)


def test_alarms_wait_for_somebody(station):
    """One by one, or all."""
    station.sink(Overload(station.stamp(1), dropped_s=0.5, queue="ring"))
    station.sink(SourceLost(station.stamp(2), reason="gone"))
    snapshot = station.state.snapshot()
    assert snapshot.unacknowledged == 2
    assert snapshot.health.dropped_s == 0.5
    number = next(event.number for event in snapshot.events if event.alarm)
    station.state.acknowledge(number)
    assert station.state.snapshot().unacknowledged == 1
    station.state.acknowledge()
    assert station.state.snapshot().unacknowledged == 0


def test_another_source_forgets_the_sound_of_the_first_and_ignores_its_threads(station):
    """Records of the old session come too late; its events stay listed, as in the log."""
    old = station.feed
    station.hear(NOISE[:RATE_HZ])
    station.open_segment("music", 0.0)
    station.settle()
    station.begin()
    old.tap("studio", Block(NOISE[:1600], RATE_HZ))
    old.sink(Stopped(station.stamp(1), "stopped", 1.0, 0.0, 0, 0))
    snapshot = station.state.snapshot()
    assert (snapshot.heard, snapshot.spans, snapshot.condition) == (0, (), "live")
    listed = [(line.session, line.event.name) for line in snapshot.events]
    assert listed == [(1, "started"), (1, "segment_open"), (2, "started"), (1, "stopped")]


def test_an_alarm_that_nobody_has_seen_survives_another_source(station):
    """And so does that somebody has seen it."""
    station.sink(Overload(station.stamp(1), dropped_s=0.5, queue="ring"))
    station.begin()
    assert station.state.snapshot().unacknowledged == 1
    station.state.acknowledge()
    station.begin()
    snapshot = station.state.snapshot()
    assert snapshot.unacknowledged == 0
    assert [line.acknowledged for line in snapshot.events if line.alarm] == [True]


def test_what_is_acknowledged_of_the_open_source_is_told_once(station):
    """The log need not hear of the same thing twice, nor of what is no more on."""
    station.sink(Overload(station.stamp(1), dropped_s=0.5, queue="ring"))
    station.begin()
    station.sink(SourceLost(station.stamp(2), reason="gone"))
    assert station.state.acknowledge() == ["source_lost"]
    assert station.state.acknowledge() == []


def test_the_sound_is_kept_in_stereo_where_it_came_in_stereo(station):
    """The networks hear the mix; a person hears both."""
    left, right = NOISE[:RATE_HZ], 0.5 * NOISE[:RATE_HZ]
    both = np.stack((left, right), axis=1)
    station.feed.tap("studio", Block((left + right) / 2, 0, both))
    station.settle()
    np.testing.assert_allclose(station.state.audio(0, RATE_HZ), both.clip(-1, 1), atol=1 / 32767)


def test_the_mask_of_a_stretch_has_holes_where_there_was_none(station):
    """On the grid of the columns; zero in every class."""
    station.hear(NOISE[: 4 * RATE_HZ])
    station.settle()
    assert station.state.mask(0, RATE_HZ) is None
    prob = np.ones((3, 4, 10), np.float32) / 3
    freq_hz = np.array([1000.0, 3000, 5000, 7000])
    names = ("music", "speech", "noise")
    station.state.show_mask(Mask("studio", names, prob, freq_hz, RATE_HZ, 0.1, True))
    mask = station.state.mask(0, 3 * RATE_HZ)
    assert mask.prob.shape == (3, 4, 75)
    assert mask.unit_s == pytest.approx(0.04)
    np.testing.assert_array_equal(np.flatnonzero(mask.prob.any(axis=(0, 1))), np.arange(25, 50))
    assert station.state.mask(3 * RATE_HZ, 4 * RATE_HZ) is None


def test_only_changed_columns_are_told(station):
    """New sound and late masks; too long ago means everything."""
    station.hear(NOISE)
    station.settle()
    state = station.state
    generation = state.snapshot().generation
    assert state.changes(generation) == []
    prob = np.ones((3, 4, 20), np.float32)
    freq_hz = np.array([100.0, 200, 300, 400])
    state.show_mask(Mask("studio", ("music", "speech", "noise"), prob, freq_hz, 0, 0.1, True))
    changes = state.changes(generation)
    assert [(change.first, change.stop) for change in changes] == [(0, 50)]
    assert state.changes(-5) is None
    assert state.snapshot().has_mask


def test_a_mask_of_another_source_is_not_shown(station):
    """Masks come from a thread of their own, and may come late."""
    prob = np.ones((1, 2, 20), np.float32)
    station.state.show_mask(Mask("other", ("music",), prob, np.array([1.0, 2]), 0, 0.1, True))
    assert not station.state.snapshot().has_mask


def test_the_cursor_reads_what_is_there(station):
    """Spectrum and probabilities of a moment; nothing where there is nothing."""
    station.hear(NOISE)
    station.think(music=0.8, seconds=5)
    station.settle()
    there = station.state.reading(2 * RATE_HZ)
    assert there.spectrum is not None
    assert there.confirmed == pytest.approx((0.8, 0, 0))
    assert there.provisional == pytest.approx((0.4, 0, 0))
    assert station.state.reading(7 * RATE_HZ).confirmed == ()
    assert station.state.reading(70 * RATE_HZ).spectrum is None


def test_the_sound_itself_is_kept(station):
    """To 16 bits."""
    station.hear(NOISE)
    station.settle()
    got = station.state.audio(RATE_HZ, 2 * RATE_HZ)
    expected = np.clip(NOISE[RATE_HZ : 2 * RATE_HZ], -1, 1)
    for channel in got.T:
        np.testing.assert_allclose(channel, expected, atol=1 / 32767)


def test_twenty_times_its_history_needs_no_more_memory_than_the_first_times(make_station):
    """A ring of a minute, with events and probabilities; an hour through a window is elsewhere."""
    station = make_station(history_s=60.0, rate_hz=4000)
    minute = np.random.default_rng(1).normal(0, 0.1, 60 * 4000).astype(np.float32)

    def play(first, minutes):
        for number in range(first, first + minutes):
            station.hear(minute, block=20_000)
            station.think(music=0.9, seconds=60)
            station.open_segment("music", number * 60.0)
            station.close_segment("music", number * 60.0, number * 60.0 + 50)
            station.catch_up()

    play(0, 4)
    tracemalloc.start()
    play(4, 4)
    before = tracemalloc.get_traced_memory()[0]
    play(8, 12)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    # 24 lines of the event list, which may hold 5000; the columns alone were 9 MB.
    assert grown < 200_000
    station.settle()
    snapshot = station.state.snapshot()
    assert snapshot.seconds(snapshot.heard) == pytest.approx(1200, abs=0.2)
    assert len(snapshot.spans) <= 3
    assert snapshot.seconds(snapshot.first) == pytest.approx(1140, abs=30)

"""Facts about what status bar, banner and the big words say."""

from dataclasses import replace

import numpy as np
import pytest

from streamseg.sinks.events import Overload, SourceLost, Stopped
from streamseg.view.panels.words import on_air
from streamseg.view.status import banner, fields
from streamseg.view.viewport import Viewport

pytestmark = pytest.mark.usefixtures("patient")
RATE_HZ = 16_000
LIVE = Viewport()


@pytest.fixture
def heard(station):
    """Two seconds of sound."""
    station.hear(np.full(2 * RATE_HZ, 0.1, np.float32))
    station.think(speech=0.9, seconds=2)
    return station


def texts(snapshot):
    """The status bar in one line."""
    return " | ".join(field.text for field in fields(snapshot, None))


def test_the_status_bar_names_source_format_and_what_runs(heard):
    """As negotiated, not as wished."""
    text = texts(heard.state.snapshot())
    assert "● live | studio | 16 kHz stereo float32 | activity on CPU" in text
    assert "dropped 0.00 s" in text


def test_no_number_is_shown_that_was_not_measured(heard):
    """No picture was drawn, and the network was not timed."""
    text = texts(heard.state.snapshot())
    assert "picture" not in text
    assert "network " not in text
    heard.feed.computed(1.0, 0.01)
    heard.state.drawn(heard.state.snapshot().heard)
    text = texts(heard.state.snapshot())
    assert "network 100×" in text
    assert "picture" in text


def test_networks_that_draw_are_named_with_what_they_left_out(heard):
    """Each for itself: the stems give way first."""
    source = heard.state._source
    heard.state._source = replace(source, mask="window_mask on CPU", stems="stem_unet_small on CPU")
    heard.feed.masks_dropped(0.0, 3.2)
    text = texts(heard.state.snapshot())
    assert "masks window_mask on CPU | stems stem_unet_small on CPU, 3.2 s left out" in text
    heard.feed.masks_dropped(1.5, 3.2)
    assert "masks window_mask on CPU, 1.5 s left out" in texts(heard.state.snapshot())


def test_a_live_healthy_picture_needs_no_banner(heard):
    """The banner means something."""
    heard.settle()
    assert banner(heard.state.snapshot(), LIVE, recent_drop=False) is None


def test_a_frozen_picture_says_how_far_it_is_behind(heard):
    """And how to go on."""
    heard.settle()
    view = Viewport(stop_s=1.0, live=False, edge_s=2.0)
    shown = banner(heard.state.snapshot(), view, recent_drop=False)
    assert shown.text.startswith("FROZEN, 1.0 s behind; the sound goes on.")
    assert shown.action == "live"


def test_dropped_sound_is_told_with_what_to_do(heard):
    """In the status bar for good, in the banner for a while."""
    heard.settle()
    heard.sink(Overload(heard.stamp(1), dropped_s=0.5, queue="ring"))
    snapshot = heard.state.snapshot()
    field = next(field for field in fields(snapshot, None) if "dropped" in field.text)
    assert (field.text, field.bad) == ("dropped 0.50 s", True)
    assert "choose a smaller network" in banner(snapshot, LIVE, recent_drop=True).text


def test_sound_that_waits_for_the_network_is_told(station):
    """Late is not live."""
    station.hear(np.full(20 * RATE_HZ, 0.1, np.float32))
    station.think(speech=0.9, seconds=2)
    station.settle()
    snapshot = station.state.snapshot()
    assert snapshot.health.queue_s == pytest.approx(17.1, abs=0.1)
    assert banner(snapshot, LIVE, recent_drop=False).text.startswith("LATE: 17")


def test_a_lost_source_outranks_everything(heard):
    """Also a frozen picture."""
    heard.sink(SourceLost(heard.stamp(2), reason="connection reset"))
    shown = banner(heard.state.snapshot(), Viewport(live=False), recent_drop=True)
    assert shown.kind == "alarm"
    assert "connection reset" in shown.text
    assert on_air(heard.state.snapshot()).status == "NO SOUND"


def test_the_end_of_a_source_is_not_live(heard):
    """It can be played again."""
    heard.sink(Stopped(heard.stamp(2), "end of source", 2.0, 0.0, 0, 1))
    assert banner(heard.state.snapshot(), LIVE, recent_drop=False).action == "again"


def test_a_failure_says_why_and_offers_to_try_again(heard):
    """The text is that of the error."""
    heard.state.finished(heard.state.session, "failed", "expected a device, got none; plug one in")
    shown = banner(heard.state.snapshot(), LIVE, recent_drop=False)
    assert shown.text.startswith("expected a device, got none; plug one in")
    assert shown.action == "retry"


def test_a_voice_over_a_bed_is_named_first(heard):
    """Whichever began first; the state is as old as its last change."""
    heard.open_segment("music", 0.0)
    heard.open_segment("speech", 1.5)
    heard.settle()
    state = on_air(heard.state.snapshot())
    assert state.labels == ("speech", "music")
    assert state.lasted_s == pytest.approx(0.45, abs=0.06)


def test_before_the_first_decision_it_listens(station):
    """Nothing is claimed."""
    assert on_air(station.state.snapshot()).status == "LISTENING"

"""Facts about the stretch of time in the picture."""

import pytest

from streamseg.view.viewport import SHORTEST_S, Viewport


@pytest.fixture
def view():
    """An hour is kept, a minute is shown."""
    made = Viewport(span_s=60)
    made.follow(400, 4000)
    return made


def test_a_live_view_follows_the_newest_sample(view):
    """Its right edge is now."""
    view.follow(401, 4001)
    assert (view.start_s, view.stop_s, view.live) == (3941, 4001, True)


def test_a_frozen_view_stands_while_the_source_goes_on(view):
    """It says how far it is behind."""
    view.toggle()
    view.follow(410, 4010)
    assert view.stop_s == 4000
    assert view.behind_s == 10
    view.toggle()
    assert (view.stop_s, view.live) == (4010, True)


def test_scrolling_back_freezes_and_forward_to_the_end_is_live(view):
    """No other key is needed."""
    view.scroll(-30)
    assert (view.stop_s, view.live) == (3970, False)
    view.scroll(100)
    assert (view.stop_s, view.live) == (4000, True)


def test_the_view_stays_inside_what_is_kept(view):
    """There is nothing before the oldest moment."""
    view.scroll(-10_000)
    assert view.start_s == 400
    view.oldest()
    assert view.start_s == 400
    view.show(1e9)
    assert view.stop_s == 4000


def test_zooming_keeps_the_moment_under_the_pointer(view):
    """While frozen; a live view keeps its edge."""
    view.scroll(-100)
    about = view.start_s + 15
    view.zoom(1, about)
    assert view.span_s == 40
    assert about - view.start_s == pytest.approx(10)
    view.go_live()
    view.zoom(-1)
    assert view.stop_s == 4000


def test_the_width_has_limits(view):
    """From two seconds to all that is kept."""
    view.zoom(100)
    assert view.span_s == SHORTEST_S
    view.zoom(-100)
    assert view.span_s == 3600


def test_a_jump_brings_a_moment_into_the_middle(view):
    """And holds it there."""
    view.show(1000)
    assert (view.start_s, view.stop_s, view.live) == (970, 1030, False)

"""Facts about what is said of the kind of music."""

from dataclasses import replace

import numpy as np
import pytest

from streamseg.messages import Genre
from streamseg.view.panels.genre import CAVEAT, kind_of

pytestmark = pytest.mark.usefixtures("patient")
RATE_HZ = 16_000
KINDS = ("house", "techno", "trance")


def genre(start_s, end_s, prob=(0.2, 0.7, 0.1)):
    """What the network says of a stretch."""
    values = np.array(prob, np.float32)
    return Genre("studio", KINDS, values, round(start_s * RATE_HZ), round(end_s * RATE_HZ))


@pytest.fixture
def playing(station):
    """Twenty seconds, music from the fifth on, and somebody who listens for its kind."""
    station.state._source = replace(station.state._source, genre="stem_genre on CPU")
    station.hear(np.zeros(20 * RATE_HZ), block=16_000)
    station.think(music=0.9, seconds=20)
    station.settle()
    station.open_segment("music", 5.0)
    return station


def said(station):
    """The line, with positions for times."""
    return kind_of(station.state.snapshot(), None)


def test_the_likeliest_kind_its_probability_and_its_stretch(playing):
    """And what the network was trained on."""
    playing.feed.genre(genre(8.0, 18.0))
    kind = said(playing)
    assert kind.text == "like techno 70 %, 00:08 – 00:18"
    assert CAVEAT in kind.tip
    assert "generated dance music" in kind.tip
    assert "techno 70 %, house 20 %, trance 10 %" in kind.tip


def test_nothing_is_said_while_no_music_is_on_air(playing):
    """A voice has no kind."""
    playing.feed.genre(genre(8.0, 18.0))
    playing.close_segment("music", 5.0, 19.0)
    assert said(playing).text == ""


def test_what_was_heard_before_the_music_began_is_not_said_of_it(playing):
    """Nor what is long past."""
    assert "listening" in said(playing).text
    playing.feed.genre(genre(0.0, 5.0))
    assert "listening" in said(playing).text
    playing.feed.genre(genre(0.0, 6.0))
    assert "techno" in said(playing).text
    playing.hear(np.zeros(5 * RATE_HZ), block=16_000)
    playing.begin()
    assert said(playing) is None


def test_an_old_word_is_taken_back(playing):
    """Where nothing newer comes, masks were left out."""
    playing.feed.genre(genre(0.0, 5.5))
    snapshot = playing.state.snapshot()
    assert "techno" in kind_of(snapshot, None).text
    later = replace(snapshot, edge=snapshot.edge + 10 * RATE_HZ)
    assert "listening" in kind_of(later, None).text


def test_the_line_is_there_only_where_a_network_listens(make_window, station, playing):
    """It says the same to who cannot see."""
    playing.feed.genre(genre(8.0, 18.0))
    window = make_window(playing.state)
    assert window.genre.isVisible()
    assert "techno 70 %" in window.genre.text()
    assert "techno 70 %" in window.genre.accessibleDescription()
    playing.begin()
    playing.hear(np.zeros(RATE_HZ), block=16_000)
    window.tick()
    assert not window.genre.isVisible()

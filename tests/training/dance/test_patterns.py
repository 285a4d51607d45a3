"""Drum grooves."""

import numpy as np
import pytest

from streamseg.training.dance import patterns
from streamseg.training.dance.basses import BASSES
from streamseg.training.dance.chords import PARTS
from streamseg.training.dance.genres import GENRES, Genre


def _mean_kick(genre: Genre) -> np.ndarray:
    random = np.random.default_rng(1)
    kicks = np.zeros(16)
    for groove, share in genre.grooves.items():
        drawn = [patterns.draw(random, groove)["kick"] for _ in range(40)]
        kicks += share * np.mean(drawn, axis=0).reshape(2, 16).mean(axis=0)
    return kicks


@pytest.mark.parametrize("groove", list(patterns.GROOVES))
def test_every_template_is_a_bar_of_known_marks(groove: str) -> None:
    """Templates have sixteen steps, or none, of marks with a known chance."""
    for templates in patterns.GROOVES[groove].values():
        for template in templates:
            assert len(template) in (0, 16)
            assert set(template) <= set(patterns._CHANCE)


def test_genres_differ_where_dancers_feel_it() -> None:
    """House, techno and trance have a kick on every beat; the other three do not."""
    for genre in GENRES.values():
        beats = _mean_kick(genre)[[0, 4, 8, 12]]
        if genre.name in ("house", "techno", "trance"):
            assert beats.min() > 0.6
        else:
            assert beats.min() < 0.2


def test_a_snare_on_the_third_beat_alone_is_half_time() -> None:
    """The groove of dubstep has its snare on step 8 and none on steps 4 and 12."""
    pattern = patterns.draw(np.random.default_rng(0), "half_time")
    assert pattern["snare"][8] > 0.7
    assert pattern["snare"][[4, 12]].max() < 0.6


def test_every_name_of_a_genre_is_known() -> None:
    """Grooves, basses and parts of the genres are there to be played."""
    for genre in GENRES.values():
        assert set(genre.grooves) <= set(patterns.GROOVES)
        assert set(genre.basses) <= set(BASSES)
        assert set(genre.parts) <= set(PARTS)


def test_tempi_overlap() -> None:
    """Every genre shares tempi with another, so that tempo alone cannot decide."""
    spans = {name: genre.bpm for name, genre in GENRES.items()}
    for name, (slowest, _, fastest) in spans.items():
        others = (span for other, span in spans.items() if other != name)
        assert any(slowest < span[2] and span[0] < fastest for span in others)

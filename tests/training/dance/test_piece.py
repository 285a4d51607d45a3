"""Generated pieces with exact stems."""

import numpy as np
import pytest

from streamseg.training.augment import rms
from streamseg.training.dance import piece
from streamseg.training.dance.genres import GENRES
from streamseg.training.data import RATE_HZ


@pytest.fixture(scope="module", params=list(GENRES))
def made(request: pytest.FixtureRequest) -> piece.Piece:
    """One short piece of every genre."""
    return piece.make(request.param, 5, seconds=4.0)


def test_the_mixture_is_the_sum_of_the_stems(made: piece.Piece) -> None:
    """Nothing is in the mixture that is in no stem, and nothing acts on the mixture alone."""
    total = sum(made.stems[name].astype(np.float64) for name in piece.STEMS)
    np.testing.assert_allclose(made.mixture, total, atol=1e-6)


def test_a_piece_has_its_length_and_does_not_clip(made: piece.Piece) -> None:
    """Every stem is as long as asked and finite; the mixture stays below full scale."""
    assert {stem.shape for stem in made.stems.values()} == {(4 * RATE_HZ,)}
    assert np.isfinite(made.mixture).all()
    assert 0.1 < np.abs(made.mixture).max() < 1.0


def test_the_tempo_is_one_of_the_genre(made: piece.Piece) -> None:
    """Tempi stay between the slowest and the fastest of the genre."""
    slowest, _, fastest = GENRES[made.genre].bpm
    assert slowest <= made.bpm <= fastest


def test_the_same_seed_gives_the_same_piece_and_another_does_not() -> None:
    """A piece depends on genre and seed alone, to the bit."""
    one, again = (piece.make("techno", 9, seconds=3.0) for _ in range(2))
    other = piece.make("techno", 10, seconds=3.0)
    assert one.idioms == again.idioms
    np.testing.assert_array_equal(one.mixture, again.mixture)
    assert not np.array_equal(one.mixture, other.mixture)


def test_voices_are_used_where_they_are_given() -> None:
    """A piece with vocals draws them from the given voices, and is otherwise the same."""
    made = (piece.make("house", seed, seconds=3.0) for seed in range(12))
    seed = next(seed for seed, one in enumerate(made) if rms(one.stems["vocals"]) > 1e-4)
    tone = np.sin(2 * np.pi * 300 * np.arange(4 * RATE_HZ) / RATE_HZ).astype(np.float32)
    plain, voiced = (piece.make("house", seed, voices, seconds=3.0) for voices in ((), (tone,)))
    assert plain.bpm == voiced.bpm
    assert not np.array_equal(plain.stems["vocals"], voiced.stems["vocals"])


def test_a_drop_fills_at_least_half_of_the_bars() -> None:
    """Intro, build-up or break take half of an excerpt at most, at its beginning or its end."""
    random = np.random.default_rng(0)
    plans = [piece._sections(random, 6) for _ in range(200)]
    assert all(plan.count("drop") >= 3 for plan in plans)
    assert {name for plan in plans for name in plan} == {"drop", "intro", "build", "break"}

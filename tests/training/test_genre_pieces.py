"""Pieces for the genre network, and that training hears what the live network hears."""

import numpy as np
import pytest
from splits import blocks

from streamseg.models import GenreJob, StemJob, load_genre_network, load_stem_network
from streamseg.stages import SourceFront
from streamseg.training import genre_pieces
from streamseg.training.data import RATE_HZ
from streamseg.training.genre_data import FRAMES, Song
from streamseg.training.genre_pieces import LOTS, PICTURE, Place

STEM = "stem_unet_small"
SONGS = [Song(0, 0), Song(3, 0)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Two pieces on disk."""
    found = Place(tmp_path_factory.mktemp("pieces"), None, "fit", 0)
    genre_pieces.render(found, SONGS, None, STEM, 1, lambda _: None)
    return found


def test_pieces_are_read_with_exact_and_found_stems(place: Place) -> None:
    """More frames than a window, three stems, 128 bands; finite and not all alike."""
    pieces = genre_pieces.read(place, SONGS, None, STEM)
    assert pieces.exact.shape == pieces.found.shape
    assert pieces.exact.shape[2:] == (3, 128)
    assert pieces.exact.shape[1] >= FRAMES + 100
    assert pieces.genres.tolist() == [0, 3]
    for pictures in (pieces.exact, pieces.found):
        assert np.isfinite(pictures).all()
        assert pictures.min() >= PICTURE.floor_db
        assert pictures.max() > PICTURE.silent_db


def test_nothing_is_made_twice(place: Place) -> None:
    """Files that are there are left as they are."""
    files = sorted(place.folder.rglob("*.npz"))
    assert len(files) == 4
    before = [path.stat().st_mtime_ns for path in files]
    genre_pieces.render(place, SONGS, None, STEM, 1, lambda _: None)
    assert [path.stat().st_mtime_ns for path in files] == before


def test_training_hears_what_the_live_network_hears(place: Place) -> None:
    """Pictures of a stored mixture, and those that a live stream keeps: within 0.05 dB."""
    with np.load(place.folder / f"{SONGS[0].name}.npz") as stored:
        mixture = np.asarray(stored["mixture"], np.float32) / np.float32(32767)
    stems = load_stem_network(STEM, "cpu")
    trained = genre_pieces.found(mixture, stems)
    genres = load_genre_network("stem_genre", "cpu")
    front = SourceFront("a", stems.card, stems.grid(RATE_HZ), 0.4)
    drawing, hearing = stems.open(RATE_HZ), genres.open("a", RATE_HZ)
    samples = mixture[: 9 * RATE_HZ]  # less than a window: all of it is still there
    for block in blocks(samples, 3):
        for one in front.push(block):
            masks = stems.run([StemJob(drawing, one)])[0]
            genres.run([GenreJob(hearing, [one], masks)])
    count = len(hearing.heard)
    assert count > 350
    loud = trained[:count] > trained.max() - 50
    np.testing.assert_allclose(hearing.heard[loud], trained[:count][loud], atol=0.05)


def test_lots_share_no_seed() -> None:
    """Nor do seeds of the command, for any number of pieces that one would make."""
    seeds = {
        genre_pieces.seed_of(lot, seed, number)
        for lot in LOTS
        for seed in range(3)
        for number in (0, 1, 999)
    }
    assert len(seeds) == 27
    assert min(seeds) > 100_000 * 9 + 10_000  # those of genre_trials, up to its seed 9


def test_exact_stems_are_loud_where_they_sound(place: Place) -> None:
    """A bass has most of its power in the low bands, drums reach the top."""
    exact = genre_pieces.read(place, SONGS, None, STEM).exact.astype(np.float32)
    power = 10 ** (exact / 10)
    bass, drums = (power[:, :, PICTURE.stems.index(name)] for name in ("bass", "drums"))
    assert bass[:, :, :40].sum() > 0.9 * bass.sum()
    assert drums[:, :, 80:].sum() > bass[:, :, 80:].sum()

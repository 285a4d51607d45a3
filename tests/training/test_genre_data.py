"""Generated songs as spectrograms."""

from pathlib import Path

import numpy as np
import pytest

from streamseg.training import genre_cues, genre_data
from streamseg.training.dance.genres import GENRES
from streamseg.training.genre_data import Song


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two songs on disk."""
    path = tmp_path_factory.mktemp("songs")
    genre_data.render(path, None, 0, [Song(0, 0), Song(4, 0)], 1, lambda _: None)
    return path


def test_songs_are_read_as_they_were_made(folder: Path) -> None:
    """Six spectrograms of 128 x 458 a song, with its genre and tempo."""
    songs = genre_data.read(folder, [Song(4, 0), Song(0, 0)])
    assert songs.pictures.shape == (2, 6, 128, 458)
    assert songs.genres.tolist() == [4, 0]
    assert songs.names == ("dubstep-0000", "house-0000")
    assert GENRES["house"].bpm[0] <= songs.bpm[1] <= GENRES["house"].bpm[2]


def test_the_mixture_is_kept_for_networks_that_find_stems(folder: Path) -> None:
    """Its spectrogram is the one that was stored, to the rounding of 16 bits."""
    songs = genre_data.read(folder, [Song(0, 0)])
    full = songs.pictures[0, genre_data.SPECTROGRAMS.index("full")].astype(np.float32)
    again = genre_data.picture(genre_data.mixture_of(folder, Song(0, 0)))
    loud = full > full.max() - 50
    np.testing.assert_allclose(again[loud], full[loud], atol=0.5)


def test_no_song_is_made_twice(folder: Path) -> None:
    """Files that are there are left as they are."""
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.npz")}
    told: list[int] = []
    genre_data.render(folder, None, 0, [Song(0, 0), Song(4, 0)], 1, told.append)
    assert told == [1, 2]
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*.npz")} == before


def test_gain_falls_out_and_balance_stays() -> None:
    """All channels count from the loudest of the song, which is 1; 80 dB below is 0."""
    pictures = np.full((1, 2, 128, 458), -90.0)
    pictures[0, 0, 5, 5], pictures[0, 1, 5, 5] = -5.0, -25.0
    heard = genre_data.relative(pictures)
    np.testing.assert_array_equal(heard, genre_data.relative(pictures + 17))
    assert heard[0, 0, 5, 5] == 1.0
    assert heard[0, 1, 5, 5] == pytest.approx(0.75)
    assert heard[0, :, 0, 0].max() == 0.0


def test_a_smaller_set_is_part_of_a_larger_one() -> None:
    """Songs are numbered within their genre, so 66 songs are among the first of 180."""
    few, many = genre_data.songs_of(11), genre_data.songs_of(30)
    assert (len(few), len(many)) == (66, 180)
    assert many[:66] == few


def test_the_pulse_of_a_song_is_at_its_beat() -> None:
    """Clicks every 21 frames (0.49 s) give a pulse that repeats after as many."""
    full = np.full((1, 128, 458), -80.0, np.float32)
    full[:, :, 10::21] = 0.0
    pulse = genre_cues._pulse(full)[0]
    assert round(0.1 / genre_data.FRONT.hop_s) + pulse.argmax() == 21

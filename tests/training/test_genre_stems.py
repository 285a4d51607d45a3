"""Stems that were found in a mixture."""

from pathlib import Path

import numpy as np
import pytest

from streamseg.errors import UsageError
from streamseg.training import genre_data, genre_stems
from streamseg.training.genre_data import SPECTROGRAMS, Song


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One song on disk."""
    path = tmp_path_factory.mktemp("songs")
    genre_data.render(path, None, 0, [Song(1, 0)], 1, lambda _: None)
    return path


def test_estimates_stand_in_the_place_of_the_exact_stems(folder: Path) -> None:
    """Stems and the song without vocals are estimates, the full mixture is as it was."""
    exact = genre_data.read(folder, [Song(1, 0)])
    found = genre_stems.estimated(folder, [Song(1, 0)], "bands")
    same = [np.array_equal(a, b) for a, b in zip(exact.pictures[0], found.pictures[0], strict=True)]
    assert [name for name, is_same in zip(SPECTROGRAMS, same, strict=True) if is_same] == ["full"]


def test_fixed_bands_give_bass_the_low_end_and_drums_the_top(folder: Path) -> None:
    """Bass is what lies below 200 Hz, drums what lies above 4 kHz, give or take a mel band."""
    found = genre_stems.estimated(folder, [Song(1, 0)], "bands").pictures[0].astype(np.float32)
    loudest = found.max(axis=2)
    drums, bass = (loudest[SPECTROGRAMS.index(name)] for name in ("drums", "bass"))
    assert bass[:4].max() > bass[15:].max() + 40
    assert drums[90:].max() > drums[:30].max() + 20


def test_estimates_are_made_once(folder: Path) -> None:
    """What lies beside the songs is read, not made again."""
    genre_stems.estimated(folder, [Song(1, 0)], "bands")
    kept = next((folder / "stems_bands").glob("*.npy"))
    before = kept.stat().st_mtime_ns
    genre_stems.estimated(folder, [Song(1, 0)], "bands")
    assert kept.stat().st_mtime_ns == before


def test_an_unknown_way_is_refused_with_those_that_are_known() -> None:
    """The error names what can be asked for."""
    with pytest.raises(UsageError, match=r"exact, bands, medians, .*got 'magic'"):
        genre_stems.way_of("magic")

"""Music that is texture rather than tune."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from streamseg.training import ambient
from streamseg.training.ambient import Maker, Sources
from streamseg.training.data import RATE_HZ, Part, Sound, write_bank

MUSIC_HZ = {"fit": 440.0, "validation": 880.0}


def _tone(hz: float) -> np.ndarray:
    """Four seconds with a beat of 2 Hz."""
    time_s = np.arange(4 * RATE_HZ) / RATE_HZ
    beat = 0.6 + 0.4 * np.sin(4 * np.pi * time_s)
    return (0.5 * beat * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


def _music() -> Iterator[Sound]:
    for part in ("fit", "validation"):
        yield Sound(_tone(MUSIC_HZ[part]), part, "made", "tune", part)


def _noise() -> Iterator[Sound]:
    random = np.random.default_rng(0)
    for part in ("fit", "validation"):
        hiss = random.standard_normal(RATE_HZ).astype(np.float32) * 0.1
        yield Sound(hiss, part, "made", "other:hiss", part)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Banks of one tone a part, and hiss."""
    folder = tmp_path_factory.mktemp("ambient")
    write_bank(folder, "music", _music())
    write_bank(folder, "noise", _noise())
    return folder


def _power_within(samples: np.ndarray, low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    return float(power[(hz > low_hz) & (hz < high_hz)].sum() / power.sum())


@pytest.mark.parametrize("maker", ambient._MAKERS)
def test_every_texture_is_as_long_as_asked_and_goes_on(folder: Path, maker: Maker) -> None:
    """Nothing is silent for three seconds, nothing is infinite, and a seed gives it again."""
    source = Sources(folder, "fit")
    for seed in range(2):
        made = maker(np.random.default_rng(seed), source, 9.0)
        assert made.shape == (9 * RATE_HZ,)
        thirds = np.abs(made.reshape(3, -1)).max(axis=1)
        assert (thirds > 0.003 * np.abs(made).max()).all()
        np.testing.assert_array_equal(maker(np.random.default_rng(seed), source, 9.0), made)


def test_stretched_music_keeps_its_pitch(folder: Path) -> None:
    """A tone stays where it was."""
    made = ambient.stretched(np.random.default_rng(2), Sources(folder, "fit"), 8.0)
    assert _power_within(made, 400, 480) > 0.98


@pytest.mark.parametrize("part", ["fit", "validation"])
def test_a_part_is_made_of_its_own_sources(folder: Path, part: Part) -> None:
    """What is stretched for validation was never trained on."""
    made = ambient.stretched(np.random.default_rng(2), Sources(folder, part), 8.0)
    assert _power_within(made, 0.9 * MUSIC_HZ[part], 1.1 * MUSIC_HZ[part]) > 0.98


def test_struck_things_repeat(folder: Path) -> None:
    """A rhythm comes again: loudness is like itself some steps later."""
    likeness = []
    for seed in range(4):
        made = ambient.struck(np.random.default_rng(seed), Sources(folder, "fit"), 12.0)
        envelope = np.abs(made[: len(made) // 441 * 441]).reshape(-1, 441).max(axis=1)
        centred = envelope - envelope.mean()
        found = np.correlate(centred, centred, "full")[len(centred) :]
        likeness.append(found[60:].max() / found[0])
    assert min(likeness) > 0.3


def test_without_music_the_error_says_what_is_missing(tmp_path: Path) -> None:
    """A folder without banks."""
    with pytest.raises(ValueError, match="expected music and noise for fit"):
        Sources(tmp_path, "fit")


def test_sounds_are_pieces_of_one_part(folder: Path) -> None:
    """As many as asked for, 10 to 18 s, with a peak near 1."""
    made = list(ambient.ambient_sounds(folder, "validation", 3, 0))
    assert [sound.part for sound in made] == ["validation"] * 3
    for sound in made:
        assert 10 * RATE_HZ <= len(sound.samples) <= 18 * RATE_HZ
        assert 0.5 < np.abs(sound.samples).max() <= 1.2

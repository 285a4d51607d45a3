"""Places outdoors, and what recorders make of them."""

import numpy as np
import pytest

from streamseg.training import augment, field
from streamseg.training.data import RATE_HZ


def tone() -> augment.Samples:
    """Three seconds of a chord."""
    time_s = np.arange(3 * RATE_HZ) / RATE_HZ
    chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in (500.0, 700.0, 1100.0))
    return np.asarray(0.1 * chord, np.float32)


@pytest.mark.parametrize("seed", range(6))
def test_a_place_sounds_all_the_time(seed: int) -> None:
    """A place has the level promised and never falls silent."""
    place = field.place(np.random.default_rng(seed), 6 * RATE_HZ)
    assert augment.rms(place) == pytest.approx(1.0, rel=1e-3)
    seconds = np.sqrt((place.reshape(6, RATE_HZ) ** 2).mean(axis=1))
    assert seconds.min() > 0.02


@pytest.mark.parametrize("under_db", [14.0, 30.0])
def test_outdoors_the_place_lies_under_the_sound(under_db: float) -> None:
    """In the pause behind a sound only the place is left, about as far under as asked."""
    sound = tone()
    sound[2 * RATE_HZ :] = 0
    heard = field.outdoors(np.random.default_rng(3), sound, under_db)
    assert heard.shape == sound.shape
    rest = augment.rms(heard[int(2.4 * RATE_HZ) :])
    found_db = 20 * np.log10(augment.rms(heard) / rest)
    assert found_db == pytest.approx(under_db, abs=6)


@pytest.mark.parametrize("seed", range(6))
def test_a_recorder_keeps_the_notes(seed: int) -> None:
    """What a phone or a cassette makes of a chord has its power within 2 % of the three notes."""
    heard = field.taken(np.random.default_rng(seed), tone())
    assert heard.shape == (3 * RATE_HZ,)
    assert np.isfinite(heard).all()
    power = np.abs(np.fft.rfft(heard * np.hanning(len(heard)))) ** 2
    hz = np.fft.rfftfreq(len(heard), 1 / RATE_HZ)
    near = np.any([np.abs(hz - note) < 0.02 * note for note in (500, 700, 1100)], axis=0)
    assert power[near].sum() / power.sum() > 0.85

"""Hum in the features is what hum in the sound is."""

import numpy as np
import pytest

from streamseg.training import augment, fronts, hum_lines, hums
from streamseg.training.data import RATE_HZ


def sound(seed: int) -> np.ndarray:
    """Four seconds: chords of five partials that change each half second, and some noise."""
    random = np.random.default_rng(seed)
    time_s = np.arange(RATE_HZ // 2) / RATE_HZ
    parts = [
        sum(np.sin(2 * np.pi * hz * time_s) for hz in random.uniform(100, 4000, 5))
        for _ in range(8)
    ]
    noise = random.standard_normal(4 * RATE_HZ) * 0.05
    return np.asarray((np.concatenate(parts) + noise) * 0.05, np.float32)


def heard(samples: np.ndarray) -> np.ndarray:
    """Features of ``activity``."""
    return fronts.features(fronts.ACTIVITY, samples.astype(np.float32))


@pytest.mark.parametrize("gain", [0.01, 1.0])
def test_the_level_of_a_sound_is_found_in_its_features(gain: float) -> None:
    """To half a decibel."""
    samples = sound(0) * np.float32(gain)
    level_db = 20 * np.log10(augment.rms(samples))
    assert hum_lines.level_db(heard(samples)) == pytest.approx(level_db, abs=0.5)


@pytest.mark.parametrize("under_db", [4.0, 20.0])
def test_hum_in_features_is_hum_in_samples(under_db: float) -> None:
    """The same levels to a decibel on average in every band that hum reaches, over forms of hum."""
    found, expected = [], []
    for seed in range(6):
        samples = sound(seed)
        hum = hums.hum(np.random.default_rng(seed), len(samples))
        level = augment.rms(samples) * 10 ** (-under_db / 20)
        expected.append(heard(samples + hum * np.float32(level)))
        random = np.random.default_rng(seed)
        found.append(hum_lines.added(random, heard(samples), heard(hum), under_db))
    apart_db = np.concatenate(found) - np.concatenate(expected)
    assert abs(apart_db.mean()) < 0.3
    assert np.abs(apart_db).mean() < 1.5
    assert np.abs(apart_db.mean(axis=0)).max() < 1.5


def test_a_bank_depends_on_its_seed_alone() -> None:
    """And no two hums are the same."""
    first, again = hum_lines.bank(1, 2), hum_lines.bank(1, 2)
    np.testing.assert_array_equal(first, again)
    assert first.shape[2] == fronts.ACTIVITY.n_mels
    assert abs(len(first[0]) * fronts.ACTIVITY.hop_s - hum_lines.SECONDS) < 0.2
    assert np.abs(first[0].astype(float) - first[1]).mean() > 3
    assert not np.array_equal(first, hum_lines.bank(2, 2))


def test_a_bank_has_no_whistles_of_supplies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing tells these from a test tone; every other form is in it."""
    made: list[str] = []
    plain = hums.hum

    def noted(random: np.random.Generator, count: int, form: str = "") -> np.ndarray:
        made.append(form)
        return plain(random, count, form)

    monkeypatch.setattr(hums, "hum", noted)
    hum_lines.bank(2, 24)
    assert set(made) == set(hums.FORMS) - {"supply"}


def test_hum_goes_on_for_as_long_as_asked() -> None:
    """Features longer than the hum: no frame is left without it, nor stands out at a seam."""
    silence = np.full((1500, 80), -70, np.float32)
    line = hum_lines.bank(0, 1)[0]
    level = hum_lines.added(np.random.default_rng(0), silence, line, 0.0).max(axis=1)
    assert level.min() > silence.max() + 3
    assert np.abs(np.diff(level)).max() < 6

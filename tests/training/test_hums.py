"""Hum in many forms."""

import numpy as np
import pytest

from streamseg.training import augment, hums
from streamseg.training.data import RATE_HZ


@pytest.mark.parametrize("form", hums.FORMS)
@pytest.mark.parametrize("seed", range(4))
def test_hum_is_made_of_lines_that_stay(form: str, seed: int) -> None:
    """Nearly all power lies in a few narrow lines, the same in both halves."""
    hum = hums.hum(np.random.default_rng(seed), 4 * RATE_HZ, form)
    assert hum.shape == (4 * RATE_HZ,)
    assert augment.rms(hum) == pytest.approx(1.0, rel=1e-3)
    halves = hum.reshape(2, -1) * np.hanning(2 * RATE_HZ)
    power = np.abs(np.fft.rfft(halves, axis=1)) ** 2
    strongest = np.sort(power, axis=1)[:, -2500:].sum(axis=1) / power.sum(axis=1)
    assert strongest.min() > 0.95  # of 44101 bins of half a hertz
    assert np.corrcoef(np.log(power + power.max() * 1e-9))[0, 1] > 0.9


@pytest.mark.parametrize("under_db", [3.0, 20.0])
def test_hum_lies_as_far_under_the_programme_as_asked(under_db: float) -> None:
    """What is added has the level asked for."""
    random = np.random.default_rng(4)
    programme = random.standard_normal(RATE_HZ).astype(np.float32) * np.float32(0.1)
    added = hums.under(random, programme, under_db) - programme
    found_db = 20 * np.log10(augment.rms(programme) / augment.rms(added))
    assert found_db == pytest.approx(under_db, abs=0.05)

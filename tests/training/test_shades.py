"""Music made dark, thin, far or noisy."""

import numpy as np
import pytest

from streamseg.training import augment, electronic, shades
from streamseg.training.augment import Samples
from streamseg.training.data import RATE_HZ


@pytest.fixture(scope="module")
def piece() -> Samples:
    """Six seconds of music."""
    return electronic.piece(np.random.default_rng(2), 6.0)


def above(samples: Samples, hz: float) -> float:
    """Share of the power above a frequency."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    return float(power[np.fft.rfftfreq(len(samples), 1 / RATE_HZ) > hz].sum() / power.sum())


@pytest.mark.parametrize("shade", [shade for shade, _ in shades.SHADES])
def test_a_shade_keeps_length_and_sound(shade: object, piece: Samples) -> None:
    """As long as before, finite, and not silent."""
    assert callable(shade)
    for seed in range(3):
        heard = shade(np.random.default_rng(seed), piece)
        assert heard.shape == piece.shape
        assert heard.dtype == np.float32
        assert np.isfinite(heard).all()
        assert augment.rms(heard) > 1e-5


def test_dark_is_darker_and_thin_is_thinner(piece: Samples) -> None:
    """White noise loses its top in the dark, and its bottom when thin."""
    noise = np.random.default_rng(1).standard_normal(2 * RATE_HZ).astype(np.float32)
    for seed in range(4):
        assert above(shades.dark(np.random.default_rng(seed), noise), 1500) < 0.6
        assert above(shades.thin(np.random.default_rng(seed), noise), 250) > above(noise, 250)


@pytest.mark.parametrize("seed", range(4))
def test_noise_over_music_stays_under_it(piece: Samples, seed: int) -> None:
    """What ``blown`` adds is at least 3 dB under the music."""
    added = shades.blown(np.random.default_rng(seed), piece) - piece
    assert augment.rms(added) <= augment.rms(piece) * 10 ** (-2.9 / 20)

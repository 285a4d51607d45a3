"""Studio effects: they change sound, not its length."""

import numpy as np
import pytest

from streamseg.training import effects
from streamseg.training.data import RATE_HZ


def plucked() -> np.ndarray:
    """Two seconds of a decaying chord."""
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    tones = [np.sin(2 * np.pi * hz * time_s) for hz in (220.0, 277.2, 329.6)]
    return (sum(tones) / 3 * np.exp(-time_s)).astype(np.float32)


@pytest.mark.parametrize("effect", effects.EFFECTS, ids=lambda effect: effect.__name__)
def test_an_effect_keeps_the_length_and_changes_the_sound(effect: effects.Effect) -> None:
    """As many samples come out as went in, finite, of one type, and not the same ones."""
    dry = plucked()
    wet = effect(np.random.default_rng(2), dry.copy())
    assert wet.shape == dry.shape
    assert wet.dtype == np.float32
    assert np.isfinite(wet).all()
    assert np.abs(wet - dry).max() > 0.01


def test_an_amplifier_adds_harmonics_and_its_loudspeaker_takes_treble() -> None:
    """A pure tone comes out with overtones, and with next to nothing above 12 kHz."""
    time_s = np.arange(RATE_HZ) / RATE_HZ
    tone = np.sin(2 * np.pi * 300 * time_s).astype(np.float32)
    power = np.abs(np.fft.rfft(effects.amplifier(np.random.default_rng(0), tone))) ** 2
    assert power[900] > 1e-3 * power[300]
    assert power[12000:].sum() < 1e-3 * power.sum()


def test_a_filter_that_moves_leaves_a_sound_whole_where_it_is_open() -> None:
    """Blocks that overlap add up again: far below the cut-off nothing is lost or gated."""
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    tone = np.sin(2 * np.pi * 60 * time_s).astype(np.float32)
    heard = effects.moving_filter(np.random.default_rng(4), tone)
    cells = heard[4410:-4410].reshape(-1, 882)
    levels = np.sqrt((cells**2).mean(axis=1))
    assert levels.min() > 0.4


def test_the_same_seed_produces_the_same() -> None:
    """Which effects, and how, depends on the random state alone."""
    first = effects.produced(np.random.default_rng(9), plucked())
    again = effects.produced(np.random.default_rng(9), plucked())
    np.testing.assert_array_equal(first, again)

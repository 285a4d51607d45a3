"""Layers of recorded voices without accompaniment."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from streamseg.training.augment import Samples
from streamseg.training.banks import open_banks
from streamseg.training.data import RATE_HZ, SOUNDING, Sound, write_bank
from streamseg.training.layers import Layers, _multiplied

VOICE_HZ = 440.0
OTHER_HZ = 6000.0


def tone(hz: float) -> Samples:
    """Four seconds."""
    return np.sin(2 * np.pi * hz * np.arange(4 * RATE_HZ) / RATE_HZ).astype(np.float32) * 0.3


def sounds(label: str) -> Iterator[Sound]:
    """Tones: unaccompanied clips are low, everything else is high."""
    for index in range(6):
        yield Sound(tone(OTHER_HZ), f"{label}:{index}", "made", label, "fit")
    if label == "music":
        yield Sound(tone(VOICE_HZ), "voice", "made", "a_cappella_with_silences", "fit", True)


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Layers:
    """Of music, speech and noise, with one unaccompanied voice."""
    folder = tmp_path_factory.mktemp("voices")
    for label in ("music", "speech", "noise"):
        write_bank(folder, label, sounds(label))
    return Layers(open_banks(folder), "fit", taste="unaccompanied")


@pytest.mark.parametrize("manner", ["cappella", "ensemble"])
def test_unaccompanied_layers_hold_unaccompanied_voices_alone(layers: Layers, manner: str) -> None:
    """Whatever else the music bank holds: all their power lies where the voice may be moved to."""
    for seed in range(8):
        samples, cells = layers._made(np.random.default_rng(seed), "music", manner, 3.0)
        power = np.abs(np.fft.rfft(samples)) ** 2
        hz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
        assert power[hz < 2 * 1.6 * 1.1 * VOICE_HZ].sum() > 0.99 * power.sum()
        assert (cells == SOUNDING).mean() > 0.5


def test_they_are_drawn_where_layers_dwell_on_them_only(layers: Layers, banks: Path) -> None:
    """A plain taste never asks for them, and banks without such a voice cannot."""
    assert layers.can("music", "ensemble")
    drawn = {layers.layer(np.random.default_rng(s), "music", 1.0).manner for s in range(40)}
    assert {"cappella", "ensemble"} <= drawn
    without = Layers(open_banks(banks), "fit", taste="unaccompanied")
    assert not without.can("music", "cappella")
    assert not without.can("music", "ensemble")


def test_a_voice_multiplied_is_wider_than_the_voice() -> None:
    """One voice in, several pitches out, as long as it was."""
    voice = tone(VOICE_HZ)
    many = _multiplied(np.random.default_rng(1), voice, 6)
    assert len(many) == len(voice)

    def loud_bins(samples: Samples) -> int:
        power = np.abs(np.fft.rfft(samples)) ** 2
        return int((power > power.max() / 1000).sum())

    assert loud_bins(many) > 3 * loud_bins(voice)

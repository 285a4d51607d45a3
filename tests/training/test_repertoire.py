"""Further music for the banks."""

import json
from pathlib import Path

import numpy as np
import pytest

from streamseg.training import repertoire
from streamseg.training.band import COUNT, STEM_RATE_HZ
from streamseg.training.data import RATE_HZ

SUNG, SPOKEN = "generated:generated:solo", "somebody/words:somebody/words:7"


def tones(count: int) -> np.ndarray:
    """Four stems, each with a frequency of its own: 100, 200, 400 and 800 Hz."""
    time_s = np.arange(count) / STEM_RATE_HZ
    hz = np.array([[100], [200], [400], [800]])
    return np.asarray(0.2 * np.sin(2 * np.pi * hz * time_s), np.float32)


def power_at(samples: np.ndarray, rate_hz: int, hz: float) -> float:
    """Share of the power within 5 Hz."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    near = np.abs(np.fft.rfftfreq(len(samples), 1 / rate_hz) - hz) < 5
    return float(power[near].sum() / power.sum())


def test_a_speaker_is_never_part_of_the_music() -> None:
    """The fourth stem is left out where it is spoken, and sometimes kept where it is sung."""
    stems = tones(STEM_RATE_HZ)
    random = np.random.default_rng(1)
    spoken = [power_at(repertoire.in_part(random, stems, True), 22050, 800) for _ in range(20)]
    sung = [power_at(repertoire.in_part(random, stems, False), 22050, 800) for _ in range(20)]
    assert max(spoken) < 1e-6
    assert max(sung) > 0.2


def test_a_part_that_is_silent_is_not_taken() -> None:
    """Where only drums play, every choice gives the drums."""
    stems = tones(STEM_RATE_HZ)
    stems[1:] = 0
    random = np.random.default_rng(2)
    for _ in range(20):
        assert power_at(repertoire.in_part(random, stems, False), 22050, 100) > 0.99


@pytest.mark.parametrize("voice", [SUNG, SPOKEN])
def test_bands_come_from_rendered_pieces(tmp_path: Path, voice: str) -> None:
    """One excerpt a piece, at 44.1 kHz, with its repository; voices only where they sing."""
    stored = np.round(tones(COUNT) * 32767).astype(np.int16)
    np.save(tmp_path / "pieces000.npy", np.stack([stored] * 8))
    origins = [["somebody/songs:a.mid", voice]] * 8
    (tmp_path / "pieces000.json").write_text(json.dumps(origins))
    sounds = list(repertoire.band_sounds(tmp_path, "fit", 0, seconds=2.0))
    assert [sound.repo for sound in sounds] == ["somebody/songs"] * 8
    assert all(len(sound.samples) == 2 * RATE_HZ for sound in sounds)
    vocal = max(power_at(sound.samples, RATE_HZ, 800) for sound in sounds)
    assert vocal > 0.1 if voice == SUNG else vocal < 1e-4

"""Electronic music by rule."""

import numpy as np
import pytest

from streamseg.training import electronic
from streamseg.training.data import RATE_HZ


@pytest.mark.parametrize("seed", range(8))
def test_a_piece_has_its_length_and_is_never_silent_for_long(seed: int) -> None:
    """Every piece is as long as asked, peaks near 1 and goes on to its end."""
    piece = electronic.piece(np.random.default_rng(seed), 6.0)
    assert piece.shape == (6 * RATE_HZ,)
    assert 0.3 < np.abs(piece).max() <= 1.0
    seconds = np.abs(piece.reshape(6, RATE_HZ)).max(axis=1)
    assert (seconds > 0.003).all()


@pytest.mark.parametrize(
    "voice", [electronic.pad, electronic.pluck, electronic.lead, electronic.sine]
)
def test_a_voice_has_the_pitch_that_was_asked_for(voice: electronic.Voice) -> None:
    """The spectrum of a note repeats at its pitch: the autocorrelation peaks at its period."""
    note = np.asarray(voice(np.random.default_rng(3), 220.0, 1.0), np.float64)
    middle = note[8820:30870]
    likeness = np.fft.irfft(np.abs(np.fft.rfft(middle, 65536)) ** 2)[:1000]
    period = 100 + int(likeness[100:300].argmax())
    assert period == pytest.approx(RATE_HZ / 220, rel=0.02)


def test_a_beat_repeats() -> None:
    """The hits of a bar come again in the next: loudness correlates with itself a bar later."""
    strongest = []
    for seed in range(4):
        drums = electronic.beat(np.random.default_rng(seed), 10.0, 0.5)
        envelope = np.abs(drums[: len(drums) // 441 * 441]).reshape(-1, 441).max(axis=1)
        centred = envelope - envelope.mean()
        bars = [int(steps * 0.25 * 100) for steps in (8, 12, 16)]
        power = float(np.dot(centred, centred))
        strongest.append(max(np.dot(centred[bar:], centred[:-bar]) / power for bar in bars))
    assert min(strongest) > 0.3


def test_sounds_are_seeded_and_one_in_eight_is_held_out() -> None:
    """The same seed gives the same pieces; the first of eight is for validation."""
    first = list(electronic.electronic_sounds(2, 5))
    again = list(electronic.electronic_sounds(2, 5))
    assert [sound.part for sound in first] == ["validation", "fit"]
    np.testing.assert_array_equal(first[1].samples, again[1].samples)

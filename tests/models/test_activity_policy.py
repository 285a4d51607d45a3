"""What ``activity`` makes of hum, faint noise and test tones, on plain signals."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from signals import at_level, music, noise, sine

from streamseg.messages import Float32Array
from streamseg.models import Job, load_network
from streamseg.stages import SourceFront

RATE_HZ = 44_100
NOISE = 2


def confirmed(samples: Float32Array) -> NDArray[np.float32]:
    """The confirmed answers of a whole sound, (frames, classes)."""
    network = load_network("activity", "cpu")
    front = SourceFront("a", network.card, network.grid(RATE_HZ), 10.0)
    stream = network.open()
    spectra = [*front.push(samples), *front.finish(network.flush_frames)]
    return np.concatenate([network.run([Job(stream, one)])[0].confirmed for one in spectra])


def mains_hum(seconds: float, base_hz: float, level_dbfs: float) -> Float32Array:
    """Eight harmonics that fall off."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    parts = [np.sin(2 * np.pi * base_hz * k * time_s + k * k) / k for k in range(1, 9)]
    return at_level(np.sum(parts, axis=0), level_dbfs)


@pytest.mark.parametrize("under_db", [20.0, 40.0])
def test_hum_in_a_pause_is_nothing(under_db: float) -> None:
    """After music, mains hum far under it is no class."""
    programme = music(6.0, RATE_HZ, seed=2, level_dbfs=-20.0)
    hum = mains_hum(8.0, 50.0, -20.0 - under_db)
    said = confirmed(np.concatenate((programme, hum)))[-150:-25]
    assert (said > 0.5).any(axis=1).mean() < 0.05


def test_steady_noise_stays_noise_also_when_it_is_quiet() -> None:
    """Rain 20 dB under line-up level is not taken for a pause."""
    said = confirmed(noise("rain", 8.0, RATE_HZ, level_dbfs=-40.0))[75:-25]
    assert (said[:, NOISE] > 0.5).mean() > 0.9


@pytest.mark.parametrize("hz", [440.0, 1000.0, 3000.0])
def test_a_line_up_tone_that_stays_is_noise(hz: float) -> None:
    """After three seconds, a steady tone at line-up level, in 16 bits as from a file, is noise."""
    tone = np.round(sine(10.0, RATE_HZ, hz, -18.0) * 32768).astype(np.float32) / 32768
    said = confirmed(tone)[75:-25]
    assert (said[:, NOISE] > 0.5).mean() > 0.9

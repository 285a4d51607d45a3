"""Facts about what the display worker measures."""

import numpy as np
import pytest

from streamseg.view.display import (
    BOTTOM_DB,
    STEP_DB,
    DisplayAnalyser,
    bin_edges_hz,
    hop_samples,
)


def sine(hz, seconds, rate_hz, amplitude=1.0, phase=0.0):
    """A sine."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return (amplitude * np.sin(2 * np.pi * hz * time_s + phase)).astype(np.float32)


def bin_of(hz, rate_hz):
    """Stored bin of a frequency."""
    return int(np.searchsorted(bin_edges_hz(rate_hz), hz, side="right")) - 1


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("hz", [100, 1000, 3000])
def test_a_tone_stands_at_its_frequency_with_its_level(rate_hz, hz):
    """Half of full scale reads -6 dB; between two bins of the FFT up to 1.5 dB less."""
    columns = DisplayAnalyser(rate_hz).push(sine(hz, 1, rate_hz, 0.5)).data
    spectrum = BOTTOM_DB + STEP_DB * columns[len(columns) // 2].astype(float)
    place = bin_of(hz, rate_hz)
    assert abs(int(spectrum.argmax()) - place) <= 2
    assert -8 <= spectrum.max() <= -5.5


def test_any_split_gives_the_same_columns():
    """Columns do not depend on the size of blocks."""
    rng = np.random.default_rng(3)
    samples = rng.normal(0, 0.1, 40_000).astype(np.float32)
    whole = DisplayAnalyser(16_000).push(samples)
    analyser = DisplayAnalyser(16_000)
    pieces = [analyser.push(piece) for piece in np.array_split(samples, 37)]
    np.testing.assert_array_equal(np.concatenate([piece.data for piece in pieces]), whole.data)


@pytest.mark.parametrize("lost_before", [0, 12_345])
def test_a_click_stands_in_the_column_of_its_sample(lost_before):
    """Also after a hole that ends anywhere."""
    analyser = DisplayAnalyser(16_000)
    analyser.restart(lost_before)
    samples = np.zeros(32_000, np.float32)
    click = 20_000
    samples[click] = 1
    columns = analyser.push(samples)
    loudest = columns.first + int(columns.data.astype(int).sum(axis=1).argmax())
    assert loudest == (lost_before + click) // hop_samples(16_000)


def test_a_true_peak_lies_between_the_samples():
    """A sine at a quarter of the rate, sampled beside its crests: 0 dBTP, though no sample is."""
    samples = sine(12_000, 1, 48_000, 1.0, np.pi / 4)
    assert np.abs(samples).max() == pytest.approx(0.7071, abs=1e-3)
    analyser = DisplayAnalyser(48_000)
    analyser.push(samples)
    assert analyser.meters().highest_peak_db == pytest.approx(0, abs=0.3)


def test_a_tone_of_minus_23_dbfs_reads_minus_23_lufs():
    """EBU Tech 3341, case 1, for one channel: 3 dB more than a channel of the stereo signal."""
    analyser = DisplayAnalyser(48_000)
    analyser.push(sine(1000, 5, 48_000, 10 ** (-20 / 20)))
    meters = analyser.meters()
    for loudness in (meters.momentary_lufs, meters.short_lufs, meters.integrated_lufs):
        assert loudness == pytest.approx(-23, abs=0.1)
    assert meters.level_dbfs == pytest.approx(-20, abs=0.1)


def test_a_peak_is_held_and_then_let_go():
    """Three seconds; the highest stays until it is reset."""
    analyser = DisplayAnalyser(16_000)
    loud = np.zeros(1600, np.float32)
    loud[800] = 0.9
    analyser.push(loud)
    for _ in range(20):
        analyser.push(np.zeros(1600, np.float32))
    assert analyser.meters().held_peak_db > -2
    for _ in range(12):
        analyser.push(np.zeros(1600, np.float32))
    assert analyser.meters().held_peak_db == -120
    assert analyser.meters().highest_peak_db > -2
    analyser.reset_maxima()
    analyser.push(np.zeros(1600, np.float32))
    assert analyser.meters().highest_peak_db == -120


def test_before_any_sound_there_are_no_readings():
    """Nothing is made up."""
    meters = DisplayAnalyser(16_000).meters()
    assert meters.level_dbfs is None
    assert meters.true_peak_db is None
    assert meters.momentary_lufs is None

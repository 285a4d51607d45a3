"""Facts about the power of single bins in decibels."""

import numpy as np
import pytest
from hypothesis import given
from splits import SEEDS, push_all

from streamseg.frontend.features import FeatureStream
from streamseg.frontend.linear import LogPower
from streamseg.frontend.mel import LogMel
from streamseg.frontend.spec import FrontEndSpec


@given(seed=SEEDS)
def test_any_split_gives_the_same_bins(seed):
    """To the rounding of a float32 transform, in decibels."""
    signal = np.random.default_rng(0).standard_normal(20_000).astype(np.float32)
    whole = LogPower(512, 128, 192, -100).push(signal)
    assert whole.shape == ((20_000 - 512) // 128 + 1, 192)
    got = push_all(LogPower(512, 128, 192, -100).push, signal, seed)
    np.testing.assert_allclose(got, whole, atol=1e-3)


def test_a_tone_is_loudest_in_its_bin_and_has_its_power():
    """A sine of amplitude a under a Hann window of n samples has the power (a n / 4)^2."""
    time = np.arange(4_096)
    for index in (5, 100, 191):
        sine = (0.5 * np.sin(2 * np.pi * index / 512 * time)).astype(np.float32)
        frames = LogPower(512, 128, 192, -100).push(sine)
        assert set(frames.argmax(axis=1)) == {index}
        assert frames[:, index] == pytest.approx(20 * np.log10(0.5 * 512 / 4), abs=0.01)


def test_bins_and_mel_bands_are_on_one_scale():
    """White noise: a mel filter of unit area sees the mean power of its bins, per hertz."""
    noise = np.random.default_rng(1).standard_normal(441_000).astype(np.float32)
    bins = LogPower(512, 128, 192, -100).push(noise)
    mel = LogMel(44_100, 512, 128, 20, 0, 16_000, -100).push(noise)
    per_hz = np.mean(10 ** (mel[:, 10:] / 10))
    per_bin = np.mean(10 ** (bins[:, 10:] / 10))
    # The triangles have an area of one in hertz, and a bin is 86 Hz wide.
    assert 10 * np.log10(per_bin / per_hz) == pytest.approx(10 * np.log10(44_100 / 512), abs=0.2)


def test_silence_reads_as_the_floor():
    """Digital silence has no logarithm."""
    np.testing.assert_allclose(LogPower(512, 128, 192, -100).push(np.zeros(2_000, "f")), -100)


def test_a_linear_front_end_makes_these_bins_at_any_rate():
    """The stream of a source at 48 kHz shows a tone in the bin of its frequency."""
    spec = FrontEndSpec(44_100, 512, 128, 192, 0, 16_537.5, -100, scale="linear")
    time_s = np.arange(48_000) / 48_000
    tone = np.sin(2 * np.pi * 100 * 44_100 / 512 * time_s).astype(np.float32)
    frames = FeatureStream(spec, 48_000).push(tone)
    assert frames.features.shape[1] == 192
    assert set(frames.features.argmax(axis=1)) == {100}


# A long window beside -----------------------------------------------------------------------------


@given(seed=SEEDS)
def test_any_split_gives_the_same_bins_of_both_windows(seed):
    """Both windows give a frame at the same moment, however the signal comes."""
    signal = np.random.default_rng(0).standard_normal(20_000).astype(np.float32)
    whole = LogPower(512, 128, 192, -100, 2048, 64).push(signal)
    assert whole.shape == ((20_000 - 512) // 128 + 1, 192 + 64)
    np.testing.assert_array_equal(whole[:, :192], LogPower(512, 128, 192, -100).push(signal))
    bins = LogPower(512, 128, 192, -100, 2048, 64)
    np.testing.assert_allclose(push_all(bins.push, signal, seed), whole, atol=1e-3)
    bins.reset()
    np.testing.assert_allclose(bins.push(signal), whole, atol=1e-3)


def test_the_long_window_ends_where_the_other_does():
    """What is in a frame behind its last sample changes nothing; silence lies before the first."""
    signal = np.random.default_rng(0).standard_normal(8_000).astype(np.float32)
    late = LogPower(512, 128, 192, -100, 2048, 64).push(signal)
    padded = np.concatenate((np.zeros(1_536, np.float32), signal))
    alone = LogPower(2048, 128, 64, -100).push(padded)
    np.testing.assert_allclose(late[:, 192:], alone, atol=1e-3)


def test_the_long_window_tells_low_notes_apart():
    """Two notes a semitone apart at 110 Hz are one hill in 93 ms and two in 372 ms."""
    time_s = np.arange(22_050) / 22_050
    both = sum(np.sin(2 * np.pi * freq_hz * time_s) for freq_hz in (110.0, 116.5))
    frames = LogPower(2048, 512, 1024, -80, 8192, 512).push(both.astype(np.float32))
    long = frames[-1, 1024:]
    one, two = round(110 * 8192 / 22_050), round(116.5 * 8192 / 22_050)
    between = long[one + 1 : two].min()
    assert min(long[one], long[two]) > between + 3
    low = frames[-1, :20]
    assert (np.diff(np.sign(np.diff(low))) < 0).sum() == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"long_n_fft": 256, "long_bins": 64}, "expected long_n_fft >= 512"),
        ({"long_n_fft": 2048}, "1 to 1025 long_bins"),
        ({"long_bins": 64}, "expected long_n_fft >= 512"),
    ],
)
def test_a_long_window_that_is_none_is_refused(change, message):
    """Shorter than the other, without bins, or bins without a window."""
    right = {"rate_hz": 44_100, "n_fft": 512, "hop": 128, "n_mels": 192, "fmin_hz": 0}
    right |= {"fmax_hz": 16_537.5, "floor_db": -100, "scale": "linear"}
    with pytest.raises(ValueError, match=message):
        FrontEndSpec(**right | change)


def test_a_long_window_beside_mel_bands_is_refused():
    """Its bins would follow bands of another scale."""
    with pytest.raises(ValueError, match="expected linear bands"):
        FrontEndSpec(16_000, 512, 320, 64, 50, 8_000, -100, long_n_fft=2048, long_bins=64)


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_mels": 300}, "expected n_mels <= 257"),
        ({"fmax_hz": 22_050}, "expected fmin_hz 0 and fmax_hz 16537.5"),
        ({"fmin_hz": 40}, "expected fmin_hz 0 and fmax_hz 16537.5"),
    ],
)
def test_edges_that_are_not_those_of_the_bins_are_refused(change, message):
    """A card that states other edges than its bins have would mislead."""
    right = {"rate_hz": 44_100, "n_fft": 512, "hop": 128, "n_mels": 192, "fmin_hz": 0}
    right |= {"fmax_hz": 16_537.5, "floor_db": -100, "scale": "linear"}
    with pytest.raises(ValueError, match=message):
        FrontEndSpec(**right | change)


def test_more_bins_than_there_are_is_refused():
    """512 samples have 257 bins."""
    with pytest.raises(ValueError, match="expected 1 to 257 bins"):
        LogPower(512, 128, 258, -100)
    with pytest.raises(ValueError, match="expected 1 to 1025 bins"):
        LogPower(512, 128, 192, -100, 2048, 1_026)
    with pytest.raises(ValueError, match="long window of at least 512"):
        LogPower(512, 128, 192, -100, 256, 64)

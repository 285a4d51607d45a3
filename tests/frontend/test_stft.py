"""Facts about the incremental Fourier transform."""

import numpy as np
import scipy.signal
from hypothesis import given
from splits import SEEDS, push_all

from streamseg.frontend.stft import Stft


@given(seed=SEEDS)
def test_any_split_gives_the_same_spectra(seed):
    """A frame is computed from the same samples whatever the blocks were: equal to the bit."""
    signal = np.random.default_rng(0).standard_normal(20_000).astype(np.float32)
    np.testing.assert_array_equal(
        push_all(Stft(512, 200).push, signal, seed), Stft(512, 200).push(signal)
    )


def test_equals_scipy():
    """The same as scipy's short-time transform (float32 against float64: 1e-4 of the peak)."""
    signal = np.random.default_rng(0).standard_normal(8_000).astype(np.float32)
    window = scipy.signal.get_window("hann", 512)
    reference = scipy.signal.ShortTimeFFT(window, 128, 48_000, fft_mode="onesided")
    expected = reference.stft(signal, p0=2, p1=2 + (8_000 - 512) // 128 + 1).T
    # scipy centres slice p on sample p*hop and removes no phase; ours starts at k*hop.
    got = Stft(512, 128).push(signal)
    np.testing.assert_allclose(np.abs(got), np.abs(expected), atol=1e-4 * np.abs(expected).max())


def test_a_tone_stays_in_its_bin():
    """A sine in the middle of a bin leaves nothing beyond the window's main lobe (-30 dB)."""
    bin_number = 40
    signal = np.sin(2 * np.pi * bin_number / 512 * np.arange(4096)).astype(np.float32)
    power = np.abs(Stft(512, 256).push(signal)) ** 2
    far = np.delete(power, range(bin_number - 2, bin_number + 3), axis=1)
    assert far.max() < 1e-6 * power.max()

"""Facts about mel spectra."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from splits import SEEDS, push_all

from streamseg.frontend.mel import LogMel, hz_to_mel, mel_filters, mel_to_hz

SPEC = (16_000, 512, 320, 64, 50.0, 8_000.0, -100.0)


@given(hz=st.floats(0, 20_000))
def test_mel_and_back_is_the_identity(hz):
    """The two scales are inverse functions."""
    assert float(mel_to_hz(hz_to_mel(hz))) == pytest.approx(hz, abs=1e-6)


def test_mel_scale_has_slaneys_fixed_points():
    """15 mel at 1 kHz, 27 more at 6.4 kHz: the definition of the scale."""
    np.testing.assert_allclose(hz_to_mel(np.array([0.0, 1_000.0, 6_400.0])), [0, 15, 42])


def test_every_filter_has_the_same_area():
    """Slaney's norm: a flat spectrum reads the same in every band (4 % for the coarse bins)."""
    filters = mel_filters(44_100, 4096, 40, 0, 22_050)
    area = filters.sum(axis=0) * 44_100 / 4096
    np.testing.assert_allclose(area, 1.0, rtol=0.04)


def test_filters_outside_the_spectrum_are_refused():
    """The error names the limit and what came."""
    with pytest.raises(ValueError, match="<= 8000, got 0 and 9000"):
        mel_filters(16_000, 512, 40, 0, 9_000)


@given(seed=SEEDS)
def test_any_split_gives_the_same_mel(seed):
    """Equal to 0.001 dB: the product may sum in another order for another number of frames."""
    signal = np.random.default_rng(1).standard_normal(16_000).astype(np.float32)
    whole = LogMel(*SPEC).push(signal)
    np.testing.assert_allclose(push_all(LogMel(*SPEC).push, signal, seed), whole, atol=1e-3)


def test_ten_times_the_amplitude_is_twenty_decibels():
    """The unit is decibels of power."""
    signal = np.random.default_rng(2).standard_normal(8_000).astype(np.float32) * 0.01
    quiet, loud = LogMel(*SPEC).push(signal), LogMel(*SPEC).push(signal * 10)
    np.testing.assert_allclose(loud - quiet, 20, atol=1e-3)


def test_silence_reads_the_floor():
    """Digital silence is the floor, not minus infinity."""
    np.testing.assert_allclose(LogMel(*SPEC).push(np.zeros(4_000, np.float32)), -100, atol=1e-3)

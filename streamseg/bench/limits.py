"""What the figures stand against: a matrix product, scipy's batch features, the sliding window."""

from __future__ import annotations

import math

import numpy as np
import scipy.signal

from streamseg.bench.measure import RATE_HZ, least_s
from streamseg.bench.records import Limits
from streamseg.frontend.features import FeatureStream
from streamseg.frontend.mel import mel_filters
from streamseg.frontend.spec import FrontEndSpec
from streamseg.messages import Float32Array
from streamseg.models import ModelCard
from streamseg.models.session import Session, initial_state
from streamseg.resources import models_dir

_SIZE = 1024
_WINDOWS = 4  # at once: a batch helps the sliding window, too


def matmul_gmacs(times: int) -> float:
    """Billions of multiply-adds a second in a large float32 matrix product."""
    random = np.random.default_rng(0)
    a, b = (random.standard_normal((_SIZE, _SIZE), dtype=np.float32) for _ in range(2))
    out = np.empty_like(a)
    return _SIZE**3 / least_s(lambda: np.matmul(a, b, out=out), 2 * times) / 1e9


def measure(front: FrontEndSpec, samples: Float32Array, times: int) -> Limits:
    """``front`` is a mel front end; ``samples`` is (n,) float32 at 48 kHz."""
    seconds = len(samples) / RATE_HZ
    scipy_s = least_s(lambda: scipy_features(front, samples), times) / seconds
    stream_s = least_s(lambda: _streamed(front, samples), times) / seconds
    return Limits(matmul_gmacs(times), scipy_s * 1e3, stream_s * 1e3, stream_s / scipy_s)


def scipy_features(front: FrontEndSpec, samples: Float32Array) -> Float32Array:
    """A whole file at once, as one writes it with scipy: (frames, bands) float32 decibels."""
    common = math.gcd(RATE_HZ, front.rate_hz)
    signal = scipy.signal.resample_poly(samples, front.rate_hz // common, RATE_HZ // common)
    window = scipy.signal.windows.hann(front.n_fft, sym=False).astype(np.float32)
    transform = scipy.signal.ShortTimeFFT(window, front.hop, front.rate_hz)
    count = (len(signal) - front.n_fft) // front.hop + 1
    # Slice 0 is centred on sample ``k_offset``: frames without padding, as the stream has them.
    power = np.abs(transform.stft(signal, p0=0, p1=count, k_offset=front.n_fft // 2)) ** 2
    filters = mel_filters(front.rate_hz, front.n_fft, front.n_mels, front.fmin_hz, front.fmax_hz)
    bands = power.T.astype(np.float32) @ filters
    decibels: Float32Array = 10.0 * np.log10(np.maximum(bands, 10.0 ** (front.floor_db / 10.0)))
    return decibels


def _streamed(front: FrontEndSpec, samples: Float32Array) -> None:
    stream = FeatureStream(front, RATE_HZ)
    for at in range(0, len(samples), RATE_HZ):
        stream.push(samples[at : at + RATE_HZ])


def naive_over_streaming(card: ModelCard, times: int) -> float:
    """Cost of an answer from a window of its own, over that of an answer in the stream.

    The window is the receptive field of the network, run from the state of a stream's start: what
    anybody does who has a network for clips and a stream to hear.
    """
    session = Session(models_dir() / f"{card.stem}.onnx", card, "cpu")
    window = math.ceil(card.receptive_field_s / card.hop_s) * card.stride
    steps = max(1, round(1.0 / card.hop_s))
    random = np.random.default_rng(0)
    columns = card.front_end.columns
    windows = (random.standard_normal((_WINDOWS, window, columns)) * 10 - 50).astype(np.float32)
    second = random.standard_normal((1, steps * card.stride, columns)).astype(np.float32) * 10 - 50
    cold, one = initial_state(card, _WINDOWS), initial_state(card, 1)
    naive_s = least_s(lambda: session.run(windows, cold), times) / _WINDOWS
    stream_s = least_s(lambda: session.run(second, one), 3 * times) / steps
    return naive_s / stream_s

"""Mel power spectra in decibels. Runs on the analysis thread of one source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamseg.frontend.stft import Stft
from streamseg.messages import Float32Array

# Slaney's Auditory Toolbox (1998): linear below 1 kHz, 27 steps per factor 6.4 above.
_LINEAR_HZ_PER_MEL = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0

GROUPS = 4
"""Dense blocks that the filters are cut into: more have fewer zeros, and each costs a call."""


def hz_to_mel(hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Hertz to Slaney's mel scale."""
    hz = np.asarray(hz, np.float64)
    above = _BREAK_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz / _LINEAR_HZ_PER_MEL, above)


def mel_to_hz(mel: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Slaney's mel scale to hertz."""
    mel = np.asarray(mel, np.float64)
    above = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _BREAK_MEL) - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _LINEAR_HZ_PER_MEL, above)


def mel_filters(
    rate_hz: int, n_fft: int, n_mels: int, fmin_hz: float, fmax_hz: float
) -> NDArray[np.float32]:
    """Triangular filters of equal area, (n_fft // 2 + 1, n_mels) float32, to multiply power with.

    The same as ``librosa.filters.mel`` with its defaults, transposed.
    Raises ValueError when ``fmin_hz`` and ``fmax_hz`` do not lie in order within 0..rate/2.
    """
    if not 0 <= fmin_hz < fmax_hz <= rate_hz / 2:
        raise ValueError(
            f"expected 0 <= fmin_hz < fmax_hz <= {rate_hz / 2:g}, got {fmin_hz:g} and {fmax_hz:g}"
        )
    mels = np.linspace(hz_to_mel(fmin_hz), hz_to_mel(fmax_hz), n_mels + 2)
    edges_hz = mel_to_hz(mels)
    bins_hz = np.fft.rfftfreq(n_fft, 1 / rate_hz)[:, None]
    low, centre, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bins_hz - low) / (centre - low)
    falling = (high - bins_hz) / (high - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return (triangles * (2.0 / (high - low))).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Group:
    """Neighbouring bands, and all of their filters that is not zero."""

    bands: slice
    bins: slice
    filters: NDArray[np.float32]


def _groups(filters: NDArray[np.float32]) -> list[_Group]:
    """The matrix of ``mel_filters`` as a few dense blocks along its diagonal.

    Each bin lies in two filters at most, but a product with a sparse matrix costs more than the
    zeros of these blocks: a quarter of the whole.
    """
    found = []
    for bands in np.array_split(np.arange(filters.shape[1]), min(GROUPS, filters.shape[1])):
        columns = filters[:, bands[0] : bands[-1] + 1]
        used = np.flatnonzero(columns.any(axis=1))
        bins = slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 1)
        part = np.ascontiguousarray(columns[bins])
        found.append(_Group(slice(int(bands[0]), int(bands[-1]) + 1), bins, part))
    return found


class LogMel:
    """Samples to ``10 * log10(mel power)``, limited below at ``floor_db``.

    Power is that of the unscaled transform, as in librosa: white noise of -60 dBFS reads about
    -50 dB with a window of 512 samples, so a floor of -100 dB lies far below any converter's noise.
    """

    def __init__(
        self,
        rate_hz: int,
        n_fft: int,
        hop: int,
        n_mels: int,
        fmin_hz: float,
        fmax_hz: float,
        floor_db: float,
    ) -> None:
        self._stft = Stft(n_fft, hop)
        self._groups = _groups(mel_filters(rate_hz, n_fft, n_mels, fmin_hz, fmax_hz))
        self._bands = n_mels
        self._floor = np.float32(10.0 ** (floor_db / 10.0))

    def reset(self) -> None:
        """Forget the signal."""
        self._stft.reset()

    def push(self, samples: Float32Array) -> Float32Array:
        """Shape: (n,) float32 in; (frames, n_mels) float32 decibels out."""
        spectrum = self._stft.push(samples)
        power = spectrum.real**2 + spectrum.imag**2
        mel: Float32Array = np.empty((len(power), self._bands), np.float32)
        for group in self._groups:
            np.matmul(power[:, group.bins], group.filters, out=mel[:, group.bands])
        np.maximum(mel, self._floor, out=mel)
        np.log10(mel, out=mel)
        mel *= np.float32(10.0)
        return mel

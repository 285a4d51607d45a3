"""Ways to take a mixture apart by masks on its spectrogram, from the crudest to the oracle.

Every way gives four masks on one transform (Hann, 2048 samples, hop 512, at 22.05 kHz; the network
of this size reads the same), and ``apart`` lays them on the mixture with its own phase. What they
differ in is the masks alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from streamseg.frontend import units
from streamseg.frontend.features import log_bands
from streamseg.masking import heard_gains
from streamseg.messages import STEP, Float32Array, Spectra
from streamseg.models import StemJob, StemNetwork

RATE_HZ, N_FFT, HOP = 22_050, 2048, 512
STEMS = ("drums", "bass", "other", "vocals")
PIECE_FRAMES = 43  # about a second a call of a network
_WINDOW = np.hanning(N_FFT + 1)[:-1].astype(np.float32)
_FREQ_HZ = np.arange(N_FFT // 2 + 1) * RATE_HZ / N_FFT
Complex = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Shape: ``stems`` is (4, n) float32 in the order of ``STEMS``."""

    stems: Float32Array
    real: bool
    """Recorded by people, not made by the renderer."""

    @property
    def mixture(self) -> Float32Array:
        """The sum, (n,)."""
        total: Float32Array = self.stems.sum(axis=0, dtype=np.float32)
        return total


@dataclass(frozen=True, slots=True)
class Parted:
    """Shape: ``stems`` is (4, n) float32, estimates in the order of ``STEMS``."""

    stems: Float32Array
    seconds: float
    """Processor time that it took."""


class Way(Protocol):
    """A way to draw masks. ``spectrum`` is (frames, 1025), of what ``excerpt`` sums up to; a mask
    is (4, frames, 1025) in 0..1. Only the oracle looks at the stems.
    """

    def __call__(self, spectrum: Complex, excerpt: Excerpt) -> Float32Array:
        """Masks of a whole excerpt."""


def spectrum_of(samples: Float32Array) -> Complex:
    """Frames as the front end makes them, over a signal with a frame of silence on both sides."""
    padded = np.pad(samples, (N_FFT, N_FFT + HOP))
    views = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP]
    return np.asarray(scipy.fft.rfft(views * _WINDOW, axis=1), np.complex64)


def sound_of(spectrum: Complex, count: int) -> Float32Array:
    """Overlap-add of (frames, 1025), the inverse of ``spectrum_of``: (count,)."""
    frames = scipy.fft.irfft(spectrum, N_FFT, axis=1) * (_WINDOW / 1.5)  # Hann squared sums to 1.5
    total = np.zeros((len(frames) + N_FFT // HOP) * HOP, np.float32)
    for quarter in range(N_FFT // HOP):
        part = frames[:, quarter * HOP : (quarter + 1) * HOP].ravel()
        total[quarter * HOP : quarter * HOP + len(part)] += part
    return total[N_FFT : N_FFT + count]


def apart(way: Way, excerpt: Excerpt) -> Parted:
    """The estimates of a way, and what they cost."""
    mixture = excerpt.mixture
    begun = time.process_time()
    spectrum = spectrum_of(mixture)
    masks = way(spectrum, excerpt)
    stems = np.stack([sound_of(spectrum * mask, len(mixture)) for mask in masks])
    return Parted(stems, time.process_time() - begun)


# The ways -----------------------------------------------------------------------------------------


def unprocessed(spectrum: Complex, excerpt: Excerpt) -> Float32Array:
    """The mixture in place of every stem."""
    return np.ones((len(STEMS), *spectrum.shape), np.float32)


BANDS_HZ = {
    "drums": (4000.0, np.inf),
    "bass": (0.0, 200.0),
    "other": (200.0, 4000.0),
    "vocals": (300.0, 3400.0),
}


def frequency_thresholds(spectrum: Complex, excerpt: Excerpt) -> Float32Array:
    """A fixed band a stem, the paper's first stage (it prints no limits: these are ours)."""
    kept = np.stack([(low <= _FREQ_HZ) & (high > _FREQ_HZ) for low, high in BANDS_HZ.values()])
    return np.broadcast_to(kept[:, None, :], (len(STEMS), *spectrum.shape)).astype(np.float32)


def median_masks(spectrum: Complex, excerpt: Excerpt) -> Float32Array:
    """Masks without training, for the paper's second stage (it does not say which masks it took).

    Fitzgerald (DAFx 2010): medians along time and frequency tell held tones from strokes, which are
    drums; tones below 200 Hz are bass, those of 300 to 3400 Hz are shared by vocals and other.
    """
    power = spectrum.real**2 + spectrum.imag**2
    held = scipy.ndimage.median_filter(power, (17, 1))
    struck = scipy.ndimage.median_filter(power, (1, 17))
    harmonic = held / np.maximum(held + struck, 1e-12)
    low = (BANDS_HZ["bass"][1] > _FREQ_HZ).astype(np.float32)
    first, last = BANDS_HZ["vocals"]
    sung = 0.5 * ((first <= _FREQ_HZ) & (last > _FREQ_HZ)).astype(np.float32)
    masks = (1 - harmonic, harmonic * low, harmonic * (1 - low - sung), harmonic * sung)
    return np.stack(masks).astype(np.float32)


def oracle(spectrum: Complex, excerpt: Excerpt) -> Float32Array:
    """The gain of every bin within 0..1 that comes nearest to the stem: the limit of any mask."""
    power = np.maximum(spectrum.real**2 + spectrum.imag**2, 1e-12)
    masks = []
    for stem in excerpt.stems:
        own = spectrum_of(stem)
        masks.append((own.real * spectrum.real + own.imag * spectrum.imag) / power)
    return np.asarray(np.clip(np.stack(masks), 0, 1), np.float32)


def oracle_units(spectrum: Complex, excerpt: Excerpt) -> Float32Array:
    """The same with one gain for each frequency unit of the networks: their limit."""
    heard = units.sums((spectrum.real**2 + spectrum.imag**2)[:, : units.BINS])
    masks = []
    for stem in excerpt.stems:
        own = spectrum_of(stem)
        cross = (own.real * spectrum.real + own.imag * spectrum.imag)[:, : units.BINS]
        masks.append(units.sums(cross) / np.maximum(heard, 1e-12))
    return _on_bins(np.clip(np.stack(masks), 0, 1))


def drawn_by(network: StemNetwork) -> Way:
    """What a network says, streamed as at run time in calls of a second, and as it is heard."""

    def masks(spectrum: Complex, excerpt: Excerpt) -> Float32Array:
        padded = np.pad(excerpt.mixture, (N_FFT, N_FFT + (1 + network.flush_frames) * HOP))
        features = log_bands(network.card.front_end).push(padded)
        stream, said = network.open(RATE_HZ), []
        for first in range(0, len(features), PIECE_FRAMES):
            piece = features[first : first + PIECE_FRAMES]
            power = np.zeros(len(piece), np.float32)
            spectra = Spectra("", piece, power, np.empty(0, STEP), first, 0)
            said += network.run([StemJob(stream, spectra)])[0]
        prob = np.concatenate([mask.prob for mask in said], axis=2)
        gains = prob.transpose(0, 2, 1)[:, : len(spectrum)]
        classes = network.card.classes
        heard = [
            heard_gains(gains[index : index + 1], classes[index : index + 1])
            for index in range(len(classes))
        ]
        return _on_bins(np.stack(heard))

    return masks


def lookahead_s(network: StemNetwork) -> float:
    """From a sample in to its stems out, at most: the frames behind it in the network, and its
    window.
    """
    return network.flush_frames * network.card.hop_s + N_FFT / RATE_HZ


def _on_bins(masks: Float32Array) -> Float32Array:
    """Shape: (4, frames, 512) to (4, frames, 1025); the bin of half the rate as its neighbour."""
    bins = units.spread(masks)
    return np.concatenate((bins, bins[..., -1:]), axis=-1)


BASELINES: dict[str, Callable[[Complex, Excerpt], Float32Array]] = {
    "unprocessed mixture": unprocessed,
    "frequency thresholds": frequency_thresholds,
    "median-filter masks": median_masks,
}
LIMITS: dict[str, Callable[[Complex, Excerpt], Float32Array]] = {
    "oracle mask, 512 units": oracle_units,
    "oracle mask, every bin": oracle,
}

"""What a decoder delivers, and how it becomes mono at one rate.

Used on the thread that decodes: the analysis thread for files, the reader's own thread for live
URLs. Allocates per block; never blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from streamseg.capture.base import ChannelChoice, Downmix
from streamseg.messages import Float32Array


@dataclass(frozen=True, slots=True)
class Decoded:
    """Frames as they come out of a decoder.

    Shape: ``frames`` is (n, channels) float32, full scale 1.0.
    """

    frames: NDArray[np.float32]
    rate_hz: int

    def same_format(self, other: Decoded) -> bool:
        """Whether both can be put end to end."""
        return self.rate_hz == other.rate_hz and self.frames.shape[1] == other.frames.shape[1]


class Decoder(Protocol):
    """An opened container: one thread at a time."""

    damaged_packets: int
    """Packets that could not be decoded; each became silence of its own duration."""

    def read(self) -> Decoded | None:
        """The next frames, or None at the end (and ever after).

        Raises SourceUnavailableError when the connection breaks.
        """
        ...

    def close(self) -> None:
        """Let go of the file or connection. Safe to call twice."""
        ...


class Conform:
    """Any channels at any rate in, mono at the first rate out.

    A stream may change its format on the way (a chained Ogg, a radio that switches programmes, a
    reopened URL). The rate that was negotiated first stays: the sample counter is the clock and
    cannot change its unit. A channel that is gone falls back to the mean of what is left.
    """

    def __init__(self, choice: ChannelChoice, channels: int, rate_hz: int) -> None:
        """Raises UsageError when ``choice`` does not exist among ``channels``."""
        self.rate_hz = rate_hz
        self._choice = choice
        self._bad_before = 0
        self._channels = channels
        self._downmix = Downmix(choice, channels)
        self._in_rate_hz = rate_hz
        self._resampler: soxr.ResampleStream | None = None

    @property
    def bad_samples(self) -> int:
        """NaN and infinite samples met so far."""
        return self._bad_before + self._downmix.bad_samples

    def push(self, decoded: Decoded) -> Float32Array:
        """Mono samples at ``rate_hz``, shape (n,) float32."""
        if decoded.frames.shape[1] != self._channels:
            self._change_channels(decoded.frames.shape[1])
        mono = self._downmix(decoded.frames)
        tail = self._change_rate(decoded.rate_hz)
        if self._resampler is not None and mono.size:
            mono = self._resampler.resample_chunk(mono)
        return np.concatenate([tail, mono]) if tail.size else mono

    def flush(self) -> Float32Array:
        """End of the signal: what the resampler still held, and back to the first rate."""
        return self._change_rate(self.rate_hz)

    def _change_channels(self, channels: int) -> None:
        choice = self._choice
        if isinstance(choice, int) and choice > channels:
            choice = "mean"
        self._bad_before += self._downmix.bad_samples
        self._channels = channels
        self._downmix = Downmix(choice, channels)

    def _change_rate(self, rate_hz: int) -> Float32Array:
        if rate_hz == self._in_rate_hz:
            return np.empty(0, np.float32)
        empty = np.empty(0, np.float32)
        tail = (
            empty if self._resampler is None else self._resampler.resample_chunk(empty, last=True)
        )
        self._in_rate_hz = rate_hz
        same = rate_hz == self.rate_hz
        self._resampler = (
            None if same else soxr.ResampleStream(rate_hz, self.rate_hz, 1, dtype="float32")
        )
        return tail.reshape(-1).astype(np.float32, copy=False)

"""What a decoder delivers, and how it becomes a mix at one rate, with its channels beside it.

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
from streamseg.errors import SourceUnavailableError
from streamseg.messages import MOST_CHANNELS, Float32Array


@dataclass(frozen=True, slots=True)
class Decoded:
    """Frames as they come out of a decoder.

    Shape: ``frames`` is (n, channels) float32, full scale 1.0.
    """

    frames: NDArray[np.float32]
    rate_hz: int
    at_s: float | None = None
    """Time of the first frame by the sender's own clock, where the stream carries one that goes on
    when the connection does not."""

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return len(self.frames) / self.rate_hz

    def without_first(self, seconds: float) -> Decoded:
        """The rest, when the first ``seconds`` are left out."""
        frames = max(0, round(seconds * self.rate_hz))
        at_s = None if self.at_s is None else self.at_s + frames / self.rate_hz
        return Decoded(self.frames[frames:], self.rate_hz, at_s)

    def same_format(self, other: Decoded) -> bool:
        """Whether both can be put end to end."""
        return self.rate_hz == other.rate_hz and self.frames.shape[1] == other.frames.shape[1]


class DroppedError(SourceUnavailableError):
    """A connection that broke off; ``reason`` says it in a few words."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(
            f"expected more from {place}, got: {reason}; check the connection and the server"
        )
        self.reason = reason


class Decoder(Protocol):
    """An opened container: one thread at a time."""

    damaged_packets: int
    """Packets that could not be decoded; each became silence of its own duration."""

    def read(self) -> Decoded | None:
        """The next frames, or None at the end (and ever after).

        Raises DroppedError when the connection breaks.
        """
        ...

    def close(self) -> None:
        """Let go of the file or connection. Safe to call twice."""
        ...


def mix_of(frames: NDArray[np.float32]) -> Float32Array:
    """``Block.samples`` out of conformed frames: the first column."""
    return np.ascontiguousarray(frames[:, 0])


def channels_of(frames: NDArray[np.float32]) -> Float32Array | None:
    """``Block.channels`` out of conformed frames: the other columns."""
    return frames[:, 1:] if frames.shape[1] > 1 else None


class Conform:
    """Any channels at any rate in; the mix, and its channels, at the first rate out.

    A stream may change its format on the way (a chained Ogg, a radio that switches programmes, a
    reopened URL). The rate that was negotiated first stays: the sample counter is the clock and
    cannot change its unit. A channel that is gone falls back to the mean of what is left. The
    number of columns stays too: the mix, and the channels it was made from if it is a mix.
    """

    def __init__(self, choice: ChannelChoice, channels: int, rate_hz: int) -> None:
        """Raises UsageError when ``choice`` does not exist among ``channels``."""
        self.rate_hz = rate_hz
        self._choice = choice
        self._bad_before = 0
        self._channels = channels
        self._downmix = Downmix(choice, channels)
        mixed = not isinstance(choice, int) and channels > 1
        self.columns = 1 + (min(channels, MOST_CHANNELS) if mixed else 0)
        """Of what ``push`` and ``flush`` return."""
        self._in_rate_hz = rate_hz
        self._resampler: soxr.ResampleStream | None = None

    @property
    def bad_samples(self) -> int:
        """NaN and infinite samples met so far."""
        return self._bad_before + self._downmix.bad_samples

    def push(self, decoded: Decoded) -> Float32Array:
        """Frames at ``rate_hz``, shape (n, columns) float32; see ``mix_of``, ``channels_of``."""
        if decoded.frames.shape[1] != self._channels:
            self._change_channels(decoded.frames.shape[1])
        frames = self._columns_of(decoded.frames)
        tail = self._change_rate(decoded.rate_hz)
        if self._resampler is not None and frames.size:
            frames = self._resampler.resample_chunk(frames).reshape(-1, self.columns)
        return np.concatenate([tail, frames]) if tail.size else frames

    def flush(self) -> Float32Array:
        """End of the signal: what the resampler still held, and back to the first rate."""
        return self._change_rate(self.rate_hz)

    def _columns_of(self, decoded: NDArray[np.float32]) -> Float32Array:
        mix = self._downmix(decoded)
        if self.columns == 1:
            return mix.reshape(-1, 1)
        channels = self._downmix.channels(decoded)
        out = np.empty((mix.size, self.columns), np.float32)
        out[:, 0] = mix
        if channels is None:  # mono for a while: the same from every loudspeaker
            out[:, 1:] = np.where(np.isfinite(decoded[:, :1]), decoded[:, :1], np.float32(0))
        else:
            kept = min(channels.shape[1], self.columns - 1)
            out[:, 1 : 1 + kept] = channels[:, :kept]
            out[:, 1 + kept :] = 0.0
        return out

    def _change_channels(self, channels: int) -> None:
        choice = self._choice
        if isinstance(choice, int) and choice > channels:
            choice = "mean"
        self._bad_before += self._downmix.bad_samples
        self._channels = channels
        self._downmix = Downmix(choice, channels)

    def _change_rate(self, rate_hz: int) -> Float32Array:
        empty = np.empty((0, self.columns), np.float32)
        if rate_hz == self._in_rate_hz:
            return empty
        tail = (
            empty if self._resampler is None else self._resampler.resample_chunk(empty, last=True)
        )
        self._in_rate_hz = rate_hz
        same = rate_hz == self.rate_hz
        self._resampler = (
            None
            if same
            else soxr.ResampleStream(rate_hz, self.rate_hz, self.columns, dtype="float32")
        )
        return tail.reshape(-1, self.columns).astype(np.float32, copy=False)

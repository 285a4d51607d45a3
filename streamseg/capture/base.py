"""The one interface of everything that delivers sound, and what all sources share.

A source is pulled: its analysis thread calls ``read`` and nobody else touches it after ``open``.
Live sources (a device, a live URL) fill a ring from a thread of their own (PortAudio's callback, a
decoder thread) and drop what does not fit, counted; files and pipes decode inside ``read``, so a
slow reader holds them back and nothing is ever dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from streamseg.errors import UsageError
from streamseg.messages import Block, Float32Array, Loss, StreamFormat

ChannelChoice = int | Literal["mean", "mid", "side"]
"""One channel by number (from 1), the mean of all, or mid/side of the first two."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The source stopped delivering; it is being opened again."""

    sample: int
    reason: str


@dataclass(frozen=True, slots=True)
class Restored:
    """The source delivers again; the sample counter has been moved on over the gap."""

    sample: int
    gap_s: float


Delivery = Block | Loss | Lost | Restored


class Source(Protocol):
    """What the pipeline needs of a device, a file, a URL or a pipe."""

    @property
    def name(self) -> str:
        """What the user calls it; stands in every event."""
        ...

    @property
    def live(self) -> bool:
        """True: sound that is not read in time is gone. False: it waits."""
        ...

    @property
    def exhausted(self) -> bool:
        """True once the end was reached and everything has been read."""
        ...

    @property
    def bad_samples(self) -> int:
        """NaN and infinite samples met so far; they were replaced by silence."""
        ...

    def open(self) -> StreamFormat:
        """Open and begin to deliver. Raises NoSuchInputError or SourceUnavailableError."""
        ...

    def read(self, timeout_s: float) -> Delivery | None:
        """The next thing that happened, or None after ``timeout_s`` without any.

        Raises SourceUnavailableError when the source went away for good, NoSuchInputError when
        what it holds is not audio.
        """
        ...

    def close(self) -> None:
        """Let go of everything. Safe to call twice, and after an error."""
        ...


class Downmix:
    """Pick or mix channels, and replace NaN and infinities (counted) by silence."""

    def __init__(self, choice: ChannelChoice, channels: int) -> None:
        """Raises UsageError when ``choice`` does not exist among ``channels``."""
        if isinstance(choice, int) and not 1 <= choice <= channels:
            raise UsageError(
                f"expected a channel from 1 to {channels}, got {choice}; "
                "choose one of those, or mean, mid or side"
            )
        self._choice = choice
        self.bad_samples = 0

    def channels(self, frames: NDArray[np.float32]) -> Float32Array | None:
        """What ``Block.channels`` promises: the finite channels of a mix, or None."""
        if isinstance(self._choice, int) or frames.shape[1] == 1:
            return None
        finite = np.isfinite(frames)
        return frames if finite.all() else np.where(finite, frames, np.float32(0))

    def __call__(self, frames: NDArray[np.float32]) -> Float32Array:
        """Shape: (n, channels) float32 in, (n,) float32 out, every value finite."""
        finite = np.isfinite(frames)
        if not finite.all():
            self.bad_samples += int(frames.size - np.count_nonzero(finite))
            frames = np.where(finite, frames, np.float32(0))
        if isinstance(self._choice, int):
            return np.ascontiguousarray(frames[:, self._choice - 1])
        if self._choice == "mean" or frames.shape[1] == 1:
            # One channel: mid is the channel itself, side is silence.
            mono = self._mean(frames)
            return np.zeros_like(mono) if self._choice == "side" else mono
        sign = np.float32(1 if self._choice == "mid" else -1)
        mixed: Float32Array = np.float32(0.5) * (frames[:, 0] + sign * frames[:, 1])
        return mixed

    @staticmethod
    def _mean(frames: NDArray[np.float32]) -> Float32Array:
        # Column by column: numpy's mean along a short last axis is several times slower.
        mono = frames[:, 0].copy()
        for channel in range(1, frames.shape[1]):
            mono += frames[:, channel]
        mono *= np.float32(1 / frames.shape[1])
        return mono


def parse_channel_choice(text: str) -> ChannelChoice:
    """``1``, ``2``, ..., ``mean``, ``mid`` or ``side``. Raises UsageError for anything else."""
    if text in ("mean", "mid", "side"):
        return text  # type: ignore[return-value]
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise UsageError(f"expected a channel number from 1, mean, mid or side, got {text!r}")
    return number

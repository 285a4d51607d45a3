"""The records that cross threads: frozen, slotted, and never changed after they were made.

Positions are counted in samples of the source at its own rate (``sample``): that counter is the
clock of the whole program. Arrays inside a record belong to the receiver: the sender never writes
to them again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
Label = Literal["music", "speech", "noise", "silence"]


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """What a source negotiated: its true rate, not the one that was wished for."""

    rate_hz: int
    channels: int
    encoding: str
    """As the device or decoder names it, e.g. ``float32`` or ``pcm_s16le``."""
    description: str
    """One line for people: what was opened, through what."""


@dataclass(frozen=True, slots=True)
class Block:
    """Mono samples in order, without a hole.

    Shape: ``samples`` is (frames,) float32, full scale 1.0.
    """

    samples: Float32Array
    sample: int
    """Position of ``samples[0]`` on the source's sample counter."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Audio that was heard by nobody: ``frames`` samples missing before position ``sample``."""

    sample: int
    frames: int
    queue: str
    """Where it was lost: ``device`` (before the callback) or ``ring`` (analysis was too slow)."""


@dataclass(frozen=True, slots=True)
class Spectra:
    """Feature frames of one source, for one network.

    Shape: ``features`` is (frames, bands) float32; ``power`` is (frames,) float32 mean squares;
    ``k_power`` is (steps,) float64, the K-weighted mean squares of the 100 ms steps that became
    complete since the last spectra (step 0 begins at ``origin``).
    """

    source: str
    features: Float32Array
    power: Float32Array
    k_power: NDArray[np.float64]
    first_frame: int
    """Index of ``features[0]`` since the last reset of the stream."""
    origin: int
    """Sample counter of the source at that reset."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Class probabilities of consecutive frames of one source.

    Shape: ``provisional`` and ``confirmed`` are (frames, classes) float32 in 0..1;
    ``level_dbfs`` is (frames,) float32. Both outputs belong to the same frames: a network with a
    single output gives the same array twice. ``early`` is (more frames, classes): what is already
    said, provisionally, about the frames that follow; the next estimate repeats it.
    """

    source: str
    classes: tuple[str, ...]
    provisional: Float32Array
    confirmed: Float32Array
    level_dbfs: Float32Array
    first_frame: int
    """Index of the first frame since the last reset of the stream."""
    origin: int
    """Sample counter of the source at that reset."""
    early: Float32Array = field(default_factory=lambda: np.empty((0, 0), np.float32))


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of one label, in samples of the source."""

    label: Label
    start: int
    end: int
    score_mean: float
    score_peak: float
    level_dbfs: float
    """Mean power over the segment, in dB relative to full scale."""


@dataclass(frozen=True, slots=True)
class FrameGrid:
    """Where the frames of an estimate lie on the sample counter of a source.

    Frame k stands for the ``hop_s`` of sound around its centre, which lies at
    ``first_centre_s + k * hop_s`` after the last reset of the stream.
    """

    rate_hz: int
    """Rate of the source, not of the network."""
    hop_s: float
    first_centre_s: float

    def centre(self, origin: int, frame: int) -> int:
        """Sample position of the middle of a frame."""
        return origin + round((self.first_centre_s + frame * self.hop_s) * self.rate_hz)

    def start(self, origin: int, frame: int) -> int:
        """Sample position at which a frame begins, never before ``origin``."""
        begin_s = self.first_centre_s + (frame - 0.5) * self.hop_s
        return origin + max(0, round(begin_s * self.rate_hz))


@dataclass(frozen=True, slots=True)
class Mask:
    """Which class a piece of the spectrogram belongs to.

    Shape: ``prob`` is (classes, frequency units, time units) float32 in 0..1; ``freq_hz`` is
    (frequency units,), the middle of each.
    """

    source: str
    classes: tuple[str, ...]
    prob: Float32Array
    freq_hz: NDArray[np.float64]
    sample: int
    """Sample counter of the source at the beginning of the first time unit."""
    unit_s: float
    """Length of a time unit."""
    final: bool
    """False while more windows are to come that cover these units."""

"""The records that cross threads: frozen, slotted, and never changed after they were made.

Positions are counted in samples of the source at its own rate (``sample``): that counter is the
clock of the whole program. Arrays inside a record belong to the receiver: the sender never writes
to them again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
Label = Literal["music", "speech", "noise", "silence"]
Severity = Literal["warn", "alarm"]


def following(first: Float32Array, then: Float32Array) -> Float32Array:
    """Both as one along their first axis; not a copy where the first is empty, as it mostly is."""
    return np.concatenate((first, then)) if len(first) else then


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

    Shape: ``samples`` is (frames,) float32, full scale 1.0; ``channels`` is (frames, channels)
    float32, the channels that ``samples`` were mixed from, the same number in every block of a
    source and every value finite. It is None where there is only one channel or where one of them
    was picked: then ``samples`` is all that there is to measure.
    """

    samples: Float32Array
    sample: int
    """Position of ``samples[0]`` on the source's sample counter."""
    channels: Float32Array | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """Audio that was heard by nobody: ``frames`` samples missing before position ``sample``."""

    sample: int
    frames: int
    queue: str
    """Where it was lost: ``device`` (before the callback) or ``ring`` (analysis was too slow)."""


STEP_S = 0.1
"""The unit in which the sound itself is measured."""


def step_start(step: int, rate_hz: int) -> int:
    """First sample of a step of 100 ms, counted from the last reset."""
    return round(step * rate_hz * STEP_S)


MOST_CHANNELS = 8
"""As many as there are in 7.1; what is measured of a source with more is measured of the first."""

STEP = np.dtype(
    [
        ("power", "f8"),  # mean square about the mean, of the loudest channel
        ("k_power", "f8"),  # K-weighted mean square, summed over the channels (BS.1770)
        ("k_momentary", "f8"),  # the same of 400 ms: the highest that ended here; nan at first
        ("loud_first", "i4"),  # first sample further from the offset than "quiet", -1: none
        ("loud_last", "i4"),  # last one
        ("true_peak", "f4"),  # highest magnitude, between the samples too
        ("peak_at", "i4"),  # its sample
        ("clip_runs", "i4"),  # runs of samples at full scale, of all channels
        ("clip_at", "i4"),  # sample at which the first of them began, -1: none
        ("mean", "f8", (MOST_CHANNELS,)),  # of each channel
        ("left", "f8"),  # mean square about the mean, of the first channel
        ("right", "f8"),  # of the second; nan where there is only one
        ("cross", "f8"),  # mean product of both about their means; nan likewise
    ]
)
"""What is measured of 100 ms of sound (``frontend.steps``). Full scale is 1.0; samples are counted
from the beginning of the step."""

Steps = NDArray[np.void]
"""Shape (steps,), of dtype ``STEP``."""


@dataclass(frozen=True, slots=True)
class Spectra:
    """Feature frames of one source, for one network.

    Shape: ``features`` is (frames, bands) float32; ``power`` is (frames,) float32 mean squares;
    ``steps`` is (steps,) of ``STEP``: the steps of 100 ms that became complete since the last
    spectra (step 0 begins at ``origin``). It is empty where nobody measures.
    """

    source: str
    features: Float32Array
    power: Float32Array
    steps: Steps
    first_frame: int
    """Index of ``features[0]`` since the last reset of the stream."""
    origin: int
    """Sample counter of the source at that reset."""
    first_step: int = 0
    """Number of ``steps[0]`` since that reset."""
    padding: int = 0
    """Of the frames, so many at the end hear silence that was put behind the stretch."""


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
class RuleBroken:
    """Somebody must be told; see ``sinks.events.AlarmRaised``."""

    rule: str
    severity: Severity
    start: int
    value: float | None
    threshold: float
    unit: str
    held_s: float
    flapping: bool
    text: str


@dataclass(frozen=True, slots=True)
class RuleHolds:
    """The rule holds again; see ``sinks.events.AlarmCleared``."""

    rule: str
    severity: Severity
    start: int
    end: int
    value: float | None
    threshold: float
    unit: str
    occurrences: int
    stopped: bool
    text: str


@dataclass(frozen=True, slots=True)
class Score:
    """The score of one class over a second, as its state machine saw it."""

    label: str
    lowest: float
    mean: float
    highest: float
    on_s: float
    """How long it was at or above the threshold ``on``."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an alarm rule read in one second."""

    rule: str
    value: float | None
    """The worst, in the rule's unit; None for rules that have no other value than their time."""
    bad: int
    ticks: int
    """Judgements, and how many of them were bad."""


@dataclass(frozen=True, slots=True)
class Second:
    """What was heard and judged in one second of one source: for meters, and to explain later."""

    source: str
    sample: int
    """Sample counter at which it begins; at the ends of a stretch it may be shorter."""
    time: datetime
    """Of that sample; aware of its zone."""
    length_s: float
    scores: tuple[Score, ...]
    lowest_dbfs: float | None
    highest_dbfs: float | None
    """Level of the frames; None: not one ended here."""
    momentary_lufs: float | None
    """Highest of 400 ms."""
    short_lufs: float | None
    """Of the 3 s that end here."""
    integrated_lufs: float | None
    """Since the source was opened."""
    range_lu: float | None
    """Loudness range since the source was opened."""
    true_peak_dbtp: float | None
    verdicts: tuple[Verdict, ...]
    on_air: tuple[str, ...]
    """Labels of which a segment is open at its end."""


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


@dataclass(frozen=True, slots=True)
class Change:
    """The boundary curve of one source: how much the sound changes at each moment.

    Shape: ``values`` is (steps,) float32, 0 none .. 2 two worlds.
    """

    source: str
    values: Float32Array
    sample: int
    """Sample counter of the moment of ``values[0]``."""
    step_s: float


@dataclass(frozen=True, slots=True)
class Genre:
    """What kind of music a stretch is, as the genre network says it.

    Shape: ``prob`` is (classes,) float32, they sum to 1.
    """

    source: str
    classes: tuple[str, ...]
    prob: Float32Array
    sample: int
    """Sample counter at the beginning of the stretch that was heard."""
    end: int
    """Its end."""

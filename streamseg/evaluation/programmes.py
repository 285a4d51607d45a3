"""Scores a composed broadcast against its truth.

The rules, which every figure that is compared with these must follow:

- a grid of 20 ms; moments within 0.1 s of an edge in the truth are left out;
- a layer more than 12 dB under the other is not scored: finding it is no hit and no false alarm,
  missing it is no miss;
- *one class*: best class against truth, over moments in which exactly one class sounds (a hidden
  layer sounds too: such a moment is left out);
- *multi-label*: each class on its own at threshold 0.5, over all moments;
- *silence called something*: share of the moments of silence in which a class reaches 0.5;
- *events*: the onsets of the decided segments within 0.5 s; ends are not scored. In truth and
  answer alike, segments of one class with less than 1 s between them are one event, because a
  monitor bridges such breaks on purpose;
- *calibration*: every class at every scored moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamseg.evaluation.analyser import CLASSES, Heard
from streamseg.evaluation.metrics import (
    BoolArray,
    Calibration,
    Confusion,
    Counts,
    Stretch,
    match_onsets,
    merged,
)
from streamseg.evaluation.truth import Programme, Truth
from streamseg.messages import Segment

GRID_S = 0.02
EDGE_S = 0.1
HIDDEN_DB = -12.0
THRESHOLD = 0.5
COLLAR_S = 0.5
MERGE_S = 1.0
_FARTHEST_FRAME_S = 0.5  # a moment without a frame so near was not answered


@dataclass(frozen=True, slots=True)
class ProgrammeScore:
    """Counts of one programme, or of several added up."""

    one_class: Confusion
    multi_label: Counts
    events: Counts
    calibration: Calibration
    silence: int
    """Moments of silence."""
    silence_called: int
    """Of these, moments in which a class was claimed."""

    def __add__(self, other: ProgrammeScore) -> ProgrammeScore:
        return ProgrammeScore(
            self.one_class + other.one_class,
            self.multi_label + other.multi_label,
            self.events + other.events,
            self.calibration + other.calibration,
            self.silence + other.silence,
            self.silence_called + other.silence_called,
        )

    @property
    def silence_false_alarms(self) -> float:
        """Share of silence that was called something; NaN where there was none."""
        return self.silence_called / self.silence if self.silence else float("nan")


@dataclass(frozen=True, slots=True)
class Moments:
    """The truth on the grid. Shape: (n,) and (n, classes)."""

    time_s: NDArray[np.float64]
    clear: BoolArray
    """(n,): not near an edge."""
    sounds: BoolArray
    """(n, classes): the class sounds, hidden or not."""
    hidden: BoolArray
    """(n, classes): it sounds far under another layer."""
    silent: BoolArray
    """(n,)"""


def moments(truth: tuple[Truth, ...], duration_s: float) -> Moments:
    """Put the truth on the grid."""
    count = int(duration_s / GRID_S + 1e-6)
    time_s = (np.arange(count, dtype=np.float64) + 0.5) * GRID_S
    clear = np.ones(count, np.bool_)
    sounds = np.zeros((count, len(CLASSES)), np.bool_)
    audible = np.zeros_like(sounds)
    silent = np.zeros(count, np.bool_)
    for layer in truth:
        for edge_s in (layer.start_s, layer.end_s):
            clear &= np.abs(time_s - edge_s) >= EDGE_S
        inside = (time_s >= layer.start_s) & (time_s < layer.end_s)
        if layer.label == "silence":
            silent |= inside
        else:
            column = CLASSES.index(layer.label)
            sounds[:, column] |= inside
            if layer.level_db >= HIDDEN_DB:
                audible[:, column] |= inside
    return Moments(time_s, clear, sounds, sounds & ~audible, silent)


def at_moments(heard: Heard, time_s: NDArray[np.float64]) -> NDArray[np.float32]:
    """Probabilities of the nearest frame. Shape: (n, classes)."""
    if not len(heard.time_s):
        return np.zeros((len(time_s), len(CLASSES)), np.float32)
    nearest = np.searchsorted((heard.time_s[1:] + heard.time_s[:-1]) / 2, time_s)
    answered = np.abs(heard.time_s[nearest] - time_s) <= _FARTHEST_FRAME_S
    return np.where(answered[:, None], heard.prob[nearest], np.float32(0))


def score_programme(programme: Programme, heard: Heard) -> ProgrammeScore:
    """Hold what was heard against the truth."""
    truth = moments(programme.truth, programme.duration_s)
    prob = at_moments(heard, truth.time_s)
    claimed = prob >= THRESHOLD
    scored = truth.clear[:, None] & ~truth.hidden
    alone = truth.clear & (truth.sounds.sum(1) == 1) & ~truth.hidden.any(1)
    silent = truth.clear & truth.silent
    return ProgrammeScore(
        one_class=Confusion.of(prob[alone], truth.sounds[alone].argmax(1)),
        multi_label=Counts.of(claimed, truth.sounds, scored),
        events=score_events(programme.truth, heard.rate_hz, heard.segments),
        calibration=Calibration.of(prob, truth.sounds, scored),
        silence=int(silent.sum()),
        silence_called=int(claimed[silent].any(1).sum()),
    )


def score_events(truth: tuple[Truth, ...], rate_hz: int, segments: Sequence[Segment]) -> Counts:
    """Onsets of segments, in samples at ``rate_hz``, against those of the layers that are heard."""
    counts = []
    for name in CLASSES:
        layers = [layer for layer in truth if layer.label == name]
        expected = [Stretch(t.start_s, t.end_s) for t in layers if t.level_db >= HIDDEN_DB]
        ignored = [Stretch(t.start_s, t.end_s) for t in layers if t.level_db < HIDDEN_DB]
        found = [
            Stretch(segment.start / rate_hz, segment.end / rate_hz)
            for segment in segments
            if segment.label == name
        ]
        counts.append(
            match_onsets(merged(expected, MERGE_S), merged(found, MERGE_S), ignored, COLLAR_S)
        )
    return Counts(
        np.array([count.hits for count in counts]),
        np.array([count.false_alarms for count in counts]),
        np.array([count.misses for count in counts]),
    )

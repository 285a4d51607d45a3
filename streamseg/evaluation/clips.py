"""Scores clips that hold one class from end to end, frame by frame.

Labels are per file, and a speech file holds pauses: only frames that are loud for their own clip
are scored (within ``GATE_DB`` of its loud frames, and above ``FLOOR_DBFS``).

- *Music against speech*, as in tables of two classes: over the frames of music and speech clips,
  the larger of these two probabilities.
- *Three classes*: over all clips, the largest probability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamseg.evaluation.analyser import CLASSES, Heard
from streamseg.evaluation.metrics import BoolArray, Confusion
from streamseg.messages import Float32Array

GATE_DB = 25.0
FLOOR_DBFS = -60.0
_LOUD_PERCENTILE = 95.0


@dataclass(frozen=True, slots=True)
class ClipScore:
    """Frames of one clip, or of several added up."""

    music_speech: Confusion
    three_classes: Confusion

    def __add__(self, other: ClipScore) -> ClipScore:
        return ClipScore(
            self.music_speech + other.music_speech, self.three_classes + other.three_classes
        )


def loud_frames(level_dbfs: Float32Array) -> BoolArray:
    """Shape: (n,) in, (n,) out: the frames that are worth a label."""
    if not level_dbfs.size:
        return np.zeros(0, np.bool_)
    loud_dbfs = float(np.percentile(level_dbfs, _LOUD_PERCENTILE))
    return level_dbfs >= max(FLOOR_DBFS, loud_dbfs - GATE_DB)


def score_clip(label: str, heard: Heard) -> ClipScore:
    """Hold what was heard against the label of the clip."""
    prob = heard.prob[loud_frames(heard.level_dbfs)]
    true_class = CLASSES.index(label)
    truth = np.full(len(prob), true_class, np.int64)
    in_pair = len(prob) if label != "noise" else 0
    return ClipScore(
        music_speech=Confusion.of(prob[:in_pair, :2], truth[:in_pair]),
        three_classes=Confusion.of(prob, truth),
    )

"""One answer a clip: the class with the largest mean probability over the clip's loud answers.

Beside it, per segment: every loud answer that the network gives for the clip. What a segment is
depends on the network: an answer of ``parallel_cnn`` comes from a window of 2.82 s, as in its
paper. A clip of which nothing is heard at all is answered wrongly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streamseg.evaluation.analyser import CLASSES, Heard
from streamseg.evaluation.clips import ClipScore, loud_frames, score_clip
from streamseg.evaluation.metrics import BoolArray, Confusion
from streamseg.messages import Float32Array

PAIR = CLASSES[:2]
"""Music against speech: the two classes of the papers' tables."""


@dataclass(frozen=True, slots=True)
class ClipAnswer:
    """What a system says of one clip. Shape: ``mean`` (classes,), 0 where nothing was heard."""

    label: str
    mean: Float32Array
    segments: ClipScore

    @property
    def right(self) -> bool:
        """The true class has the largest mean of all classes."""
        return self._is_largest(self.mean)

    @property
    def right_of_pair(self) -> bool:
        """The same between music and speech. Raises ValueError for a clip of another class."""
        if self.label not in PAIR:
            raise ValueError(f"expected a clip of {' or '.join(PAIR)}, got one of {self.label}")
        return self._is_largest(self.mean[: len(PAIR)])

    def _is_largest(self, mean: Float32Array) -> bool:
        return bool(mean.max() > 0) and int(mean.argmax()) == CLASSES.index(self.label)


def answer_clip(label: str, heard: Heard) -> ClipAnswer:
    """Bring what was heard of a clip to one answer."""
    loud = heard.prob[loud_frames(heard.level_dbfs)]
    mean = loud.mean(axis=0) if len(loud) else np.zeros(len(CLASSES), np.float32)
    return ClipAnswer(label, mean, score_clip(label, heard))


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Right answers of one system. Shape: ``clips`` (clips,), in the order of the clips."""

    segments: float
    clips: BoolArray

    @property
    def per_clip(self) -> float:
        """Share of the clips that got the right answer."""
        return float(self.clips.mean()) if self.clips.size else float("nan")


def pair_accuracy(answers: Sequence[ClipAnswer]) -> Accuracy:
    """Music against speech, over the clips of these classes."""
    asked = [answer for answer in answers if answer.label in PAIR]
    segments = [answer.segments.music_speech for answer in asked]
    return Accuracy(_share(segments), np.array([a.right_of_pair for a in asked], np.bool_))


def three_accuracy(answers: Sequence[ClipAnswer]) -> Accuracy:
    """All classes, over all clips."""
    segments = [answer.segments.three_classes for answer in answers]
    return Accuracy(_share(segments), np.array([a.right for a in answers], np.bool_))


def _share(confusions: Sequence[Confusion]) -> float:
    """Segments on the diagonal of all; NaN without any."""
    total = sum(int(one.frames.sum()) for one in confusions)
    right = sum(int(np.trace(one.frames)) for one in confusions)
    return right / total if total else float("nan")

"""Level gate and centred mean over frames. Runs on the decisions thread; memory is a few frames.

Both are centred, so a frame comes out only after the frames to its right have come in: ``push``
answers with the frames that are complete, ``flush`` with the rest. They are *exactly* invariant to
how the frames were split (every output is computed by the same additions in the same order): the
state machines behind them compare with thresholds, where one unit in the last place would matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamseg.messages import Float32Array

BoolArray = NDArray[np.bool_]
Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Frames:
    """Consecutive frames that the level gate or the mean has finished with.

    Shape: ``scores`` is (frames, classes), 0 where ``audible`` (frames,) is false;
    ``level_dbfs`` is (frames,), as it came in.
    """

    scores: Float32Array
    level_dbfs: Float32Array
    audible: BoolArray

    def __len__(self) -> int:
        return len(self.level_dbfs)

    def __getitem__(self, part: slice) -> Frames:
        return Frames(self.scores[part], self.level_dbfs[part], self.audible[part])

    def then(self, other: Frames) -> Frames:
        """These frames followed by others."""
        return Frames(
            np.concatenate((self.scores, other.scores)),
            np.concatenate((self.level_dbfs, other.level_dbfs)),
            np.concatenate((self.audible, other.audible)),
        )

    @staticmethod
    def empty(classes: int) -> Frames:
        """No frame."""
        return Frames(
            np.empty((0, classes), np.float32), np.empty(0, np.float32), np.empty(0, np.bool_)
        )


class LevelGate:
    """Scores become 0 where nothing is on air.

    A frame is silent if it belongs to a run of at least ``shortest_s`` of frames below
    ``silence_dbfs``. This is the moving maximum of the level over a centred window of that length,
    with the window's smearing taken back (a morphological closing), so that dips between two drum
    strokes stay audible and yet the edges of a silence stay where they are. Audible frames pass at
    once; a quiet frame waits until its run is long enough or over.
    """

    def __init__(self, classes: int, hop_s: float, silence_dbfs: float, shortest_s: float) -> None:
        self.delay_frames = max(1, round(shortest_s / hop_s)) - 1
        self._silence_dbfs = silence_dbfs
        self._classes = classes
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._waiting = Frames.empty(self._classes)  # one quiet run, not yet long enough
        self._in_silence = False  # the last frame given out was silent

    def push(self, scores: Float32Array, level_dbfs: Float32Array) -> Frames:
        """Shape: (n, classes) and (n,) in; the frames that are decided out, in order."""
        quiet = level_dbfs < self._silence_dbfs
        if not (len(self._waiting) or quiet.any()):  # most of the time
            self._in_silence = self._in_silence and not len(quiet)
            return Frames(scores, level_dbfs, ~quiet)
        frames = self._waiting.then(Frames(scores, level_dbfs, ~quiet))
        audible = frames.audible.copy()
        begins = np.flatnonzero(np.diff(audible.astype(np.int8), prepend=1) == -1)
        ends = np.flatnonzero(np.diff(audible.astype(np.int8), append=1) == 1) + 1
        decided = len(frames)
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
            continues = begin == 0 and self._in_silence
            long_enough = continues or end - begin > self.delay_frames
            if not long_enough and end == len(frames):
                decided = begin
            elif not long_enough:
                audible[begin:end] = True
        self._waiting = frames[decided:]
        if decided:
            self._in_silence = not bool(audible[decided - 1])
        return _gated(frames.scores[:decided], frames.level_dbfs[:decided], audible[:decided])

    def flush(self) -> Frames:
        """End of the stream: a last run that is too short to be a silence counts as audible."""
        rest = self._waiting
        self.reset()
        return _gated(rest.scores, rest.level_dbfs, np.ones(len(rest), np.bool_))


class CentredMean:
    """Mean of the scores over ``smooth_s`` around each frame, over audible frames alone.

    Silent frames keep the score 0 and do not pull down their neighbours: a sound that begins after
    a silence is there from its first frame. At the ends of the stream the window is what there is.
    """

    def __init__(self, classes: int, hop_s: float, smooth_s: float) -> None:
        self.delay_frames = round(smooth_s / hop_s / 2)
        self._classes = classes
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._kept = Frames.empty(self._classes)  # at most 2 * delay frames and one block
        self._done = 0  # of the kept frames, so many were given out already

    def push(self, frames: Frames) -> Frames:
        """Frames of the level gate in; the frames whose whole window has come out."""
        self._kept = self._kept.then(frames)
        return self._mean_up_to(len(self._kept) - self.delay_frames)

    def flush(self) -> Frames:
        """End of the stream: the last ``delay_frames`` frames, with shortened windows."""
        last = self._mean_up_to(len(self._kept))
        self.reset()
        return last

    def _mean_up_to(self, stop: int) -> Frames:
        half, first = self.delay_frames, self._done
        count = stop - first
        if count <= 0:
            return Frames.empty(self._classes)
        # One addition per place in the window, in a fixed order: exact for every split.
        kept = len(self._kept)
        weight = np.zeros(kept + 2 * half)
        weight[half : half + kept] = self._kept.audible
        weighted = np.zeros((kept + 2 * half, self._classes))
        weighted[half : half + kept] = self._kept.scores
        weighted *= weight[:, None]
        total = np.zeros((count, self._classes))
        counted = np.zeros(count)
        for place in range(first, first + 2 * half + 1):
            total += weighted[place : place + count]
            counted += weight[place : place + count]
        here = self._kept[first:stop]
        mean = (total / np.maximum(counted, 1.0)[:, None]).astype(np.float32)
        gone = max(0, stop - half)
        self._kept, self._done = self._kept[gone:], stop - gone
        return _gated(mean, here.level_dbfs, here.audible)


def _gated(scores: Float32Array, level_dbfs: Float32Array, audible: BoolArray) -> Frames:
    return Frames(np.where(audible[:, None], scores, np.float32(0)), level_dbfs, audible)

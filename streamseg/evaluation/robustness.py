"""``python -m streamseg.evaluation robustness``: the clips of one class, degraded in ten ways.

Every clip of split eval goes through every condition (``training.conditions``), at -22 dBFS but
for the quiet one; the draws depend on the clip's place and the condition alone. Scored are the
clip's loud frames, as in ``clips``: best class against the label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from rich.table import Table

from streamseg.evaluation.analyser import CLASSES
from streamseg.evaluation.clips import score_clip
from streamseg.evaluation.made import Hear
from streamseg.evaluation.metrics import Confusion
from streamseg.evaluation.tables import Record
from streamseg.evaluation.truth import Clip
from streamseg.messages import Float32Array
from streamseg.training.conditions import CONDITIONS
from streamseg.training.data import decode

_LEVEL = 10 ** (-25 / 20)  # root mean square of -25 dB is -22 dBFS as AES17 counts


def degraded(samples: Float32Array, condition: str, seed: int) -> Float32Array:
    """One clip under one condition. Shape: (n,) in and out, 44.1 kHz."""
    random = np.random.default_rng([seed, *condition.encode()])
    heard = CONDITIONS[condition](random, samples / max(_rms(samples), 1e-6) * np.float32(_LEVEL))
    if condition == "quiet_25db":
        return heard
    return np.asarray(heard * (_LEVEL / max(_rms(heard), 1e-6)), np.float32)


def _rms(samples: Float32Array) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def evaluate(clips: Iterable[Clip], hear: Hear) -> dict[str, Confusion]:
    """Frames by true and found class, by condition."""
    nothing = np.zeros((len(CLASSES), len(CLASSES) + 1), np.int64)
    found = {name: Confusion(nothing) for name in CONDITIONS}
    for place, clip in enumerate(clips):
        samples = decode(clip.audio)
        for name in CONDITIONS:
            heard = hear(degraded(samples, name, place))
            found[name] = found[name] + score_clip(clip.label, heard).three_classes
    return found


def recall(confusion: Confusion) -> Float32Array:
    """Share of each class's frames that were called by its name. Shape: (classes,)."""
    frames = confusion.frames
    return np.asarray(np.diag(frames) / np.maximum(frames.sum(1), 1), np.float32)


def robustness_table(found: Mapping[str, Confusion]) -> Table:
    """One row a condition: macro-F1, then the share of each class's frames called by its name."""
    table = Table(title="Clips of one class, degraded", box=None, pad_edge=False)
    for heading in ("condition", "macro-F1", *CLASSES):
        table.add_column(heading, justify="left" if heading == "condition" else "right")
    for name, confusion in found.items():
        cells = [
            f"{np.nanmean(confusion.f1):.3f}",
            *(f"{value:.3f}" for value in recall(confusion)),
        ]
        table.add_row(name, *cells)
    return table


def robustness_record(found: Mapping[str, Confusion]) -> Record:
    """The same with the counts behind it."""
    return {
        "conditions": {
            name: {
                "f1": dict(zip(CLASSES, np.round(confusion.f1, 4).tolist(), strict=True)),
                "recall": dict(zip(CLASSES, map(float, recall(confusion)), strict=True)),
                "confusion": confusion.frames.tolist(),
            }
            for name, confusion in found.items()
        }
    }

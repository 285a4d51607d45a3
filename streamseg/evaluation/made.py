"""Sounds that the evaluation makes itself, heard by a system that takes files.

They go through a file of 32-bit samples, so that the whole way from the decoder on is the one of a
recording.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from streamseg.evaluation.analyser import Analyser, Heard
from streamseg.messages import Float32Array
from streamseg.training.data import RATE_HZ

Hear = Callable[[Float32Array], Heard]
"""From mono samples (n,) at ``RATE_HZ`` to what a system says of them."""


def hearing(analyse: Analyser) -> Hear:
    """The system behind ``analyse``, for samples; what exceeds full scale is cut off."""

    def hear(samples: Float32Array) -> Heard:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "made.wav"
            soundfile.write(path, np.clip(samples, -1, 1), RATE_HZ, "FLOAT")
            return analyse(path)

    return hear

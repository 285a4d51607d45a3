"""Sound to measure with, a clock of processor time, and one core.

Nothing here imports numpy before ``on_one_core`` was called: its threads are as many as the cores
that the process may use when it is loaded.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamseg.messages import Float32Array

RATE_HZ = 48_000


def on_one_core() -> None:
    """From here on this process has one core (where the system can do that) and one thread."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def least_s(work: Callable[[], object], times: int) -> float:
    """Least processor time of some runs, after one that is not counted.

    Others on the machine make a run longer, never shorter.
    """
    work()
    spent = []
    for _ in range(times):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return max(min(spent), 1e-9)


def demo(seconds: float) -> Float32Array:
    """The demo programme over and over, (n, 2) float32 at 48 kHz."""
    import numpy as np

    from streamseg.capture.media import MediaSource
    from streamseg.messages import Block
    from streamseg.resources import demo_dir
    from streamseg.settings import CaptureSettings

    source = MediaSource(demo_dir() / "demo.opus", "mean", CaptureSettings())
    try:
        assert source.open().rate_hz == RATE_HZ, "Opus is always decoded to 48 kHz"
        parts = []
        while not source.exhausted:
            block = source.read(1.0)
            if isinstance(block, Block):
                assert block.channels is not None, "the demo programme is stereo"
                parts.append(block.channels)
    finally:
        source.close()
    programme = np.concatenate(parts)
    frames = round(seconds * RATE_HZ)
    copies = -(-frames // len(programme))
    return np.ascontiguousarray(np.concatenate([programme] * copies)[:frames])

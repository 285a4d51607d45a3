"""A client of JACK that beeps like ``metronome``: a program of its own, ended by a signal."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import sounddevice
from metronome import sound_at

RATE_HZ = 48_000
LATE_S = 0.02  # a cycle that the server left out: go on with the time, as a microphone would


def main() -> None:
    """Play until somebody ends it."""
    apis = sounddevice.query_hostapis()
    [device] = [
        index
        for index, found in enumerate(sounddevice.query_devices())
        if found["name"] == "system" and apis[found["hostapi"]]["name"].startswith("JACK")
    ]
    position_s = time.monotonic()

    def callback(out: np.ndarray, frames: int, _time: Any, _status: Any) -> None:
        nonlocal position_s
        if abs(position_s - time.monotonic()) > LATE_S:
            position_s = time.monotonic()
        out[:, 0] = sound_at(position_s, frames, RATE_HZ)
        position_s += frames / RATE_HZ

    with sounddevice.OutputStream(
        device=device, samplerate=RATE_HZ, channels=1, blocksize=1024, callback=callback
    ):
        time.sleep(3600)


if __name__ == "__main__":
    main()

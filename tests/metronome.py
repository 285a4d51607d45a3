"""Beeps at every whole second of the monotonic clock, and finding them again in what was captured.

The distance between two beeps on a source's sample counter must be the distance between the moments
at which they were made, whatever happened between them: that tells how well the length of a gap was
measured. The pitch says which of ten seconds it was.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

BEEP_S = 0.1
PERIODS = 10
"""Pitches, and seconds until they begin anew."""
_LOWEST_HZ, _STEP_HZ = 500.0, 100.0
_LISTEN_S = 0.08
_CHUNK_S = 0.01


def sound_at(begin_s: float, frames: int, rate_hz: int) -> np.ndarray:
    """What the metronome sounds like from ``begin_s`` on; (frames,) float32."""
    times_s = begin_s + np.arange(frames) / rate_hz
    pitch_hz = _LOWEST_HZ + _STEP_HZ * (np.floor(times_s) % PERIODS)
    # Never quite silent: an all-zero input is something else.
    noise = 1e-4 * np.random.default_rng(0).standard_normal(frames)
    beep = 0.5 * np.sin(2 * np.pi * pitch_hz * times_s) * (times_s % 1 < BEEP_S)
    return np.asarray(beep + noise, np.float32)


class Metronome:
    """Writes raw float32 into a pipe at the speed of real time; like a microphone, it never waits.

    What the pipe does not take is gone. Whoever reads it gets the sound as it is made, so nothing
    but the pipe itself (a third of a second, when nobody reads) can make it late.
    """

    def __init__(self, pipe: int, rate_hz: int) -> None:
        """``pipe`` is a descriptor; it is closed at the end."""
        os.set_blocking(pipe, False)
        self._pipe, self._rate_hz = pipe, rate_hz
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop beeping."""
        self._stop.set()
        self._thread.join()
        os.close(self._pipe)

    def _run(self) -> None:
        made = int(time.monotonic() * self._rate_hz)
        rest = b""
        while not self._stop.wait(_CHUNK_S):
            due = int(time.monotonic() * self._rate_hz)
            data = rest + sound_at(made / self._rate_hz, due - made, self._rate_hz).tobytes()
            made = due
            try:
                written = os.write(self._pipe, data)
            except BlockingIOError:
                written = 0
            except BrokenPipeError:
                return
            # Never a part of a sample.
            rest = data[written : written + -written % 4]


def fifo(path: Path, rate_hz: int) -> Metronome:
    """A metronome behind a named pipe that somebody has made to read from."""
    return Metronome(os.open(path, os.O_RDWR), rate_hz)


def program(command: list[str], rate_hz: int) -> tuple[Metronome, subprocess.Popen[bytes]]:
    """A metronome at the standard input of a program."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    with process.stdin as pipe:
        return Metronome(os.dup(pipe.fileno()), rate_hz), process


class BeepFinder:
    """A ``tap``: calls ``found(sample, second)`` for every beep that is heard whole.

    ``second`` is 0 to 9: when it was made, on the monotonic clock, modulo ten.
    """

    def __init__(self, rate_hz: int, found: Callable[[int, int], None]) -> None:
        self._rate_hz = rate_hz
        self._found = found
        self._held = np.empty(0, np.float32)
        self._begin = 0  # position of the first sample held
        self._next = 0  # no beep begins before

    def push(self, samples: np.ndarray, sample: int) -> None:
        """Blocks in order."""
        if sample != self._begin + len(self._held):
            self._held, self._begin = np.empty(0, np.float32), sample
        self._held = np.concatenate((self._held, samples))
        needed = round(_LISTEN_S * self._rate_hz)
        while True:
            after = self._held[max(0, self._next - self._begin) :]
            loud = np.flatnonzero(np.abs(after) > 0.1)
            if not loud.size or len(after) < loud[0] + needed:
                break
            position = self._begin + len(self._held) - len(after) + int(loud[0])
            self._name(position, after[loud[0] : loud[0] + needed])
            self._next = position + self._rate_hz // 2
        kept = min(len(self._held), 2 * needed)
        self._begin += len(self._held) - kept
        self._held = self._held[len(self._held) - kept :]

    def _name(self, position: int, beep: np.ndarray) -> None:
        padded = np.fft.rfft(beep * np.hanning(len(beep)), self._rate_hz)
        second = round((int(np.argmax(np.abs(padded))) - _LOWEST_HZ) / _STEP_HZ)
        # A beep that a gap has cut off lasts too short to be measured.
        if 0 <= second < PERIODS and np.sqrt(np.mean(beep[len(beep) // 2 :] ** 2)) > 0.2:
            self._found(position, second)


def offset_s(beeps: Iterable[tuple[float, int]]) -> float:
    """From the clock that made the beeps to the counter that heard them, modulo ten seconds."""
    offsets = np.array([(heard_s - second) % PERIODS for heard_s, second in beeps])
    centre = np.angle(np.mean(np.exp(2j * np.pi * offsets / PERIODS))) / (2 * np.pi) * PERIODS
    around = (offsets - centre + PERIODS / 2) % PERIODS - PERIODS / 2
    return float(centre + np.median(around))


def difference_s(one_s: float, other_s: float) -> float:
    """Between two offsets, the short way round."""
    return (other_s - one_s + PERIODS / 2) % PERIODS - PERIODS / 2

"""WAV files that are written as the sound comes. One thread; nothing is kept in memory.

The file has its name only when it is complete: until then it lies beside it as ``<name>.part``.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from streamseg.errors import CannotWriteError
from streamseg.messages import Float32Array
from streamseg.sinks.formats import cannot_write

SAMPLE_BYTES = 2  # 16 bits
MOST_BYTES = 2**32 - 2**16  # RIFF counts its length in 32 bits


class WavWriter:
    """Frames of sound to an open WAV file; see ``wav_file``."""

    def __init__(self, path: Path, out: wave.Wave_write) -> None:
        self._path, self._out = path, out
        self._bytes = 0

    def write(self, frames: Float32Array) -> None:
        """Shape: (n, channels) float32, full scale 1.0; what exceeds it is clipped.

        Raises CannotWriteError beyond the 4 GB that a WAV file can hold.
        """
        self._bytes += frames.size * SAMPLE_BYTES
        if self._bytes > MOST_BYTES:
            raise CannotWriteError(
                f"expected less than 4 GB of sound for {self._path}, got more than a WAV file can "
                "hold; cut the input into shorter files"
            )
        whole = np.rint(np.clip(frames, -1.0, 1.0) * np.float32(32767)).astype("<i2")
        self._out.writeframesraw(whole.tobytes())


@contextmanager
def wav_file(path: Path, rate_hz: int, channels: int) -> Iterator[WavWriter]:
    """A WAV file of 16 bits to write into; it appears when the block is left without an error.

    Raises CannotWriteError when the system refuses.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file, wave.open(file, "wb") as out:
            out.setnchannels(channels)
            out.setsampwidth(SAMPLE_BYTES)
            out.setframerate(rate_hz)
            yield WavWriter(path, out)
        part.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        part.unlink(missing_ok=True)

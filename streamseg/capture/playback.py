"""Sound out: plays a stretch of sound on the default output device.

Belongs to one thread, the window's. PortAudio's callback runs on its own: it copies and returns.
Like ``device`` it is the only kind of module with sounddevice, imported late for the same reasons.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamseg.capture.portaudio import sounddevice
from streamseg.capture.time_limit import within
from streamseg.errors import SourceUnavailableError
from streamseg.messages import Float32Array

OPEN_S = 5.0
LATENCY_S = 0.2  # sound in the device's hands: nobody hears the delay, but everybody a drop-out
_CLOSE_S = 2.0


class DevicePlayer:
    """See ``view.engine.Player``."""

    def __init__(self) -> None:
        self._stream: Any = None
        self._samples: Float32Array = np.empty((0, 1), np.float32)
        self._rate_hz = 1
        self._position = 0
        self._playing = False
        self._delay_s = 0.0

    @property
    def played_s(self) -> float | None:
        """Seconds that were heard so far; None when nothing is played."""
        if not self._playing:
            return None
        return max(0.0, self._position / self._rate_hz - self._delay_s)

    def play(self, samples: Float32Array, rate_hz: int) -> None:
        """Begin, in place of what was played before.

        Shape: (n, channels) float32. Raises SourceUnavailableError when there is no output device
        or it does not open.
        """
        self.stop()
        self._samples, self._rate_hz, self._position = samples, rate_hz, 0
        self._playing = True
        try:
            self._stream = within(OPEN_S, "open the output device", self._start, undo=_abort)
        except BaseException:
            self._playing = False
            raise

    def stop(self) -> None:
        """Be quiet. Returns within two seconds even when the audio server is frozen."""
        stream, self._stream = self._stream, None
        self._playing = False
        if stream is not None:
            closer = threading.Thread(target=_abort, args=(stream,), daemon=True)
            closer.start()
            closer.join(_CLOSE_S)

    def _start(self) -> Any:
        sd = sounddevice()
        try:
            stream = sd.OutputStream(
                samplerate=self._rate_hz,
                channels=self._samples.shape[1],
                dtype="float32",
                latency=LATENCY_S,
                callback=self._callback,
                finished_callback=self._finished,
            )
            self._delay_s = float(stream.latency)
            stream.start()
        except sd.PortAudioError as error:
            raise SourceUnavailableError(
                f"expected an output device that plays {self._rate_hz} Hz, got: {error}; "
                "check that one is connected and not in use"
            ) from None
        return stream

    def _callback(self, out: NDArray[np.float32], frames: int, _time: Any, _status: Any) -> None:
        import sounddevice as sd

        piece = self._samples[self._position : self._position + frames]
        out[: len(piece)] = piece
        out[len(piece) :] = 0
        self._position += len(piece)
        if len(piece) < frames:
            raise sd.CallbackStop

    def _finished(self) -> None:
        self._playing = False


def _abort(stream: Any) -> None:
    stream.abort(ignore_errors=True)
    stream.close(ignore_errors=True)

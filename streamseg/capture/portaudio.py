"""Sound cards and audio servers through PortAudio. With ``playback`` the only sounddevice.

Runs in the recording process alone (``recorder``): here a call may hang for ever, or take the
process with it, and nobody loses more than some sound. PortAudio's callback runs on a thread of its
own: it copies into shared memory, notes the time, and returns; no lock, no log, no allocation that
grows.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamseg.capture.input_device import InputDevice
from streamseg.capture.shared_ring import BlockWriter
from streamseg.errors import SourceUnavailableError
from streamseg.ticks import now_s

JACK_NAME = b"streamseg"
"""What we are called at a JACK server. Every program that does not say is called PortAudio there,
and who comes second gets another name; but by their names devices are found again."""


@dataclass(frozen=True, slots=True)
class StreamWish:
    """What a stream is to be opened with."""

    index: int
    rate_hz: int
    channels: int
    block_frames: int
    latency_s: float


def sounddevice() -> Any:
    """The library. Raises SourceUnavailableError where PortAudio is not installed."""
    _name_at_jack()
    try:
        # Here, because the import itself fails without PortAudio and hangs at a frozen server.
        import sounddevice as sd
    except OSError as error:
        raise SourceUnavailableError(
            f"expected the PortAudio library, got: {error}; install it "
            "(Debian, Ubuntu: apt-get install libportaudio2; Fedora: dnf install portaudio)"
        ) from None
    return sd


def _name_at_jack() -> None:
    # PortAudio reads it once, when the import below starts it, and keeps the pointer.
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # not installed, or built without JACK
            ctypes.CDLL("libportaudio.so.2").PaJack_SetClientName(JACK_NAME)


def input_devices() -> list[InputDevice]:
    """Every device with inputs, in PortAudio's order.

    PortAudio looks for devices once, when it is imported. Raises SourceUnavailableError when it is
    not installed.
    """
    sd = sounddevice()
    apis = sd.query_hostapis()
    try:
        default = sd.query_devices(kind="input")["index"]
    except sd.PortAudioError:
        default = None
    return [
        InputDevice(
            index=index,
            name=str(device["name"]),
            host_api=str(apis[device["hostapi"]]["name"]),
            channels=int(device["max_input_channels"]),
            rate_hz=round(device["default_samplerate"]),
            is_default=index == default,
        )
        for index, device in enumerate(sd.query_devices())
        if device["max_input_channels"] > 0
    ]


class Stream:
    """A running input stream that fills a ring. ``on_end`` is called on any thread."""

    def __init__(self, wish: StreamWish, writer: BlockWriter, on_end: Callable[[], None]) -> None:
        """Open and start. Raises SourceUnavailableError with PortAudio's own words."""
        self._writer = writer
        sd = sounddevice()
        try:
            self._stream = sd.InputStream(
                device=wish.index,
                samplerate=wish.rate_hz,
                channels=wish.channels,
                dtype="float32",
                blocksize=wish.block_frames,
                latency=wish.latency_s,
                callback=self._callback,
                finished_callback=on_end,
            )
            self._stream.start()
        except sd.PortAudioError as error:
            raise SourceUnavailableError(str(error)) from None

    def _callback(self, data: NDArray[np.float32], _frames: int, _time: Any, status: Any) -> None:
        # The time that PortAudio hands over counts from another epoch on every back end.
        self._writer.push(data, now_s(), bool(status) and status.input_overflow)

    def abort(self) -> None:
        """End it. May hang: stop waits for the server always, abort only for some."""
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)

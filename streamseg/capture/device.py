"""Sound cards and audio servers through PortAudio. The only module with sounddevice.

``DeviceSource`` belongs to the analysis thread of its source. PortAudio's callback runs on a thread
of its own: it copies into the ring, notes the time, and returns; no lock, no log, no allocation
that grows. When the ring is full the block is dropped, counted, and reported at its place.

sounddevice is imported inside functions: without the PortAudio library the import itself fails, and
with a frozen audio server it hangs, so it happens where both can be reported.
"""

from __future__ import annotations

import atexit
import sys
import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamseg.capture.base import ChannelChoice, Delivery, Downmix
from streamseg.capture.device_clock import DeviceClock
from streamseg.capture.input_device import InputDevice, choose_device
from streamseg.capture.tape import TapeReader, TapeWriter, tape
from streamseg.capture.time_limit import within
from streamseg.errors import SourceUnavailableError
from streamseg.messages import Loss, StreamFormat
from streamseg.settings import CaptureSettings

_POLL_S = 0.02
"""How often the reader looks into the ring: a callback must not wake anybody, that takes a lock."""
_MAX_BLOCK_S = 0.25
_CLOSE_S = 2.0
_LATENCY_S = 0.1
"""Buffer asked of the back end: rides out a busy machine. Callbacks then come a third of it apart
on ALSA, in bursts of blocks."""
_hung: list[Any] = []
"""Streams that could not be closed: PortAudio may still call into them, so they are never freed."""


def _sounddevice() -> Any:
    try:
        import sounddevice
    except OSError as error:
        raise SourceUnavailableError(
            f"expected the PortAudio library, got: {error}; install it "
            "(Debian, Ubuntu: apt-get install libportaudio2; Fedora: dnf install portaudio)"
        ) from None
    return sounddevice


def list_devices() -> list[InputDevice]:
    """Every device with inputs, in PortAudio's order.

    Raises SourceUnavailableError when PortAudio is not installed.
    """
    sd = _sounddevice()
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


def find_device(text: str | int | None) -> InputDevice:
    """A device by index, exact name, or a part of its name that no other has; None: the default.

    Raises SourceUnavailableError, with the candidates, when there is none or more than one.
    """
    return choose_device(list_devices(), text)


def _skip_portaudio_exit() -> None:
    """PortAudio's own clean-up hangs, too, when a server is frozen: leave it to the kernel."""
    # Not by importing it: that very import may be what hangs.
    handler = getattr(sys.modules.get("sounddevice"), "_exit_handler", None)
    if handler is not None:
        atexit.unregister(handler)


class DeviceSource:
    """An input device as a ``Source``; see ``base.Source`` for the contract.

    The stream opens at the device's own rate and with at most two channels unless told otherwise:
    audio servers offer 32 or more and fill them by mixing, which would change a mean.
    """

    live = True
    exhausted = False

    def __init__(
        self,
        device: str | int | None,
        channel: ChannelChoice,
        settings: CaptureSettings,
        *,
        rate_hz: int | None = None,
        channels: int | None = None,
        name: str | None = None,
    ) -> None:
        self._wanted = device
        self._channel = channel
        self._settings = settings
        self._rate_hz = rate_hz
        self._channels = channels
        self.name = name if name is not None else str(device if device is not None else "default")
        self._label = self.name
        self._stream: Any = None
        self._downmix: Downmix | None = None
        self._finished = False
        # Of the callback: total frames, total callbacks, and one row (time, frames, overflow) each.
        self._received = 0
        self._stamped = 0
        self._stamps: NDArray[np.float64] = np.zeros((1, 3))
        # Of the reader.
        self._seen = 0
        self._opened_s = 0.0
        self._last_s = 0.0

    @property
    def bad_samples(self) -> int:
        """NaN and infinite samples met so far."""
        return self._downmix.bad_samples if self._downmix else 0

    def open(self) -> StreamFormat:
        """Open and start the stream.

        Raises SourceUnavailableError when there is no such device or it does not open, UsageError
        for a channel that it does not have.
        """
        limit_s = self._settings.open_timeout_s
        found = within(
            limit_s,
            "list devices",
            lambda: find_device(self._wanted),
            on_hang=_skip_portaudio_exit,
        )
        self._label = found.label
        rate_hz = self._rate_hz or found.rate_hz
        least = self._channel if isinstance(self._channel, int) else 1
        channels = self._channels or min(found.channels, max(2, least))
        self._downmix = Downmix(self._channel, channels)
        self._prepare(rate_hz, channels)
        self._stream = within(
            limit_s,
            f"open device {found.label!r}",
            lambda: self._start(found, rate_hz, channels),
            undo=_abort,
            on_hang=_skip_portaudio_exit,
        )
        self._opened_s = self._last_s = time.monotonic()
        return StreamFormat(rate_hz, channels, "float32", f"{found.label} through PortAudio")

    def _prepare(self, rate_hz: int, channels: int) -> None:
        assert self._downmix is not None
        settings = self._settings
        ends: tuple[TapeWriter, TapeReader] = tape(
            round(settings.ring_s * rate_hz), channels, self._downmix, round(_MAX_BLOCK_S * rate_hz)
        )
        self._writer, self._tape = ends
        self._clock = DeviceClock(rate_hz, settings.lost_tolerance_s, settings.block_s)
        # Twice what arrives while the ring fills up: the reader never misses a stamp.
        self._stamps = np.zeros((2 * round(settings.ring_s / settings.block_s) + 64, 3))

    def _start(self, found: InputDevice, rate_hz: int, channels: int) -> Any:
        sd = _sounddevice()
        try:
            stream = sd.InputStream(
                device=found.index,
                samplerate=rate_hz,
                channels=channels,
                dtype="float32",
                blocksize=max(1, round(self._settings.block_s * rate_hz)),
                latency=max(_LATENCY_S, 2 * self._settings.block_s),
                callback=self._callback,
                finished_callback=self._on_finished,
            )
            stream.start()
        except sd.PortAudioError as error:
            raise SourceUnavailableError(
                f"expected device {found.label!r} to open with {channels} channels at {rate_hz} Hz,"
                f" got: {error}; check that it is connected and not in use, or choose -r and -c"
            ) from None
        return stream

    def _callback(self, data: NDArray[np.float32], frames: int, _time: Any, status: Any) -> None:
        self._writer.push(data)
        self._received += frames
        stamp = self._stamps[self._stamped % len(self._stamps)]
        # The time that PortAudio hands over counts from another epoch on every back end.
        stamp[0] = time.monotonic()
        stamp[1] = self._received
        stamp[2] = bool(status) and status.input_overflow
        self._stamped += 1

    def _on_finished(self) -> None:
        self._finished = True

    def read(self, timeout_s: float) -> Delivery | None:
        """The next thing that happened, or None after ``timeout_s``.

        A ``Loss`` with queue ``device`` comes about a second after the hole: only then it is told
        from a delay. Raises SourceUnavailableError when the device went away or fell silent.
        """
        if self._stream is None:
            raise RuntimeError("expected an open source, got read() before open()")
        deadline_s = time.monotonic() + timeout_s
        while True:
            delivery = self._lost_before_callback() or self._tape.read()
            if delivery is not None:
                return delivery
            self._raise_if_gone()
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return None
            time.sleep(min(_POLL_S, left_s))

    def close(self) -> None:
        """Abort the stream. Returns within two seconds even when the audio server is frozen."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        # Abort, never stop: stop waits for the server.
        closer = threading.Thread(
            target=_abort, args=(stream,), name="portaudio close", daemon=True
        )
        closer.start()
        closer.join(_CLOSE_S)
        if closer.is_alive():
            _hung.append((stream, self))
            _skip_portaudio_exit()

    def _lost_before_callback(self) -> Loss | None:
        stamped = self._stamped
        self._seen = max(self._seen, stamped - len(self._stamps) // 2)
        while self._seen < stamped:
            at_s, frames, overflow = self._stamps[self._seen % len(self._stamps)]
            self._seen += 1
            self._last_s = float(at_s)
            lost = self._clock.observe(self._last_s, int(frames), bool(overflow))
            if lost:
                return self._tape.skip(lost, "device")
        return None

    def _raise_if_gone(self) -> None:
        silent_s = time.monotonic() - self._last_s
        if self._finished:
            reason = "its stream ended"
        elif silent_s > self._settings.read_timeout_s:
            reason = f"nothing for {silent_s:.1f} s"
        else:
            return
        raise SourceUnavailableError(
            f"expected sound from device {self._label!r}, got: {reason}; "
            "the device or its audio server went away: check it and start again"
        )


def _abort(stream: Any) -> None:
    stream.abort(ignore_errors=True)
    stream.close(ignore_errors=True)

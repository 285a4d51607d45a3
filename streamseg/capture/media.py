"""Files and URLs through FFmpeg. The only module with PyAV.

``MediaSource`` belongs to the analysis thread of its source. What has an end (a file, a URL of
known size) decodes inside ``read``; a live URL decodes on a thread of its own (``reopening.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from streamseg.capture.base import ChannelChoice, Delivery
from streamseg.capture.decoded import Conform, Decoded, DroppedError
from streamseg.capture.finite import FiniteReader
from streamseg.capture.place import check_file, is_url, local_path, public
from streamseg.capture.reopening import ReopeningReader
from streamseg.errors import NoSuchInputError, SourceUnavailableError, StreamsegError
from streamseg.messages import StreamFormat
from streamseg.settings import CaptureSettings

_PLAYLISTS = {"hls", "dash"}
_TIMED = {"hls", "dash", "mpegts"}
"""Containers whose time stamps are the sender's, and not counted from the connection."""
_INTEGER_SCALE = {"s16": 2.0**-15, "s32": 2.0**-31, "u8": 2.0**-7}
_LONGEST_PATCH_S = 1.0
"""A damaged header may claim any duration; no real audio packet is longer."""
_OPTIONS = {
    # FFmpeg listens to an unknown live stream for up to five seconds before it delivers.
    "analyzeduration": "2000000",
    # RTSP over UDP dies silently behind a firewall.
    "rtsp_flags": "prefer_tcp",
}
_TAGS = "replace"
"""Many files and stations write titles in Latin-1; PyAV would refuse the sound for that."""


class PyavDecoder:
    """The first audio stream of a container, as float32 frames. One thread at a time.

    The constructor decodes up to the first frame: only then the true rate and channel count are
    known, and a file in which nothing decodes is found out at once.
    """

    def __init__(self, place: str, settings: CaptureSettings) -> None:
        """Raises NoSuchInputError for what is not audio, SourceUnavailableError for a URL."""
        self._place = place
        self._shown = public(place)
        self._url = is_url(place)
        self.damaged_packets = 0
        self._last: Decoded | None = None
        self._container = self._open(settings)
        try:
            if not self._container.streams.audio:
                raise NoSuchInputError(
                    f"expected sound in {self._shown}, got a {self._container.format.name} without "
                    "an audio stream; choose a file that has one"
                )
            self._stream = self._container.streams.audio[0]
            self._timed = self._url and self._container.format.name in _TIMED
            self._frames = self._decode()
            self._first: Decoded | None = next(self._frames, None)
            if self._first is None:
                damage = (
                    f" ({self.damaged_packets} damaged packets)" if self.damaged_packets else ""
                )
                raise NoSuchInputError(
                    f"expected sound in {self._shown}, got not a single sample{damage}; "
                    "check that the file is complete"
                )
        except BaseException:
            self._container.close()
            raise
        self.rate_hz = self._first.rate_hz
        self.channels = self._first.frames.shape[1]
        self.codec = str(self._stream.codec_context.name)
        self.container = str(self._container.format.name)
        # PyAV counts in microseconds and knows no duration for a live stream.
        duration = self._container.duration
        self.duration_s = duration * 1e-6 if duration and duration > 0 else None

    @property
    def finite(self) -> bool:
        """Whether the sound has an end that is known now; a radio stream has none."""
        if not self._url:
            return True
        if any(key.lower().startswith("icy-") for key in self._container.metadata):
            return False
        if self.container.split(",")[0] in _PLAYLISTS:
            return self.duration_s is not None
        return self._place.lower().startswith(("http:", "https:")) and self._container.size > 0

    def read(self) -> Decoded | None:
        """The next frames, or None at the end.

        Raises DroppedError when the connection of a URL breaks or falls silent.
        """
        if self._first is not None:
            decoded, self._first = self._first, None
            return decoded
        return next(self._frames, None)

    def close(self) -> None:
        """Let go of the file or connection."""
        self._container.close()

    def _open(self, settings: CaptureSettings) -> av.container.InputContainer:
        try:
            if not self._url:
                # The prefix keeps FFmpeg from taking a colon in a file name for a protocol.
                return av.open(f"file:{self._place}", "r", metadata_errors=_TAGS)
            # PyAV takes fractions of a second, its type stubs do too.
            return av.open(
                re.sub("^icy:", "http:", self._place, flags=re.IGNORECASE),
                "r",
                timeout=(settings.open_timeout_s, settings.read_timeout_s),
                options=_OPTIONS,
                metadata_errors=_TAGS,
            )
        except av.error.InvalidDataError:
            raise NoSuchInputError(
                f"expected audio in {self._shown}, got data in no format that FFmpeg knows; "
                "check that it is a sound file"
            ) from None
        except (av.error.FFmpegError, OSError) as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> StreamsegError:
        why = _reason(error)
        if self._url:
            return SourceUnavailableError(
                f"expected a stream at {self._shown}, got: {why}; "
                "check the address and that the server is up"
            )
        return NoSuchInputError(f"expected a sound file at {self._shown}, got: {why}")

    def _decode(self) -> Iterator[Decoded]:
        try:
            for packet in self._container.demux(self._stream):
                try:
                    frames = packet.decode()
                except av.error.InvalidDataError:
                    self.damaged_packets += 1
                    patch = self._silence(packet.duration, packet.time_base)
                    if patch is not None:
                        yield patch
                    continue
                for frame in frames:
                    if frame.samples:
                        at_s = frame.time if self._timed else None
                        self._last = Decoded(_to_float(frame), frame.sample_rate, at_s)
                        yield self._last
        except (av.error.FFmpegError, OSError) as error:
            if self._url:
                raise DroppedError(self._shown, _reason(error)) from None
            # The container itself is damaged from here on: what came before it stays good.
            self.damaged_packets += 1

    def _silence(self, duration: int | None, time_base: object) -> Decoded | None:
        """A damaged packet keeps its length, so that all later times stay true."""
        last = self._last
        if last is None or not duration or time_base is None:
            return None
        seconds = min(float(duration * time_base), _LONGEST_PATCH_S)  # type: ignore[operator]
        shape = (max(1, round(seconds * last.rate_hz)), last.frames.shape[1])
        return Decoded(np.zeros(shape, np.float32), last.rate_hz)


def _reason(error: Exception) -> str:
    if isinstance(error, av.error.ExitError):
        return "no data within the time-out"  # FFmpeg: "Immediate exit requested"
    return public(str(getattr(error, "strerror", None) or error))


def _to_float(frame: AudioFrame) -> NDArray[np.float32]:
    """Shape: (samples, channels) float32, full scale 1.0, from any sample format."""
    name = frame.format.name
    kind = name.removesuffix("p")
    if kind not in ("flt", "dbl", *_INTEGER_SCALE):
        # Rare (64-bit integers): let FFmpeg convert. A resampler of its own keeps no state.
        frame = AudioResampler(format="flt", layout=frame.layout).resample(frame)[0]
        name = kind = "flt"
    array = frame.to_ndarray()
    array = array.T if name.endswith("p") else array.reshape(-1, frame.layout.nb_channels)
    if kind not in _INTEGER_SCALE:
        return array.astype(np.float32, copy=False)
    scale = np.float32(_INTEGER_SCALE[kind])
    if kind == "u8":
        return (array.astype(np.float32) - np.float32(128)) * scale
    return array.astype(np.float32) * scale


class MediaSource:
    """A file or URL as a ``Source``; see ``base.Source`` for the contract.

    ``realtime`` paces what has an end like a live source; it still waits for a slow reader.
    """

    def __init__(
        self,
        place: str | Path,
        channel: ChannelChoice,
        settings: CaptureSettings,
        *,
        realtime: bool = False,
        name: str | None = None,
    ) -> None:
        text = str(place)
        self._place = text if is_url(text) else local_path(text)
        self._channel = channel
        self._settings = settings
        self._realtime = realtime
        self.name = name if name is not None else public(text)
        self.live = is_url(self._place)
        """For a URL final only after ``open``: one of known size is no live source."""
        self.duration_s: float | None = None
        """As the container says, known after ``open``; None for what has no end."""
        self._conform: Conform | None = None
        self._decoder: PyavDecoder | None = None
        self._reader: FiniteReader | ReopeningReader | None = None

    @property
    def exhausted(self) -> bool:
        """True once the end was reached and everything was read; never for a live URL."""
        return isinstance(self._reader, FiniteReader) and self._reader.exhausted

    @property
    def bad_samples(self) -> int:
        """NaN and infinite samples met so far."""
        return self._conform.bad_samples if self._conform else 0

    @property
    def damaged_packets(self) -> int:
        """Packets of what has an end that could not be decoded so far."""
        return self._decoder.damaged_packets if self._decoder else 0

    def open(self) -> StreamFormat:
        """Open and, for a live URL, begin to read.

        Raises NoSuchInputError for what is not there or not audio, SourceUnavailableError for a
        URL that does not answer, UsageError for a channel that it does not have.
        """
        if not is_url(self._place):
            check_file(self._place)
        decoder = PyavDecoder(self._place, self._settings)
        try:
            self._conform = Conform(self._channel, decoder.channels, decoder.rate_hz)
        except BaseException:
            decoder.close()
            raise
        self.live = not decoder.finite
        self.duration_s = decoder.duration_s
        if self.live:
            reader = ReopeningReader(self._reopen, self._conform, self._settings, self.name)
            self._reader = reader
            reader.start(decoder)
        else:
            self._decoder = decoder
            self._reader = FiniteReader(
                decoder,
                self._conform,
                realtime=self._realtime,
                gather_s=self._settings.gather_s,
            )
        return StreamFormat(
            decoder.rate_hz,
            decoder.channels,
            decoder.codec,
            f"{public(self._place)}: {decoder.codec} in {decoder.container} through FFmpeg",
        )

    def read(self, timeout_s: float) -> Delivery | None:
        """The next thing that happened, or None after ``timeout_s`` or at the end.

        Raises SourceUnavailableError when a URL of known size breaks off.
        """
        if self._reader is None:
            raise RuntimeError("expected an open source, got read() before open()")
        return self._reader.read(timeout_s)

    def close(self) -> None:
        """Let go of the file or connection. Safe to call twice."""
        if isinstance(self._reader, ReopeningReader):
            self._reader.close()
        if self._decoder is not None:
            self._decoder.close()

    def _reopen(self) -> PyavDecoder:
        return PyavDecoder(self._place, self._settings)

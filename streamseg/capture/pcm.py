"""Raw little-endian PCM from a pipe, by default standard input.

Called by the analysis thread of one source. Reads inside ``read``, so a slow reader holds the
writer back and nothing is dropped. On POSIX ``read`` returns within its time-out whatever the
writer does; elsewhere a pipe cannot be waited on and ``read`` blocks until something comes.
"""

from __future__ import annotations

import io
import os
import select
import sys
from typing import BinaryIO

import numpy as np

from streamseg.capture.base import ChannelChoice, Downmix
from streamseg.errors import NoSuchInputError, UsageError
from streamseg.messages import Block, StreamFormat

_SAMPLE_BYTES = {"s16": 2, "f32": 4}
_BLOCK_S = 0.25


class PcmSource:
    """Raw interleaved PCM as a ``Source``; see ``base.Source`` for the contract."""

    live = False

    def __init__(
        self,
        stream: BinaryIO | None,
        rate_hz: int,
        channels: int,
        encoding: str,
        channel: ChannelChoice,
        name: str = "-",
    ) -> None:
        """``stream`` must not have been read from before; None is standard input.

        Raises UsageError for a rate, channel count, encoding or channel that makes no sense.
        """
        if encoding not in _SAMPLE_BYTES:
            raise UsageError(f"expected encoding s16 or f32, got {encoding!r}")
        if rate_hz < 1 or channels < 1:
            raise UsageError(
                f"expected a rate and a channel count of at least 1, got {rate_hz} and {channels}; "
                "give them with -r and -c"
            )
        self.name = name
        self.exhausted = False
        self.torn_bytes = 0
        """Bytes of an unfinished last frame, left out."""
        self._stream = stream
        self._rate_hz = rate_hz
        self._channels = channels
        self._encoding = encoding
        self._frame_bytes = _SAMPLE_BYTES[encoding] * channels
        self._block_bytes = max(1, round(_BLOCK_S * rate_hz)) * self._frame_bytes
        self._downmix = Downmix(channel, channels)
        self._rest = b""
        self._sample = 0
        self._poll: select.poll | None = None
        self._fd: int | None = None

    @property
    def bad_samples(self) -> int:
        """NaN and infinite samples met so far."""
        return self._downmix.bad_samples

    def open(self) -> StreamFormat:
        """Begin. Raises UsageError when standard input is a terminal."""
        stream = self._stream if self._stream is not None else sys.stdin.buffer
        self._stream = stream
        if stream.isatty():
            raise UsageError(
                "expected raw PCM on standard input, got a terminal; "
                "pipe sound in, for example from `arecord -t raw`"
            )
        try:
            self._fd = stream.fileno()
        except (OSError, io.UnsupportedOperation):
            self._fd = None  # a stream in memory: never keeps us waiting
        if self._fd is not None and hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(self._fd, select.POLLIN)
        return StreamFormat(
            self._rate_hz,
            self._channels,
            self._encoding,
            f"{self.name}: raw {self._encoding}, {self._channels} channels, {self._rate_hz} Hz",
        )

    def read(self, timeout_s: float) -> Block | None:
        """The next block of at most 0.25 s, or None after ``timeout_s`` or at the end.

        Raises NoSuchInputError when the pipe ends without a single frame.
        """
        if self._stream is None:
            raise RuntimeError("expected an open source, got read() before open()")
        if self.exhausted:
            return None
        if self._poll is not None and not self._poll.poll(timeout_s * 1000):
            return None
        wanted = self._block_bytes - len(self._rest)
        if self._fd is not None and self._poll is not None:
            # Not through the buffered stream: what lies in its buffer does not wake a poll.
            data = os.read(self._fd, wanted)
        else:
            # read1 returns what is there; read would wait for a whole block.
            data = getattr(self._stream, "read1", self._stream.read)(wanted)
        if not data:
            self._end()
            return None
        data = self._rest + data
        whole = len(data) - len(data) % self._frame_bytes
        self._rest = data[whole:]
        return self._block(data[:whole]) if whole else None

    def close(self) -> None:
        """Let go. The stream itself belongs to the caller."""
        self._poll = None

    def _end(self) -> None:
        self.exhausted = True
        self.torn_bytes = len(self._rest)
        self._rest = b""
        if self._sample == 0:
            raise NoSuchInputError(
                f"expected raw PCM on {self.name}, got {self.torn_bytes} bytes, not one frame; "
                "check the program that writes it"
            )

    def _block(self, data: bytes) -> Block:
        if self._encoding == "s16":
            samples = np.frombuffer(data, "<i2").astype(np.float32) * np.float32(2.0**-15)
        else:
            samples = np.frombuffer(data, "<f4").astype(np.float32)
        frames = samples.reshape(-1, self._channels)
        mono = self._downmix(frames)
        block = Block(mono, self._sample, self._downmix.channels(frames))
        self._sample += mono.size
        return block

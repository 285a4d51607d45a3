"""Raw PCM through real pipes."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
import pytest

from streamseg.capture.pcm import PcmSource
from streamseg.errors import NoSuchInputError, UsageError
from streamseg.messages import Block


@contextmanager
def pipe() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The reading and the writing end of a real pipe."""
    read_fd, write_fd = os.pipe()
    with open(read_fd, "rb") as reader, open(write_fd, "wb", buffering=0) as writer:
        yield reader, writer


def drain(source: PcmSource) -> np.ndarray:
    """Read to the end; positions must follow each other without a hole."""
    parts = [np.empty(0, np.float32)]
    position = 0
    while not source.exhausted:
        block = source.read(1)
        if block is not None:
            assert isinstance(block, Block)
            assert block.sample == position
            position += block.samples.size
            parts.append(block.samples)
    return np.concatenate(parts)


@pytest.mark.parametrize("encoding", ["s16", "f32"])
def test_samples_arrive_as_written(encoding: str, rng: np.random.Generator) -> None:
    """Sixteen-bit samples become n / 32768, floats stay what they are, bit for bit."""
    if encoding == "s16":
        sent = rng.integers(-32768, 32768, (100_000, 2)).astype("<i2")
        expected = sent.astype(np.float32) / 32768
    else:
        sent = expected = rng.uniform(-1, 1, (100_000, 2)).astype("<f4")
    source = PcmSource(io.BytesIO(sent.tobytes()), 48_000, 2, encoding, 2)
    assert source.open().rate_hz == 48_000
    np.testing.assert_array_equal(drain(source), expected[:, 1])


def test_frames_torn_between_writes_are_joined() -> None:
    """Wherever a write ends, even inside a sample, no sample is lost or made up."""
    sent = np.arange(1, 31, dtype="<i2")
    received = []
    with pipe() as (reader, writer):
        source = PcmSource(reader, 8000, 3, "s16", "mean")
        source.open()
        data = sent.tobytes()
        for start in range(0, len(data), 7):
            writer.write(data[start : start + 7])
            block = source.read(1)
            if block is not None:
                received.append(block.samples)
        writer.close()
        assert source.read(1) is None
        assert source.exhausted
    expected = sent.reshape(-1, 3).mean(axis=1) / 32768
    np.testing.assert_allclose(np.concatenate(received), expected, rtol=1e-6)
    assert source.torn_bytes == 0


def test_torn_last_frame_is_dropped_and_counted() -> None:
    """The unfinished frame at the end is left out, and its bytes are counted."""
    source = PcmSource(io.BytesIO(bytes(4 * 10 + 3)), 8000, 2, "s16", 1)
    source.open()
    assert drain(source).size == 10
    assert source.torn_bytes == 3


@pytest.mark.parametrize("data", [b"", b"\0\0\0"])
def test_pipe_without_a_frame_is_no_input(data: bytes) -> None:
    """A writer that dies before the first frame is told to the user, not taken for silence."""
    source = PcmSource(io.BytesIO(data), 8000, 2, "s16", 1)
    source.open()
    with pytest.raises(NoSuchInputError, match="not one frame"):
        drain(source)


def test_bad_floats_are_counted_and_silent() -> None:
    """NaN and infinities in a pipe become zeros, counted."""
    sent = np.array([0.5, np.nan, np.inf, -np.inf, 0.25], "<f4")
    source = PcmSource(io.BytesIO(sent.tobytes()), 8000, 1, "f32", "mean")
    source.open()
    assert drain(source).tolist() == [0.5, 0, 0, 0, 0.25]
    assert source.bad_samples == 3


@pytest.mark.skipif(os.name != "posix", reason="only POSIX pipes can be waited on")
def test_silent_writer_does_not_block_the_reader() -> None:
    """Nothing in the pipe: read comes back with None, and what is written later still arrives."""
    with pipe() as (reader, writer):
        source = PcmSource(reader, 8000, 1, "s16", 1)
        source.open()
        assert source.read(0.01) is None
        assert not source.exhausted
        writer.write(b"\x00\x40")
        block = source.read(1)
        assert block is not None
        assert block.samples.tolist() == [0.5]
        source.close()
        source.close()


@pytest.mark.skipif(os.name != "posix", reason="signals are a POSIX matter")
def test_signal_is_honoured_while_waiting() -> None:
    """A process that waits on a silent pipe runs its signal handler, not only at the next data."""
    program = (
        "import sys, signal\n"
        "from streamseg.capture.pcm import PcmSource\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(42))\n"
        "source = PcmSource(None, 8000, 1, 's16', 1)\n"
        "source.open(); print('ready', flush=True)\n"
        "while True: source.read(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().strip() == b"ready"
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 42
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("rate_hz", "channels", "encoding", "channel", "message"),
    [
        (8000, 1, "s24", 1, "s16 or f32"),
        (0, 1, "s16", 1, "at least 1"),
        (8000, 0, "s16", 1, "at least 1"),
        (8000, 2, "s16", 3, "from 1 to 2"),
    ],
)
def test_senseless_format_is_a_usage_error(
    rate_hz: int, channels: int, encoding: str, channel: int, message: str
) -> None:
    """A format that cannot be is refused before anything is read."""
    with pytest.raises(UsageError, match=message):
        PcmSource(io.BytesIO(), rate_hz, channels, encoding, channel)


def test_terminal_is_no_pcm() -> None:
    """Somebody who forgot the pipe is told so instead of waiting for ever."""
    pty = pytest.importorskip("pty")
    main_fd, terminal_fd = pty.openpty()
    with (
        open(main_fd, "rb", buffering=0),
        open(terminal_fd, "rb") as terminal,
        pytest.raises(UsageError, match="got a terminal"),
    ):
        PcmSource(terminal, 8000, 1, "s16", 1).open()

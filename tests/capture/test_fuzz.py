"""Whatever bytes come as a file or as raw samples: sound, or one of our errors, and an end."""

from __future__ import annotations

import functools
import io
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import soundfile
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from streamseg.capture.media import MediaSource
from streamseg.capture.pcm import PcmSource
from streamseg.errors import NoSuchInputError
from streamseg.messages import Block
from streamseg.settings import CaptureSettings

RATE_HZ = 16_000
EXAMPLES = int(os.environ.get("STREAMSEG_FUZZ", "60"))
MOST_READS = 20_000
"""A minute and more of sound; the files hold a second, but damage may claim what it likes."""

Damage = tuple[str, float, bytes]
DAMAGES = st.lists(
    st.tuples(
        st.sampled_from(["cut", "overwrite", "insert", "delete", "zero"]),
        st.floats(0, 1) | st.floats(0, 0.05),  # headers are where it hurts
        st.binary(min_size=1, max_size=24),
    ),
    min_size=1,
    max_size=6,
)


def damaged(data: bytes, damages: list[Damage]) -> bytes:
    """The same with holes, additions and nonsense in it."""
    for what, place, piece in damages:
        at = round(place * len(data))
        length = len(piece) * (40 if what in ("delete", "zero") else 1)
        if what == "cut":
            data = data[:at]
        elif what == "overwrite":
            data = data[:at] + piece + data[at + length :]
        elif what == "insert":
            data = data[:at] + piece + data[at:]
        elif what == "delete":
            data = data[:at] + data[at + length :]
        else:
            data = data[:at] + bytes(length) + data[at + length :]
    return data


def _encoded(container: str, codec: str, samples: np.ndarray) -> bytes:
    out = io.BytesIO()
    rate_hz = 48_000 if codec == "libopus" else RATE_HZ
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate_hz)
        stream.codec_context.layout = "mono"
        kind = stream.codec_context.codec.audio_formats[0].name
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="fltp", layout="mono")
        frame.sample_rate = RATE_HZ
        resampler = av.AudioResampler(
            format=kind, layout="mono", rate=rate_hz, frame_size=stream.codec_context.frame_size
        )
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return out.getvalue()


def _written(container: str, subtype: str, samples: np.ndarray) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, RATE_HZ, subtype, format=container)
    return out.getvalue()


@functools.cache  # no fixture: hypothesis would print all of it
def originals() -> list[bytes]:
    """A second of noise in every container that radio stations and recorders use."""
    samples = np.random.default_rng(5).uniform(-0.5, 0.5, RATE_HZ).astype(np.float32)
    return [
        _written("WAV", "PCM_16", samples),
        _written("WAV", "FLOAT", samples),
        _written("AIFF", "PCM_24", samples),
        _written("FLAC", "PCM_16", samples),
        _written("OGG", "VORBIS", samples),
        _encoded("mp3", "libmp3lame", samples),
        _encoded("ogg", "libopus", samples),
        _encoded("adts", "aac", samples),
        _encoded("mpegts", "aac", samples),
        _encoded("mp4", "aac", samples),
        _encoded("matroska", "libopus", samples),
    ]


def listen(path: Path) -> int:
    """Hear it to its end, wherever that is; the samples. Raises only what users may meet."""
    media = MediaSource(path, "mean", CaptureSettings())
    try:
        media.open()
        position = 0
        for _ in range(MOST_READS):
            if media.exhausted:
                break
            block = media.read(1)
            if block is not None:
                assert isinstance(block, Block)
                assert block.sample == position
                assert np.isfinite(block.samples).all()
                position += block.samples.size
        return position
    finally:
        media.close()


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(which=st.integers(0, 10), damages=DAMAGES)
@example(which=5, damages=[("overwrite", 0.0078125, b"\x80")])  # a title in no UTF-8
def test_no_damage_to_a_container_breaks_the_reader(which: int, damages: list[Damage]) -> None:
    """Cut, overwritten, shifted: samples in order, all finite, or the error of a bad input."""
    data = damaged(originals()[which], damages)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "damaged")
        path.write_bytes(data)
        with suppress(NoSuchInputError):
            assert listen(path) > 0


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=2000))
def test_no_bytes_are_taken_for_sound_in_vain(data: bytes) -> None:
    """Nonsense is refused in words; if FFmpeg does know a format in it, it is heard to its end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "nonsense")
        path.write_bytes(data)
        with suppress(NoSuchInputError):
            assert listen(path) > 0


def test_undamaged_they_are_all_heard(tmp_path: Path) -> None:
    """What the fuzzing begins with is a second of sound in every container."""
    for data in originals():
        path = tmp_path / "whole"
        path.write_bytes(data)
        assert listen(path) >= RATE_HZ


class Trickle(io.BytesIO):
    """Hands out a few bytes at a time, as pipes do."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        super().__init__(data)
        self._sizes = sizes

    def read1(self, size: int | None = -1, /) -> bytes:
        """The next few."""
        self._sizes.append(self._sizes.pop(0))
        return super().read1(min(self._sizes[-1], size or 0))


@settings(max_examples=EXAMPLES)
@given(
    data=st.binary(max_size=4000),
    sizes=st.lists(st.integers(1, 700), min_size=1, max_size=5),
    rate_hz=st.integers(1, 400_000),
    channels=st.integers(1, 9),
    encoding=st.sampled_from(["s16", "f32"]),
    channel=st.integers(1, 9) | st.sampled_from(["mean", "mid", "side"]),
)
def test_any_bytes_are_raw_samples(
    data: bytes, sizes: list[int], rate_hz: int, channels: int, encoding: str, channel: str | int
) -> None:
    """Every whole frame becomes a finite sample, however the bytes arrive; the rest is counted."""
    assume(not isinstance(channel, int) or channel <= channels)
    source = PcmSource(Trickle(data, sizes), rate_hz, channels, encoding, channel)
    source.open()
    frame_bytes = (2 if encoding == "s16" else 4) * channels
    heard = 0
    try:
        while not source.exhausted:
            block = source.read(1)
            if block is not None:
                assert isinstance(block, Block)
                assert block.sample == heard
                assert np.isfinite(block.samples).all()
                heard += block.samples.size
    except NoSuchInputError:
        assert len(data) < frame_bytes
    assert heard == len(data) // frame_bytes
    assert source.torn_bytes == len(data) % frame_bytes

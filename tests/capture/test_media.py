"""Files decode to the sample, bad files say what is wrong, radio streams come back."""

from __future__ import annotations

import itertools
import os
import socket
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from servers import end, free_port, icecast_server

from streamseg.capture.base import ChannelChoice, Lost, Restored
from streamseg.capture.decoded import Conform, Decoded
from streamseg.capture.media import MediaSource
from streamseg.errors import NoSuchInputError, SourceUnavailableError, UsageError
from streamseg.messages import Block, StreamFormat
from streamseg.settings import CaptureSettings

SETTINGS = CaptureSettings()


def source(
    path: Path | str, channel: ChannelChoice = "mean", *, realtime: bool = False
) -> MediaSource:
    """A source with default settings."""
    return MediaSource(path, channel, SETTINGS, realtime=realtime)


def blocks_of(media: MediaSource) -> list[Block]:
    """Read an open source to its end; positions must follow each other without a hole."""
    blocks = []
    position = 0
    while not media.exhausted:
        block = media.read(1)
        if block is not None:
            assert isinstance(block, Block)
            assert block.sample == position
            position += block.samples.size
            blocks.append(block)
    media.close()
    return blocks


def decode(path: Path | str, channel: ChannelChoice = "mean") -> tuple[StreamFormat, np.ndarray]:
    """The format and all samples of a file."""
    media = source(path, channel)
    opened = media.open()
    parts = [block.samples for block in blocks_of(media)]
    return opened, np.concatenate([*parts, np.empty(0, np.float32)])


def encode(path: Path, samples: np.ndarray, rate_hz: int, codec: str) -> Path:
    """Write mono float samples with a lossy codec of FFmpeg."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout="mono")
        assert isinstance(stream, av.AudioStream)
        fifo = av.AudioFifo()
        frame = av.AudioFrame.from_ndarray(
            samples.astype(np.float32).reshape(1, -1), format="fltp", layout="mono"
        )
        frame.rate = rate_hz
        fifo.write(frame)
        for piece in fifo.read_many(stream.codec_context.frame_size or 1152, partial=True):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def noise(frames: int, channels: int = 1) -> np.ndarray:
    """White noise at half scale."""
    return np.random.default_rng(7).uniform(-0.5, 0.5, (frames, channels))


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_16"),
        ("a.wav", "PCM_U8"),
        ("a.wav", "PCM_24"),
        ("a.wav", "PCM_32"),
        ("a.wav", "FLOAT"),
        ("a.wav", "DOUBLE"),
        ("a.wav", "ULAW"),
        ("a.aiff", "PCM_16"),
        ("a.flac", "PCM_16"),
        ("a.flac", "PCM_24"),
        ("a.w64", "PCM_24"),
    ],
)
def test_lossless_files_decode_to_the_sample(tmp_path: Path, name: str, subtype: str) -> None:
    """Every sample equals what libsndfile, another decoder, reads, in every channel."""
    path = tmp_path / name
    soundfile.write(path, noise(50_000, 2), 44_100, subtype=subtype)
    expected, _ = soundfile.read(path, dtype="float32")
    for channel in (1, 2):
        opened, samples = decode(path, channel)
        np.testing.assert_array_equal(samples, expected[:, channel - 1])
    assert (opened.rate_hz, opened.channels) == (44_100, 2)


@pytest.mark.parametrize(("rate_hz", "channels"), [(8000, 1), (192_000, 2), (48_000, 8)])
def test_unusual_formats_keep_rate_and_channels(
    tmp_path: Path, rate_hz: int, channels: int
) -> None:
    """8 kHz, 192 kHz and eight channels come out at their own rate, every channel reachable."""
    path = tmp_path / "a.wav"
    written = noise(rate_hz // 2, channels)
    soundfile.write(path, written, rate_hz, subtype="FLOAT")
    opened, samples = decode(path, channels)
    assert (opened.rate_hz, opened.channels) == (rate_hz, channels)
    np.testing.assert_array_equal(samples, written[:, -1].astype(np.float32))


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp3", "libmp3lame"), ("a.opus", "libopus"), ("a.m4a", "aac")]
)
def test_lossy_files_decode_to_the_same_sound(tmp_path: Path, name: str, codec: str) -> None:
    """A tone survives each common codec with its length, level and frequency."""
    seconds, rate_hz = 3, 48_000
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(seconds * rate_hz) / rate_hz)
    opened, samples = decode(encode(tmp_path / name, tone, rate_hz, codec))
    assert opened.rate_hz == rate_hz
    assert samples.size == pytest.approx(tone.size, abs=0.1 * rate_hz)
    middle = samples[rate_hz : 2 * rate_hz]
    spectrum = np.abs(np.fft.rfft(middle)) / middle.size * 2
    assert np.argmax(spectrum) == 1000
    assert spectrum[1000] == pytest.approx(0.5, rel=0.1)


def test_one_sample_is_enough(tmp_path: Path) -> None:
    """A file of a single sample is read, and then the source is exhausted."""
    path = tmp_path / "one.wav"
    soundfile.write(path, np.array([0.5]), 8000, subtype="FLOAT")
    assert decode(path)[1].tolist() == [0.5]


def test_blocks_are_bounded_whatever_the_packets(tmp_path: Path) -> None:
    """Blocks hold a quarter to half a second, although a packet here holds a second of sound."""
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(8000 * 20), 8000, subtype="PCM_U8")
    media = source(path)
    media.open()
    *blocks, _last = [block.samples.size for block in blocks_of(media)]
    assert min(blocks) >= 2000
    assert max(blocks) <= 4000


def test_bad_samples_in_a_file_are_silence(tmp_path: Path) -> None:
    """NaN and infinities are counted and never passed on."""
    path = tmp_path / "nan.wav"
    written = np.full(10_000, 0.25)
    written[[5, 500, 9000]] = np.nan, np.inf, -np.inf
    soundfile.write(path, written, 8000, subtype="FLOAT")
    media = source(path)
    media.open()
    samples = np.concatenate([block.samples for block in blocks_of(media)])
    assert media.bad_samples == 3
    assert np.count_nonzero(samples == 0) == 3
    assert np.isfinite(samples).all()


def test_sound_of_a_video_is_read(tmp_path: Path) -> None:
    """The first audio stream of a container is taken, whatever else it holds."""
    path = tmp_path / "film.mkv"
    tone = noise(24_000).astype(np.float32).T
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=25)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        sound = container.add_stream("pcm_f32le", rate=48_000, layout="mono")
        for _ in range(12):
            image = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            container.mux(picture.encode(image))
        frame = av.AudioFrame.from_ndarray(tone, format="flt", layout="mono")
        frame.rate = 48_000
        container.mux(sound.encode(frame))
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))
    np.testing.assert_array_equal(decode(path)[1], tone[0])


def test_truncated_mp3_gives_what_is_there(tmp_path: Path) -> None:
    """Half an MP3 file decodes to about half of its sound, without an error."""
    path = encode(tmp_path / "a.mp3", noise(48_000 * 4)[:, 0], 48_000, "libmp3lame")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2 - 100])
    assert decode(path)[1].size == pytest.approx(48_000 * 2, rel=0.05)


def test_damaged_packets_keep_their_time(tmp_path: Path) -> None:
    """Damage in the middle is counted, and what follows it does not move by more than a packet."""
    silence = np.zeros(48_000 * 6)
    silence[48_000 * 5 :] = noise(48_000)[:, 0]
    path = encode(tmp_path / "a.mp3", silence, 48_000, "libmp3lame")
    _, sound = decode(path)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    # Break the payload of ten frames and leave the headers: the container stays readable.
    starts = list(itertools.islice(_mp3_frames(data, middle), 10))
    for start in starts:
        data[start + 4 : start + 40] = b"\xff" * 36
    path.write_bytes(data)
    media = source(path)
    media.open()
    damaged = np.concatenate([block.samples for block in blocks_of(media)])
    assert media.damaged_packets > 0
    assert damaged.size == pytest.approx(sound.size, abs=1152)
    onsets = [int(np.argmax(np.abs(part[48_000 * 4 :]) > 0.1)) for part in (sound, damaged)]
    assert onsets[0] == pytest.approx(onsets[1], abs=1152)


def _mp3_frames(data: bytearray, start: int) -> itertools.chain[int]:
    sync = bytes(data[start : start + 2000])
    header = next(
        sync[i : i + 2] for i in range(1000) if sync[i] == 0xFF and sync[i + 1] & 0xE0 == 0xE0
    )
    positions = []
    while (start := data.find(header, start)) >= 0:
        positions.append(start)
        start += 100
    return itertools.chain(positions)


def make_no_audio_stream(path: Path) -> None:
    """A film without sound."""
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        image = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        container.mux(stream.encode(image))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "a directory"),
        (lambda path: path.touch(), "an empty file"),
        (lambda path: path.write_text("not audio at all\n" * 500), "no format that FFmpeg knows"),
        (lambda path: path.write_bytes(bytes(range(256)) * 400), "no format that FFmpeg knows"),
        (
            lambda path: soundfile.write(path, np.empty((0, 1)), 8000, format="WAV"),
            "not a single sample",
        ),
        (make_no_audio_stream, "without an audio stream"),
    ],
    ids=["missing", "directory", "empty", "text", "bytes", "no samples", "no audio stream"],
)
def test_what_is_no_sound_says_so(tmp_path: Path, make: object, message: str) -> None:
    """Each bad input is one sentence that names the file and what is wrong with it."""
    path = tmp_path / "bad"
    make(path)  # type: ignore[operator]
    with pytest.raises(NoSuchInputError, match=message) as caught:
        source(path).open()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_says_so(tmp_path: Path) -> None:
    """A file without read permission is told apart from one that is not audio."""
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(10), 8000)
    path.chmod(0)
    with pytest.raises(NoSuchInputError, match="not readable"):
        source(path).open()


def test_channel_that_the_file_lacks_is_a_usage_error(tmp_path: Path) -> None:
    """Asking for channel 3 of a stereo file is the user's mistake, not the file's."""
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(10, 2), 8000)
    media = source(path, 3)
    with pytest.raises(UsageError, match="from 1 to 2"):
        media.open()
    media.close()


@pytest.mark.parametrize("name", ["with: colon.wav", "50% off.wav", "snow ☃.wav", "-.wav"])
def test_any_file_name_is_a_file_name(tmp_path: Path, name: str) -> None:
    """Characters that mean something to FFmpeg mean nothing in a path."""
    path = tmp_path / name
    soundfile.write(path, noise(100), 8000)
    assert decode(path)[1].size == 100
    assert decode(f"file://{path}")[1].size == 100


@pytest.mark.parametrize(("gather_s", "longest_s"), [(0.0, 0.1), (0.2, 0.4)])
def test_realtime_does_not_change_the_samples(
    tmp_path: Path, gather_s: float, longest_s: float
) -> None:
    """Pacing delivers the same samples in blocks as long as asked for, and None while it waits."""
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(4000), 8000, subtype="PCM_16")
    paced = MediaSource(path, "mean", CaptureSettings(gather_s=gather_s), realtime=True)
    paced.open()
    assert paced.read(0.001) is None
    assert not paced.exhausted
    blocks = blocks_of(paced)
    assert max(block.samples.size for block in blocks) <= 8000 * longest_s
    np.testing.assert_array_equal(
        np.concatenate([block.samples for block in blocks]), decode(path)[1]
    )


def test_closing_twice_and_unopened_is_harmless(tmp_path: Path) -> None:
    """A source may be closed at any time, any number of times."""
    media = source(tmp_path / "missing.wav")
    media.close()
    with pytest.raises(RuntimeError, match="before open"):
        media.read(0)
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(100), 8000)
    media = source(path)
    media.open()
    media.close()
    media.close()


def test_stream_that_changes_its_format_stays_at_the_first_rate() -> None:
    """Another rate and channel count on the way: time goes on in the unit of the beginning."""
    conform = Conform(2, channels=2, rate_hz=48_000)
    stereo = np.stack([np.zeros(48_000), np.full(48_000, 0.5)], axis=1).astype(np.float32)
    mono = np.full((16_000, 1), 0.5, np.float32)
    parts = [
        conform.push(Decoded(stereo, 48_000)),
        conform.push(Decoded(mono, 16_000)),
        conform.push(Decoded(mono, 16_000)),
        conform.push(Decoded(stereo, 48_000)),
        conform.flush(),
    ]
    samples = np.concatenate(parts)
    assert samples.size == pytest.approx(4 * 48_000, abs=3)
    # A constant stays one but where the resampler begins and ends (a filter of some 20 samples).
    steady = np.abs(samples - 0.5) < 1e-3
    assert np.count_nonzero(~steady) < 400


def test_mp3_that_changes_on_the_way_stays_one_stream(tmp_path: Path) -> None:
    """Two MP3 files end to end, of other rate and channels, come out at the rate of the first."""
    path = tmp_path / "both.mp3"
    parts = (tmp_path / "1.mp3", tmp_path / "2.mp3")
    soundfile.write(parts[0], noise(96_000, 2), 48_000)
    soundfile.write(parts[1], noise(88_200, 1), 44_100)
    path.write_bytes(parts[0].read_bytes() + parts[1].read_bytes())
    opened, samples = decode(path, 2)
    assert (opened.rate_hz, opened.channels) == (48_000, 2)
    # Without conversion the second half would last 88 200 samples.
    assert samples.size == pytest.approx(192_000, abs=4000)


@pytest.fixture
def file_server(tmp_path: Path) -> object:
    """An HTTP server of ``tmp_path``; its address without the final slash."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_url_of_known_size_is_read_like_a_file(tmp_path: Path, file_server: str) -> None:
    """A file behind HTTP ends, drops nothing, and decodes to the same samples as the file."""
    path = tmp_path / "a.flac"
    soundfile.write(path, noise(200_000), 44_100)
    media = source(f"{file_server}/a.flac")
    media.open()
    assert not media.live
    assert media.duration_s == pytest.approx(200_000 / 44_100)
    samples = np.concatenate([block.samples for block in blocks_of(media)])
    np.testing.assert_array_equal(samples, decode(path)[1])


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"http://127.0.0.1:{free_port()}/radio", "Connection refused"),
        ("nonsense://127.0.0.1/radio", "Protocol not found"),
    ],
)
def test_url_that_does_not_answer_is_unavailable(url: str, message: str) -> None:
    """The error names the address, the cause, and what to check."""
    with pytest.raises(SourceUnavailableError, match=message) as caught:
        source(url).open()
    assert url in str(caught.value)
    assert "check the address" in str(caught.value)


def test_server_that_accepts_and_says_nothing_is_unavailable() -> None:
    """A frozen server costs the open time-out, not for ever."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/radio"
        media = MediaSource(url, "mean", CaptureSettings(open_timeout_s=0.3, read_timeout_s=0.3))
        with pytest.raises(SourceUnavailableError, match="no data within the time-out"):
            media.open()


def test_url_that_is_no_audio_is_no_input(tmp_path: Path, file_server: str) -> None:
    """A page behind a URL is not a server that is down."""
    (tmp_path / "page").write_bytes(bytes(range(256)) * 100)
    with pytest.raises(NoSuchInputError, match="no format that FFmpeg knows"):
        source(f"{file_server}/page").open()


def test_radio_stream_is_lost_and_restored(tmp_path: Path) -> None:
    """Icecast on loopback: sound, a feeder that dies and comes back, and the gap between them."""
    tone = tmp_path / "tone.wav"
    rate_hz = 44_100
    sine = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(5 * rate_hz) / rate_hz)
    soundfile.write(tone, sine, rate_hz, subtype="PCM_16")
    settings = CaptureSettings(retry_first_s=0.1, retry_longest_s=0.5, read_timeout_s=2)
    with icecast_server() as server:
        feeder = server.feed("radio.mp3", tone)
        with pytest.raises(SourceUnavailableError, match="404 Not Found"):
            MediaSource(server.url("other.mp3"), "mean", settings).open()
        radio = MediaSource(server.url("radio.mp3"), "mean", settings, name="radio")
        try:
            assert radio.open().rate_hz == rate_hz
            assert radio.live
            before = _listen(radio, 2 * rate_hz)
            _expect_tone(before, rate_hz)
            end(feeder)
            lost = _next_event(radio)
            assert isinstance(lost, Lost)
            assert lost.sample >= 2 * rate_hz
            assert radio.read(0.3) is None
            server.feed("radio.mp3", tone)
            restored = _next_event(radio)
            assert isinstance(restored, Restored)
            assert 0.3 <= restored.gap_s < 30
            assert restored.sample == lost.sample + round(restored.gap_s * rate_hz)
            _expect_tone(_listen(radio, rate_hz, restored.sample), rate_hz)
            assert not radio.exhausted
        finally:
            radio.close()
    radio.close()


def _listen(radio: MediaSource, frames: int, position: int = 0) -> np.ndarray:
    """Blocks until there are enough frames; they must follow each other from ``position``."""
    parts: list[np.ndarray] = []
    while sum(part.size for part in parts) < frames:
        block = radio.read(10)
        assert isinstance(block, Block)
        assert block.sample == position
        position += block.samples.size
        parts.append(block.samples)
    return np.concatenate(parts)


def _next_event(radio: MediaSource) -> object:
    while isinstance(delivery := radio.read(20), Block):
        pass
    return delivery


def _expect_tone(samples: np.ndarray, rate_hz: int) -> None:
    # The tail: the encoder's own start is not a tone yet.
    tail = samples[-rate_hz // 2 :]
    spectrum = np.abs(np.fft.rfft(tail * np.hanning(tail.size)))
    assert np.argmax(spectrum) == pytest.approx(1000 * tail.size / rate_hz, abs=1)

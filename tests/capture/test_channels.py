"""The channels come along with their mix, whatever the source, always the same number."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from streamseg.capture.base import ChannelChoice, Downmix
from streamseg.capture.decoded import Conform, Decoded, channels_of, mix_of
from streamseg.capture.media import MediaSource
from streamseg.capture.pcm import PcmSource
from streamseg.capture.reopening import ReopeningReader
from streamseg.messages import MOST_CHANNELS, Block
from streamseg.settings import CaptureSettings

RATE_HZ = 8000


def stereo(frames: int) -> np.ndarray:
    """Left is 0.5, right is -0.25."""
    return np.tile(np.array([0.5, -0.25], np.float32), (frames, 1))


@pytest.mark.parametrize("choice", ["mean", "mid", "side"])
def test_a_mix_keeps_its_channels(choice: ChannelChoice) -> None:
    """As they came in."""
    found = Downmix(choice, 2).channels(stereo(10))
    assert found is not None
    np.testing.assert_array_equal(found, stereo(10))


def test_a_channel_that_was_picked_is_all_there_is() -> None:
    """The other one belongs to somebody else; and one channel is its own mix."""
    assert Downmix(2, 2).channels(stereo(10)) is None
    assert Downmix("mean", 1).channels(stereo(10)[:, :1]) is None


def test_channels_are_finite() -> None:
    """As the mix is."""
    frames = stereo(3)
    frames[1] = (np.nan, np.inf)
    found = Downmix("mean", 2).channels(frames)
    assert found is not None
    assert found[1].tolist() == [0, 0]


def test_a_stereo_stream_that_is_mono_for_a_while_stays_stereo() -> None:
    """The same from both loudspeakers; a surround one in between keeps its first two."""
    conform = Conform("mean", 2, RATE_HZ)
    parts = [
        conform.push(Decoded(stereo(4), RATE_HZ)),
        conform.push(Decoded(np.full((4, 1), 0.125, np.float32), RATE_HZ)),
        conform.push(Decoded(np.full((4, 6), 0.0625, np.float32), RATE_HZ)),
    ]
    frames = np.concatenate(parts)
    assert frames.shape == (12, conform.columns)
    channels = channels_of(frames)
    assert channels is not None
    assert channels[[0, 4, 8]].tolist() == [[0.5, -0.25], [0.125, 0.125], [0.0625, 0.0625]]
    assert mix_of(frames)[[0, 4, 8]].tolist() == [0.125, 0.125, 0.0625]


def test_a_surround_stream_that_turns_stereo_keeps_its_columns() -> None:
    """What is not there any more is silent."""
    conform = Conform("mean", 6, RATE_HZ)
    conform.push(Decoded(np.ones((2, 6), np.float32), RATE_HZ))
    channels = channels_of(conform.push(Decoded(stereo(1), RATE_HZ)))
    assert channels is not None
    assert channels.tolist() == [[0.5, -0.25, 0, 0, 0, 0]]


def test_more_channels_than_anybody_measures_are_left_out() -> None:
    """The ring of a live stream must not grow with what a server claims."""
    assert Conform("mean", 32, RATE_HZ).columns == 1 + MOST_CHANNELS


def test_another_rate_converts_mix_and_channels_alike() -> None:
    """A constant stays one in each."""
    conform = Conform("mean", 2, 16_000)
    conform.push(Decoded(stereo(16_000), 16_000))
    frames = np.concatenate((conform.push(Decoded(stereo(8000), 8000)), conform.flush()))
    middle = frames[len(frames) // 2]
    assert middle == pytest.approx([0.125, 0.5, -0.25], abs=1e-3)


def only(block: object) -> Block:
    """It is one."""
    assert isinstance(block, Block)
    return block


def test_files_bring_their_channels(tmp_path: Path) -> None:
    """Through the decoder."""
    path = tmp_path / "a.wav"
    soundfile.write(path, stereo(4000), RATE_HZ, subtype="FLOAT")
    source = MediaSource(path, "mean", CaptureSettings())
    source.open()
    block = only(source.read(1))
    source.close()
    assert block.channels is not None
    np.testing.assert_array_equal(block.channels, stereo(len(block.samples)))


def test_raw_samples_bring_their_channels() -> None:
    """From a pipe."""
    source = PcmSource(io.BytesIO(stereo(100).tobytes()), RATE_HZ, 2, "f32", "mean")
    source.open()
    block = only(source.read(1))
    assert block.channels is not None
    np.testing.assert_array_equal(block.channels, stereo(100))


def test_live_streams_bring_their_channels_through_the_ring() -> None:
    """Decoded on one thread, read on another."""
    done = threading.Event()

    class Stereo:
        """A decoder that delivers once and then waits."""

        damaged_packets = 0
        delivered = False

        def read(self) -> Decoded | None:
            if not self.delivered:
                self.delivered = True
                return Decoded(stereo(100), RATE_HZ)
            done.wait(20)
            return None

        def close(self) -> None:
            pass

    conform = Conform("mean", 2, RATE_HZ)
    live = ReopeningReader(Stereo, conform, CaptureSettings(gather_s=0), "test")
    live.start(Stereo())
    block = only(live.read(20))
    done.set()
    live.close()
    assert block.channels is not None
    np.testing.assert_array_equal(block.channels, stereo(100))
    np.testing.assert_array_equal(block.samples, np.full(100, 0.125, np.float32))

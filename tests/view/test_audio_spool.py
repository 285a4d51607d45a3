"""Facts about the sound that is kept on disk."""

import numpy as np
import pytest

from streamseg.view.audio_spool import AudioSpool


@pytest.fixture
def spool(tmp_path):
    """Room for a thousand samples."""
    made = AudioSpool(1000, folder=tmp_path)
    yield made
    made.close()


def ramp(start, count):
    """Sample n is n of ten thousand."""
    return (np.arange(start, start + count) / 10_000).astype(np.float32)[:, None]


def constant(count, value):
    """One channel that does not change."""
    return np.full((count, 1), value, np.float32)


def test_sound_is_read_back_to_16_bits(spool):
    """Also across the turn of the ring, in blocks of any size."""
    position = 0
    for size in (1, 700, 299, 64, 999, 5):
        spool.write(position, ramp(position, size))
        position += size
    got = spool.read(position - 900, position)
    np.testing.assert_allclose(got, ramp(position - 900, 900), atol=1 / 32767)


def test_what_is_not_kept_is_silence(spool):
    """Before the oldest and after the newest sample there is nothing."""
    spool.write(0, constant(1500, 0.5))
    assert spool.first == 500
    got = spool.read(400, 1600)
    assert not got[:100].any()
    assert (got[100:1100] > 0.49).all()
    assert not got[1100:].any()


def test_a_hole_is_silence_and_keeps_its_length(spool):
    """Sound after a hole stands at its place."""
    spool.write(0, constant(100, 0.5))
    spool.write(300, constant(100, 0.25))
    got = spool.read(0, 400)
    assert (got[:100] > 0.49).all()
    assert not got[100:300].any()
    assert (got[300:] > 0.24).all()


def test_a_hole_longer_than_the_ring_leaves_nothing_old(spool):
    """Hours without a source do not bring back what came before."""
    spool.write(0, constant(900, 0.5))
    spool.write(100_000, constant(10, 0.5))
    assert not spool.read(99_000, 100_000).any()
    assert spool.read(100_000, 100_010).all()


def test_the_file_has_no_name(spool, tmp_path):
    """A kill leaves nothing behind."""
    spool.write(0, ramp(0, 500))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_and_ends_nothing(spool):
    """The monitor goes on; the window knows why there is no sound to play."""

    class Full:
        closed = False

        def seek(self, position):
            raise OSError(28, "No space left on device")

        def close(self):
            self.closed = True

    spool._file._file.close()
    spool._file._file = Full()
    spool.write(0, ramp(0, 10))
    spool.write(10, ramp(10, 10))
    assert spool.problem == "No space left on device"


def test_two_channels_are_kept_apart(tmp_path):
    """Also across the turn of the ring; a block that has only one stands for both."""
    spool = AudioSpool(1000, 2, tmp_path)
    stereo = np.concatenate((ramp(0, 1500), -ramp(0, 1500)), axis=1)
    spool.write(0, stereo)
    np.testing.assert_allclose(spool.read(600, 1500), stereo[600:], atol=1 / 32767)
    spool.write(1500, ramp(0, 100))
    mono = spool.read(1500, 1600)
    np.testing.assert_array_equal(mono[:, 0], mono[:, 1])
    spool.close()


def test_what_is_being_read_outlives_its_end(tmp_path):
    """A region is saved whole though its source is closed; nothing more is written."""
    spool = AudioSpool(1000, folder=tmp_path)
    spool.write(0, constant(500, 0.5))
    spool.close()
    spool.write(500, constant(100, 0.5))
    assert spool.end == 500
    assert (spool.read(0, 500) > 0.49).all()


def test_the_disk_space_is_given_back_when_nobody_reads_any_more(tmp_path):
    """The file has no name, so only its descriptor tells."""
    spool = AudioSpool(1000, folder=tmp_path)
    file = spool._file._file
    spool.close()
    assert not file.closed
    del spool
    assert file.closed


def test_where_no_file_can_be_made_the_error_is_the_systems(tmp_path):
    """The window then says that regions cannot be played."""
    with pytest.raises(OSError, match="nowhere"):
        AudioSpool(1000, folder=tmp_path / "nowhere")

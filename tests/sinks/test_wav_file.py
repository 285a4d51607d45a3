"""Facts about WAV files that are written as the sound comes."""

import numpy as np
import pytest
import soundfile

from streamseg.errors import CannotWriteError
from streamseg.sinks import wav_file as module
from streamseg.sinks.wav_file import wav_file


def test_what_is_written_in_pieces_is_read_as_one(tmp_path, rng):
    """To half a step of 16 bits; two channels at the rate that was asked for."""
    sound = rng.uniform(-1, 1, (10_000, 2)).astype(np.float32)
    with wav_file(tmp_path / "out.wav", 48_000, 2) as out:
        for piece in np.array_split(sound, 7):
            out.write(piece)
    read, rate_hz = soundfile.read(tmp_path / "out.wav", dtype="float32")
    assert rate_hz == 48_000
    # Full scale is 32767 on the way out and 32768 on the way in.
    np.testing.assert_allclose(read * 32768 / 32767, sound, atol=0.51 / 32767)


def test_what_exceeds_full_scale_is_clipped_and_does_not_turn_over(tmp_path):
    """1.5 becomes full scale, not a negative number."""
    with wav_file(tmp_path / "out.wav", 8_000, 1) as out:
        out.write(np.float32([[1.5], [-1.5]]))
    read, _ = soundfile.read(tmp_path / "out.wav", dtype="int16")
    assert read.tolist() == [32767, -32767]


def test_a_file_that_was_not_finished_never_has_its_name(tmp_path):
    """What was there before stays, and nothing is left beside it."""
    path = tmp_path / "out.wav"
    path.write_bytes(b"older")

    def stopped():
        with wav_file(path, 8_000, 1) as out:
            out.write(np.zeros((8_000, 1), np.float32))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert path.read_bytes() == b"older"
    assert [file.name for file in tmp_path.iterdir()] == ["out.wav"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    """One error that says which file and why."""
    path = tmp_path / "none" / "out.wav"
    with (
        pytest.raises(CannotWriteError, match=r"out\.wav: No such file or directory"),
        wav_file(path, 8_000, 1),
    ):
        pass


def test_more_than_a_wav_file_can_hold_is_refused(tmp_path, monkeypatch):
    """Its header counts bytes in 32 bits: a longer file would be read wrongly."""
    monkeypatch.setattr(module, "MOST_BYTES", 10_000)
    with wav_file(tmp_path / "out.wav", 8_000, 1) as out:
        out.write(np.zeros((4_000, 1), np.float32))
        with pytest.raises(CannotWriteError, match="less than 4 GB"):
            out.write(np.zeros((4_000, 1), np.float32))

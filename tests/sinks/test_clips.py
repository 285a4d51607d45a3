"""Clips hold the sound around an alarm, and nothing grows without end."""

from __future__ import annotations

import os
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_events import RATE_HZ, raised, started, stopped

from streamseg.errors import CannotWriteError
from streamseg.messages import Block
from streamseg.settings_outputs import ClipSettings
from streamseg.sinks.clips import ClipRecorder, SoundRing, file_name_of

PCM = 1 / 32767


def ramp(frames: int, first: int = 0) -> np.ndarray:
    """Every sample tells its position (modulo 30000)."""
    return ((np.arange(first, first + frames) % 30_000) * PCM).astype(np.float32)


def recorder(folder: Path, **limits: float) -> ClipRecorder:
    """Three seconds before, two after."""
    settings = {"before_s": 3, "after_s": 2, "rest_s": 60, **limits}
    made = ClipRecorder(ClipSettings(folder=str(folder), **settings))  # type: ignore[arg-type]
    made.handle(started())
    return made


def hear(clips: ClipRecorder, from_s: float, to_s: float, source: str = "studio") -> None:
    """The ramp, in blocks of a tenth of a second."""
    first, last = round(from_s * RATE_HZ), round(to_s * RATE_HZ)
    for sample in range(first, last, RATE_HZ // 10):
        size = min(RATE_HZ // 10, last - sample)
        clips.heard(source, Block(ramp(size, sample), sample))


def read(path: Path) -> tuple[np.ndarray, int]:
    """Samples (frames, channels) and rate."""
    with wave.open(str(path)) as file:
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert file.getsampwidth() == 2
        return data.reshape(-1, file.getnchannels()), file.getframerate()


def clips_in(folder: Path) -> list[Path]:
    """All clips; fails if something else lies there."""
    files = sorted(folder.iterdir())
    assert all(file.suffix == ".wav" for file in files)
    return files


def test_a_clip_holds_what_was_before_and_after(tmp_path: Path) -> None:
    """Sample by sample, from three seconds before the stamp to two after the decision."""
    clips = recorder(tmp_path)
    hear(clips, 0, 20)
    clips.handle(raised(15))  # decided at 20
    clips.tick()
    assert clips_in(tmp_path) == []  # what follows has not come yet
    hear(clips, 20, 25)
    clips.tick()
    (clip,) = clips_in(tmp_path)
    pcm, rate_hz = read(clip)
    assert rate_hz == RATE_HZ
    assert (pcm[:, 0] == np.arange(12 * RATE_HZ, 22 * RATE_HZ) % 30_000).all()
    assert clip.name.endswith("-studio-dead_air.wav")


def test_sound_before_the_first_event_is_kept(tmp_path: Path) -> None:
    """The event says the rate, and comes on another thread."""
    clips = ClipRecorder(ClipSettings(folder=str(tmp_path)))
    hear(clips, 0, 2)
    clips.handle(started())
    hear(clips, 2, 4)
    clips.handle(raised(3))
    clips.close()
    pcm, _ = read(clips_in(tmp_path)[0])
    assert (pcm[:, 0] == np.arange(4 * RATE_HZ) % 30_000).all()


def test_channels_are_kept(tmp_path: Path) -> None:
    """A lost channel can be heard: up to two are kept, the mix that the network hears is not."""
    clips = recorder(tmp_path)
    for sample in range(0, 6 * RATE_HZ, RATE_HZ):
        left = ramp(RATE_HZ, sample)
        both = np.stack((left, -left, left), axis=1)
        clips.heard("studio", Block(both.mean(axis=1), sample, both))
    clips.handle(raised(5))
    clips.close()
    pcm, _ = read(clips_in(tmp_path)[0])
    assert pcm.shape[1] == 2
    assert (pcm[:, 0] == -pcm[:, 1]).all()


def test_the_end_of_a_source_does_not_lose_its_clip(tmp_path: Path) -> None:
    """What came is written."""
    clips = recorder(tmp_path)
    hear(clips, 0, 10)
    clips.handle(raised(9))
    clips.handle(stopped(10))
    pcm, _ = read(clips_in(tmp_path)[0])
    assert len(pcm) == 4 * RATE_HZ


def test_a_source_that_stops_delivering_gets_its_clip_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for ever for sound after the alarm."""
    clips = recorder(tmp_path)
    hear(clips, 0, 10)
    clips.handle(raised(9))
    later = time.monotonic() + 100
    monkeypatch.setattr("streamseg.sinks.clips.time.monotonic", lambda: later)
    clips.tick()
    assert len(clips_in(tmp_path)) == 1


def test_a_flapping_alarm_gets_one_clip(tmp_path: Path) -> None:
    """Of one rule of one source; another rule gets its own."""
    clips = recorder(tmp_path)
    hear(clips, 0, 10)
    for second in range(5, 10):
        clips.handle(raised(second))
    clips.handle(raised(9, "clipping"))
    clips.close()
    assert len(clips_in(tmp_path)) == 2


def test_a_hundred_alarms_at_once_are_bounded(tmp_path: Path) -> None:
    """No more than 32 wait."""
    clips = recorder(tmp_path)
    hear(clips, 0, 10)
    for number in range(100):
        clips.handle(raised(9, f"rule_{number}"))
    clips.close()
    assert len(clips_in(tmp_path)) == 32


@pytest.mark.parametrize(("limits", "kept"), [({"keep_mb": 3}, 3), ({"keep_days": 4.5}, 5)])
def test_old_clips_are_deleted(tmp_path: Path, limits: dict[str, float], kept: int) -> None:
    """By total size and by age, the oldest first; other files stay."""
    now = time.time()
    for age in range(10):
        clip = tmp_path / f"{9 - age}.wav"
        clip.write_bytes(b"x" * 1_000_000)
        os.utime(clip, (now - age * 86_400,) * 2)
    (tmp_path / "notes.txt").write_text("mine")
    recorder(tmp_path, **limits).prune(now)
    left = sorted(file.name for file in tmp_path.iterdir())
    assert left == [*sorted(f"{number}.wav" for number in range(10 - kept, 10)), "notes.txt"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """At the start, with exit code 74."""
    (tmp_path / "file").touch()
    with pytest.raises(CannotWriteError, match="expected to make the folder"):
        recorder(tmp_path / "file" / "clips")


def test_a_clip_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """And leaves no half of a file."""
    notes: list[str] = []
    folder = tmp_path / "clips"
    clips = ClipRecorder(ClipSettings(folder=str(folder)), notes.append)
    clips.handle(started())
    hear(clips, 0, 5)
    clips.handle(raised(4))
    folder.rmdir()
    clips.close()
    assert len(notes) == 1
    assert "cannot write" in notes[0]


@given(st.text(max_size=200))
def test_no_name_of_a_source_leads_out_of_the_folder(name: str) -> None:
    """A name from the network never becomes a path."""
    part = file_name_of(name)
    assert 0 < len(part) <= 80
    assert not set(part) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert not part.startswith(".")


@given(st.data())
def test_the_ring_holds_the_newest_whatever_the_blocks(data: st.DataObject) -> None:
    """Any split of the sound, holes included: what is copied is what was pushed, or silence."""
    capacity = data.draw(st.integers(1, 50))
    ring = SoundRing(capacity, 1)
    truth = np.zeros(1000, np.int16)
    position = data.draw(st.integers(0, 10))
    for _ in range(data.draw(st.integers(1, 12))):
        hole = data.draw(st.sampled_from([0, 0, 0, 3, 60]))
        size = data.draw(st.integers(0, 20))
        position += hole
        pcm = np.arange(position + 1, position + 1 + size)
        truth[position : position + size] = pcm
        ring.push((pcm * PCM).astype(np.float32)[:, None], position)
        position += size
    held = ring.copy(0, 1000)[:, 0]
    first = max(ring.begin, 0)
    assert len(held) <= capacity
    assert (held == truth[first : first + len(held)]).all()
    assert ring.end == position
    assert len(held) >= min(capacity, size)

"""The log's files: one writer, a new file in time, the oldest deleted, and faults underneath."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_disk import small_disk

from streamseg.errors import CannotWriteError
from streamseg.settings_outputs import LogSettings
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.events import SegmentOpen, Stamp
from streamseg.sinks.lines import to_line
from streamseg.sinks.log_files import prune, rotate_away, rotated

MB = 1_000_000


class Days:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime.now().astimezone().replace(hour=12, minute=0, second=0, microsecond=0)

    def __call__(self) -> datetime:
        """What the log takes for now."""
        return self.now


def event(sample: int, now: datetime) -> SegmentOpen:
    """An event that is known by its sample."""
    return SegmentOpen(Stamp("test", now, sample, 48000), "music")


def samples(path: Path) -> list[int]:
    """The samples of all lines; fails if a line is not JSON or the last one has no end."""
    content = path.read_bytes()
    assert content == b"" or content.endswith(b"\n")
    return [json.loads(line)["sample"] for line in content.splitlines()]


def everything(path: Path) -> list[int]:
    """The samples of the rotated files and the log, in that order."""
    return [sample for file in [*rotated(path), path] for sample in samples(file)]


# Rotation


def test_a_log_that_is_full_is_rotated_and_nothing_is_lost(tmp_path: Path) -> None:
    """Every file but the last reaches the size, none is much larger, and the order is kept."""
    path = tmp_path / "air.jsonl"
    clock = Days()
    log = EventLog(path, LogSettings(rotate_mb=0.001, rotate_daily=False), now=clock)
    for sample in range(50):
        log.write(event(sample, clock.now))
        clock.now += timedelta(seconds=1)
    log.close()
    assert everything(path) == list(range(50))
    sizes = [file.stat().st_size for file in rotated(path)]
    assert len(sizes) == 6
    assert all(1000 <= size < 1300 for size in sizes)


def test_a_log_that_must_be_closed_for_its_renaming_is_rotated_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows; also where the renaming fails once."""
    refusals = iter([OSError(13, "denied")])

    def rename(path: Path, begun: datetime) -> Path:
        for refusal in refusals:
            raise refusal
        return rotate_away(path, begun)

    monkeypatch.setattr("streamseg.sinks.event_log._CLOSE_FIRST", True)
    monkeypatch.setattr("streamseg.sinks.event_log.rotate_away", rename)
    path = tmp_path / "air.jsonl"
    clock = Days()
    notes: list[str] = []
    limits = LogSettings(rotate_mb=0.001, rotate_daily=False)
    log = EventLog(path, limits, now=clock, warn=notes.append)
    for sample in range(50):
        log.write(event(sample, clock.now))
        clock.now += timedelta(seconds=1)
    log.close()
    assert everything(path) == list(range(50))
    assert len(rotated(path)) >= 5
    assert len(notes) == 1
    assert "cannot begin a new file" in notes[0]


def test_two_files_of_one_second_have_different_names(tmp_path: Path) -> None:
    """Nothing is ever renamed over an older file."""
    path = tmp_path / "air.jsonl"
    clock = Days()
    log = EventLog(path, LogSettings(rotate_mb=0.0001, rotate_daily=False), now=clock)
    for sample in range(12):
        log.write(event(sample, clock.now))
    log.close()
    assert everything(path) == list(range(12))
    assert len(rotated(path)) == 11


def test_a_new_day_begins_a_new_file(tmp_path: Path) -> None:
    """The old one carries the time at which it was begun."""
    path = tmp_path / "air.jsonl"
    clock = Days()
    log = EventLog(path, now=clock)
    log.write(event(0, clock.now))
    begun = clock.now
    clock.now += timedelta(days=1)
    log.tend()
    log.write(event(1, clock.now))
    log.close()
    old = tmp_path / begun.strftime("air-%Y-%m-%dT12-00-00.jsonl")
    assert sorted(tmp_path.iterdir()) == sorted([old, path])
    assert (samples(old), samples(path)) == ([0], [1])


def test_a_log_of_yesterday_is_rotated_at_the_start(tmp_path: Path) -> None:
    """Also where nothing ran over midnight."""
    path = tmp_path / "air.jsonl"
    yesterday = datetime.now().astimezone() - timedelta(days=1)
    path.write_bytes(to_line(event(0, yesterday)))
    os.utime(path, (yesterday.timestamp(), yesterday.timestamp()))
    log = EventLog(path)
    log.write(event(1, datetime.now(UTC)))
    log.close()
    assert [file.name for file in rotated(path)] == [
        yesterday.strftime("air-%Y-%m-%dT%H-%M-%S.jsonl")
    ]
    assert everything(path) == [0, 1]


def test_an_empty_log_is_not_rotated(tmp_path: Path) -> None:
    """A quiet year leaves no 365 empty files."""
    path = tmp_path / "air.jsonl"
    clock = Days()
    log = EventLog(path, now=clock)
    for _ in range(3):
        clock.now += timedelta(days=1)
        log.tend()
    for sample in range(3):
        log.write(event(sample, clock.now))
    log.close()
    assert list(tmp_path.iterdir()) == [path]
    assert samples(path) == [0, 1, 2]


def test_without_rotation_one_file_grows(tmp_path: Path) -> None:
    """Both limits can be switched off."""
    path = tmp_path / "air.jsonl"
    clock = Days()
    log = EventLog(path, LogSettings(rotate_mb=0, rotate_daily=False), now=clock)
    for sample in range(20):
        log.write(event(sample, clock.now))
        clock.now += timedelta(days=1)
    log.close()
    assert list(tmp_path.iterdir()) == [path]


# Retention


@pytest.fixture
def old_files(tmp_path: Path) -> Path:
    """A log with ten rotated files of 1 MB, one a day; the newest is a day old."""
    path = tmp_path / "air.jsonl"
    path.write_bytes(b"{" * MB)
    for age in range(1, 11):
        then = datetime.now().astimezone() - timedelta(days=age)
        old = tmp_path / then.strftime("air-%Y-%m-%dT00-00-00.jsonl")
        old.write_bytes(b"{" * MB)
        os.utime(old, (then.timestamp(), then.timestamp()))
    return path


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        ({}, 10),
        ({"keep_days": 4.5}, 4),
        ({"keep_mb": 4}, 3),  # the log itself counts too
        ({"keep_mb": 0.5}, 0),
        ({"keep_days": 7.5, "keep_mb": 6}, 5),
        ({"min_free_mb": 1e9}, 0),
    ],
)
def test_the_oldest_files_go(old_files: Path, limits: dict[str, float], kept: int) -> None:
    """By age, by total size, by free space; the log itself is never deleted."""
    newest_first = rotated(old_files)[::-1]
    prune(old_files, LogSettings(**limits), datetime.now().astimezone())  # type: ignore[arg-type]
    assert rotated(old_files)[::-1] == newest_first[:kept]
    assert old_files.exists()


def test_files_of_others_are_left_alone(old_files: Path) -> None:
    """Only what this log's own rotation names like that is deleted."""
    others = ["air-notes.jsonl", "air-2026.jsonl", "airport-2026-01-01T00-00-00.jsonl", "air.txt"]
    for name in [*others, "air-2026-01-01T00-00-00.jsonl.gz"]:
        (old_files.parent / name).write_text("mine")
    prune(old_files, LogSettings(min_free_mb=1e9), datetime.now().astimezone())
    left = {file.name for file in old_files.parent.iterdir()}
    assert left == {"air.jsonl", *others, "air-2026-01-01T00-00-00.jsonl.gz"}


def test_a_running_log_deletes_and_says_so(old_files: Path) -> None:
    """The names stand in the warning: nothing disappears in silence."""
    old_files.unlink()
    notes: list[str] = []
    log = EventLog(old_files, LogSettings(keep_days=4.5), warn=notes.append)
    log.tend()
    log.close()
    assert len(rotated(old_files)) == 4
    assert len(notes) == 1
    assert notes[0].count("air-20") == 6


# One writer


def test_a_second_process_on_one_log_is_refused(tmp_path: Path) -> None:
    """With exit code 74, and the first goes on undisturbed; its end frees the log."""
    path = tmp_path / "air.jsonl"
    log = EventLog(path)
    code = "import sys; from pathlib import Path; from streamseg.sinks.event_log import EventLog\n"
    code += "from streamseg.errors import StreamsegError\n"
    code += "try: EventLog(Path(sys.argv[1])).close()\n"
    code += "except StreamsegError as error: print(error); sys.exit(error.exit_code)\n"
    other = [sys.executable, "-c", code, str(path)]
    refused = subprocess.run(other, capture_output=True, text=True)
    assert refused.returncode == 74
    assert "another process has it open as its event log" in refused.stdout
    log.write(event(1, datetime.now(UTC)))
    log.close()
    assert subprocess.run(other).returncode == 0
    assert samples(path) == [1]


def test_the_lock_goes_along_when_the_log_is_rotated(tmp_path: Path) -> None:
    """The new file is locked, the old one is free."""
    path = tmp_path / "air.jsonl"
    clock = Days()
    log = EventLog(path, now=clock)
    log.write(event(1, clock.now))
    clock.now += timedelta(days=1)
    log.tend()
    with pytest.raises(CannotWriteError, match="another process has it open"):
        EventLog(path)
    EventLog(rotated(path)[0]).close()
    log.close()


# What others do to the file


@pytest.mark.parametrize("how", ["moved", "deleted"])
def test_a_log_that_went_is_begun_anew(tmp_path: Path, how: str) -> None:
    """The next event finds a new file, and the old one, where it was moved, is whole."""
    path = tmp_path / "air.jsonl"
    notes: list[str] = []
    log = EventLog(path, warn=notes.append)
    log.write(event(1, datetime.now(UTC)))
    if how == "moved":
        path.rename(tmp_path / "air.jsonl.1")
    else:
        path.unlink()
    log.write(event(2, datetime.now(UTC)))
    assert samples(path) == [2]
    if how == "moved":
        assert samples(tmp_path / "air.jsonl.1") == [1]
    assert notes == [f"event log {path}: was moved or deleted; a new one was begun"]
    log.close()


def test_reopen_makes_the_file_at_once(tmp_path: Path) -> None:
    """As logrotate expects it after its signal; without a move nothing happens."""
    path = tmp_path / "air.jsonl"
    log = EventLog(path)
    log.write(event(1, datetime.now(UTC)))
    log.reopen()
    assert samples(path) == [1]
    path.rename(tmp_path / "air.jsonl.1")
    log.reopen()
    assert path.exists()
    log.write(event(2, datetime.now(UTC)))
    assert samples(path) == [2]
    log.close()


def test_a_folder_that_went_is_waited_for(tmp_path: Path) -> None:
    """Events stay in memory until the folder is there again."""
    folder = tmp_path / "logs"
    folder.mkdir()
    path = folder / "air.jsonl"
    notes: list[str] = []
    log = EventLog(path, warn=notes.append)
    shutil.rmtree(folder)
    for sample in range(3):
        log.write(event(sample, datetime.now(UTC)))
    assert log.waiting == 3
    folder.mkdir()
    log.tend()
    assert samples(path) == [0, 1, 2]
    assert [note for note in notes if "cannot write" in note] == notes[:1]
    log.close()


def test_something_else_in_the_logs_place_is_left_alone(tmp_path: Path) -> None:
    """A file that is no log is not appended to; the log goes on when it has gone."""
    path = tmp_path / "air.jsonl"
    notes: list[str] = []
    log = EventLog(path, warn=notes.append)
    path.unlink()
    path.write_text("dear diary\n")
    log.write(event(1, datetime.now(UTC)))
    assert path.read_text() == "dear diary\n"
    assert "holds something else" in notes[0]
    path.unlink()
    log.write(event(2, datetime.now(UTC)))
    assert samples(path) == [1, 2]
    log.close()


# Real disks


def test_a_disk_that_is_really_full_loses_nothing(tmp_path: Path) -> None:
    """On a tmpfs of 64 kB: events wait in memory while another file fills it, and come in order."""
    with small_disk(tmp_path / "disk", "64k") as disk:
        path = disk / "air.jsonl"
        notes: list[str] = []
        log = EventLog(path, warn=notes.append)
        filler = disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as other:
            while True:
                other.write(b"x" * 512)
        for sample in range(100):
            log.write(event(sample, datetime.now(UTC)))
        assert log.waiting > 0
        filler.unlink()
        log.tend()
        assert log.waiting == 0
        assert samples(path) == list(range(100))
        assert [note.split(": ")[1].split(" (")[0] for note in notes] == [
            "cannot write",
            "writing again, nothing was lost",
        ]
        log.close()


def test_old_files_make_room_on_a_full_disk(tmp_path: Path) -> None:
    """A box that nobody looks after goes on for ever: the oldest files go, the newest stay."""
    with small_disk(tmp_path / "disk", "256k") as disk:
        path = disk / "air.jsonl"
        clock = Days()
        limits = LogSettings(rotate_mb=0.02, min_free_mb=0.08)
        log = EventLog(path, limits, warn=lambda note: None, now=clock)
        for sample in range(6000):
            log.write(event(sample, clock.now))
            clock.now += timedelta(seconds=1)
            if sample % 20 == 0:
                log.tend()
        log.close()
        assert log.lost == 0
        kept = everything(path)
        assert kept == list(range(kept[0], 6000))
        assert len(kept) > 500


READ_ONLY = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from streamseg.settings_outputs import LogSettings
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.events import SegmentOpen, Stamp
folder = Path(sys.argv[1])
if os.geteuid() == 0:  # whom no right holds back
    os.seteuid(65534)
folder.mkdir()
log = EventLog(folder / "air.jsonl", LogSettings(rotate_mb=0.001, rotate_daily=False))
for sample in range(40):
    if sample == 5:
        os.chmod(folder, 0o555)
    if sample == 30:
        os.chmod(folder, 0o755)
    log.write(SegmentOpen(Stamp("test", datetime.now(UTC), sample, 48000), "music"))
    log.tend()
log.close()
"""


def test_a_folder_made_read_only_loses_nothing() -> None:
    """The open file goes on; rotation is refused, said once, and made up for later."""
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o777)
        folder = Path(parent, "logs")
        run = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(folder)], capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        path = folder / "air.jsonl"
        assert everything(path) == list(range(40))
        assert run.stderr.count("cannot begin a new file (Permission denied)") == 1
        assert len(rotated(path)) >= 2


# Anything that may lie there


@given(st.integers(0, 3), st.binary(max_size=300), st.booleans())
def test_no_content_breaks_the_opening(lines: int, tail: bytes, own: bool) -> None:
    """Whatever follows whole lines: it is repaired, or refused without a change of one byte."""
    now = datetime.now(UTC)
    whole = b"".join(to_line(event(number, now)) for number in range(lines))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "air.jsonl")
        content = whole + (b'{"schema"' if own else b"") + tail
        path.write_bytes(content)
        try:
            log = EventLog(path, warn=lambda note: None)
        except CannotWriteError:
            assert path.read_bytes() == content
            return
        log.write(event(99, now))
        log.close()
        kept = path.read_bytes()
        assert kept.endswith(to_line(event(99, now)))
        side = Path(f"{path}.torn")
        # Not a byte is lost: it is in the log, or beside it.
        assert content.replace(b"\n", b"") == (
            kept.removesuffix(to_line(event(99, now)))
            + (side.read_bytes() if side.exists() else b"")
        ).replace(b"\n", b"")

"""The log after kills, on full disks, and in the wrong places."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streamseg.errors import CannotWriteError
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.events import Overload, SegmentOpen, Stamp
from streamseg.sinks.lines import to_line

MORNING = datetime(2026, 1, 1, tzinfo=UTC)


def event(sample: int, source: str = "test") -> SegmentOpen:
    """An event that is known by its sample."""
    return SegmentOpen(Stamp(source, MORNING, sample, 48000), "music")


def samples(path: Path) -> list[int]:
    """The samples of all lines; fails if a line is not JSON or the last one has no end."""
    content = path.read_bytes()
    assert content == b"" or content.endswith(b"\n")
    return [json.loads(line)["sample"] for line in content.splitlines()]


class FullDisk:
    """Stands in for ``os.write``: takes ``room`` bytes and then reports a full disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room = room
        self.really = os.write
        monkeypatch.setattr("streamseg.sinks.event_log.os.write", self.write)

    def write(self, file: int, data: bytes) -> int:
        """As the system: a part of the data if that is all the room there is."""
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self.really(file, data[: self.room])
        self.room -= written
        return written


def test_every_event_is_in_the_file_at_once(tmp_path: Path) -> None:
    """After write has returned another reader finds the whole line."""
    path = tmp_path / "log.jsonl"
    log = EventLog(path)
    for sample in range(3):
        log.write(event(sample))
        assert samples(path) == list(range(sample + 1))
    log.close()


def test_a_second_run_appends(tmp_path: Path) -> None:
    """What an earlier run wrote stays."""
    path = tmp_path / "log.jsonl"
    for sample in range(3):
        log = EventLog(path, warn=pytest.fail)
        log.write(event(sample))
        log.close()
    assert samples(path) == [0, 1, 2]
    assert list(tmp_path.iterdir()) == [path]


def test_a_tear_at_any_byte_is_repaired(tmp_path: Path) -> None:
    """Cut anywhere in its last line, the log has its whole lines at the next start, and no other.

    The torn bytes are kept beside it; a line that lacks its line end alone is not torn.
    """
    whole = to_line(event(1)) + to_line(event(2))
    last = to_line(event(3))
    for kept in range(len(last) + 1):
        path = tmp_path / f"{kept}.jsonl"
        path.write_bytes(whole + last[:kept])
        notes: list[str] = []
        log = EventLog(path, warn=notes.append)
        log.write(event(4))
        log.close()
        survives = kept >= len(last) - 1
        assert samples(path) == ([1, 2, 3, 4] if survives else [1, 2, 4])
        side = Path(f"{path}.torn")
        torn = kept > 0 and not survives
        assert side.exists() == torn
        assert len(notes) == (torn or kept == len(last) - 1)
        if torn:
            assert side.read_bytes() == last[:kept] + b"\n"


def test_a_tear_of_the_only_line_is_repaired(tmp_path: Path) -> None:
    """A log of nothing but a torn line becomes an empty one."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"sche')
    EventLog(path, warn=lambda note: None).close()
    assert path.read_bytes() == b""


def test_a_very_long_tear_is_repaired(tmp_path: Path) -> None:
    """A torn line of several chunks is found from its end."""
    path = tmp_path / "log.jsonl"
    torn = to_line(event(2, source="x" * 200_000))[:-3]
    path.write_bytes(to_line(event(1)) + torn)
    EventLog(path, warn=lambda note: None).close()
    assert samples(path) == [1]
    assert Path(f"{path}.torn").read_bytes() == torn + b"\n"


def test_zeros_after_a_power_cut_are_repaired(tmp_path: Path) -> None:
    """Some file systems leave zeros where the last line should be."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(to_line(event(1)) + b"\0" * 300)
    EventLog(path, warn=lambda note: None).close()
    assert samples(path) == [1]


@pytest.mark.parametrize(
    "content",
    [b"RIFF\x24\x00\x00\x00WAVE", b"start_s,end_s\n1,2\n", b'{"a": 1}\n[1, 2', b"{" + b"x" * 2**21],
)
def test_another_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    """A WAV file given as a log by mistake is not repaired."""
    path = tmp_path / "music.wav"
    path.write_bytes(content)
    with pytest.raises(CannotWriteError, match="holds something else; choose another file"):
        EventLog(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", [".", "missing/log.jsonl"])
def test_a_log_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path, name: str) -> None:
    """A folder, or a file in a folder that does not exist: exit code 74."""
    with pytest.raises(CannotWriteError, match="expected an event log that can be written") as got:
        EventLog(tmp_path / name)
    assert got.value.exit_code == 74


def test_a_device_is_written_without_a_repair() -> None:
    """/dev/null is a fine event log."""
    log = EventLog(Path(os.devnull), warn=pytest.fail)
    log.write(event(1))
    log.close()


def test_a_full_disk_is_waited_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is raised, one warning is given, and all events are there when there is room."""
    path = tmp_path / "log.jsonl"
    notes: list[str] = []
    log = EventLog(path, warn=notes.append)
    log.write(event(0))
    disk = FullDisk(monkeypatch, room=0)
    for sample in range(1, 6):
        log.write(event(sample))
    assert samples(path) == [0]
    assert log.waiting == 5
    assert [note for note in notes if "cannot write (No space left on device)" in note] == notes
    assert len(notes) == 1
    disk.room = 10_000
    log.write(event(6))
    assert samples(path) == list(range(7))
    assert notes[1:] == [f"event log {path}: writing again, nothing was lost"]
    assert log.waiting == 0
    log.close()


@pytest.mark.parametrize("room", [1, 50, 119, 120, 121, 200])
def test_a_line_that_was_half_written_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """When the disk fills within a line, its rest comes first as soon as there is room."""
    path = tmp_path / "log.jsonl"
    log = EventLog(path, keep_events=2, warn=lambda note: None)
    disk = FullDisk(monkeypatch, room)
    for sample in range(8):
        log.write(event(sample))
    disk.room = 10_000
    log.retry()
    written = -(-room // len(to_line(event(0))))  # lines that were at least begun
    assert samples(path) == [*range(written), 5, 6, 7]
    lost = json.loads(path.read_bytes().splitlines()[written])
    assert (lost["event"], lost["events"], lost["sample"]) == ("events_lost", 8 - written - 2, 5)
    assert log.lost == 8 - written - 2
    log.close()


def test_memory_is_bounded_while_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest events are kept; the log says how many others there were, and since when."""
    notes: list[str] = []
    path = tmp_path / "log.jsonl"
    log = EventLog(path, keep_events=3, warn=notes.append)
    disk = FullDisk(monkeypatch, room=0)
    for sample in range(10):
        log.write(event(sample))
        assert log.waiting <= 3
    disk.room = 10_000
    log.retry()
    assert samples(path) == [6, 7, 8, 9]
    lost = json.loads(path.read_bytes().splitlines()[0])
    assert (lost["event"], lost["events"]) == ("events_lost", 7)
    assert datetime.fromisoformat(lost["since"]) == MORNING
    assert notes[-1].endswith("writing again, 7 events were lost")
    log.close()


def test_every_source_is_told_what_it_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line a source, before the events that were kept."""
    path = tmp_path / "log.jsonl"
    log = EventLog(path, keep_events=1, warn=lambda note: None)
    disk = FullDisk(monkeypatch, room=0)
    for sample, source in enumerate(["a", "b", "a", "a", "b"]):
        log.write(event(sample, source))
    disk.room = 10_000
    log.retry()
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    told = [(line["source"], line["event"], line["sample"], line.get("events")) for line in lines]
    assert told == [
        ("a", "events_lost", 3, 3),
        ("b", "events_lost", 1, 1),
        ("b", "segment_open", 4, None),
    ]
    log.close()


def test_events_that_never_found_room_are_told_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """close does not raise on a disk that is still full."""
    notes: list[str] = []
    log = EventLog(tmp_path / "log.jsonl", warn=notes.append)
    FullDisk(monkeypatch, room=0)
    log.write(event(1))
    log.close()
    assert notes[-1].endswith("1 events could not be written")


def test_standard_output_is_a_log_too(capfd: pytest.CaptureFixture[str]) -> None:
    """Without a path events go to standard output, line by line."""
    log = EventLog(None)
    log.write(Overload(Stamp("test", MORNING, 0, 48000), 0.5, "ring"))
    assert json.loads(capfd.readouterr().out)["event"] == "overload"
    log.close()


def test_a_reader_that_left_is_an_error() -> None:
    """`streamseg log - | head` ends with one clear error instead of filling memory."""
    code = (
        "import sys; from datetime import datetime, UTC\n"
        "from streamseg.errors import CannotWriteError\n"
        "from streamseg.sinks.event_log import EventLog\n"
        "from streamseg.sinks.events import SegmentOpen, Stamp\n"
        "log = EventLog(None); sys.stdin.read()\n"
        "try: log.write(SegmentOpen(Stamp('s', datetime.now(UTC), 0, 1), 'music'))\n"
        "except CannotWriteError as error: sys.exit(str(error))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    child.stdout.close()
    child.stdout = None  # communicate must not look at it
    _, complaint = child.communicate("")
    assert child.returncode == 1
    assert complaint.startswith("expected a reader of standard output, but it went away")


WRITER = """
import itertools, os, sys
from datetime import datetime, UTC
from pathlib import Path
from streamseg.settings_outputs import LogSettings
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.events import SegmentOpen, Stamp
source = "x" * 50_000
for _ in sys.stdin:  # a process for every line, without 50 times the imports
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    limits = LogSettings(rotate_mb=0, rotate_daily=False)
    log = EventLog(Path(sys.argv[1]), limits, warn=lambda note: None)
    for sample in itertools.count():
        log.write(SegmentOpen(Stamp(source, datetime.now(UTC), sample, 48000), "music"))
        if sample == 0:
            print(os.getpid(), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_fifty_kills_lose_no_whole_line(tmp_path: Path) -> None:
    """After SIGKILL at a random moment all lines but a torn last one parse, fifty times in a row.

    Lines of 50 kB span several pages, between which the system may stop a write. Every run counts
    from 0 and repairs the tear of the run before, so a lost, doubled or torn line would show.
    """
    path = tmp_path / "log.jsonl"
    chance = random.Random(5)
    checked = 0  # bytes of the log: up to the last line end
    torn = b""
    program = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        for _ in range(50):
            parent.stdin.write("\n")
            child = int(parent.stdout.readline())
            time.sleep(chance.uniform(0, 0.004))
            os.kill(child, signal.SIGKILL)
            while _writes(child):
                time.sleep(0.001)
            with path.open("rb") as log:
                log.seek(checked)
                *lines, now_torn = log.read().split(b"\n")
            checked += sum(len(line) + 1 for line in lines)
            if torn and lines[0] == torn:
                del lines[0]  # lacked its line end alone and got it
            got = [json.loads(line)["sample"] for line in lines]
            assert got == list(range(len(got)))
            assert got
            torn = now_torn
    EventLog(path, warn=lambda note: None).close()
    assert path.stat().st_size - checked in (0, len(torn) + 1)


def _writes(process: int) -> bool:
    """Whether this process is still there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True

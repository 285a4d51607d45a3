"""What a scan has done so far: one line a file, so that a killed scan goes on where it stopped.

The journal belongs to the process that scans, and to one at a time. A line is with the system as
soon as its file is done and on the disk within a second or so; a kill in the middle of a line costs
that file. The last line about a file counts. Memory holds one short entry a file, never the
segments.

    {"schema": 1, "scan": {...}}                              what all files are scanned with
    {"file": "/a/b.flac", "bytes": 1, "mtime_ns": 1, ...}     one file and its segments
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import Any

from streamseg.errors import CannotWriteError, UsageError
from streamseg.sinks.formats import Report, cannot_write

if sys.platform != "win32":
    import fcntl

SCHEMA = 1
SYNC_S = 1.0
_START = b'{"schema":'  # of every journal


@dataclass(frozen=True, slots=True)
class Stamp:
    """How a file looked when it was scanned: another size or time is another recording."""

    bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Row:
    """A segment of a file; seconds with three decimals, scores with four, dB with one."""

    start_s: float
    end_s: float
    label: str
    score: float
    score_peak: float
    level_dbfs: float


@dataclass(frozen=True, slots=True)
class Entry:
    """All that is known of one file."""

    file: str
    stamp: Stamp
    rate_hz: int = 0
    duration_s: float = 0.0
    warning: str = ""
    error: str = ""
    """Why there is nothing; empty for a file that was scanned."""
    rows: tuple[Row, ...] = ()


def entry_of(file: str, stamp: Stamp, report: Report, warning: str) -> Entry:
    """The entry of a file that was scanned."""
    rows = tuple(
        Row(
            round(row.start_s, 3),
            round(row.end_s, 3),
            row.segment.label,
            round(row.segment.score_mean, 4),
            round(row.segment.score_peak, 4),
            round(row.segment.level_dbfs, 1),
        )
        for row in report.rows()
    )
    return Entry(file, stamp, report.rate_hz, round(report.duration_s, 3), warning, "", rows)


class Journal:
    """One file of lines; see the module. One thread."""

    def __init__(self, path: Path, scan: dict[str, Any]) -> None:
        """Open or begin; ``scan`` says what all files are scanned with, as JSON can say it.

        Raises CannotWriteError if the file cannot be written, is no journal or is written by
        another process, and UsageError if it was begun with another ``scan``.
        """
        self._path = path
        self._where: dict[str, int] = {}
        self._stamps: dict[str, Stamp] = {}
        self._synced_s = time.monotonic()
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
            self._file: BufferedRandom = os.fdopen(descriptor, "r+b")
        except OSError as error:
            raise cannot_write(path, error) from None
        try:
            self._lock()
            self._begin(scan)
        except BaseException:
            self._file.close()
            raise

    def __len__(self) -> int:
        return len(self._where)

    def done(self, file: str, stamp: Stamp) -> bool:
        """Whether the file was scanned as it is now. One that failed is not done."""
        return self._stamps.get(file) == stamp

    def add(self, entry: Entry) -> None:
        """Write down what became of a file. Raises CannotWriteError."""
        try:
            where = self._file.seek(0, os.SEEK_END)
            self._file.write(_line(entry))
            self._file.flush()
            if time.monotonic() - self._synced_s > SYNC_S:
                self._sync()
        except OSError as error:
            raise cannot_write(self._path, error) from None
        self._note(entry, where)

    def entries(self) -> Iterator[Entry]:
        """The last entry of every file, by the files' names. Not to be mixed with ``add``."""
        for file in sorted(self._where):
            self._file.seek(self._where[file])
            entry = _entry(self._file.readline())
            assert entry is not None
            yield entry

    def close(self) -> None:
        """Let go of the file; everything is on the disk then, if the disk lets us."""
        with contextlib.suppress(OSError):
            self._sync()
        with contextlib.suppress(OSError):  # a full disk has been told by ``add``
            self._file.close()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._synced_s = time.monotonic()

    def _lock(self) -> None:
        """The lock goes with the process, however it ends; Windows has none of this kind."""
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                return  # some network disks know no lock
            raise CannotWriteError(
                f"expected to be the only scan that writes {self._path}, but another one does; "
                "wait for it, or choose another output"
            ) from None

    def _begin(self, scan: dict[str, Any]) -> None:
        """Read what is there, cut off a torn end, or write the first line."""
        first = self._file.readline()
        if not first.endswith(b"\n"):  # new, or killed at its very first line
            if first[: len(_START)] != _START[: len(first)]:
                raise self._no_journal()
            self._file.truncate(0)
            self._file.seek(0)
            self._file.write(_json({"schema": SCHEMA, "scan": scan}))
            self._file.flush()
            return
        self._compare(first, scan)
        where = self._file.tell()
        for line in self._file:
            if not line.endswith(b"\n"):
                self._file.truncate(where)
                break
            entry = _entry(line)
            if entry is not None:  # a damaged line: its file is scanned again
                self._note(entry, where)
            where += len(line)

    def _compare(self, first: bytes, scan: dict[str, Any]) -> None:
        try:
            begun = json.loads(first)
            schema, before = begun["schema"], begun["scan"]
        except (ValueError, KeyError, TypeError):
            raise self._no_journal() from None
        if schema != SCHEMA:
            raise UsageError(
                f"expected a journal of schema {SCHEMA}, got {schema} in {self._path}; "
                "choose another output, or delete it"
            )
        now = json.loads(_json(scan))
        other = sorted(key for key in {*now, *before} if now.get(key) != before.get(key))
        if other:
            raise UsageError(
                f"expected the settings that {self._path} was begun with, got another "
                f"{', '.join(other)}; choose another output, or delete the journal to begin anew"
            )

    def _no_journal(self) -> CannotWriteError:
        return CannotWriteError(
            f"expected the journal of a scan in {self._path}, got something else; "
            "nothing in it was changed: choose another output, or move it away"
        )

    def _note(self, entry: Entry, where: int) -> None:
        self._where[entry.file] = where
        if entry.error:
            self._stamps.pop(entry.file, None)
        else:
            self._stamps[entry.file] = entry.stamp


def _json(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n"


def _line(entry: Entry) -> bytes:
    rows = [
        [row.start_s, row.end_s, row.label, row.score, row.score_peak, row.level_dbfs]
        for row in entry.rows
    ]
    return _json(
        {
            "file": entry.file,
            "bytes": entry.stamp.bytes,
            "mtime_ns": entry.stamp.mtime_ns,
            "rate_hz": entry.rate_hz,
            "duration_s": entry.duration_s,
            "warning": entry.warning,
            "error": entry.error,
            "segments": rows,
        }
    )


def _entry(line: bytes) -> Entry | None:
    try:
        record = json.loads(line)
        return Entry(
            record["file"],
            Stamp(record["bytes"], record["mtime_ns"]),
            record["rate_hz"],
            record["duration_s"],
            record["warning"],
            record["error"],
            tuple(Row(*row) for row in record["segments"]),
        )
    except (ValueError, KeyError, TypeError):
        return None

"""The event log: JSON lines, append-only, whole after a kill at any byte, never endless.

May be called from any thread; a lock lets one in at a time. A line is one ``write`` of the system
to a file opened for appending, at once and without a buffer of our own: what has been written is
with the kernel, and a kill of this process does not take it back. There is no ``fsync``: it would
guard against a power cut alone, and waits for the disk (up to seconds on a memory card) while
sound comes in.

A kill in the middle of a line leaves a torn last line; the next start sees to it
(``log_repair.py``), so the log holds whole lines only and no byte is lost.

At run time a failing disk never stops the monitor. The newest events stay in memory (a bounded
number), a warning is given once, and they are written, in order, before the next event that finds
room, behind one ``events_lost`` a source that says what did not fit. Part of a line that the full
disk still took is completed first.

``tend`` is called about once a second by whoever owns the log: it begins a new file at midnight,
deletes what is too old, and writes what waits. A log that was moved or deleted underneath (by a
person, by logrotate) is begun anew with the next event.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from streamseg.errors import CannotWriteError
from streamseg.settings_outputs import LogSettings
from streamseg.sinks.events import Event, EventsLost, Stamp
from streamseg.sinks.lines import to_line
from streamseg.sinks.log_files import Opened, moved, open_log, prune, rotate_away

KEEP_EVENTS = 10_000  # about 4 MB of lines: days of events of one source
PRUNE_S = 60.0  # between two looks at age, total size and free space
_MB = 1_000_000
_CLOSE_FIRST = os.name == "nt"  # Windows renames no file that is open; elsewhere the lock is kept


def _to_stderr(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _local_now() -> datetime:
    return datetime.now().astimezone()


class EventLog:
    """Appends events to a file, or to standard output if ``path`` is None.

    Raises CannotWriteError (exit code 74) if the file cannot be opened for appending, is written
    by another process, or holds something that is not an event log: then nothing in it was changed.
    """

    def __init__(
        self,
        path: Path | None,
        settings: LogSettings | None = None,
        *,
        keep_events: int = KEEP_EVENTS,
        warn: Callable[[str], None] = _to_stderr,
        now: Callable[[], datetime] = _local_now,
    ) -> None:
        self.name = "standard output" if path is None else str(path)
        self.lost = 0
        """Events that were dropped because the memory was full too."""
        self._path = path
        self._settings = settings or LogSettings()
        self._warn = warn
        self._now = now
        self._turn = threading.RLock()
        self._waiting: deque[tuple[Stamp, bytes]] = deque()
        self._keep_events = keep_events
        self._line, self._done = b"", 0  # begun on the disk, and how far: never dropped
        self._untold: dict[str, EventsLost] = {}  # by source
        self._failing = self._cannot_rotate = self._cannot_prune = False
        self._prune_at_s = 0.0
        self._opened = self._open()
        self._size = os.fstat(self._opened.file).st_size if self._opened.regular else 0

    @classmethod
    def of(cls, settings: LogSettings) -> EventLog:
        """The log that the settings name; standard output if they name none."""
        return cls(Path(settings.file) if settings.file else None, settings)

    @property
    def waiting(self) -> int:
        """Events in memory that wait for room on the disk."""
        return len(self._waiting) + bool(self._line)

    def write(self, event: Event) -> None:
        """Append one event. A disk error is reported once and never raised.

        Raises CannotWriteError if nobody reads standard output any more (``| head``).
        """
        with self._turn:
            self._waiting.append((event.stamp, to_line(event)))
            self.retry()
            while len(self._waiting) > self._keep_events:
                stamp, _ = self._waiting.popleft()
                self._forget(stamp)

    def retry(self) -> None:
        """Write what waits in memory, if there is room now. Cheap when nothing waits."""
        with self._turn:
            if not (self._waiting or self._untold or self._line):
                return
            try:
                self._settle()
                self._write_waiting()
            except BrokenPipeError:
                raise CannotWriteError(
                    f"expected a reader of {self.name}, but it went away; log to a file instead"
                ) from None
            except OSError as error:
                self._report(error.strerror or str(error))
                return
            except CannotWriteError as error:  # what lies at the log's place now
                self._report(str(error))
                return
            if self._failing:
                self._failing = False
                lost = f"{self.lost} events were lost" if self.lost else "nothing was lost"
                self._warn(f"event log {self.name}: writing again, {lost}")

    def tend(self) -> None:
        """What is to be done without an event: midnight, retention, a disk that has room again."""
        with self._turn:
            self.retry()
            if self._path is None or not self._opened.regular:
                return
            if not self.waiting and self._is_over() and not moved(self._path, self._opened):
                try:
                    self._rotate(self._path)
                except CannotWriteError as error:
                    self._report(str(error))
            if time.monotonic() >= self._prune_at_s:
                self._prune_at_s = time.monotonic() + PRUNE_S
                self._prune(self._path)

    def reopen(self) -> None:
        """Close the file and open its name again: after another program has renamed it."""
        with self._turn:
            if self._path is None or not moved(self._path, self._opened):
                return
            try:
                self._replace(self._open())
            except CannotWriteError as error:
                self._report(str(error))

    def close(self) -> None:
        """One last try for what waits, then the end; says how many events could not be written."""
        with self._turn:
            try:
                self.retry()
            finally:
                os.close(self._opened.file)
            if self.waiting:
                self._warn(f"event log {self.name}: {self.waiting} events could not be written")

    # Everything below is called with the lock held.

    def _open(self) -> Opened:
        now = self._now()
        if self._path is None:
            return Opened(os.dup(1), False, (0, 0), now, now, "")  # a copy: ours to close
        opened = open_log(self._path, now)
        if opened.note:
            self._warn(opened.note)
        return opened

    def _replace(self, opened: Opened) -> None:
        os.close(self._opened.file)
        self._opened = opened
        self._size = os.fstat(opened.file).st_size
        self._done = 0  # a line that was begun in the old file stands whole in the new one

    def _settle(self) -> None:
        """Before something is written: the right file, and not too full. Raises OSError."""
        if self._path is None or not self._opened.regular:
            return
        if moved(self._path, self._opened):
            self._replace(self._open())
            self._warn(f"event log {self.name}: was moved or deleted; a new one was begun")
        elif not self._line and self._is_over():
            self._rotate(self._path)

    def _is_over(self) -> bool:
        """Whether the file has had its day or its size."""
        if not self._size:
            return False
        next_day = self._now().date() > self._opened.last.date()
        if self._settings.rotate_daily and next_day:
            return True
        return 0 < self._settings.rotate_mb * _MB <= self._size

    def _rotate(self, path: Path) -> None:
        if _CLOSE_FIRST:
            os.close(self._opened.file)
        try:
            rotate_away(path, self._opened.begun)
        except OSError as error:
            if _CLOSE_FIRST:
                self._opened = self._open()
            if not self._cannot_rotate:
                self._cannot_rotate = True
                self._warn(
                    f"event log {path}: cannot begin a new file ({error.strerror}); "
                    "this one grows until that is possible"
                )
            return
        self._cannot_rotate = False
        self._prune_at_s = 0.0
        if _CLOSE_FIRST:
            self._opened, self._size = self._open(), 0
        else:
            self._replace(self._open())

    def _prune(self, path: Path) -> None:
        try:
            deleted = prune(path, self._settings, self._now())
        except OSError as error:
            if not self._cannot_prune:
                self._cannot_prune = True
                self._warn(f"event log {path}: cannot delete an old file: {error}")
            return
        self._cannot_prune = False
        if deleted:
            names = ", ".join(old.name for old in deleted)
            self._warn(f"event log {path}: deleted by its retention: {names}")

    def _write_waiting(self) -> None:
        while line := self._line or self._next_line():
            if not self._size:  # the file begins with its first event, however long it lay empty
                now = self._now()
                self._opened = replace(self._opened, begun=now, last=now)
            written = os.write(self._opened.file, line[self._done :])
            if not self._line:
                self._take_next()
            self._size += written
            self._done += written
            whole = self._done == len(line)
            self._line, self._done = (b"", 0) if whole else (line, self._done)

    def _next_line(self) -> bytes:
        """What was lost is older than everything that waits."""
        for untold in self._untold.values():
            return to_line(untold)
        return self._waiting[0][1] if self._waiting else b""

    def _take_next(self) -> None:
        if self._untold:
            del self._untold[next(iter(self._untold))]
        else:
            self._waiting.popleft()

    def _forget(self, stamp: Stamp) -> None:
        """The oldest event is dropped: to be told, with the stamp of the last one dropped."""
        self.lost += 1
        before = self._untold.get(stamp.source)
        events, since = (before.events, before.since) if before else (0, stamp.time)
        self._untold[stamp.source] = EventsLost(stamp, events=events + 1, since=since)

    def _report(self, reason: str) -> None:
        if not self._failing:
            self._failing = True
            self._prune_at_s = 0.0  # perhaps old files can make room
            self._warn(
                f"event log {self.name}: cannot write ({reason}); keeping the newest "
                f"{self._keep_events} events in memory until there is room"
            )

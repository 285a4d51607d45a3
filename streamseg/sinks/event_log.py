"""The event log: JSON lines, append-only, whole after a kill at any byte.

Called by one thread at a time. A line is one ``write`` of the system to a file opened for
appending, at once and without a buffer of our own: what has been written is with the kernel, and a
kill of this process does not take it back. There is no ``fsync``: it would guard against a power
cut alone, and waits for the disk (up to seconds on a memory card) while sound comes in.

A kill in the middle of a line leaves a torn last line. The next start finds it: a line that lacks
nothing but its line end gets one, and any other is moved to ``<log>.torn`` beside the log, so the
log holds whole lines only and no byte is lost.

At run time a failing disk never stops the monitor. The newest events stay in memory (a bounded
number), a warning is given once, and they are written, in order, before the next event that finds
room. Part of a line that the full disk still took is completed first.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections import deque
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from streamseg.errors import CannotWriteError
from streamseg.sinks.events import Event, to_line

KEEP_EVENTS = 10_000  # about 4 MB of lines: days of events of one source
_LINE_START = b'{"schema"'  # how every line of this log begins
_LONGEST_TORN = 1 << 20
_CHUNK = 1 << 16
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would write CR LF otherwise


def _to_stderr(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


class EventLog:
    """Appends events to a file, or to standard output if ``path`` is None.

    Raises CannotWriteError (exit code 74) if the file cannot be opened for appending, or holds
    something that is not an event log: then nothing in it was changed.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        keep_events: int = KEEP_EVENTS,
        warn: Callable[[str], None] = _to_stderr,
    ) -> None:
        self.name = "standard output" if path is None else str(path)
        self.lost = 0
        """Events that were dropped because the memory was full too."""
        self._warn = warn
        self._waiting: deque[bytes] = deque()
        self._keep_events = keep_events
        self._rest = b""  # of a line that was written in part: never dropped
        self._failing = False
        if path is None:
            self._file = os.dup(1)  # ours to close
        else:
            self._file = _open(path)
            try:
                # A pipe or a device has no past.
                regular = stat.S_ISREG(os.fstat(self._file).st_mode)
                note = repair(path) if regular else ""
            except CannotWriteError:
                os.close(self._file)
                raise
            if note:
                warn(note)

    @property
    def waiting(self) -> int:
        """Events in memory that wait for room on the disk."""
        return len(self._waiting) + bool(self._rest)

    def write(self, event: Event) -> None:
        """Append one event. A disk error is reported once and never raised.

        Raises CannotWriteError if nobody reads standard output any more (``| head``).
        """
        self._waiting.append(to_line(event))
        self.retry()
        while len(self._waiting) > self._keep_events:
            self._waiting.popleft()
            self.lost += 1

    def retry(self) -> None:
        """Write what waits in memory, if there is room now. Cheap when nothing waits."""
        try:
            while self._rest or self._waiting:
                line = self._rest or self._waiting[0]
                written = os.write(self._file, line)
                if not self._rest:
                    self._waiting.popleft()
                self._rest = line[written:]
        except BrokenPipeError:
            raise CannotWriteError(
                f"expected a reader of {self.name}, but it went away; log to a file instead"
            ) from None
        except OSError as error:
            self._report(error)
            return
        if self._failing:
            self._failing = False
            lost = f", {self.lost} events were lost" if self.lost else ", nothing was lost"
            self._warn(f"event log {self.name}: writing again{lost}")

    def close(self) -> None:
        """One last try for what waits, then the end; says how many events could not be written."""
        try:
            self.retry()
        finally:
            os.close(self._file)
        if self.waiting:
            self._warn(f"event log {self.name}: {self.waiting} events could not be written")

    def _report(self, error: OSError) -> None:
        if not self._failing:
            self._failing = True
            self._warn(
                f"event log {self.name}: cannot write ({error.strerror}); keeping the newest "
                f"{self._keep_events} events in memory until there is room"
            )


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _BINARY, 0o644)
    except OSError as error:
        raise CannotWriteError(
            f"expected an event log that can be written, got {path}: {error.strerror}; "
            "choose another file or correct the folder and its rights"
        ) from None


def repair(path: Path) -> str:
    """See to a torn last line; says in one sentence what was done, or nothing.

    Raises CannotWriteError if the file is no event log, or if there is no room for the repair.
    """
    try:
        with path.open("r+b", buffering=0) as log:
            torn = _torn_line(path, log)
            if not torn:
                return ""
            if _is_record(torn):
                log.seek(0, os.SEEK_END)
                log.write(b"\n")
                return f"event log {path}: the last line lacked its end; added"
            with Path(f"{path}.torn").open("ab") as side:
                side.write(torn + b"\n")
            log.truncate(log.seek(0, os.SEEK_END) - len(torn))
            return f"event log {path}: moved a torn last line ({len(torn)} bytes) to {path}.torn"
    except OSError as error:
        raise CannotWriteError(
            f"expected to repair the torn last line of {path}: {error.strerror}; "
            "make room, or move the log away"
        ) from None


def _torn_line(path: Path, log: FileIO) -> bytes:
    """What stands after the last line end."""
    if log.read(1) not in (b"", b"{", b"\0"):
        raise _no_log(path)
    tail = b""
    position = log.seek(0, os.SEEK_END)
    while position > 0 and b"\n" not in tail:
        if len(tail) > _LONGEST_TORN:
            raise _no_log(path)
        size = min(_CHUNK, position)
        position -= size
        log.seek(position)
        tail = log.read(size) + tail
    torn = tail[tail.rfind(b"\n") + 1 :]
    # After a power cut a file system may leave zeros where the line should be.
    if torn.strip(b"\0") and torn[: len(_LINE_START)] != _LINE_START[: len(torn)]:
        raise _no_log(path)
    return torn


def _is_record(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _no_log(path: Path) -> CannotWriteError:
    return CannotWriteError(
        f"expected an event log or a new file, but {path} holds something else; "
        "choose another file: nothing was changed in this one"
    )

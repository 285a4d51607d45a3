"""The files of an event log: opened by one process, rotated, and the oldest deleted.

A rotated file lies beside its log and carries the time at which it was begun:
``air.jsonl`` becomes ``air-2026-11-20T00-00-03.jsonl``. Only files of exactly that form are ever
deleted. ``EventLog`` calls all of this; nothing here keeps state or starts a thread.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import stat
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from streamseg.errors import CannotWriteError
from streamseg.settings_outputs import LogSettings
from streamseg.sinks.log_repair import repair

if sys.platform != "win32":
    import fcntl

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would write CR LF otherwise
_STAMP = "%Y-%m-%dT%H-%M-%S"
_STAMP_PATTERN = r"(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d)(?:\.(\d+))?"
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Opened:
    """A log that is ours to write."""

    file: int
    """File descriptor."""
    regular: bool
    """False for a pipe or a device, which has no past and is not rotated."""
    identity: tuple[int, int]
    """Device and inode: a log that was moved or deleted has another one, or none."""
    begun: datetime
    """When its first event came; now if it is empty."""
    last: datetime
    """When it was last written; now if it is empty."""
    note: str
    """What had to be repaired, in one sentence, or nothing."""


def open_log(path: Path, now: datetime) -> Opened:
    """Open for appending, lock, and repair a torn last line.

    Raises CannotWriteError if the file cannot be opened, is written by another process, or holds
    something that is not an event log: then nothing in it was changed.
    """
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _BINARY, 0o644)
    except OSError as error:
        raise CannotWriteError(
            f"expected an event log that can be written, got {path}: {error.strerror}; "
            "choose another file or correct the folder and its rights"
        ) from None
    try:
        status = os.fstat(file)
        regular = stat.S_ISREG(status.st_mode)
        note = ""
        begun = last = now
        if regular:
            _lock(file, path)
            note = repair(path)
            if status.st_size:
                last = datetime.fromtimestamp(status.st_mtime).astimezone()
                begun = _first_time(path) or last
    except BaseException:
        os.close(file)
        raise
    return Opened(file, regular, (status.st_dev, status.st_ino), begun, last, note)


def _lock(file: int, path: Path) -> None:
    """Two writers would rotate the file away under each other.

    The lock goes with the process, however it ends. Windows has none of this kind; some network
    file systems neither: there nothing is checked.
    """
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            return
        raise CannotWriteError(
            f"expected to be the only one who writes {path}, but another process has it open as "
            "its event log; stop that one or choose another file"
        ) from None


def _first_time(path: Path) -> datetime | None:
    try:
        with path.open("rb") as log:
            return datetime.fromisoformat(json.loads(log.readline(1 << 16))["time"]).astimezone()
    except (OSError, ValueError, KeyError, TypeError):
        return None


def moved(path: Path, opened: Opened) -> bool:
    """Whether the log's name leads to another file now, or to none."""
    if not opened.regular:
        return False
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return True
    except OSError:  # a network file system that does not answer now
        return False
    return (status.st_dev, status.st_ino) != opened.identity


def rotate_away(path: Path, begun: datetime) -> Path:
    """Rename the log to its dated name, and return that. Raises OSError."""
    stem = f"{path.stem}-{begun.strftime(_STAMP)}"
    target = path.with_name(f"{stem}{path.suffix}")
    number = 2
    while target.exists():  # the hour that comes twice in autumn, or a clock that was set back
        target = path.with_name(f"{stem}.{number}{path.suffix}")
        number += 1
    path.rename(target)
    return target


def rotated(path: Path) -> list[Path]:
    """The rotated files of a log, oldest first; empty where the folder cannot be read."""
    pattern = re.compile(re.escape(path.stem) + "-" + _STAMP_PATTERN + re.escape(path.suffix))
    try:
        names = os.listdir(path.parent)
    except OSError:
        return []
    found = [match for name in names if (match := pattern.fullmatch(name))]
    found.sort(key=lambda match: (match[1], int(match[2] or 1)))
    return [path.with_name(match[0]) for match in found]


def prune(path: Path, settings: LogSettings, now: datetime) -> list[Path]:
    """Delete rotated files beyond age, total size and free space; the log itself never.

    Returns what was deleted. Raises OSError for the first that could not be.
    """
    files: list[tuple[Path, os.stat_result]] = []
    for old in rotated(path):
        with contextlib.suppress(FileNotFoundError):
            files.append((old, old.stat()))
    total = sum(status.st_size for _, status in files)
    with contextlib.suppress(FileNotFoundError):
        total += path.stat().st_size
    deleted = []
    for old, status in files:
        age_days = (now.timestamp() - status.st_mtime) / 86_400
        too_old = 0 < settings.keep_days < age_days
        too_much = 0 < settings.keep_mb * _MB < total
        if not (too_old or too_much or _disk_is_short(path.parent, settings)):
            continue
        old.unlink(missing_ok=True)
        total -= status.st_size
        deleted.append(old)
    return deleted


def _disk_is_short(folder: Path, settings: LogSettings) -> bool:
    if not settings.min_free_mb:
        return False
    return shutil.disk_usage(folder).free < settings.min_free_mb * _MB

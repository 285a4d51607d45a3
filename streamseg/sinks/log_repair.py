"""A torn last line of an event log: found, set right or put aside, and nothing is lost.

Called once when a log is opened. A kill in the middle of a write leaves a line without its end. One
that lacks nothing but its line end gets it; any other is moved to ``<log>.torn`` beside the log.
What lies there is for people to look at; beyond a megabyte it is begun anew.
"""

from __future__ import annotations

import json
import os
from io import FileIO
from pathlib import Path

from streamseg.errors import CannotWriteError

_LINE_START = b'{"schema"'  # how every line of this log begins
_LONGEST_TORN = 1 << 20
_LARGEST_SIDE_FILE = 1 << 20
_CHUNK = 1 << 16


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
            _put_aside(Path(f"{path}.torn"), torn + b"\n")
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


def _put_aside(side: Path, torn: bytes) -> None:
    full = side.exists() and side.stat().st_size > _LARGEST_SIDE_FILE
    with side.open("wb" if full else "ab") as file:
        file.write(torn)


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

"""Reads event logs back, line by line: of any length, rotated, compressed, torn.

For reports, on the main thread. Only one line is held at a time. A line that is no event (torn by a
kill, damaged by a disk) is counted and passed over; a log that is being written can be read.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from streamseg.errors import NoSuchInputError
from streamseg.sinks.log_files import rotated

_LONGEST_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """One event of a log."""

    event: str
    source: str
    time: datetime
    """With the offset that stands in the log."""
    values: dict[str, Any]
    """All keys of the line."""

    def number(self, key: str) -> float:
        """A value that should be a finite number; 0 where it is missing or something else."""
        value = self.values.get(key)
        try:
            number = float(value) if isinstance(value, int | float) else 0.0
        except OverflowError:
            return 0.0
        return number if math.isfinite(number) else 0.0

    def text(self, key: str) -> str:
        """A value that should be a text; empty where it is not."""
        value = self.values.get(key)
        return value if isinstance(value, str) else ""

    def moment(self, key: str) -> datetime | None:
        """A value that should be a time with its offset; None where it is not."""
        return _time(self.values.get(key))


def with_rotated(paths: Iterable[Path]) -> list[Path]:
    """The logs and their rotated files, each once, oldest first.

    Raises NoSuchInputError for a log that is not there.
    """
    found: dict[Path, None] = {}
    for path in paths:
        files = [*rotated(path), path]
        if not path.exists():
            files.remove(path)  # rotated away, and nothing new has happened
        if not files:
            raise NoSuchInputError(f"expected an event log, got {path}, which is not there")
        found.update(dict.fromkeys(files))
    return sorted(found, key=_first_time)


def _first_time(path: Path) -> tuple[float, str]:
    record = next(LogReader([path]).records(), None)
    return (record.time.timestamp() if record else 0.0, str(path))


class LogReader:
    """Reads files one after the other."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = list(paths)
        self.unreadable = 0
        """Lines so far that were no event."""

    def records(self) -> Iterator[Record]:
        """Every event. Raises NoSuchInputError for a file that cannot be read."""
        for path in self._paths:
            try:
                with _open(path) as log:
                    yield from self._lines(log)
            except (OSError, EOFError) as error:
                reason = getattr(error, "strerror", None) or error
                raise NoSuchInputError(
                    f"expected an event log that can be read, got {path}: {reason}"
                ) from None

    def _lines(self, log: BufferedIOBase) -> Iterator[Record]:
        while line := log.readline(_LONGEST_LINE):
            record = parse(line)
            if record is not None:
                yield record
                continue
            self.unreadable += 1
            while line and not line.endswith(b"\n"):  # the rest of what is too long
                line = log.readline(_LONGEST_LINE)


def _open(path: Path) -> BufferedIOBase:
    if path.suffix == ".gz":  # as logrotate leaves them
        return gzip.open(path, "rb")
    return path.open("rb")


def parse(line: bytes) -> Record | None:
    """A line as a record, or None if it is no event."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict):
        return None
    event, source = values.get("event"), values.get("source")
    time = _time(values.get("time"))
    if not isinstance(event, str) or not isinstance(source, str) or time is None:
        return None
    return Record(event, source, time, values)


def _time(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    # Years at the edge of what can be counted are damage, and would break every sum.
    return time if time.tzinfo is not None and 1970 < time.year < 9000 else None

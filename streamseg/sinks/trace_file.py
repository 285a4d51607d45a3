"""The decision trace: a line of JSON a second and source, beside the event log, for ``explain``.

Written on the sink thread. It is no log: lines are gathered for some seconds before they are
written, so a kill takes those; what a full disk does not take is left out, counted and said once.
Never more than ``trace_mb``: when a file has half of it, it becomes ``<log>.trace.1``, and the one
of that name goes. Each file begins with the settings of every source, so it explains itself.

``t`` is the time of the second that begins at sample ``n``; ``p`` holds lowest, mean and highest
score of each class and the seconds at or above ``on``; ``lv`` the level of its frames in dBFS,
``lu`` momentary, short-term, integrated loudness and range, ``tp`` the true peak; ``r`` for each
alarm rule its value, the number of verdicts, and of bad ones if there were any; ``on`` the open
segments, ``len`` the length of a second that is cut short.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

from streamseg.messages import Score, Second, Verdict
from streamseg.settings import Settings
from streamseg.sinks.lines import rfc3339

FLUSH_S = 5.0
_MB = 1_000_000


def trace_path(log: Path) -> Path:
    """Where the trace of a log lies."""
    return log.with_name(log.name + ".trace")


def older(path: Path) -> Path:
    """Where a full trace goes."""
    return path.with_name(path.name + ".1")


def _to_stderr(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


class TraceFile:
    """Appends seconds. Never raises for the disk's sake."""

    def __init__(
        self,
        path: Path,
        limit_mb: float,
        settings_of: Callable[[str], Settings],
        warn: Callable[[str], None] = _to_stderr,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """``settings_of``: those of a source, by its name."""
        self._path = path
        self._limit = limit_mb * _MB / 2
        self._settings_of = settings_of
        self._warn = warn
        self._clock_s = clock_s
        self.lost = 0
        """Lines that could not be written."""
        self._failing = False
        self._file: BinaryIO | None = None
        self._size = 0
        self._known: set[str] = set()  # sources whose settings stand in this file
        self._lines: list[bytes] = []
        self._flushed_s = clock_s()

    def write(self, second: Second) -> None:
        """One second; written with the next few."""
        if second.source not in self._known:
            self._known.add(second.source)
            self._lines.append(self._header(second))
        self._lines.append(_line(_plain(second)))
        now_s = self._clock_s()
        if now_s - self._flushed_s >= FLUSH_S or len(self._lines) >= 1000:
            self._flushed_s = now_s
            self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        lines, self._lines = self._lines, []
        try:
            file = self._file or self._open()
            data = b"".join(lines)
            file.write(data)
            self._size += len(data)
            if self._size > self._limit:
                self._rotate()
            self._failing = False
        except OSError as error:
            self.lost += len(lines)
            self._drop_file()
            if not self._failing:
                self._failing = True
                self._warn(
                    f"decision trace {self._path}: cannot write ({error.strerror}); "
                    "what is missing cannot be explained later"
                )

    def close(self) -> None:
        """Write the rest."""
        if self._lines:
            self.flush()
        self._drop_file()

    def _open(self) -> BinaryIO:
        self._file = open(self._path, "ab", buffering=0)  # noqa: SIM115  # closed in close
        self._size = os.fstat(self._file.fileno()).st_size
        if self._size:
            # A line that a kill tore stays alone.
            self._file.write(b"\n")
        return self._file

    def _rotate(self) -> None:
        self._drop_file()
        self._path.replace(older(self._path))
        self._known.clear()

    def _drop_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _header(self, second: Second) -> bytes:
        settings = self._settings_of(second.source)
        return _line(
            {
                "t": rfc3339(second.time),
                "s": second.source,
                "settings": settings.model_dump(mode="json", include={"decisions", "alarms"}),
            }
        )


def trace_of(
    settings: Settings, own: Mapping[str, Settings] = MappingProxyType({})
) -> TraceFile | None:
    """The trace beside the log that the settings name; None where none is wanted or possible.

    A log that is a pipe or a device has nothing beside it. ``own``: settings of single sources.
    """
    if not settings.log.file or settings.log.trace_mb == 0:
        return None
    log = Path(settings.log.file)
    if log.exists() and not log.is_file():
        return None
    return TraceFile(
        trace_path(log), settings.log.trace_mb, lambda source: own.get(source, settings)
    )


@contextmanager
def tracing(settings: Settings) -> Iterator[Callable[[Second], None] | None]:
    """``trace_of`` for the time of a block: what takes the seconds, or None."""
    trace = trace_of(settings)
    try:
        yield None if trace is None else trace.write
    finally:
        if trace is not None:
            trace.close()


def _line(record: dict[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", errors="backslashreplace") + b"\n"


def _plain(second: Second) -> dict[str, Any]:
    scores = {
        s.label: [round(v, 3) for v in (s.lowest, s.mean, s.highest)] + [round(s.on_s, 2)]
        for s in second.scores
    }
    loudness = (
        second.momentary_lufs,
        second.short_lufs,
        second.integrated_lufs,
        second.range_lu,
    )
    record: dict[str, Any] = {
        "t": rfc3339(second.time),
        "s": second.source,
        "n": second.sample,
        "p": scores,
        "lv": [_rounded(second.lowest_dbfs), _rounded(second.highest_dbfs)],
        "lu": [_rounded(value) for value in loudness],
        "tp": _rounded(second.true_peak_dbtp),
        "r": {v.rule: _verdict(v) for v in second.verdicts},
        "on": list(second.on_air),
    }
    if second.length_s != 1.0:
        record["len"] = round(second.length_s, 3)
    return record


def _verdict(verdict: Verdict) -> list[float | None]:
    """Most are good: those are the value and the number of verdicts alone."""
    value = _rounded(verdict.value, 2)
    return [value, verdict.ticks, verdict.bad] if verdict.bad else [value, verdict.ticks]


def _rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)


def read_trace(path: Path) -> Iterator[Second | tuple[str, Settings]]:
    """The seconds of a trace, older file first, and before them (source, settings) of each source.

    Lines that are torn or of another kind are passed over. Raises FileNotFoundError if there is no
    trace at all.
    """
    files = [file for file in (older(path), path) if file.exists()]
    if not files:
        raise FileNotFoundError(path)
    for file in files:
        with file.open("rb") as lines:
            for line in lines:
                record = _parsed(line)
                if record is not None:
                    yield record


def _parsed(line: bytes) -> Second | tuple[str, Settings] | None:
    try:
        record = json.loads(line)
        if "settings" in record:
            return str(record["s"]), Settings.model_validate(record["settings"])
        return Second(
            source=str(record["s"]),
            sample=int(record["n"]),
            time=datetime.fromisoformat(record["t"]),
            length_s=float(record.get("len", 1.0)),
            scores=tuple(Score(label, *values) for label, values in record["p"].items()),
            lowest_dbfs=record["lv"][0],
            highest_dbfs=record["lv"][1],
            momentary_lufs=record["lu"][0],
            short_lufs=record["lu"][1],
            integrated_lufs=record["lu"][2],
            range_lu=record["lu"][3],
            true_peak_dbtp=record["tp"],
            verdicts=tuple(_read_verdict(rule, read) for rule, read in record["r"].items()),
            on_air=tuple(record["on"]),
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None


def _read_verdict(rule: str, read: list[Any]) -> Verdict:
    return Verdict(rule, read[0], int(read[2]) if len(read) > 2 else 0, int(read[1]))

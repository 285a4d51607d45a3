"""The results of many files as one table of segments, and one of files beside it.

``NAME.parquet`` or ``NAME.csv`` has one row a segment, ``NAME.files.parquet`` or ``.csv`` one row a
file, also for those that failed or hold nothing. Rows stand in the order of the files' names, then
of time. Both are written beside their place and put there when they are whole, so that a reader
never meets half a table. Memory holds some thousand rows. The only file that knows pyarrow.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from streamseg.archive.journal import Entry
from streamseg.errors import UsageError
from streamseg.sinks.formats import cannot_write

SUFFIXES = (".parquet", ".csv")
SEGMENTS = {  # the file, and then as in ``journal.Row``
    "file": "string",
    "start_s": "float64",
    "end_s": "float64",
    "label": "string",
    "score": "float32",
    "score_peak": "float32",
    "level_dbfs": "float32",
}
FILES = {
    "file": "string",
    "duration_s": "float64",
    "rate_hz": "int32",
    "segments": "int32",
    "bytes": "int64",
    "warning": "string",
    "error": "string",
}
_DECIMALS = {
    "start_s": 3,
    "end_s": 3,
    "duration_s": 3,
    "level_dbfs": 1,
    "score": 4,
    "score_peak": 4,
}
_CHUNK = 50_000  # rows of a Parquet row group: some megabytes


def check(output: Path) -> None:
    """Whether such a data set can be written here. Raises UsageError before anything is done."""
    if output.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise UsageError(
            "expected the package pyarrow for a Parquet data set, got none; install it with "
            "`pip install 'streamseg[archive]'`, or write -o NAME.csv"
        )


def files_path(output: Path) -> Path:
    """Where the table of files lies."""
    return output.with_suffix(".files" + output.suffix)


def write(output: Path, entries: Iterable[Entry], about: dict[str, str]) -> None:
    """Write both tables; ``about`` goes into the metadata of Parquet. Raises CannotWriteError."""
    with (
        _table(output, SEGMENTS, about) as segments,
        _table(files_path(output), FILES, about) as files,
    ):
        for entry in entries:
            name = printable(entry.file)
            for row in entry.rows:
                segments.add([name, *astuple(row)])
            times = [entry.duration_s, entry.rate_hz, len(entry.rows), entry.stamp.bytes]
            files.add([name, *times, printable(entry.warning), printable(entry.error)])


def printable(text: str) -> str:
    r"""A file name as UTF-8 can say it: a byte that is none becomes ``\udcXX``."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class _Table(Protocol):
    def add(self, row: list[Any]) -> None: ...

    def close(self) -> None: ...


@contextmanager
def _table(path: Path, columns: dict[str, str], about: dict[str, str]) -> Iterator[_Table]:
    """A table that takes its place when it is whole, and leaves nothing when it does not get so."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        table: _Table
        if path.suffix == ".parquet":
            table = _Parquet(unfinished, columns, about)
        else:
            table = _Csv(unfinished, columns)
        try:
            yield table
        finally:
            table.close()
        os.replace(unfinished, path)
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        unfinished.unlink(missing_ok=True)


class _Csv:
    """UTF-8, LF, a header; numbers with as many decimals as in the other formats of scan."""

    def __init__(self, path: Path, columns: dict[str, str]) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(columns)
        self._formats = [f".{_DECIMALS[name]}f" if name in _DECIMALS else "" for name in columns]

    def add(self, row: list[Any]) -> None:
        self._writer.writerow(map(format, row, self._formats))

    def close(self) -> None:
        self._file.close()


class _Parquet:
    """Row groups of ``_CHUNK``, compressed with Zstandard."""

    def __init__(self, path: Path, columns: dict[str, str], about: dict[str, str]) -> None:
        import pyarrow
        from pyarrow.parquet import ParquetWriter

        self._schema = pyarrow.schema(
            [(name, getattr(pyarrow, kind)()) for name, kind in columns.items()],
            metadata={f"streamseg.{key}": text for key, text in about.items()},
        )
        self._array = pyarrow.array
        self._batch = pyarrow.RecordBatch
        self._writer = ParquetWriter(path, self._schema, compression="zstd")
        self._columns: list[list[Any]] = [[] for _ in columns]

    def add(self, row: list[Any]) -> None:
        for column, cell in zip(self._columns, row, strict=True):
            column.append(cell)
        if len(self._columns[0]) >= _CHUNK:
            self._flush()

    def close(self) -> None:
        if self._columns[0]:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        arrays = [
            self._array(column, kind.type)
            for column, kind in zip(self._columns, self._schema, strict=True)
        ]
        self._writer.write_batch(self._batch.from_arrays(arrays, schema=self._schema))
        for column in self._columns:
            column.clear()

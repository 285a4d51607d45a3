"""Rows of equal size in a ring on disk: what is too much for memory and may be heard again.

One file without a name, so that a kill leaves nothing behind, never longer than the ring. No locks:
whoever owns it has one.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def spool_dir() -> Path:
    """A folder for large temporary files: the system's own may lie in memory."""
    large = Path("/var/tmp")  # noqa: S108  # the file there has no name
    return large if os.access(large, os.W_OK) else Path(tempfile.gettempdir())


class RingFile:
    """Rows with rising numbers; row n takes the place of row n - ``capacity``."""

    def __init__(self, capacity: int, row_bytes: int, folder: Path | None = None) -> None:
        """Raises OSError where no temporary file can be made."""
        self.capacity = max(1, capacity)
        self._row_bytes = row_bytes
        # Closed in __del__: it lives as long as somebody reads it.
        self._file = tempfile.TemporaryFile(dir=folder or spool_dir())  # noqa: SIM115

    def __del__(self) -> None:
        if hasattr(self, "_file"):  # no temporary file could be made
            self._file.close()

    def put(self, first: int, rows: bytes) -> None:
        """Write whole rows, at most ``capacity``, from row ``first`` on. Raises OSError."""
        size = self._row_bytes
        for start, stop in self._pieces(first, first + len(rows) // size):
            self._file.seek(start % self.capacity * size)
            self._file.write(rows[(start - first) * size : (stop - first) * size])

    def get(self, start: int, stop: int) -> bytes:
        """Rows ``start`` to ``stop``; the caller knows that they were written."""
        return b"".join(self._read(a, b) for a, b in self._pieces(start, stop))

    def _read(self, start: int, stop: int) -> bytes:
        self._file.seek(start % self.capacity * self._row_bytes)
        return self._file.read((stop - start) * self._row_bytes)

    def _pieces(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Cut where the ring begins anew."""
        turn = (start // self.capacity + 1) * self.capacity
        return [(start, stop)] if stop <= turn else [(start, turn), (turn, stop)]

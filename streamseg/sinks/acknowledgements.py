"""How somebody at another terminal tells a headless monitor that an alarm was seen.

``streamseg ack LOG`` puts a small file beside the log; the process that writes the log looks for
such files once a second, acts on them and deletes them. No port is open for it, and whoever may
write beside the log may acknowledge. A file appears whole (it is renamed into place) and is taken
once.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from streamseg.errors import CannotWriteError

LOOK_S = 1.0
_LONGEST = 4096
_MOST = 100


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody has seen alarms."""

    rule: str | None
    """None: all that stand."""
    source: str | None
    """None: of all sources."""
    by: str


def ask(log: Path, said: Acknowledgement) -> Path:
    """Leave it for the monitor that writes ``log``; the file is gone when it was taken.

    Raises CannotWriteError.
    """
    name = f"{log.name}.ack-{os.getpid()}-{time.monotonic_ns()}"
    path, half = log.with_name(name), log.with_name(name + ".tmp")
    try:
        half.write_text(json.dumps(asdict(said)), encoding="utf-8")
        half.replace(path)
    except OSError as error:
        raise CannotWriteError(
            f"expected to write beside the log {log}: {error.strerror}; "
            "acknowledge as the user who runs the monitor"
        ) from None
    return path


class Inbox:
    """Takes what was left beside a log. Belongs to the main thread of the monitor."""

    def __init__(
        self,
        log: Path | None,
        act: Callable[[str, str | None, str], object],
        sources: Sequence[str],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """``act`` is called with source, rule (None: all) and who it was."""
        self._log = log
        self._act = act
        self._sources = sources
        self._clock_s = clock_s
        self._next_s = clock_s()
        # Of a run before this one: those alarms are over.
        for path in self._waiting():
            with contextlib.suppress(OSError):
                path.unlink()

    def tend(self) -> None:
        """Cheap; may be called as often as one likes."""
        now_s = self._clock_s()
        if now_s < self._next_s:
            return
        self._next_s = now_s + LOOK_S
        for path in self._waiting()[:_MOST]:
            said = _read(path)
            with contextlib.suppress(OSError):
                path.unlink()
            if said is not None:
                for source in self._sources:
                    if said.source in (None, source):
                        self._act(source, said.rule, said.by)

    def _waiting(self) -> list[Path]:
        if self._log is None:
            return []
        start = f"{self._log.name}.ack-"
        try:
            names = os.listdir(self._log.parent)
        except OSError:
            return []
        found = [name for name in names if name.startswith(start) and not name.endswith(".tmp")]
        return [self._log.with_name(name) for name in sorted(found)]


def _read(path: Path) -> Acknowledgement | None:
    """None for what is no acknowledgement: anybody may put anything there."""
    try:
        with path.open("rb") as file:
            record = json.loads(file.read(_LONGEST))
        rule, source, by = record["rule"], record["source"], record["by"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(by, str) or not all(isinstance(x, str | None) for x in (rule, source)):
        return None
    return Acknowledgement(rule, source, by)

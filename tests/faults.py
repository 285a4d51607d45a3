"""How a fault is done to the engine in a process of its own, and what it made of it.

``Watched`` runs ``watch.py``. Its ``verdict`` compares the gap that was logged with the beeps of a
metronome, which does not stop for any fault.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metronome import difference_s, offset_s
from servers import wait_until

TESTS = Path(__file__).resolve().parent
WAIT_S = 60.0
QUICK = {
    "capture.read_timeout_s": 2,
    "capture.open_timeout_s": 2,
    "capture.retry_first_s": 0.2,
    "capture.retry_longest_s": 1,
}


def events_of(log: Path) -> list[dict[str, Any]]:
    """Every whole line of an event log."""
    if not log.exists():
        return []
    text = log.read_bytes()
    return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]


@dataclass
class Verdict:
    """What a fault did to the log."""

    gaps_s: list[float]
    error_s: float
    """By how much the sample counter is wrong after it, by the beeps."""


class Watched:
    """The engine on one source, in a process of its own."""

    def __init__(
        self,
        source: str,
        folder: Path,
        environment: dict[str, str] | None = None,
        **settings: object,
    ) -> None:
        self.log = folder / "log.jsonl"
        self.beeps_file = folder / "beeps.txt"
        flags = {**QUICK, **{key.replace("__", "."): value for key, value in settings.items()}}
        self.process = subprocess.Popen(
            [
                sys.executable,
                str(TESTS / "watch.py"),
                source,
                str(self.log),
                str(self.beeps_file),
                json.dumps(flags),
            ],
            env={**(environment or os.environ), "PYTHONPATH": str(TESTS)},
        )

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def events(self, name: str) -> list[dict[str, Any]]:
        """Those of one kind, so far."""
        return [event for event in events_of(self.log) if event["event"] == name]

    def beeps(self) -> list[tuple[float, int]]:
        """Position on the sample counter, and which of ten seconds, of the beeps so far."""
        if not self.beeps_file.exists():
            return []
        rows = [line.split() for line in self.beeps_file.read_text().splitlines()]
        return [(float(row[0]), int(row[1])) for row in rows]

    def hear(self, beeps: int) -> None:
        """Wait for so many more beeps."""
        wanted = len(self.beeps()) + beeps
        self.until(lambda: len(self.beeps()) >= wanted, f"{beeps} more beeps")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something; fails the test when the process ends before."""

        def done() -> bool:
            assert self.process.poll() is None, f"ended while it waited for {what}"
            return condition()

        wait_until(done, what, WAIT_S)

    def until_event(self, name: str, count: int = 1) -> None:
        """Wait until the log has so many events of a kind."""
        self.until(lambda: len(self.events(name)) >= count, f"{name} number {count}")

    def children(self) -> list[int]:
        """Process ids of its recording processes."""
        path = Path(f"/proc/{self.process.pid}/task")
        found = [task / "children" for task in path.iterdir()]
        return [int(pid) for file in found if file.exists() for pid in file.read_text().split()]

    def stop(self) -> list[dict[str, Any]]:
        """End it as a person would; the whole log."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(WAIT_S) == 0
        return events_of(self.log)

    def verdict(self) -> Verdict:
        """The gaps that were logged, and how wrong the sample counter was after the last one."""
        restored = self.events("source_restored")
        lost = self.events("source_lost")
        before = [beep for beep in self.beeps() if beep[0] < _seconds(lost[0])]
        after = [beep for beep in self.beeps() if beep[0] > _seconds(restored[-1])]
        error_s = difference_s(offset_s(before), offset_s(after))
        return Verdict([event["gap_s"] for event in restored], error_s)


def _seconds(event: dict[str, Any]) -> float:
    return float(event["sample"] / event["rate_hz"])


def note(fault: str, gap_s: float, error_s: float) -> None:
    """Keep a result for docs/reliability.md, where ``STREAMSEG_FAULTS`` names a file."""
    path = os.environ.get("STREAMSEG_FAULTS")
    if path:
        with Path(path).open("a") as results:
            results.write(f"{fault}\t{gap_s:.3f}\t{error_s:+.4f}\n")

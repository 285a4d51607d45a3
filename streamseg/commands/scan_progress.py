"""How far a long scan is: a bar on a terminal, a line a minute elsewhere, and a sum at the end."""

from __future__ import annotations

import time
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from streamseg.archive.journal import Entry
from streamseg.commands import console

LINE_S = 60.0


class FileProgress:
    """Told of every file that is over. Failures and warnings are said even when it is quiet."""

    def __init__(self, total: int, before: int, quiet: bool) -> None:
        """``before``: files that were done by an earlier run."""
        self._screen = console(stderr=True)
        self._quiet = quiet
        self._total = total
        self._before = before
        self._files = 0
        self._failed = 0
        self._sound_s = 0.0
        self._bar = Progress(
            TextColumn("files"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self._screen,
            transient=True,
            disable=quiet or not self._screen.is_terminal,
        )
        # The bar begins at nothing, so that the time that remains is told from this run's pace.
        self._task = self._bar.add_task("files", total=total - before, rate="")
        self._began_s = self._line_s = time.monotonic()

    def __enter__(self) -> FileProgress:
        if self._before and not self._quiet:
            self.say(f"{self._before} of {self._total} files were done before")
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
        if not self._quiet:
            self.say(self._state())

    def say(self, text: str) -> None:
        """A line on standard error."""
        self._bar.console.print(f"streamseg: {text}", markup=False)

    def done(self, entry: Entry) -> None:
        """A file is over."""
        self._files += 1
        self._sound_s += entry.duration_s
        if entry.error:
            self._failed += 1
            self.say(entry.error)
        elif entry.warning:
            self.say(f"{entry.file}: {entry.warning}")
        now_s = time.monotonic()
        self._bar.update(self._task, advance=1, rate=self._speed(now_s))
        if now_s - self._line_s >= LINE_S and not (self._quiet or self._screen.is_terminal):
            self._line_s = now_s
            self.say(self._state())

    def _state(self) -> str:
        failed = f", {self._failed} failed" if self._failed else ""
        hours = f"{self._sound_s / 3600:.1f} h of sound"
        speed = self._speed(time.monotonic())
        return f"{self._before + self._files} of {self._total} files{failed}; {hours}, {speed}"

    def _speed(self, now_s: float) -> str:
        return f"{self._sound_s / max(now_s - self._began_s, 1e-3):.0f} times real time"

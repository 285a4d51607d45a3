"""The line on a terminal that shows what is on air while ``log`` runs."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from streamseg.commands.timeline import COLOURS
from streamseg.messages import Estimate

REFRESH_PER_S = 4
BAR = " ▁▂▃▄▅▆▇█"


class StatusLine:
    """A line a source: time, level, and a bar for the probability of every class.

    ``show`` may be called from any thread and only stores; drawing is done by ``rich``'s own
    thread, and not at all where ``console`` is no terminal.
    """

    def __init__(self, console: Console, names: list[str]) -> None:
        self._newest: dict[str, Estimate | None] = dict.fromkeys(names)
        self._started = time.monotonic()
        self._live = (
            Live(
                get_renderable=self._render,
                console=console,
                refresh_per_second=REFRESH_PER_S,
                transient=True,
            )
            if console.is_terminal
            else None
        )

    def __enter__(self) -> StatusLine:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, estimate: Estimate) -> None:
        """The newest estimate of a source."""
        if len(estimate.level_dbfs):
            self._newest[estimate.source] = estimate

    def _render(self) -> Text:
        running_s = int(time.monotonic() - self._started)
        clock = f"{running_s // 3600}:{running_s // 60 % 60:02d}:{running_s % 60:02d}"
        lines = [render(clock, name, estimate) for name, estimate in self._newest.items()]
        return Text("\n").join(lines)


def render(clock: str, name: str, estimate: Estimate | None) -> Text:
    """One source's line."""
    line = Text(f"{clock}  {name}  ", no_wrap=True, overflow="ellipsis")
    if estimate is None:
        return line.append("waiting for sound", style="dim")
    line.append(f"{estimate.level_dbfs[-1]:6.1f} dBFS ")
    # The first answer, however provisional: whoever watches wants to see it at once.
    newest = (estimate.early if len(estimate.early) else estimate.provisional)[-1]
    for label, value in zip(estimate.classes, newest, strict=True):
        bar = BAR[round(float(value) * (len(BAR) - 1))]
        style = f"bold {COLOURS[label]}" if value >= 0.5 else "dim"
        line.append(f"  {label} {bar} {value:.2f}", style=style)
    return line

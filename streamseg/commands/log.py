"""``streamseg log``: monitor sources without a window, and write down what happens."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from streamseg.capture.base import Source
from streamseg.capture.choose import SourceOptions, any_source
from streamseg.commands import console
from streamseg.commands.status_line import StatusLine
from streamseg.errors import InterruptedRunError, UsageError
from streamseg.models import load_network
from streamseg.pipeline import Monitor
from streamseg.settings import Settings
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.events import Event

POLL_S = 0.1  # how soon a signal is acted on


def run(
    sources: Sequence[str], options: SourceOptions, settings: Settings, quiet: bool = False
) -> None:
    """Monitor until all sources have ended or a signal comes.

    Raises the error of the first source that failed, and InterruptedRunError after a signal; in
    every case the log is complete first.
    """
    monitor(sources, settings, options, quiet=quiet)


def monitor(
    sources: Sequence[str],
    settings: Settings,
    options: SourceOptions | None = None,
    quiet: bool = False,
    also: Callable[[Event], None] = lambda event: None,
) -> None:
    """``run``, with ``also`` called with every event besides."""
    options = options or SourceOptions()
    network = load_network(settings.model.name, settings.model.provider)
    wanted: Sequence[str | None] = sources or [None]
    opened = [any_source(text, options, settings.capture) for text in wanted]
    _check_names(opened)
    log = EventLog(Path(settings.log.file) if settings.log.file else None)

    turn = threading.Lock()  # the log is written by the sink thread and retried by this one

    def sink(event: Event) -> None:
        with turn:
            log.write(event)
        also(event)

    names = [source.name for source in opened]
    screen = console(stderr=True)
    # Nobody needs a status line among the events of the same terminal.
    screen.quiet = quiet or (not settings.log.file and sys.stdout.isatty())
    with _signals() as stop, StatusLine(screen, names) as status:
        engine = Monitor(opened, network, settings, sink, status.show)
        engine.start()
        try:
            while not engine.wait(POLL_S) and not stop.is_set():
                if log.waiting:  # the disk was full: perhaps there is room now
                    with turn:
                        log.retry()
        finally:
            try:
                engine.stop()
            finally:
                log.close()
    for failure in engine.failures[1:]:
        print(f"streamseg: {failure.source}: {failure.error}", file=sys.stderr)
    if engine.failures:
        raise engine.failures[0].error
    if stop.is_set():
        raise InterruptedRunError("interrupted; the log is complete")


def _check_names(sources: Sequence[Source]) -> None:
    names = [source.name for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"expected every source once, got {name} {names.count(name)} times")


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """SIGINT and SIGTERM ask for an orderly end; who asks four times does not want one."""
    stop = threading.Event()
    before: dict[signal.Signals, object] = {}
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()
        asked.append(number)
        if len(asked) > 3:
            for number_, handler in before.items():
                signal.signal(number_, handler)  # type: ignore[arg-type]

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

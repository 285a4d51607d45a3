"""``streamseg log``: monitor sources without a window, and write down what happens."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from streamseg.capture.choose import SourceOptions
from streamseg.commands import console
from streamseg.commands.outputs import Outputs
from streamseg.commands.sources import choose
from streamseg.commands.status_line import StatusLine
from streamseg.errors import InterruptedRunError
from streamseg.messages import Estimate
from streamseg.models import load_network
from streamseg.pipeline import Monitor
from streamseg.settings import Settings
from streamseg.settings_sources import SourceSettings
from streamseg.sinks.acknowledgements import Inbox
from streamseg.sinks.events import Event

POLL_S = 0.1  # how soon a signal is acted on


def run(
    sources: Sequence[str],
    options: SourceOptions,
    settings: Settings,
    quiet: bool = False,
    configured: Sequence[SourceSettings] = (),
) -> None:
    """Monitor until all sources have ended or a signal comes.

    Raises the error of the first source that failed, and InterruptedRunError after a signal; in
    every case the log is complete first.
    """
    monitor(sources, settings, options, quiet=quiet, configured=configured)


def monitor(
    sources: Sequence[str],
    settings: Settings,
    options: SourceOptions | None = None,
    quiet: bool = False,
    also: Callable[[Event], None] = lambda event: None,
    configured: Sequence[SourceSettings] = (),
) -> None:
    """``run``, with ``also`` called with every event besides."""
    options = options or SourceOptions()
    network = load_network(settings.model.name, settings.model.provider)
    chosen = choose(sources, configured, options, settings)
    opened = [each.source for each in chosen]
    own_settings = {each.source.name: each.settings for each in chosen}
    outputs = Outputs(settings, opened, network.card.stem, also, own_settings)
    names = [source.name for source in opened]
    screen = console(stderr=True)
    # Nobody needs a status line among the events of the same terminal.
    screen.quiet = quiet or (not settings.log.file and sys.stdout.isatty())

    with _signals() as signals, outputs, StatusLine(screen, names) as status:

        def watch(estimate: Estimate) -> None:
            outputs.watch(estimate)
            status.show(estimate)

        network = outputs.metered(network)
        engine = Monitor(
            opened,
            network,
            settings,
            outputs.sink,
            watch,
            outputs.tap,
            own_settings=own_settings,
            trace=outputs.trace,
        )
        log = Path(settings.log.file) if settings.log.file else None
        inbox = Inbox(log, engine.acknowledge, names)
        engine.start()
        try:
            while not engine.wait(POLL_S) and not signals.stop.is_set():
                outputs.board.drifted(engine.drift_ppm)
                outputs.tend()
                inbox.tend()
                if signals.reopen.is_set():
                    signals.reopen.clear()
                    outputs.log.reopen()
        finally:
            outputs.stopping()
            engine.stop()
    for failure in engine.failures[1:]:
        print(f"streamseg: {failure.source}: {failure.error}", file=sys.stderr)
    if engine.failures:
        raise engine.failures[0].error
    if signals.stop.is_set():
        raise InterruptedRunError("interrupted; the log is complete")


@dataclass(frozen=True, slots=True)
class Signals:
    """What the system asked for."""

    stop: threading.Event
    reopen: threading.Event
    """The log was renamed by another program (logrotate)."""


@contextmanager
def _signals() -> Iterator[Signals]:
    """SIGINT and SIGTERM ask for an orderly end; who asks four times does not want one.

    SIGHUP asks to open the log again; in a terminal it means that the terminal was closed, which
    is an end too.
    """
    signals = Signals(threading.Event(), threading.Event())
    before: dict[signal.Signals, object] = {}
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        signals.stop.set()
        asked.append(number)
        if len(asked) > 3:
            for number_, handler in before.items():
                signal.signal(number_, handler)  # type: ignore[arg-type]

    def ask_to_reopen(number: int, frame: FrameType | None) -> None:
        signals.reopen.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, ask)
    if hasattr(signal, "SIGHUP"):
        hang_up = ask if sys.stderr.isatty() else ask_to_reopen
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, hang_up)
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

"""``streamseg log``, and a note of every beep: ``watch.py SOURCE LOG BEEPS [SETTINGS]``.

The engine is the real one. ``BEEPS`` gets one line a beep: its position on the sample counter in
seconds, and which of ten seconds it belongs to. ``SETTINGS`` is a JSON object of dotted keys.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path

from metronome import BeepFinder

from streamseg.capture.choose import SourceOptions, any_source
from streamseg.messages import Block, StreamFormat
from streamseg.models import load_network
from streamseg.pipeline import Monitor
from streamseg.settings import load
from streamseg.sinks.event_log import EventLog


def main(place: str, log_path: str, beeps_path: str, flags: str = "{}") -> int:
    """Until SIGINT, or until the source ends."""
    settings = load(environment={}, flags=json.loads(flags)).settings
    source = any_source(place, SourceOptions(), settings.capture)
    finders: dict[str, BeepFinder] = {}
    log = EventLog(Path(log_path))
    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    with Path(beeps_path).open("a", buffering=1) as beeps:
        opened = source.open
        rates: list[int] = []

        def open_and_note() -> StreamFormat:
            format_ = opened()
            rates.append(format_.rate_hz)
            return format_

        source.open = open_and_note  # type: ignore[method-assign]

        def tap(name: str, block: Block) -> None:
            if name not in finders:
                rate_hz = rates[-1]

                def found(sample: int, second: int) -> None:
                    beeps.write(f"{sample / rate_hz:.4f} {second}\n")

                finders[name] = BeepFinder(rate_hz, found)
            finders[name].push(block.samples, block.sample)

        engine = Monitor([source], load_network("activity", "cpu"), settings, log.write, tap=tap)
        engine.start()
        while not engine.wait(0.1) and not stop.is_set():
            pass
        engine.stop()
        log.close()
    for failure in engine.failures:
        print(failure.error, file=sys.stderr)
        return failure.error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""``streamseg ack``: say that the alarms of a running monitor have been seen."""

from __future__ import annotations

import contextlib
import getpass
import time
from pathlib import Path

from streamseg.errors import NoSuchInputError, SourceUnavailableError, UsageError
from streamseg.settings_alarms import RULES
from streamseg.sinks.acknowledgements import Acknowledgement, ask

WAIT_S = 5.0  # the monitor looks once a second


def run(log: Path, rule: str | None, source: str | None, by: str | None) -> str:
    """Acknowledge, and say so once the monitor has taken it.

    Raises UsageError for an unknown rule, NoSuchInputError for a log that is not there,
    SourceUnavailableError when no monitor that writes this log answers.
    """
    if rule is not None and rule not in RULES:
        raise UsageError(f"expected a rule of {', '.join(RULES)}, got {rule!r}")
    if not log.is_file():
        raise NoSuchInputError(f"expected an event log at {log}, found none; check the path")
    said = Acknowledgement(rule, source, by or _me())
    path = ask(log, said)
    until_s = time.monotonic() + WAIT_S
    while path.exists():
        if time.monotonic() > until_s:
            with contextlib.suppress(OSError):
                path.unlink()
            raise SourceUnavailableError(
                f"expected a running monitor that writes {log}, but nobody took the "
                "acknowledgement; check that `streamseg log` runs with this log"
            )
        time.sleep(0.1)
    return f"acknowledged by {said.by}: {rule or 'all alarms'} of {source or 'all sources'}"


def _me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user here, as in some containers
        return "somebody"

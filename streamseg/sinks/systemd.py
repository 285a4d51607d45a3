"""The word to systemd (``Type=notify``): ready, still working, stopping. By sdnotify.

Called by the main thread of ``log`` a few times a second. Does nothing where systemd did not start
the program. The watchdog is fed only while ``Health.stuck`` finds nothing; systemd then restarts
what hangs (``assets/streamseg.service``).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping

import sdnotify

STATUS_S = 10.0


class Systemd:
    """Speaks to the socket that systemd names in the environment."""

    def __init__(
        self,
        stuck: Callable[[], list[str]],
        status: Callable[[], str],
        environment: Mapping[str, str] | None = None,
        warn: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True),
    ) -> None:
        """``status`` gives the line that ``systemctl status`` shows."""
        environment = os.environ if environment is None else environment
        self._stuck, self._status, self._warn = stuck, status, warn
        # It speaks to $NOTIFY_SOCKET; without one it would leave a socket open.
        self._notifier = sdnotify.SystemdNotifier() if "NOTIFY_SOCKET" in os.environ else None
        self._ready = False
        self._complained = False
        self._next_status_s = 0.0
        self._next_ping_s = 0.0
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        wanted_s = float(environment.get("WATCHDOG_USEC", 0)) / 1e6 if ours else 0.0
        # Twice as often as asked for, so that one late look does no harm; looking is cheap.
        self._ping_every_s = wanted_s / 2

    def ready(self) -> None:
        """The first sound has come. Called again: nothing."""
        if not self._ready:
            self._ready = True
            self._say("READY=1")

    def tend(self) -> None:
        """Feed the watchdog if the work goes on, and tell the status from time to time."""
        now_s = time.monotonic()
        if now_s >= self._next_status_s:
            self._next_status_s = now_s + STATUS_S
            self._say(f"STATUS={self._status()}")
        if not self._ping_every_s or now_s < self._next_ping_s:
            return
        self._next_ping_s = now_s + min(1.0, self._ping_every_s)
        if stuck := self._stuck():
            if not self._complained:
                self._complained = True
                self._warn(f"watchdog: {stuck[0]}; waiting to be restarted")
            return
        self._complained = False
        self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """The end has begun; it may take some seconds. The last word."""
        self._say("STOPPING=1")
        if self._notifier is not None and self._notifier.socket is not None:
            self._notifier.socket.close()
        self._notifier = None

    def _say(self, text: str) -> None:
        if self._notifier is not None:
            # sdnotify can say Latin-1 only, and is silent about everything else.
            self._notifier.notify(text.encode("ascii", "replace").decode())

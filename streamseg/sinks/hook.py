"""A command that is run with an event as JSON on its standard input.

Runs on a lane of its own (see ``fan_out``). The command line is split as a shell would, but no
shell runs: nothing in an event can become a command. A run that takes longer than ``timeout_s`` is
killed with everything that it started. At most ``at_once`` run side by side; further events wait in
the lane's queue, whose oldest is dropped when it is full. What the command prints is thrown away; a
failure (exit status other than 0) is said on standard error, at most once a minute.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from streamseg.errors import ConfigError
from streamseg.settings_outputs import HookSettings
from streamseg.sinks.events import Event
from streamseg.sinks.lines import to_line

COMPLAIN_EVERY_S = 60.0
SECRETS = ("STREAMSEG_MQTT_PASSWORD", "STREAMSEG_STATUS_TOKEN")


class Hook:
    """Runs the command; an output of the fan-out. Raises ConfigError for one that cannot run."""

    name = "hook"

    def __init__(
        self,
        settings: HookSettings,
        warn: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True),
    ) -> None:
        self.capacity = settings.queue_events
        self._settings = settings
        self._warn = warn
        self._command = _split(settings.command)
        self._events = {name.strip() for name in settings.events.split(",") if name.strip()}
        # The command is somebody else's program: it gets none of our secrets.
        self._environment = {k: v for k, v in os.environ.items() if k not in SECRETS}
        self._slots = threading.Semaphore(settings.at_once)
        self._leave = threading.Event()
        self._pool = ThreadPoolExecutor(settings.at_once, "hook")
        self._next_complaint_s = 0.0

    def handle(self, event: Event) -> None:
        """Begin a run; waits while ``at_once`` others run."""
        if "all" not in self._events and event.name not in self._events:
            return
        while not self._slots.acquire(timeout=0.1):
            if self._leave.is_set():
                return
        self._pool.submit(self._run, to_line(event))

    def tick(self) -> None:
        """Nothing to do."""

    def abandon(self) -> None:
        """Kill what runs."""
        self._leave.set()

    def close(self) -> None:
        """Wait for the runs under way; the timeout holds for them too."""
        self._pool.shutdown(wait=True)

    def _run(self, line: bytes) -> None:
        try:
            with subprocess.Popen(  # noqa: S603  # the owner of the settings chose it
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=self._environment,
                start_new_session=True,  # so that its children can be killed too
            ) as process:
                status = self._feed(process, line)
        except OSError as error:
            self._complain(f"cannot run {self._command[0]}: {error.strerror}")
        else:
            if status:
                self._complain(status)
        finally:
            self._slots.release()

    def _feed(self, process: subprocess.Popen[bytes], line: bytes) -> str:
        """Hand over the line and wait; returns what went wrong, or nothing."""
        deadline_s = time.monotonic() + self._settings.timeout_s
        pending: bytes | None = line
        while True:
            try:
                process.communicate(pending, timeout=0.2)  # a command need not read its input
            except subprocess.TimeoutExpired:
                pending = None  # it goes on where it was
                if time.monotonic() < deadline_s and not self._leave.is_set():
                    continue
                _kill(process)
                return f"killed after {self._settings.timeout_s:g} s"
            return f"exit status {process.returncode}" if process.returncode else ""

    def _complain(self, what: str) -> None:
        if time.monotonic() >= self._next_complaint_s:
            self._next_complaint_s = time.monotonic() + COMPLAIN_EVERY_S
            self._warn(f"hook: {what}")


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"hook.command: expected words quoted as in a shell: {error}") from None
    program = words[0] if words else ""
    if shutil.which(program) is None:
        raise ConfigError(
            f"hook.command: expected a program that can be run, got {program!r}; "
            "give its full path, and make it executable"
        )
    return words


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The process and its children."""
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()

"""The handle of a recording process: start it, talk to it, end it, whatever state it is in.

Belongs to one thread; a small thread of its own takes the answers from the pipe. No call waits
longer than ``END_S``. A process that cannot be ended at once (one that hangs in a driver) is kept
and buried later, so that none becomes a zombie.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from typing import Any

from streamseg.capture.recorder import FAREWELL_S
from streamseg.capture.shared_ring import Memory
from streamseg.errors import SourceUnavailableError

END_S = 1.0
_PROGRAM = (
    "import sys; sys.path[:] = {path!r}; "
    "from streamseg.capture.recorder import main; main({memory}, {tag!r})"
)
_unburied: list[subprocess.Popen[bytes]] = []


def _bury() -> None:
    """Processes that could not be ended when they should have; any thread."""
    for process in list(_unburied):
        if process.poll() is not None:
            with contextlib.suppress(ValueError):
                _unburied.remove(process)


class RecorderProcess:
    """One recording process and its shared memory."""

    def __init__(self) -> None:
        """Start it; it begins by looking for devices. Raises SourceUnavailableError."""
        _bury()
        self.memory = Memory()
        program = _PROGRAM.format(path=sys.path, memory=self.memory.descriptor, tag=self.memory.tag)
        inherited = (self.memory.descriptor,) if self.memory.descriptor >= 0 else ()
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own program
                [sys.executable, "-c", program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=inherited,
                # Ctrl-C in a terminal goes to a whole group of processes.
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            self.memory.close()
            raise SourceUnavailableError(
                f"expected to start a recording process with {sys.executable}, got: {error}"
            ) from None
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._taker = threading.Thread(
            target=self._take, name=f"answers of {self.pid}", daemon=True
        )
        self._taker.start()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def send(self, command: dict[str, Any]) -> None:
        """Ask for something. A process that is gone does not mind."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()

    def answer(self, timeout_s: float = 0.0) -> dict[str, Any] | None:
        """The next thing that it said, or None.

        The last one is ``{"gone": "how"}``, when the process has ended.
        """
        try:
            return (
                self._answers.get(timeout=timeout_s) if timeout_s > 0 else self._answers.get(False)
            )
        except queue.Empty:
            return None

    def end(self) -> None:
        """Ask it to leave, then make it. Safe to call twice, and returns within ``END_S``."""
        self.memory.close()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        if self._wait(FAREWELL_S + 0.1):
            return
        self._process.kill()
        if not self._wait(END_S - FAREWELL_S - 0.1):
            _unburied.append(self._process)

    def kill(self) -> None:
        """End it without a farewell: it hangs."""
        self._process.kill()
        self.end()

    def _wait(self, timeout_s: float) -> bool:
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _take(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with contextlib.suppress(ValueError):  # torn by a kill
                    self._answers.put(json.loads(line))
        self._answers.put({"gone": self._how_it_ended()})

    def _how_it_ended(self) -> str:
        # Its end of the pipe is closed, so it ends, or was killed, just now.
        code = self._process.wait() if self._wait(END_S) else None
        if code is None:
            return "it does not answer any more"
        return f"it was ended by signal {-code}" if code < 0 else f"it ended with code {code}"

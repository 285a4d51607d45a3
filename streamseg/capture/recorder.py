"""The recording process: PortAudio alone, at the other end of a pipe.

Started by ``recorder_process`` for one stream, or for one look at the devices. Its main thread
reads commands (JSON lines on standard input) and ends the process when that pipe ends, which it
does when the listening process ends in whatever way: no orphan. PortAudio lives on a second thread,
because any of its calls may hang; its callback on a third. Answers are JSON lines on standard
output, a handful in the life of the process; sound goes through shared memory.

It says ``{"devices": [...]}`` as soon as PortAudio is up. On ``{"open": {...}, "ring": {...}}`` it
says ``{"opened": true}``, and ``{"ended": true}`` should that stream end by itself. Any failure is
``{"error": "..."}``. Nothing heavy is imported here: it has to be quick to start.
"""

from __future__ import annotations

import dataclasses
import json
import os
import queue
import signal
import sys
import threading
from typing import Any

from streamseg.capture.shared_ring import BlockWriter, Shape, attach
from streamseg.errors import SourceUnavailableError

FAREWELL_S = 0.5
"""For an orderly end: a JACK server is disturbed by clients that just vanish."""


class Recorder:
    """Answers commands on the thread that calls ``run``."""

    def __init__(self, answers: int, memory: int, tag: str) -> None:
        """``answers`` and ``memory`` are file descriptors."""
        self._answers = answers
        self._memory = memory
        self._tag = tag
        self._stream: Any = None
        self._saying = threading.Lock()

    def run(self, commands: queue.SimpleQueue[dict[str, Any] | None]) -> None:
        """Until None comes."""
        try:
            self._say(devices=self._devices())
            while (command := commands.get()) is not None:
                self._open(command)
                self._say(opened=True)
        except SourceUnavailableError as error:
            self._say(error=str(error))
        except BaseException as error:  # the listening process has to hear of it
            self._say(error=f"{type(error).__name__}: {error}")
        if self._stream is not None:
            self._stream.abort()

    def _devices(self) -> list[dict[str, Any]]:
        from streamseg.capture.portaudio import input_devices

        return [dataclasses.asdict(device) for device in input_devices()]

    def _open(self, command: dict[str, Any]) -> None:
        from streamseg.capture.portaudio import Stream, StreamWish

        shape = Shape(**command["ring"])
        writer = BlockWriter(attach(self._memory, self._tag, shape.bytes), shape)
        self._stream = Stream(StreamWish(**command["open"]), writer, self._ended)

    def _ended(self) -> None:
        self._say(ended=True)

    def _say(self, **answer: Any) -> None:
        line = json.dumps(answer).encode() + b"\n"
        try:
            with self._saying:
                os.write(self._answers, line)
        except OSError:
            os._exit(0)  # nobody listens any more


def main(memory: int, tag: str) -> None:
    """The life of a recording process."""
    # An interrupt from the keyboard is meant for the listening process, which then ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.dup(1)
    nothing = os.open(os.devnull, os.O_WRONLY)
    # PortAudio, ALSA and JACK talk to the terminal by themselves.
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    commands: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    recorder = Recorder(answers, memory, tag)
    worker = threading.Thread(target=recorder.run, args=(commands,), name="portaudio", daemon=True)
    worker.start()
    for line in sys.stdin.buffer:
        commands.put(json.loads(line))
    commands.put(None)
    worker.join(FAREWELL_S)
    os._exit(0)  # PortAudio's own clean-up may hang

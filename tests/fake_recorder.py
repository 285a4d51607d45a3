"""A recording process that does what a test says, on a clock that the test moves."""

from __future__ import annotations

import mmap
from collections import deque
from typing import Any

import numpy as np
import pytest

from streamseg.capture.base import Delivery
from streamseg.capture.device import DeviceSource
from streamseg.capture.input_device import InputDevice
from streamseg.capture.shared_ring import BlockWriter, Shape

BLOCK_S = 0.0125  # 100 frames at 8 kHz
MIC = InputDevice(0, "Mic", "ALSA", 2, 8000, True)


class Machine:
    """Devices, time, and the recording processes that were started on it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        self.devices = [MIC]
        self.refuses = ""
        """What opening a device answers; empty: it opens."""
        self.only_rate_hz = 0
        """Any other is refused as PortAudio does it."""
        self.hangs = False
        """No process answers any more."""
        self.started: list[Recorder] = []
        self.starts_s: list[float] = []
        self.delay_s = 0.0
        """How old sound is when it arrives."""
        monkeypatch.setattr("streamseg.capture.take.RecorderProcess", self.start)
        for module in ("take", "device", "second_look"):
            monkeypatch.setattr(f"streamseg.capture.{module}.now_s", lambda: self.now_s)

    def start(self) -> Recorder:
        """In place of a real process."""
        self.starts_s.append(self.now_s)
        self.started.append(Recorder(self))
        return self.started[-1]

    @property
    def recorder(self) -> Recorder:
        """The newest."""
        return self.started[-1]

    def pass_time(
        self, source: DeviceSource, seconds: float, value: float | None = 0.5
    ) -> list[Delivery]:
        """Let time pass; every stream that runs delivers ``value``. What the source says."""
        found = []
        for _ in range(round(seconds / BLOCK_S)):
            self.now_s += BLOCK_S
            for recorder in self.started:
                recorder.deliver(value)
            while (delivery := source.read(0)) is not None:
                found.append(delivery)
        return found


class Recorder:
    """In place of ``RecorderProcess``: answers at once."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.memory = self
        self.wish: dict[str, Any] = {}
        self.running = False
        self.ended = False
        self.killed = False
        self.value: float | None = None
        """What this one delivers, whatever the others do."""
        self._answers: deque[dict[str, Any]] = deque()
        self.say(devices=[_plain(device) for device in machine.devices])

    def sized(self, size: int) -> mmap.mmap:
        """Memory."""
        self.map = mmap.mmap(-1, size)
        return self.map

    def say(self, **answer: Any) -> None:
        """Answer something."""
        if not self.machine.hangs:
            self._answers.append(answer)

    def send(self, command: dict[str, Any]) -> None:
        """Open, or refuse to."""
        self.wish = command["open"]
        only_hz = self.machine.only_rate_hz
        if self.machine.refuses or only_hz not in (0, self.wish["rate_hz"]):
            self.say(error=self.machine.refuses or "Invalid sample rate [PaErrorCode -9997]")
            return
        self.writer = BlockWriter(self.map, Shape(**command["ring"]))
        self.running = True
        self.say(opened=True)

    def answer(self, timeout_s: float = 0.0) -> dict[str, Any] | None:
        """The next answer; waiting passes time."""
        if not self._answers:
            self.machine.now_s += timeout_s
            return None
        return self._answers.popleft()

    def deliver(self, value: float | None, overflow: bool = False) -> None:
        """One callback, if the stream runs."""
        value = self.value if self.value is not None else value
        if not self.running or value is None:
            return
        frames = round(BLOCK_S * self.wish["rate_hz"])
        data = np.full((frames, self.wish["channels"]), value, np.float32)
        self.writer.push(data, self.machine.now_s + self.machine.delay_s, overflow)

    def crash(self, how: str = "it was ended by signal 9") -> None:
        """The process is gone."""
        self.running = False
        self.say(gone=how)

    def end(self) -> None:
        """In peace."""
        self.running, self.ended = False, True

    def kill(self) -> None:
        """By force."""
        self.running, self.ended, self.killed = False, True, True


def _plain(device: InputDevice) -> dict[str, Any]:
    return {name: getattr(device, name) for name in InputDevice.__slots__}

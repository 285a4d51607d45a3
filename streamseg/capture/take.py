"""One recording of a device: from the attempt to open it until it goes away.

``Opening`` and ``Take`` belong to the analysis thread of a source and never wait: the recording
itself goes on in a process of its own (``recorder``), which may hang or be killed at any time. When
the analysis is slow, the shared ring fills up and whole blocks are refused there, counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from streamseg.capture.device_clock import DeviceClock
from streamseg.capture.input_device import InputDevice
from streamseg.capture.recorder_process import RecorderProcess
from streamseg.capture.shared_ring import BlockReader, Captured, Shape
from streamseg.errors import SourceUnavailableError
from streamseg.messages import Float32Array
from streamseg.settings import CaptureSettings
from streamseg.ticks import now_s

MAX_BLOCK_S = 0.25
_LEAST_RING_S = 2.0
"""The first second waits in the ring, until it is known when it was heard."""
_LATENCY_S = 0.1
"""Buffer asked of the back end: rides out a busy machine. Callbacks then come a third of it apart
on ALSA, in bursts of blocks."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a device is to be opened."""

    device: InputDevice
    rate_hz: int
    channels: int


@dataclass(frozen=True, slots=True)
class Missing:
    """Frames that nobody heard, before what comes next."""

    frames: int
    queue: str
    """As ``messages.Loss`` has it."""


class Opening:
    """One attempt to open a device, in steps. End it with ``close`` unless it became a take."""

    def __init__(
        self, plan: Callable[[list[InputDevice]], Plan], settings: CaptureSettings
    ) -> None:
        """``plan`` chooses among the devices that are there now; what it raises, ``step`` raises.

        Raises SourceUnavailableError when no process can be started.
        """
        self._make_plan = plan
        self._settings = settings
        self._process: RecorderProcess | None = RecorderProcess()
        self._plan: Plan | None = None
        self._deadline_s = now_s() + settings.open_timeout_s

    def step(self, timeout_s: float = 0.0) -> Take | None:
        """The take, once the stream runs. Raises SourceUnavailableError when it never will."""
        assert self._process is not None, "a step after the last one"
        answer = self._process.answer(timeout_s)
        if answer is None:
            if now_s() > self._deadline_s:
                raise self._failure("no answer")
            return None
        if "devices" in answer:
            self._open([InputDevice(**device) for device in answer["devices"]])
            return None
        if "opened" in answer:
            return self._opened()
        raise self._failure(str(answer.get("error") or answer.get("gone") or "its stream ended"))

    def wait(self) -> Take:
        """Step until it has run or failed."""
        while (take := self.step(timeout_s=0.1)) is None:
            pass
        return take

    def close(self) -> None:
        """Give up."""
        if self._process is not None:
            self._process.kill()

    def _open(self, devices: list[InputDevice]) -> None:
        assert self._process is not None
        plan = self._plan = self._make_plan(devices)
        settings = self._settings
        block_frames = max(1, round(settings.block_s * plan.rate_hz))
        frames = round(max(_LEAST_RING_S, settings.ring_s) * plan.rate_hz)
        # Some back ends deliver smaller blocks than they were asked for.
        self._shape = Shape(frames, plan.channels, 4 * (frames // block_frames) + 64)
        self._memory = self._process.memory.sized(self._shape.bytes)
        self._deadline_s = now_s() + settings.open_timeout_s
        wish = {
            "index": plan.device.index,
            "rate_hz": plan.rate_hz,
            "channels": plan.channels,
            "block_frames": block_frames,
            "latency_s": max(_LATENCY_S, 2 * settings.block_s),
        }
        self._process.send({"open": wish, "ring": self._shape._asdict()})

    def _opened(self) -> Take:
        assert self._process is not None
        assert self._plan is not None
        process, self._process = self._process, None
        return Take(process, BlockReader(self._memory, self._shape), self._plan, self._settings)

    def _failure(self, got: str) -> SourceUnavailableError:
        hangs = got == "no answer"
        if self._plan is None:
            if not hangs:
                return SourceUnavailableError(got)
            what = "list devices"
        else:
            what = f"open device {self._plan.device.label!r}"
        if hangs:
            return SourceUnavailableError(
                f"expected to {what} within {self._settings.open_timeout_s:g} s, got no answer; "
                "the audio server hangs: restart it"
            )
        assert self._plan is not None
        return SourceUnavailableError(
            f"expected device {self._plan.device.label!r} to open with {self._plan.channels} "
            f"channels at {self._plan.rate_hz} Hz, got: {got}; "
            "check that it is connected and not in use, or choose -r and -c"
        )


class Take:
    """A stream that runs, or did until just now."""

    def __init__(
        self,
        process: RecorderProcess,
        ring: BlockReader,
        plan: Plan,
        settings: CaptureSettings,
    ) -> None:
        self.plan = plan
        self.opened_s = now_s()
        self._process = process
        self._ring = ring
        self._timeout_s = settings.read_timeout_s
        self._max_frames = round(MAX_BLOCK_S * plan.rate_hz)
        self._clock = DeviceClock(plan.rate_hz, settings.lost_tolerance_s, settings.block_s)
        self._waiting: deque[Captured] = deque()
        self._came = 0  # frames, by the newest block that was looked at
        self._position = 0  # of the next frame to be taken
        self._skip = 0  # frames to throw away
        self._over: str | None = None

    @property
    def came(self) -> bool:
        """Whether there was any sound at all."""
        return self._came > 0

    @property
    def settled(self) -> bool:
        """Whether ``start_s`` is known to a few hundredths of a second."""
        return self._clock.settled

    @property
    def start_s(self) -> float:
        """When its first frame was heard, on the clock of ``ticks``."""
        return self._clock.heard_s(0)

    @property
    def end_s(self) -> float:
        """When the newest frame was heard; when it was opened, if there is none."""
        return self._clock.heard_s(self._came) if self._came else self.opened_s

    @property
    def position(self) -> int:
        """Frames since its beginning that were taken or are missing in its ring."""
        return self._position

    def heard_s(self, position: int) -> float:
        """When a frame was heard."""
        return self._clock.heard_s(position)

    def look(self) -> Missing | None:
        """Compare what came with the clock, taking nothing; what the device has lost.

        A loss is told from a delay only after a second.
        """
        while (block := self._ring.next()) is not None:
            self._waiting.append(block)
            self._came = block.position + block.frames
            lost = self._clock.observe(block.at_s, self._came, block.overflow)
            if lost:
                return Missing(lost, "device")
        return None

    def read(self) -> Float32Array | Missing | None:
        """The next frames, (n, channels), or what is missing before them, or None for now."""
        missing = self.look() or self._hole()
        if missing is not None:
            return missing
        frames = 0
        while self._waiting and self._waiting[0].position == self._position + frames:
            if frames and frames + self._waiting[0].frames > self._max_frames:
                break
            frames += self._waiting.popleft().frames
        if not frames:
            return None
        self._position += frames
        skipped = min(self._skip, frames)
        self._skip -= skipped
        return self._ring.pop(frames)[skipped:]

    def skip(self, frames: int) -> None:
        """Throw the next frames away: somebody has heard them already."""
        self._skip += frames

    def over(self) -> str | None:
        """Why nothing more will come; only after all that came has been read."""
        if self._over is not None:
            return self._over
        self._over = self._why()
        if self._over is not None:
            self._ring.finish()
        return None  # there may be more in the ring than at the last read

    def close(self) -> None:
        """End the recording."""
        if self._over is not None:
            self._process.kill()
        else:
            self._process.end()

    def _why(self) -> str | None:
        answer = self._process.answer()
        if answer is not None:
            if "gone" in answer:
                return f"its recording process is gone: {answer['gone']}"
            return str(answer.get("error", "its stream ended"))
        silent_s = now_s() - max(self._ring.beat_s, self.opened_s)
        return f"nothing for {silent_s:.1f} s" if silent_s > self._timeout_s else None

    def _hole(self) -> Missing | None:
        if not self._waiting or self._waiting[0].position == self._position:
            return None
        frames = self._waiting[0].position - self._position
        self._position = self._waiting[0].position
        return Missing(frames, "ring")

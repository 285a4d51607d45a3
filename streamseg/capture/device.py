"""Input devices as sources that survive: sound cards and audio servers that go away and come back.

Who runs where: ``DeviceSource`` belongs to the analysis thread of its source. PortAudio runs in a
process of its own for every stream (``recorder``), because it may hang in any call when an audio
server does; that process copies sound into shared memory, and is killed and replaced whenever it
stops delivering. Nothing here waits for it: ``read`` looks into the shared ring now and then. When
the analysis is slow the ring fills up and blocks are refused there; that is a ``Loss`` at its
place, like what the device itself has lost.

What is lost is opened again, for ever, by name, with waits that double up to
``capture.retry_longest_s`` and start small again after a recording that held. The gap is the time
between the last frame of one recording and the first of the next, both by their earliest arrivals
(``device_clock``); the sample counter moves on by it.
"""

from __future__ import annotations

import time
from collections import deque

from streamseg.capture.base import ChannelChoice, Delivery, Lost, Restored
from streamseg.capture.decoded import Conform, Decoded, channels_of, mix_of
from streamseg.capture.input_device import InputDevice, choose_device, find_again
from streamseg.capture.recorder_process import RecorderProcess
from streamseg.capture.second_look import SecondLook
from streamseg.capture.take import MAX_BLOCK_S, Missing, Opening, Plan, Take
from streamseg.errors import SourceUnavailableError
from streamseg.messages import Block, Float32Array, Loss, StreamFormat
from streamseg.settings import CaptureSettings
from streamseg.ticks import now_s

_POLL_S = 0.02
"""How often the reader looks into the ring, at most: a callback must not wake anybody, that takes
a lock."""
STABLE_S = 10.0
"""A recording that held this long was a good one: the next wait is short again."""
LIST_S = 5.0


def list_devices() -> list[InputDevice]:
    """Every device with inputs that is there now, in PortAudio's order.

    Asks a process of its own: PortAudio looks for devices only once. Raises
    SourceUnavailableError when it is not installed or its audio server hangs.
    """
    process = RecorderProcess()
    answer = process.answer(LIST_S)
    if answer is not None and "devices" in answer:
        process.end()
        return [InputDevice(**device) for device in answer["devices"]]
    process.kill()
    if answer is not None:
        raise SourceUnavailableError(str(answer.get("error") or answer.get("gone")))
    raise SourceUnavailableError(
        f"expected to list devices within {LIST_S:g} s, got no answer; "
        "the audio server hangs: restart it"
    )


def find_device(text: str | int | None) -> InputDevice:
    """A device by index, exact name, or a part of its name that no other has; None: the default.

    Raises SourceUnavailableError, with the candidates, when there is none or more than one.
    """
    return choose_device(list_devices(), text)


class DeviceSource:
    """An input device as a ``Source``; see ``base.Source`` for the contract.

    The stream opens at the device's own rate and with at most two channels unless told otherwise:
    audio servers offer 32 or more and fill them by mixing, which would change a mean.
    """

    live = True
    exhausted = False

    def __init__(
        self,
        device: str | int | None,
        channel: ChannelChoice,
        settings: CaptureSettings,
        *,
        rate_hz: int | None = None,
        channels: int | None = None,
        name: str | None = None,
    ) -> None:
        self._wanted = device
        self._channel = channel
        self._settings = settings
        self._poll_s = max(_POLL_S, min(settings.gather_s, MAX_BLOCK_S))
        self._rate_hz = rate_hz or 0
        self._channels = channels
        self.name = name if name is not None else str(device if device is not None else "default")
        self._known: InputDevice | None = None
        self._conform: Conform | None = None
        self._take: Take | None = None
        self._opening: Opening | None = None
        self._restoring = False  # the take is too young to say how long the gap was
        self._ready: deque[Delivery] = deque()
        self._sample = 0  # of the next frame
        self._end_s = 0.0  # when the last frame was heard
        self._retry_s = settings.retry_first_s
        self._retry_at_s = 0.0
        self._second_look = SecondLook(self._open_again, settings.reopen_silent_s)
        self._own_rate = False  # the first rate was refused: take the device's own and resample

    @property
    def bad_samples(self) -> int:
        """NaN and infinite samples met so far."""
        return self._conform.bad_samples if self._conform else 0

    def open(self) -> StreamFormat:
        """Open and start the stream.

        Raises SourceUnavailableError when there is no such device or it does not open, UsageError
        for a channel that it does not have.
        """
        self._opening = Opening(self._first_plan, self._settings)
        try:
            self._take = self._opening.wait()
        except BaseException:
            self.close()
            raise
        self._opening = None
        self._end_s = self._take.opened_s
        plan = self._take.plan
        self._known = plan.device
        return StreamFormat(
            plan.rate_hz, plan.channels, "float32", f"{plan.device.label} through PortAudio"
        )

    def read(self, timeout_s: float) -> Delivery | None:
        """The next thing that happened, or None after ``timeout_s``.

        A ``Loss`` with queue ``device`` comes about a second after the hole, and a ``Restored``
        about a second after the first sound: only then they are told from a delay. Raises
        SourceUnavailableError when the device went away and ``capture.reopen`` is off.
        """
        if self._conform is None:
            raise RuntimeError("expected an open source, got read() before open()")
        deadline_s = time.monotonic() + timeout_s
        while True:
            delivery = self._ready.popleft() if self._ready else self._next()
            if delivery is not None:
                return delivery
            if self._ready:
                continue
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return None
            time.sleep(min(self._poll_s, left_s))

    def close(self) -> None:
        """End the recording. Returns within a second even when the audio server is frozen."""
        self._second_look.close()
        for part in (self._take, self._opening):
            if part is not None:
                part.close()
        self._take = self._opening = None

    def _first_plan(self, devices: list[InputDevice]) -> Plan:
        found = choose_device(devices, self._wanted)
        self._rate_hz = self._rate_hz or found.rate_hz
        least = self._channel if isinstance(self._channel, int) else 1
        self._channels = self._channels or min(found.channels, max(2, least))
        self._conform = Conform(self._channel, self._channels, self._rate_hz)
        return Plan(found, self._rate_hz, self._channels)

    def _open_again(self) -> Opening:
        return Opening(self._plan_again, self._settings)

    def _plan_again(self, devices: list[InputDevice]) -> Plan:
        assert self._known is not None
        assert self._channels is not None
        found = find_again(devices, self._known, self._wanted)
        rate_hz = found.rate_hz if self._own_rate else self._rate_hz
        return Plan(found, rate_hz, min(self._channels, found.channels))

    def _next(self) -> Delivery | None:
        if self._take is None:
            self._try_again()
            return None
        if self._restoring:
            self._wait_for_start(self._take)
            return None
        again = self._second_look.step()
        if again is not None:
            self._go_over(self._take, again)
        found = self._take.read()
        if found is None:
            reason = self._take.over()
            if reason is not None:
                self._lose(self._take, reason)
            return None
        if isinstance(found, Missing):
            return self._loss(found, self._take)
        assert self._conform is not None
        return self._block(self._conform.push(Decoded(found, self._take.plan.rate_hz)))

    def _block(self, frames: Float32Array) -> Block | None:
        if not len(frames):
            return None  # all of it is still in the resampler
        block = Block(mix_of(frames), self._sample, channels_of(frames))
        self._sample += len(frames)
        self._second_look.push(block)
        return block

    def _go_over(self, old: Take, new: Take) -> None:
        """Both run, and the old one gives zeros: go on with the new one, where that stopped."""
        new.skip(max(0, round((old.heard_s(old.position) - new.start_s) * new.plan.rate_hz)))
        self._take, self._known = new, new.plan.device
        old.close()

    def _loss(self, missing: Missing, take: Take) -> Loss:
        frames = round(missing.frames * self._rate_hz / take.plan.rate_hz)
        self._sample += frames
        return Loss(self._sample, frames, missing.queue)

    def _lose(self, take: Take, reason: str) -> None:
        self._end_s = take.end_s
        self._take = None
        take.close()
        self._second_look.close()
        if now_s() - take.opened_s >= STABLE_S:
            self._retry_s = self._settings.retry_first_s
        assert self._conform is not None
        tail = self._block(self._conform.flush())
        if tail is not None:
            self._ready.append(tail)
        if not self._settings.reopen:
            raise SourceUnavailableError(
                f"expected sound from device {take.plan.device.label!r}, got: {reason}; "
                "the device or its audio server went away: check it and start again"
            )
        self._ready.append(Lost(self._sample, reason))
        self._wait_before_retry()

    def _wait_before_retry(self) -> None:
        self._retry_at_s = now_s() + self._retry_s
        self._retry_s = min(2 * self._retry_s, self._settings.retry_longest_s)

    def _try_again(self) -> None:
        """One step towards the next take."""
        try:
            if self._opening is None:
                if now_s() >= self._retry_at_s:
                    self._opening = self._open_again()
                return
            self._take = self._opening.step()
        except SourceUnavailableError as error:
            self._give_up_attempt("sample rate" in str(error).lower())
            return
        if self._take is not None:
            self._opening = None
            self._restoring = True

    def _give_up_attempt(self, rate_refused: bool) -> None:
        if self._opening is not None:
            self._opening.close()
            self._opening = None
        self._own_rate = rate_refused and not self._own_rate
        self._wait_before_retry()

    def _wait_for_start(self, take: Take) -> None:
        """Sound waits in the ring until it is known when the take began."""
        missing = take.look()
        over = take.over()
        if take.settled or (over and take.came):
            self._restoring = False
            self._known = take.plan.device
            gap_s = max(0.0, take.start_s - self._end_s)
            self._sample += round(gap_s * self._rate_hz)
            self._ready.append(Restored(self._sample, gap_s))
            if missing is not None:
                self._ready.append(self._loss(missing, take))
        elif over:
            self._take, self._restoring = None, False
            take.close()
            self._wait_before_retry()

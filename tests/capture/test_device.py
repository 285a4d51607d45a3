"""A device source on a recording process that does what the test says: losses, gaps, second looks.

The real thing, on real sound servers, is in ``test_recording`` and ``test_faults``.
"""

from __future__ import annotations

import numpy as np
import pytest
from fake_recorder import BLOCK_S, MIC, Machine
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from streamseg.capture.base import ChannelChoice, Delivery, Lost, Restored
from streamseg.capture.device import STABLE_S, DeviceSource
from streamseg.capture.device_clock import SETTLE_S
from streamseg.capture.input_device import InputDevice
from streamseg.errors import SourceUnavailableError, UsageError
from streamseg.messages import Block, Loss
from streamseg.settings import CaptureSettings

RATE_HZ = 8000
FIRST_S, LONGEST_S = 0.2, 1.6
ATTEMPT_S = 5 * BLOCK_S  # start, list, open: a step each


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """With one microphone."""
    return Machine(monkeypatch)


def settings(**changes: float | bool) -> CaptureSettings:
    """Short waits."""
    values = {
        "ring_s": 4,
        "block_s": BLOCK_S,
        "retry_first_s": FIRST_S,
        "retry_longest_s": LONGEST_S,
        "read_timeout_s": 2,
        "reopen_silent_s": 0,
    }
    return CaptureSettings.model_validate({**values, **changes})


def opened(
    wanted: str | int | None = None, channel: ChannelChoice = 1, **changes: float | bool
) -> DeviceSource:
    """A source that was opened."""
    source = DeviceSource(wanted, channel, settings(**changes))
    source.open()
    return source


def seconds(deliveries: list[Delivery]) -> float:
    """Sound among them."""
    frames = sum(each.samples.size for each in deliveries if isinstance(each, Block))
    return frames / RATE_HZ


def events(deliveries: list[Delivery]) -> list[Delivery]:
    """All that is no sound."""
    return [each for each in deliveries if not isinstance(each, Block)]


def test_sound_comes_in_order_and_nothing_else(machine: Machine) -> None:
    """Blocks follow each other on the sample counter, of the channel that was asked for."""
    source = opened()
    found = machine.pass_time(source, 3, value=0.25)
    assert events(found) == []
    assert seconds(found) == pytest.approx(3)
    position = 0
    for block in found:
        assert isinstance(block, Block)
        assert block.sample == position
        assert (block.samples == 0.25).all()
        position += block.samples.size


def test_a_killed_process_is_replaced_and_the_gap_measured(machine: Machine) -> None:
    """Lost, and restored with the time between the last frame and the first of the new stream."""
    source = opened()
    machine.pass_time(source, 3)
    machine.recorder.crash()
    found = machine.pass_time(source, 3)
    lost, restored = events(found)
    assert lost == Lost(3 * RATE_HZ, "its recording process is gone: it was ended by signal 9")
    assert isinstance(restored, Restored)
    assert restored.gap_s == pytest.approx(FIRST_S + ATTEMPT_S, abs=3 * BLOCK_S)
    assert restored.sample == lost.sample + round(restored.gap_s * RATE_HZ)
    assert seconds(found) == pytest.approx(3 - restored.gap_s, abs=BLOCK_S)
    assert machine.started[0].killed


def test_the_counter_keeps_time_over_any_gap(machine: Machine) -> None:
    """However late sound arrives before and after, the counter says how much time has passed."""
    source = opened()
    machine.delay_s = 0.03
    machine.pass_time(source, 3)
    machine.recorder.crash()
    machine.refuses = "device is busy"
    machine.pass_time(source, 7.3)
    machine.refuses = ""
    found = machine.pass_time(source, 5)
    last = found[-1]
    assert isinstance(last, Block)
    passed_s = (last.sample + last.samples.size) / RATE_HZ
    assert passed_s == pytest.approx(3 + 7.3 + 5, abs=2 * BLOCK_S)


def test_a_silent_stream_is_found_by_the_age_of_its_last_callback(machine: Machine) -> None:
    """A server that freezes says nothing: after the time-out its process is killed."""
    source = opened()
    machine.pass_time(source, 3)
    frozen = machine.recorder
    frozen.running = False
    found = machine.pass_time(source, 5)
    lost, restored = events(found)
    assert isinstance(lost, Lost)
    assert lost.reason.startswith("nothing for 2.0 s")
    assert frozen.killed
    # The seconds in which nobody noticed belong to the gap.
    assert isinstance(restored, Restored)
    assert restored.gap_s == pytest.approx(2 + FIRST_S + ATTEMPT_S, abs=4 * BLOCK_S)


def test_waits_double_up_to_the_longest_and_start_small_again(machine: Machine) -> None:
    """While a device stays away attempts get rarer; after a stable time they are quick again."""
    source = opened()
    machine.pass_time(source, 1)
    machine.recorder.crash()
    machine.refuses = "device is busy"
    machine.pass_time(source, 10)
    waits = np.diff(machine.starts_s[1:])
    assert waits[:4] == pytest.approx([0.4, 0.8, 1.6, 1.6], abs=ATTEMPT_S)
    machine.refuses = ""
    machine.pass_time(source, STABLE_S + LONGEST_S + 1)
    machine.recorder.crash()
    before_s = machine.now_s
    machine.pass_time(source, 1)
    assert machine.starts_s[-1] - before_s == pytest.approx(FIRST_S, abs=4 * BLOCK_S)


def test_a_stream_that_does_not_last_is_no_reason_for_hurry(machine: Machine) -> None:
    """What runs for two seconds and breaks again is opened at longer and longer intervals."""
    source = opened()
    for _ in range(4):
        machine.pass_time(source, 2 + LONGEST_S)
        machine.recorder.crash()
    before_s = machine.now_s
    machine.pass_time(source, 2 * LONGEST_S)
    assert machine.starts_s[-1] - before_s == pytest.approx(LONGEST_S, abs=4 * BLOCK_S)


def test_what_is_heard_of_a_short_stream_is_not_thrown_away(machine: Machine) -> None:
    """A stream that breaks before its beginning can be dated well is still heard."""
    source = opened()
    machine.pass_time(source, 2)
    machine.recorder.crash()
    machine.pass_time(source, FIRST_S + ATTEMPT_S + 0.5)
    machine.recorder.crash()
    found = machine.pass_time(source, 0.1)
    assert SETTLE_S > 0.5
    assert [type(each) for each in events(found)] == [Restored, Lost]
    assert seconds(found) == pytest.approx(0.5, abs=0.1)


def test_without_reopening_a_lost_device_is_an_error(machine: Machine) -> None:
    """All that was heard comes first; then one sentence that names the device."""
    source = opened(reopen=False)
    machine.pass_time(source, 1)
    machine.recorder.deliver(0.5)
    machine.recorder.say(ended=True)
    assert isinstance(source.read(0), Block)
    with pytest.raises(SourceUnavailableError, match="'Mic, ALSA', got: its stream ended"):
        source.read(1)
    source.close()


def test_a_renumbered_device_is_found_by_its_name(machine: Machine) -> None:
    """Cards that changed places: the same one is opened, though the number leads to another."""
    usb = InputDevice(1, "USB: - (hw:1,0)", "ALSA", 2, 8000, False)
    machine.devices = [MIC, usb]
    source = opened("1")
    machine.pass_time(source, 2)
    machine.recorder.crash()
    machine.devices = [
        InputDevice(0, "HDMI: - (hw:0,0)", "ALSA", 2, 8000, True),
        InputDevice(1, "Mic", "ALSA", 2, 8000, False),
        InputDevice(4, "USB: - (hw:3,0)", "ALSA", 2, 8000, False),
    ]
    found = machine.pass_time(source, 2)
    assert [type(each) for each in events(found)] == [Lost, Restored]
    assert machine.recorder.wish["index"] == 4


def test_a_device_that_is_not_there_is_waited_for(machine: Machine) -> None:
    """Nothing else is opened in its place; when it is plugged in again it is heard."""
    usb = InputDevice(1, "USB", "ALSA", 2, 8000, False)
    machine.devices = [MIC, usb]
    source = opened("USB")
    machine.pass_time(source, 2)
    machine.recorder.crash()
    machine.devices = [MIC]
    assert [type(each) for each in events(machine.pass_time(source, 20))] == [Lost]
    assert not any(recorder.running for recorder in machine.started)
    machine.devices = [usb, MIC]
    assert [type(each) for each in events(machine.pass_time(source, 5))] == [Restored]


def test_a_refused_rate_is_resampled(machine: Machine) -> None:
    """A device that came back with another rate only: the counter goes on in the first unit."""
    source = opened()
    machine.pass_time(source, 2)
    machine.recorder.crash()
    machine.devices = [InputDevice(0, "Mic", "ALSA", 2, 16_000, True)]
    machine.only_rate_hz = 16_000
    found = machine.pass_time(source, 11)
    assert machine.recorder.wish["rate_hz"] == 16_000
    last = found[-1]
    assert isinstance(last, Block)
    assert (last.sample + last.samples.size) / RATE_HZ == pytest.approx(13, abs=0.1)
    assert last.samples == pytest.approx(0.5, abs=1e-3)


def test_a_device_with_fewer_channels_goes_on(machine: Machine) -> None:
    """What is left of the channels is mixed."""
    source = opened(channel=2)
    machine.pass_time(source, 2)
    machine.recorder.crash()
    machine.devices = [InputDevice(0, "Mic", "ALSA", 1, 8000, True)]
    assert seconds(machine.pass_time(source, 3)) > 2


def test_slow_analysis_loses_at_a_known_place(machine: Machine) -> None:
    """Blocks that find the ring full are one loss between what was heard before and after."""
    source = opened(ring_s=2)
    for number in range(180):
        machine.now_s += BLOCK_S
        machine.recorder.deliver(number / 1000)
    heard = 0
    while isinstance(block := source.read(0), Block):
        heard += block.samples.size
    assert heard == 16_000
    machine.now_s += BLOCK_S
    machine.recorder.deliver(0.18)
    assert source.read(0) == Loss(18_000, 2000, "ring")
    after = source.read(0)
    assert isinstance(after, Block)
    assert (after.sample, after.samples[0]) == (18_000, np.float32(0.18))


def test_hole_before_the_callback_moves_the_counter(machine: Machine) -> None:
    """Sound that never reached the callback is a loss of the device, and later blocks know it."""
    source = opened()
    machine.pass_time(source, 3)
    machine.pass_time(source, 1, value=None)
    found = machine.pass_time(source, 3)
    [loss] = events(found)
    assert isinstance(loss, Loss)
    assert loss.queue == "device"
    assert loss.frames == pytest.approx(1 * RATE_HZ, abs=100)
    last = found[-1]
    assert isinstance(last, Block)
    assert (last.sample + last.samples.size) / RATE_HZ == pytest.approx(7, abs=BLOCK_S)


def test_overflow_status_is_a_loss_of_the_device(machine: Machine) -> None:
    """A back end that reports an overflow is believed, once for each verdict."""
    source = opened()
    machine.pass_time(source, 3)
    machine.recorder.deliver(0.5, overflow=True)
    losses = events(machine.pass_time(source, 3))
    assert [(type(loss), getattr(loss, "queue", "")) for loss in losses] == [(Loss, "device")]


def test_zeros_lead_to_a_second_look_and_nothing_is_lost(machine: Machine) -> None:
    """A stream that was moved elsewhere: the device is opened beside it, and taken over."""
    source = opened(reopen_silent_s=5)
    machine.pass_time(source, 2)
    moved = machine.recorder
    moved.value = 0.0
    found = machine.pass_time(source, 8, value=0.5)
    assert events(found) == []
    assert len(machine.started) == 2
    assert moved.ended
    assert seconds(found) == pytest.approx(8, abs=2 * BLOCK_S)
    sounding = np.concatenate([block.samples for block in found if isinstance(block, Block)]) > 0
    # Five seconds of zeros, the attempt, and the second until the new stream is steady.
    assert np.argmax(sounding) / RATE_HZ == pytest.approx(5 + ATTEMPT_S + SETTLE_S, abs=0.2)
    assert sounding[np.argmax(sounding) :].all()


def test_a_second_look_that_fails_leaves_all_as_it_is(machine: Machine) -> None:
    """A device that can be opened only once: tried again at every interval, never disturbed."""
    source = opened(reopen_silent_s=5)
    machine.refuses = "Device unavailable [PaErrorCode -9985]"
    found = machine.pass_time(source, 17, value=0.0)
    assert events(found) == []
    assert seconds(found) == pytest.approx(17)
    assert len(machine.started) == 1 + 3
    assert machine.started[0].running
    assert all(recorder.killed for recorder in machine.started[1:])


def test_sound_ends_a_second_look(machine: Machine) -> None:
    """When it sounds again before the second stream is steady, that one is closed."""
    source = opened(reopen_silent_s=5)
    machine.pass_time(source, 5.5, value=0.0)
    assert len(machine.started) == 2
    machine.pass_time(source, 3, value=0.5)
    assert machine.started[0].running
    assert machine.started[1].ended
    assert machine.pass_time(source, 10, value=0.5)
    assert len(machine.started) == 2


def test_a_device_that_never_answers_is_an_error_at_the_start(machine: Machine) -> None:
    """A frozen server costs the open time-out; the process is not left behind."""
    machine.hangs = True
    source = DeviceSource(None, 1, settings(open_timeout_s=3))
    with pytest.raises(SourceUnavailableError, match="list devices within 3 s, got no answer"):
        source.open()
    assert machine.recorder.killed


def test_a_device_that_refuses_is_an_error_at_the_start(machine: Machine) -> None:
    """The error has the device, what was wished, and the words of PortAudio."""
    machine.refuses = "Device unavailable"
    source = DeviceSource("mic", 1, settings())
    with pytest.raises(SourceUnavailableError, match="2 channels at 8000 Hz, got: Device unav"):
        source.open()
    assert machine.recorder.killed


def test_channel_beyond_the_device_is_a_usage_error(machine: Machine) -> None:
    """Channel 5 of a device with two is the user's mistake; no process is left behind."""
    source = DeviceSource(None, 5, settings())
    with pytest.raises(UsageError, match="from 1 to 2"):
        source.open()
    assert machine.recorder.killed
    source.close()


def test_reading_before_opening_is_a_mistake() -> None:
    """It is said at once."""
    with pytest.raises(RuntimeError, match="before open"):
        DeviceSource(None, 1, settings()).read(0)


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["play", "crash", "freeze", "refuse", "stall"]), st.integers(1, 12)
        ),
        max_size=12,
    )
)
def test_whatever_happens_the_counter_keeps_time(
    machine: Machine, steps: list[tuple[str, int]]
) -> None:
    """Any mixture of faults: positions never run backwards, and in the end they tell the time."""
    machine.started.clear()
    machine.refuses = ""
    source = opened(ring_s=2)
    began_s = machine.now_s
    found: list[Delivery] = machine.pass_time(source, 2)
    for what, length in steps:
        machine.refuses = "busy" if what == "refuse" else ""
        if what == "crash":
            machine.recorder.crash()
        elif what == "freeze":
            machine.recorder.running = False
        elif what == "stall":  # of the analysis
            for _ in range(10 * length):
                machine.now_s += BLOCK_S
                machine.recorder.deliver(0.5)
        found += machine.pass_time(source, length / 4)
    machine.refuses = ""
    found += machine.pass_time(source, 10)
    source.close()
    position = 0
    for each in found:
        if isinstance(each, Block):
            assert each.sample == position
            position += each.samples.size
        else:
            assert each.sample >= position
            position = each.sample
    gaps = sum(isinstance(each, Restored | Loss) for each in found)
    passed_s = machine.now_s - began_s
    assert position / RATE_HZ == pytest.approx(passed_s, abs=(2 + 2 * gaps) * BLOCK_S)

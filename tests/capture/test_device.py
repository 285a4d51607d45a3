"""Capture through PortAudio from a real audio server, and what happens when it goes away."""

from __future__ import annotations

import ctypes.util
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from servers import PulseServer, end, pulse_server, wait_until

from streamseg.capture.device import DeviceSource, find_device, list_devices
from streamseg.capture.input_device import InputDevice, choose_device
from streamseg.capture.time_limit import within
from streamseg.errors import SourceUnavailableError, UsageError
from streamseg.messages import Block, Loss
from streamseg.settings import CaptureSettings

RATE_HZ = 48_000

# PortAudio finds its server through the environment when it is imported: a process for each run.
CAPTURE = """
import json, os, sys
import numpy as np
from streamseg.capture.device import DeviceSource
from streamseg.capture.native_noise import hush
from streamseg.errors import StreamsegError
from streamseg.messages import Block
from streamseg.settings import CaptureSettings

device, channel, out = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
hush()
settings = CaptureSettings(read_timeout_s=1.5, open_timeout_s=3)
source = DeviceSource(device, channel, settings, rate_hz=48000)
blocks, others, error, position = [], [], None, 0
try:
    opened = source.open()
    print(json.dumps([opened.rate_hz, opened.channels]), flush=True)
    while not os.path.exists(out + ".stop"):
        delivery = source.read(0.5)
        if isinstance(delivery, Block):
            assert delivery.sample == position
            position += delivery.samples.size
            blocks.append(delivery.samples)
        elif delivery is not None:
            others.append(repr(delivery))
            position = delivery.sample
except StreamsegError as failure:
    error = [type(failure).__name__, failure.exit_code]
    print(failure, file=sys.stderr)
source.close()
source.close()
np.save(out, np.concatenate([*blocks, np.empty(0, np.float32)]))
print(json.dumps({"others": others, "error": error}))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PulseServer]:
    """A PulseAudio server that lives through all tests that do not harm it."""
    with pulse_server() as running:
        yield running


@pytest.fixture
def server_to_break() -> Iterator[PulseServer]:
    """A PulseAudio server for one test."""
    with pulse_server() as running:
        yield running


class Capture:
    """A capturing process."""

    def __init__(
        self, server: PulseServer, out: Path, device: str = "mon", channel: int | str = 1
    ) -> None:
        self.out = out
        self.process = subprocess.Popen(
            [sys.executable, "-c", CAPTURE, device, json.dumps(channel), str(out)],
            env=server.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *_: object) -> None:
        end(self.process)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def opened(self) -> list[int]:
        """Waits until it captures: rate and channels."""
        assert self.process.stdout is not None
        return list(json.loads(self.process.stdout.readline()))

    def stop(self) -> list[str]:
        """Ends it in peace: everything delivered that was no sound."""
        Path(f"{self.out}.stop").touch()
        ended, errors = self._ended()
        assert (ended["error"], errors) == (None, "")
        return list(ended["others"])

    def failure(self) -> str:
        """Waits until it has given up by itself: all that it wrote to stderr."""
        ended, errors = self._ended()
        assert ended["error"] == ["SourceUnavailableError", 69]
        return errors

    def _ended(self) -> tuple[dict[str, Any], str]:
        stdout, stderr = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, stderr.decode()
        return json.loads(stdout.splitlines()[-1]), stderr.decode()

    def samples(self) -> np.ndarray:
        """What was captured."""
        return np.asarray(np.load(self.out))


def play_file(path: Path, seconds: float, subtype: str) -> np.ndarray:
    """Write stereo noise; returns it as a reader of the file sees it, (frames, 2)."""
    rng = np.random.default_rng(11)
    written = rng.uniform(-0.5, 0.5, (round(seconds * RATE_HZ), 2))
    soundfile.write(path, written, RATE_HZ, subtype=subtype)
    return np.asarray(soundfile.read(path, dtype="float32")[0])


@pytest.mark.parametrize(("subtype", "channel"), [("PCM_16", 2), ("FLOAT", "mean")])
def test_captured_samples_are_the_played_ones(
    server: PulseServer, tmp_path: Path, subtype: str, channel: int | str
) -> None:
    """What is played into the sink arrives from its monitor bit for bit, nothing lost."""
    played = play_file(tmp_path / "played.wav", 1.0, subtype)
    expected = played.mean(axis=1) if isinstance(channel, str) else played[:, channel - 1]
    with Capture(server, tmp_path / "out.npy", channel=channel) as capture:
        assert capture.opened() == [RATE_HZ, 2]
        wait_until(lambda: server.recorders() == 1, "the recording")
        player = server.play(tmp_path / "played.wav")
        try:
            assert player.wait(30) == 0
        finally:
            end(player)
        time.sleep(0.3)  # the last block is on its way
        assert capture.stop() == []
    captured = capture.samples()
    starts = np.flatnonzero(captured == expected[0])
    assert any(
        np.array_equal(captured[start : start + expected.size], expected) for start in starts
    )


def test_killed_server_is_one_clear_error(server_to_break: PulseServer, tmp_path: Path) -> None:
    """When the server dies, what was heard is kept and one line says so, with exit code 69."""
    with Capture(server_to_break, tmp_path / "out.npy") as capture:
        capture.opened()
        wait_until(lambda: server_to_break.recorders() == 1, "the recording")
        time.sleep(0.5)
        server_to_break.kill()
        text = capture.failure()
    assert text.count("\n") == 1
    assert "'mon, ALSA'" in text
    assert "its stream ended" in text
    assert "check it and start again" in text
    assert capture.samples().size > 0


def test_frozen_server_is_found_and_does_not_hold_the_process(
    server_to_break: PulseServer, tmp_path: Path
) -> None:
    """A server that hangs is found by the watchdog; close returns and the process ends."""
    with Capture(server_to_break, tmp_path / "out.npy") as capture:
        capture.opened()
        wait_until(lambda: server_to_break.recorders() == 1, "the recording")
        time.sleep(0.5)
        server_to_break.freeze()
        text = capture.failure()
        assert server_to_break.process.poll() is None
    assert text.count("\n") == 1
    assert "got: nothing for" in text


def test_server_that_is_frozen_from_the_start_is_found(
    server_to_break: PulseServer, tmp_path: Path
) -> None:
    """Opening at a frozen server gives up after the time-out, and the process ends."""
    server_to_break.freeze()
    with Capture(server_to_break, tmp_path / "out.npy") as capture:
        text = capture.failure()
    assert text.count("\n") == 1
    assert "within 3 s" in text
    assert "restart it" in text


def test_devices_are_listed_with_their_properties(server: PulseServer) -> None:
    """The monitor is found as ALSA names it, one device is the default, others are not there."""
    program = (
        "import json, dataclasses\n"
        "from streamseg.capture.device import find_device, list_devices\n"
        "print(json.dumps([dataclasses.asdict(device) for device in list_devices()]))\n"
        "print(find_device('MON').label)\n"
        "try: find_device('no such thing')\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=server.environment, capture_output=True, check=True
    )
    listed, found, missing = done.stdout.decode().splitlines()
    devices = [InputDevice(**record) for record in json.loads(listed)]
    [monitor] = [device for device in devices if device.name == "mon"]
    assert monitor.host_api == "ALSA"
    assert monitor.channels >= 2
    assert monitor.rate_hz > 0
    assert sum(device.is_default for device in devices) == 1
    assert found == monitor.label
    assert missing.startswith("SourceUnavailableError expected an input device 'no such thing'")
    assert f"{monitor.index}: mon, ALSA" in missing


def test_missing_portaudio_says_which_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the PortAudio library the error names the package that brings it."""
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    for action in (list_devices, lambda: find_device(None)):
        with pytest.raises(SourceUnavailableError, match="apt-get install libportaudio2"):
            action()


DEVICES = [
    InputDevice(0, "Built-in Mic", "ALSA", 2, 48_000, False),
    InputDevice(3, "USB Mic", "ALSA", 1, 44_100, True),
    InputDevice(4, "USB Mic Pro", "ALSA", 1, 44_100, False),
    InputDevice(7, "Built-in Mic", "JACK", 2, 48_000, False),
    InputDevice(9, "Line 3", "JACK", 2, 48_000, False),
]


@pytest.mark.parametrize(
    ("text", "index"),
    [
        (None, 3),
        ("4", 4),
        (4, 4),
        ("USB Mic", 3),
        ("usb mic", 3),
        ("pro", 4),
        ("Built-in Mic, JACK", 7),
        ("mic, jack", 7),
        ("3", 3),
        ("line", 9),
    ],
)
def test_device_is_found_by_what_users_type(text: str | int | None, index: int) -> None:
    """An index goes before an exact name, an exact name before a part, in any case."""
    assert choose_device(DEVICES, text).index == index


@pytest.mark.parametrize(
    ("text", "got", "listed"),
    [
        ("Built-in Mic", "2 that match", ["0: Built-in Mic, ALSA", "7: Built-in Mic, JACK"]),
        ("usb", "2 that match", ["3: USB Mic, ALSA", "4: USB Mic Pro, ALSA"]),
        ("violin", "none that matches", ["9: Line 3, JACK"]),
        ("", "none that matches", ["9: Line 3, JACK"]),
        ("12", "none that matches", ["0: Built-in Mic, ALSA"]),
    ],
)
def test_unclear_device_lists_the_candidates(text: str, got: str, listed: list[str]) -> None:
    """More than one match lists those, none lists all, each with its number."""
    with pytest.raises(SourceUnavailableError, match=got) as caught:
        choose_device(DEVICES, text)
    assert all(candidate in str(caught.value) for candidate in listed)


def test_no_device_and_no_default_say_so() -> None:
    """A machine without inputs, or without a default one, is told apart."""
    with pytest.raises(SourceUnavailableError, match="got none; connect one"):
        choose_device([], None)
    with pytest.raises(SourceUnavailableError, match="default input device, got none"):
        choose_device(DEVICES[:1], None)


class FakeStream:
    """Stands for PortAudio where a real one cannot be made to fail on purpose."""

    def abort(self, ignore_errors: bool) -> None:
        """Nothing to abort."""

    def close(self, ignore_errors: bool) -> None:
        """Nothing to close."""


class Status:
    """What PortAudio says with a block."""

    def __init__(self, input_overflow: bool) -> None:
        self.input_overflow = input_overflow

    def __bool__(self) -> bool:
        return self.input_overflow


@pytest.fixture
def fed(monkeypatch: pytest.MonkeyPatch) -> DeviceSource:
    """A source of 8 kHz stereo whose callback the test calls itself; ring of half a second."""
    device = InputDevice(0, "fake", "none", 4, 8000, True)
    monkeypatch.setattr("streamseg.capture.device.find_device", lambda _: device)
    settings = CaptureSettings(ring_s=0.5, read_timeout_s=60)
    source = DeviceSource(None, 1, settings)
    monkeypatch.setattr(source, "_start", lambda *_: FakeStream())
    opened = source.open()
    assert (opened.rate_hz, opened.channels) == (8000, 2)
    return source


def feed(source: DeviceSource, value: float, overflow: bool = False) -> None:
    """One callback of 100 frames."""
    source._callback(np.full((100, 2), value, np.float32), 100, None, Status(overflow))


def test_slow_analysis_loses_at_a_known_place(fed: DeviceSource) -> None:
    """Blocks that find the ring full are one loss between what was heard before and after."""
    for number in range(60):
        feed(fed, number)
    heard = 0
    while isinstance(block := fed.read(0), Block):
        heard += block.samples.size
    assert heard == 4000
    feed(fed, 60)
    assert fed.read(0) == Loss(6000, 2000, "ring")
    after = fed.read(0)
    assert isinstance(after, Block)
    assert (after.sample, after.samples[0]) == (6000, 60)


def test_hole_before_the_callback_moves_the_counter(
    fed: DeviceSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sound that never reached the callback is a loss of the device, and later blocks know it."""
    now_s = [100.0]
    monkeypatch.setattr("streamseg.capture.device.time.monotonic", lambda: now_s[0])
    found = []
    for number in range(600):
        now_s[0] += 100 / 8000 + (2.0 if number == 300 else 0.0)
        feed(fed, number)
        while (delivery := fed.read(0)) is not None:
            found.append(delivery)
    [loss] = [delivery for delivery in found if isinstance(delivery, Loss)]
    assert loss.queue == "device"
    assert loss.frames == pytest.approx(2 * 8000, abs=100)
    last = found[-1]
    assert isinstance(last, Block)
    assert last.sample + last.samples.size == 600 * 100 + loss.frames


def test_overflow_status_is_a_loss_of_the_device(
    fed: DeviceSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A back end that reports an overflow is believed, once for each verdict."""
    now_s = [100.0]
    monkeypatch.setattr("streamseg.capture.device.time.monotonic", lambda: now_s[0])
    losses = []
    for number in range(600):
        now_s[0] += 100 / 8000
        feed(fed, 0, overflow=number == 300)
        while (delivery := fed.read(0)) is not None:
            losses.extend([delivery] if isinstance(delivery, Loss) else [])
    assert [loss.queue for loss in losses] == ["device"]


def test_everything_heard_is_read_before_the_error(fed: DeviceSource) -> None:
    """When the stream ends, the ring is read to its end before the error comes."""
    feed(fed, 0.5)
    fed._on_finished()
    assert isinstance(fed.read(0), Block)
    with pytest.raises(SourceUnavailableError, match="its stream ended"):
        fed.read(0)
    fed.close()


def test_device_that_never_delivers_is_found(
    fed: DeviceSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that opens and then gives nothing is an error after the time-out, not silence."""
    assert fed.read(0) is None
    opened_s = time.monotonic()
    monkeypatch.setattr("streamseg.capture.device.time.monotonic", lambda: opened_s + 70)
    with pytest.raises(SourceUnavailableError, match=r"nothing for 7\d"):
        fed.read(20)


def test_channel_beyond_the_device_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Channel 5 of a device with four is the user's mistake."""
    device = InputDevice(0, "fake", "none", 4, 8000, True)
    monkeypatch.setattr("streamseg.capture.device.find_device", lambda _: device)
    source = DeviceSource(None, 5, CaptureSettings())
    with pytest.raises(UsageError, match="from 1 to 4"):
        source.open()
    source.close()


def test_time_limit_hands_over_results_and_errors() -> None:
    """In time, a call in a thread is like a call."""
    assert within(20, "count", lambda: 3) == 3
    with pytest.raises(ValueError, match="mine"):
        within(20, "fail", lambda: int("mine"))


def test_time_limit_undoes_what_comes_too_late() -> None:
    """After the limit there is an error at once, and a late result is undone."""
    release = threading.Event()
    undone = threading.Event()
    hangs: list[str] = []

    def slow() -> int:
        release.wait(20)
        return 7

    with pytest.raises(SourceUnavailableError, match="expected to open it within"):
        within(
            0.05,
            "open it",
            slow,
            undo=lambda result: undone.set() if result == 7 else None,
            on_hang=lambda: hangs.append("hang"),
        )
    assert hangs == ["hang"]
    assert not undone.is_set()
    release.set()
    assert undone.wait(20)

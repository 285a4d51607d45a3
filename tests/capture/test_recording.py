"""The recording process on a real sound server: bit for bit, and never left behind."""

from __future__ import annotations

import ctypes.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from servers import PulseServer, end, pulse_server, wait_until

from streamseg.capture.input_device import InputDevice
from streamseg.capture.portaudio import input_devices
from streamseg.errors import SourceUnavailableError

RATE_HZ = 48_000

# PortAudio finds its server through the environment: a process for each run.
CAPTURE = """
import json, os, sys
import numpy as np
from streamseg.capture.device import DeviceSource
from streamseg.errors import StreamsegError
from streamseg.messages import Block
from streamseg.settings import CaptureSettings

device, channel, out = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
settings = CaptureSettings(read_timeout_s=1.5, open_timeout_s=3)
source = DeviceSource(device, channel, settings, rate_hz=48000)
blocks, others = [], []
try:
    opened = source.open()
except StreamsegError as failure:
    print(failure, file=sys.stderr)
    sys.exit(failure.exit_code)
print(json.dumps([opened.rate_hz, opened.channels, source._take._process.pid]), flush=True)
position = 0
while not os.path.exists(out + ".stop"):
    delivery = source.read(0.5)
    if isinstance(delivery, Block):
        assert delivery.sample == position
        position += delivery.samples.size
        blocks.append(delivery.samples)
    elif delivery is not None:
        others.append(repr(delivery))
        position = delivery.sample
source.close()
source.close()
np.save(out, np.concatenate([*blocks, np.empty(0, np.float32)]))
print(json.dumps(others))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PulseServer]:
    """A PulseAudio server that lives through all tests."""
    with pulse_server() as running:
        yield running


class Capture:
    """A process that captures."""

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
        """Waits until it captures: rate, channels, and the id of the recording process."""
        assert self.process.stdout is not None
        return list(json.loads(self.process.stdout.readline()))

    def stop(self) -> list[str]:
        """Ends it in peace: everything delivered that was no sound."""
        Path(f"{self.out}.stop").touch()
        stdout, stderr = self.process.communicate(timeout=30)
        assert (self.process.returncode, stderr) == (0, b"")
        return list(json.loads(stdout.splitlines()[-1]))

    def failure(self) -> str:
        """Waits until it has given up by itself: all that it wrote to stderr."""
        _, stderr = self.process.communicate(timeout=30)
        assert self.process.returncode == SourceUnavailableError.exit_code
        return stderr.decode()


def gone(pid: int) -> bool:
    """Whether a process has ended, and somebody has taken notice."""
    return not Path(f"/proc/{pid}").exists()


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
        assert capture.opened()[:2] == [RATE_HZ, 2]
        wait_until(lambda: server.recorders() == 1, "the recording")
        player = server.play(tmp_path / "played.wav")
        try:
            assert player.wait(30) == 0
        finally:
            end(player)
        time.sleep(0.3)  # the last block is on its way
        assert capture.stop() == []
    captured = np.load(tmp_path / "out.npy")
    starts = np.flatnonzero(captured == expected[0])
    assert any(
        np.array_equal(captured[start : start + expected.size], expected) for start in starts
    )


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_recording_process_ends_with_the_program(
    server: PulseServer, tmp_path: Path, how: signal.Signals
) -> None:
    """However the program ends: no orphan records on, and no memory with a name stays behind."""
    before = set(os.listdir("/dev/shm"))
    with Capture(server, tmp_path / "out.npy") as capture:
        pid = capture.opened()[2]
        assert not gone(pid)
        capture.process.send_signal(how)
        capture.process.wait(30)
    wait_until(lambda: gone(pid), "the end of the recording process")
    assert not [name for name in set(os.listdir("/dev/shm")) - before if "streamseg" in name]


def test_closing_leaves_no_zombie(server: PulseServer, tmp_path: Path) -> None:
    """After an orderly end the recording process is gone and buried."""
    with Capture(server, tmp_path / "out.npy") as capture:
        pid = capture.opened()[2]
        assert capture.stop() == []
        assert gone(pid)


def test_ctrl_c_in_a_terminal_does_not_reach_the_recording_process(
    server: PulseServer, tmp_path: Path
) -> None:
    """It goes on until the program, which has heard it too, ends it in order."""
    with Capture(server, tmp_path / "out.npy") as capture:
        pid = capture.opened()[2]
        assert os.getpgid(pid) != os.getpgid(capture.process.pid)
        os.kill(pid, signal.SIGINT)
        time.sleep(0.3)
        assert capture.stop() == []


def test_server_that_is_frozen_from_the_start_is_found(tmp_path: Path) -> None:
    """Opening at a frozen server gives up after the time-out, and no process stays."""
    with pulse_server() as frozen:
        frozen.freeze()
        with Capture(frozen, tmp_path / "out.npy") as capture:
            text = capture.failure()
    assert text.count("\n") == 1
    assert "within 3 s" in text
    assert "restart it" in text


def test_unknown_device_is_one_clear_error(server: PulseServer, tmp_path: Path) -> None:
    """At the start a wrong name is an error, with the names that there are."""
    with Capture(server, tmp_path / "out.npy", device="no such thing") as capture:
        text = capture.failure()
    assert text.startswith("expected an input device 'no such thing', got none that matches")
    assert "mon, ALSA" in text


def test_devices_are_listed_as_they_are_now(server: PulseServer) -> None:
    """A second look finds what has come since the first one, in the same process."""
    program = (
        "import json, dataclasses, os\n"
        "from streamseg.capture.device import find_device, list_devices\n"
        "print(json.dumps([dataclasses.asdict(device) for device in list_devices()]))\n"
        "with open(os.environ['HOME'] + '/.asoundrc', 'a') as alsa:\n"
        "    alsa.write('pcm.late { type pulse device \"spk.monitor\" hint { show on } }\\n')\n"
        "print(find_device('LATE').label)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=server.environment, capture_output=True, check=True
    )
    listed, found = done.stdout.decode().splitlines()
    devices = [InputDevice(**record) for record in json.loads(listed)]
    [monitor] = [device for device in devices if device.name == "mon"]
    assert monitor.host_api == "ALSA"
    assert monitor.channels >= 2
    assert monitor.rate_hz > 0
    assert sum(device.is_default for device in devices) == 1
    assert "late" not in [device.name for device in devices]
    assert found == "late, ALSA"


def test_missing_portaudio_says_which_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the PortAudio library the error names the package that brings it."""
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    with pytest.raises(SourceUnavailableError, match="apt-get install libportaudio2"):
        input_devices()

"""Real audio servers in user space for tests: PulseAudio with a null sink, and Icecast.

Each is a context manager that starts on free ports and temporary folders and leaves nothing
behind; where the Debian packages are missing the test is skipped, with their names.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PULSE_PACKAGES = "pulseaudio pulseaudio-utils libportaudio2 libasound2-plugins"
ICECAST_PACKAGES = "icecast2 ffmpeg"
_START_S = 20.0


def need(programs: str, packages: str) -> None:
    """Skip the test unless all programs are there."""
    missing = [name for name in programs.split() if shutil.which(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: apt-get install {packages}")


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], what: str, limit_s: float = _START_S) -> None:
    """Look every 50 ms; fails the test after ``limit_s``."""
    deadline_s = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline_s:
            pytest.fail(f"waited {limit_s:g} s for {what}")
        time.sleep(0.05)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, frozen or not, and wait for it."""
    if process.poll() is None:
        process.kill()
    process.wait()


@dataclass
class PulseServer:
    """A running PulseAudio; ``environment`` leads a child process to it.

    Its null sink ``spk`` plays into nothing; PortAudio finds the monitor as input ``mon``.
    """

    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    def play(self, path: Path) -> subprocess.Popen[bytes]:
        """Play a file into the sink, not waiting for its end."""
        return subprocess.Popen(["paplay", "-d", "spk", str(path)], env=self.environment)

    def answers(self) -> bool:
        """Whether the server is up."""
        done = subprocess.run(["pactl", "info"], env=self.environment, capture_output=True)
        return done.returncode == 0

    def recorders(self) -> int:
        """How many clients record from the server now."""
        done = subprocess.run(
            ["pactl", "list", "short", "source-outputs"],
            env=self.environment,
            capture_output=True,
        )
        return len(done.stdout.splitlines())

    def kill(self) -> None:
        """As when the server crashes."""
        end(self.process)

    def freeze(self) -> None:
        """As when the server hangs."""
        self.process.send_signal(signal.SIGSTOP)


@contextlib.contextmanager
def pulse_server() -> Iterator[PulseServer]:
    """A PulseAudio server with a null sink of 48 kHz stereo float."""
    need("pulseaudio pactl paplay", PULSE_PACKAGES)
    with tempfile.TemporaryDirectory(prefix="pulse-", ignore_cleanup_errors=True) as folder:
        address = f"{folder}/native"
        environment = {
            **os.environ,
            "XDG_RUNTIME_DIR": folder,
            "HOME": folder,
            "PULSE_SERVER": f"unix:{address}",
        }
        Path(folder, ".asoundrc").write_text(
            "pcm.!default { type pulse }\n"
            "pcm.pulse { type pulse }\n"
            'pcm.mon { type pulse device "spk.monitor" hint { show on description "mon" } }\n'
        )
        process = subprocess.Popen(
            [
                "pulseaudio",
                "-n",
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--use-pid-file=no",
                "--disable-shm=yes",
                f"--load=module-native-protocol-unix socket={address} auth-anonymous=1",
                # Without norewinds the monitor loses sound when something starts to play.
                "--load=module-null-sink sink_name=spk rate=48000 channels=2 format=float32le "
                "norewinds=1",
            ],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        server = PulseServer(environment, process)
        try:
            wait_until(server.answers, "PulseAudio")
            yield server
        finally:
            end(process)


@dataclass
class IcecastServer:
    """A running Icecast and the programs that feed it."""

    port: int
    feeders: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def url(self, mount: str) -> str:
        """Where a listener finds a mount."""
        return f"http://127.0.0.1:{self.port}/{mount}"

    def has(self, mount: str) -> bool:
        """Whether somebody feeds the mount now."""
        request = urllib.request.Request(self.url(mount))
        try:
            with urllib.request.urlopen(request, timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def feed(self, mount: str, path: Path) -> subprocess.Popen[bytes]:
        """Stream a file to a mount as MP3 in real time, over and over; returns once it is there."""
        target = f"icecast://source:hackme@127.0.0.1:{self.port}/{mount}"
        flags = "-nostdin -loglevel error -re -stream_loop -1 -i {path} -c:a libmp3lame -b:a 128k"
        flags += " -content_type audio/mpeg -f mp3"
        process = subprocess.Popen(
            ["ffmpeg", *(part.format(path=path) for part in flags.split()), target],
            stderr=subprocess.DEVNULL,
        )
        self.feeders.append(process)
        wait_until(lambda: self.has(mount), f"the mount {mount}")
        return process


@contextlib.contextmanager
def icecast_server() -> Iterator[IcecastServer]:
    """An Icecast server on loopback; every feeder ends with it."""
    need("icecast2 ffmpeg", ICECAST_PACKAGES)
    with tempfile.TemporaryDirectory(prefix="icecast-") as folder:
        server = IcecastServer(free_port())
        os.chmod(folder, 0o755)
        logs = Path(folder, "log")
        logs.mkdir()
        logs.chmod(0o777)
        config = Path(folder, "icecast.xml")
        config.write_text(_icecast_config(server.port, logs))
        process = subprocess.Popen(
            ["icecast2", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

        def answers() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", server.port)) == 0

        try:
            wait_until(answers, "Icecast")
            yield server
        finally:
            for feeder in server.feeders:
                end(feeder)
            end(process)


def _icecast_config(port: int, logs: Path) -> str:
    # Icecast refuses to stay root.
    owner = "<changeowner><user>icecast2</user><group>icecast</group></changeowner>"
    return f"""<icecast>
  <limits>
    <clients>20</clients><sources>5</sources>
    <burst-on-connect>1</burst-on-connect><burst-size>16384</burst-size>
  </limits>
  <authentication>
    <source-password>hackme</source-password><admin-password>hackme</admin-password>
  </authentication>
  <hostname>localhost</hostname>
  <listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
  <fileserve>0</fileserve>
  <paths>
    <basedir>/usr/share/icecast2</basedir><logdir>{logs}</logdir>
    <webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot>
  </paths>
  <logging>
    <accesslog>access.log</accesslog><errorlog>error.log</errorlog><loglevel>2</loglevel>
  </logging>
  <security><chroot>0</chroot>{owner if os.geteuid() == 0 else ""}</security>
</icecast>
"""

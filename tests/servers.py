"""Real audio servers in user space for tests: PulseAudio, JACK, Icecast and HLS.

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
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from metronome import Metronome, fifo, program

PULSE_PACKAGES = "pulseaudio pulseaudio-utils libportaudio2 libasound2-plugins"
ICECAST_PACKAGES = "icecast2 ffmpeg"
JACK_PACKAGES = "jackd2 libportaudio2"
# Without norewinds the monitor loses sound when something starts to play.
SPEAKER = "module-null-sink sink_name=spk rate=48000 channels=2 format=float32le norewinds=1"
MICROPHONE = "module-pipe-source source_name=mic file={pipe} format=float32le rate=48000 channels=1"
MP3_FLAGS = "-c:a libmp3lame -b:a 128k -flush_packets 1 -content_type audio/mpeg -f mp3"
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
    """A PulseAudio; ``environment`` leads a child process to it.

    Its null sink ``spk`` plays into nothing; PortAudio finds the monitor as input ``mon``.
    """

    folder: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, for the first time or again, and wait until it answers."""
        self.process = subprocess.Popen(
            [
                "pulseaudio",
                "-n",
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--use-pid-file=no",
                "--disable-shm=yes",
                f"--load=module-native-protocol-unix socket={self.folder}/native auth-anonymous=1",
                f"--load={SPEAKER}",
            ],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self.answers, "PulseAudio")

    def control(self, *command: str) -> str:
        """What ``pactl`` says to a command."""
        done = subprocess.run(["pactl", *command], env=self.environment, capture_output=True)
        return done.stdout.decode()

    def name_devices(self, **monitors: str) -> None:
        """Which inputs ALSA has: each name leads to a source of PulseAudio."""
        lines = ["pcm.!default { type pulse }", "pcm.pulse { type pulse }"]
        lines += [
            f'pcm.{name} {{ type pulse device "{source}" hint {{ show on description "{name}" }} }}'
            for name, source in monitors.items()
        ]
        Path(self.folder, ".asoundrc").write_text("\n".join(lines) + "\n")

    def add_microphone(self) -> Metronome:
        """The input ``mic``, a source of 48 kHz mono that beeps; new after every start."""
        self.name_devices(mic="mic")
        pipe = Path(self.folder, "pipe")
        pipe.unlink(missing_ok=True)
        self.control("load-module", *MICROPHONE.format(pipe=pipe).split())
        return fifo(pipe, 48_000)

    def play(self, path: Path) -> subprocess.Popen[bytes]:
        """Play a file into the sink, not waiting for its end."""
        return subprocess.Popen(["paplay", "-d", "spk", str(path)], env=self.environment)

    def answers(self) -> bool:
        """Whether the server is up."""
        done = subprocess.run(["pactl", "info"], env=self.environment, capture_output=True)
        return done.returncode == 0

    def recorders(self) -> int:
        """How many clients record from the server now."""
        return len(self.control("list", "short", "source-outputs").splitlines())

    def kill(self) -> None:
        """As when the server crashes."""
        if self.process is not None:
            end(self.process)

    def freeze(self) -> None:
        """As when the server hangs."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """As when it comes to itself again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def pulse_server() -> Iterator[PulseServer]:
    """A PulseAudio server with a null sink of 48 kHz stereo float."""
    need("pulseaudio pactl paplay pacat", PULSE_PACKAGES)
    with tempfile.TemporaryDirectory(prefix="pulse-", ignore_cleanup_errors=True) as folder:
        environment = {
            **os.environ,
            "XDG_RUNTIME_DIR": folder,
            "HOME": folder,
            "PULSE_SERVER": f"unix:{folder}/native",
        }
        server = PulseServer(folder, environment)
        server.name_devices(mon="spk.monitor")
        try:
            server.start()
            yield server
        finally:
            server.kill()


@dataclass
class IcecastServer:
    """An Icecast and the programs that feed it."""

    port: int
    config: Path
    process: subprocess.Popen[bytes] | None = None
    feeders: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Start it, for the first time or again, and wait until it answers."""
        self.process = subprocess.Popen(
            ["icecast2", "-c", str(self.config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self.answers, "Icecast")

    def answers(self) -> bool:
        """Whether the server takes connections."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

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

    def target(self, mount: str) -> str:
        """Where a feeder brings its sound."""
        return f"icecast://source:hackme@127.0.0.1:{self.port}/{mount}"

    def feed(self, mount: str, path: Path) -> subprocess.Popen[bytes]:
        """Stream a file to a mount as MP3 in real time, over and over; returns once it is there."""
        flags = "-nostdin -loglevel error -re -stream_loop -1 -i {path} " + MP3_FLAGS
        process = subprocess.Popen(
            ["ffmpeg", *(part.format(path=path) for part in flags.split()), self.target(mount)],
            stderr=subprocess.DEVNULL,
        )
        self.feeders.append(process)
        wait_until(lambda: self.has(mount), f"the mount {mount}")
        return process

    def feed_beeps(self, mount: str) -> Metronome:
        """Stream a metronome to a mount as MP3; it lives until it is fed anew."""
        for feeder in self.feeders:
            end(feeder)
        wait_until(lambda: not self.has(mount), f"the end of the mount {mount}")
        command = "ffmpeg -nostdin -loglevel error -f f32le -ar 44100 -ac 1 -i pipe:0 " + MP3_FLAGS
        metronome, process = program([*command.split(), self.target(mount)], 44_100)
        self.feeders.append(process)
        wait_until(lambda: self.has(mount), f"the mount {mount}")
        return metronome

    def kill(self) -> None:
        """As when the server crashes."""
        if self.process is not None:
            end(self.process)

    def freeze(self) -> None:
        """As when the server hangs."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """As when it comes to itself again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def icecast_server() -> Iterator[IcecastServer]:
    """An Icecast server on loopback; every feeder ends with it."""
    need("icecast2 ffmpeg", ICECAST_PACKAGES)
    with tempfile.TemporaryDirectory(prefix="icecast-") as folder:
        server = IcecastServer(free_port(), Path(folder, "icecast.xml"))
        os.chmod(folder, 0o755)
        logs = Path(folder, "log")
        logs.mkdir()
        logs.chmod(0o777)
        server.config.write_text(_icecast_config(server.port, logs))
        try:
            server.start()
            yield server
        finally:
            for feeder in server.feeders:
                end(feeder)
            server.kill()


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


@dataclass
class HlsServer:
    """A folder with a live playlist, the encoder that writes it, and a web server."""

    folder: Path
    port: int
    server: subprocess.Popen[bytes] | None = None
    encoder: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of the playlist."""
        return f"http://127.0.0.1:{self.port}/live.m3u8"

    def serve(self) -> None:
        """Start the web server, for the first time or again."""
        self.server = subprocess.Popen(
            [
                *(sys.executable, "-m", "http.server", str(self.port)),
                *("--bind", "127.0.0.1", "--directory", str(self.folder)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def encode_beeps(self) -> Metronome:
        """Start an encoder with a metronome, for the first time or again."""
        before = self.folder.joinpath("live.m3u8")
        command = (
            "ffmpeg -nostdin -loglevel error -f f32le -ar 48000 -ac 1 -i pipe:0 -c:a aac -b:a 96k "
            "-f hls -hls_time 1 -hls_list_size 6 "
            "-hls_flags delete_segments+append_list+omit_endlist"
        )
        metronome, self.encoder = program([*command.split(), str(before)], 48_000)
        wait_until(before.exists, "the playlist")
        return metronome


@contextlib.contextmanager
def hls_server(folder: Path) -> Iterator[HlsServer]:
    """A live HLS stream on loopback, without sound until ``encode_beeps``."""
    need("ffmpeg", "ffmpeg")
    folder.mkdir()
    hls = HlsServer(folder, free_port())
    try:
        hls.serve()
        yield hls
    finally:
        for process in (hls.server, hls.encoder):
            if process is not None:
                end(process)


@dataclass
class JackServer:
    """A JACK server with the dummy driver: PortAudio sees it through the environment."""

    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    player: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, for the first time or again, and a client that beeps: input PortAudio."""
        name = self.environment["JACK_DEFAULT_SERVER"]
        command = f"jackd -n {name} --no-realtime -d dummy -r 48000 -p 1024 -C 2 -P 2"
        self.process = subprocess.Popen(
            command.split(),
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: "system:capture_1" in self.ports(), "JACK")
        self.player = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("jack_beeps.py"))],
            env=self.environment,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: "PortAudio:out_0" in self.ports(), "the client of JACK")

    def ports(self) -> list[str]:
        """What can be connected now."""
        done = subprocess.run(["jack_lsp"], env=self.environment, capture_output=True)
        return done.stdout.decode().splitlines()

    def stop(self) -> None:
        """In order: one that is killed leaves its name in a list that has room for eight."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        self.kill()

    def kill(self) -> None:
        """As when the server crashes; its clients do not survive it."""
        for process in (self.process, self.player):
            if process is not None:
                end(process)


@contextlib.contextmanager
def jack_server() -> Iterator[JackServer]:
    """A JACK server under a name of its own."""
    need("jackd jack_lsp", JACK_PACKAGES)
    with tempfile.TemporaryDirectory(prefix="jack-", ignore_cleanup_errors=True) as folder:
        environment = {
            **os.environ,
            "HOME": folder,
            "JACK_NO_AUDIO_RESERVATION": "1",
            "JACK_NO_START_SERVER": "1",
            "JACK_DEFAULT_SERVER": f"streamseg-{os.getpid()}",
        }
        server = JackServer(environment)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            # A server that was killed had no time to do it.
            for left in Path("/dev/shm").glob(f"*{environment['JACK_DEFAULT_SERVER']}*"):
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()

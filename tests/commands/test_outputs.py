"""The whole program with every output at once, on real sound."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from broker import broker, listener
from servers import free_port, wait_until
from small_disk import small_disk

from streamseg.cli import main
from streamseg.resources import demo_dir

WAIT_S = 60
pytestmark = pytest.mark.usefixtures("no_user_settings")


def events_of(path: Path) -> list[dict[str, Any]]:
    """All lines of a log, or of what a hook collected."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class Station:
    """A `streamseg log` in a process of its own, playing a file at its own speed."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.log = folder / "air.jsonl"
        self.complaints = b""  # what was said on standard error, once it has stopped
        program = [sys.executable, "-m", "streamseg", "log", "--realtime", "-o", str(self.log)]
        self.process = subprocess.Popen(
            [*program, *arguments], env={**os.environ, **environment}, stderr=subprocess.PIPE
        )

    def events(self, *names: str) -> list[dict[str, Any]]:
        """Those of some kinds that are in the log now."""
        if not self.log.exists():
            return []
        whole = self.log.read_bytes().rpartition(b"\n")[0]
        found = [json.loads(line) for line in whole.splitlines() if line.strip()]
        return [event for event in found if event["event"] in names]

    def wait_for(self, *names: str) -> None:
        """Until an event of one of these kinds was logged."""
        wait_until(lambda: bool(self.events(*names)), " or ".join(names), WAIT_S)

    def stop(self) -> int:
        """In order; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        _, self.complaints = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode

    def kill(self) -> None:
        """In disorder."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def dead_air(tmp_path: Path) -> Path:
    """Forty seconds of noise and then nothing, in stereo: dead air is warned of after ten."""
    rate_hz = 16_000
    samples = np.random.default_rng(1).normal(0, 0.1, (40 * rate_hz, 2)).astype(np.float32)
    samples[10 * rate_hz :] = 0
    soundfile.write(tmp_path / "dead.wav", samples, rate_hz)
    return tmp_path / "dead.wav"


def test_every_output_tells_the_same_story(tmp_path: Path, dead_air: Path) -> None:
    """Log, broker, hook and clip of one run: the same events in the same order, and the sound."""
    log, hooked, clips = tmp_path / "air.jsonl", tmp_path / "hooked", tmp_path / "clips"
    append = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
    command = shlex.join([sys.executable, "-c", append, str(hooked)])
    with broker() as running, listener(running.port) as heard:
        mqtt = f"mqtt://127.0.0.1:{running.port}"
        outputs = ["--mqtt", mqtt, "--hook", command, "--clips", str(clips)]
        main(["log", str(dead_air), "-o", str(log), "-q", *outputs])
        wait_until(lambda: heard.retained.get("streamseg/status") == "offline", "the end")
    logged = events_of(log)
    published = [json.loads(text) for topic, text in heard.messages if topic.endswith("/event")]
    assert published == logged
    raised = [event for event in logged if event["event"] == "alarm_raised"]
    assert {event["rule"] for event in raised} >= {"dead_air"}
    wanted = ("alarm_raised", "alarm_cleared", "source_lost", "source_restored")
    assert events_of(hooked) == [event for event in logged if event["event"] in wanted]
    clip = next(path for path in clips.iterdir() if path.name.endswith("-dead_air.wav"))
    with wave.open(str(clip)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
        # Ten seconds of noise before the silence, as much as there was.
        noisy_s = np.count_nonzero(pcm.any(axis=1)) / file.getframerate()
    assert noisy_s == pytest.approx(10, abs=0.1)


def test_metrics_and_status_page_answer_while_it_runs(tmp_path: Path) -> None:
    """On loopback; both ports are free when it is over."""
    metrics, status = free_port(), free_port()
    station = Station(
        tmp_path,
        str(demo_dir() / "demo.opus"),
        f"--metrics=127.0.0.1:{metrics}",
        f"--status=127.0.0.1:{status}",
    )
    try:
        station.wait_for("segment_open")
        text = httpx.get(f"http://127.0.0.1:{metrics}/metrics").text
        assert "streamseg_probability{" in text
        assert 'streamseg_loudness_lufs{source="' in text
        (source,) = httpx.get(f"http://127.0.0.1:{status}/state.json").json()["sources"]
        assert source["condition"] == "up"
        assert source["on"]
        assert station.stop() == 130
    finally:
        station.kill()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{status}/")


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_logrotate_is_served(tmp_path: Path) -> None:
    """After a rename and SIGHUP the log is there again, and the run goes on in it."""
    station = Station(tmp_path, str(demo_dir() / "demo.opus"))
    try:
        station.wait_for("started")
        station.log.rename(tmp_path / "air.jsonl.1")
        station.process.send_signal(signal.SIGHUP)
        wait_until(station.log.exists, "the new log", WAIT_S)
        assert station.process.poll() is None
        assert station.stop() == 130
    finally:
        station.kill()
    both = events_of(tmp_path / "air.jsonl.1") + events_of(station.log)
    assert (both[0]["event"], both[-1]["event"]) == ("started", "stopped")


def test_a_kill_loses_nothing_and_frees_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """While it runs a second one on its log is refused; after SIGKILL the next one goes on."""
    station = Station(tmp_path, str(demo_dir() / "demo.opus"))
    try:
        station.wait_for("segment_open")
        with pytest.raises(SystemExit) as stop:
            main(["log", str(demo_dir() / "demo.opus"), "-o", str(station.log)])
        assert stop.value.code == 74
        assert "another process has it open as its event log" in capfd.readouterr().err
        before = station.log.read_bytes()
    finally:
        station.kill()
    assert station.log.read_bytes().startswith(before)
    again = Station(tmp_path, str(demo_dir() / "demo.opus"))
    try:
        wait_until(lambda: len(again.events("started")) == 2, "the second start", WAIT_S)
        assert again.stop() == 130
    finally:
        again.kill()
    assert station.log.read_bytes().startswith(before)
    events = events_of(station.log)
    assert events[-1]["event"] == "stopped"


def test_a_full_disk_holds_up_nothing(tmp_path: Path) -> None:
    """A tmpfs that another fills: the monitor goes on, says so, and writes it all later."""
    with small_disk(tmp_path / "disk", "64k") as disk:
        filler = disk / "filler"
        status = free_port()
        demo = str(demo_dir() / "demo.opus")
        station = Station(disk, demo, f"--status=127.0.0.1:{status}")
        try:
            station.wait_for("started")
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as other:
                while True:
                    other.write(b"x" * 512)
            # The rest of the log's last page would take some events yet.
            pad = 4096 - station.log.stat().st_size % 4096
            with contextlib.suppress(OSError), station.log.open("ab", buffering=0) as log:
                log.write(b" " * (pad - 1) + b"\n")

            def problems() -> str:
                return str(httpx.get(f"http://127.0.0.1:{status}/state.json").json()["problems"])

            wait_until(lambda: "wait for room on the disk" in problems(), "the problem", WAIT_S)
            assert not station.events("segment_open")
            filler.unlink()
            station.wait_for("segment_open")
            assert station.stop() == 130
        finally:
            station.kill()
        lines = [line for line in station.log.read_bytes().splitlines() if line.strip()]
        events = [json.loads(line) for line in lines]
    failures = station.complaints.count(b"cannot write (No space left on device)")
    assert failures == station.complaints.count(b"writing again, nothing was lost") >= 1
    assert [event["event"] for event in events[:2]] == ["started", "segment_open"]
    assert events[-1]["event"] == "stopped"


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Any]:
    """The socket that systemd listens on."""
    socket = pytest.importorskip("socket")
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("needs Unix sockets")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.settimeout(WAIT_S)
        yield made


def test_systemd_hears_of_start_work_and_end(tmp_path: Path, systemd: Any) -> None:
    """READY when the first sound was heard, WATCHDOG while it is analysed, STOPPING at the end."""
    said: list[str] = []

    def hear_until(word: str) -> None:
        while word not in said:
            said.append(systemd.recv(1000).decode())

    station = Station(
        tmp_path,
        str(demo_dir() / "demo.opus"),
        NOTIFY_SOCKET=str(tmp_path / "notify"),
        WATCHDOG_USEC="2000000",
    )
    try:
        hear_until("READY=1")
        assert station.events("started")
        hear_until("WATCHDOG=1")
        assert station.stop() == 130
        hear_until("STOPPING=1")
    finally:
        station.kill()
    assert any(word.startswith("STATUS=") and "sources on air" in word for word in said)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--metrics", "nonsense"], 78, "metrics.listen: expected HOST:PORT"),
        (["--status", "0.0.0.0:0"], 78, "expected a token of 16 characters"),
        (["--mqtt", "mqtt://ana:s3cret@host"], 78, "mqtt.password_file or STREAMSEG_MQTT_PASSWORD"),
        (["--hook", "no-such-program"], 78, "hook.command: expected a program"),
        (["--clips", "/dev/null/clips"], 74, "expected to make the folder"),
    ],
)
def test_outputs_that_cannot_work_are_refused_before_anything_runs(
    capfd: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    """In one line, without a secret."""
    with pytest.raises(SystemExit) as stop:
        main(["log", str(demo_dir() / "demo.opus"), *arguments])
    out, err = capfd.readouterr()
    assert stop.value.code == code
    assert message in err
    assert len(err.strip().splitlines()) <= 2
    assert "s3cret" not in err + out

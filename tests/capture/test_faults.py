"""Faults on real parts: nothing that was logged is lost, the gap is right, nobody has to help.

In each, a metronome beeps through the real server into the real engine, which runs in a process of
its own. Whatever happens in between, the distance of two beeps on the sample counter has to be the
distance at which they were made, to 0.1 s. docs/reliability.md has the results;
``STREAMSEG_FAULTS=FILE pytest -m faults`` runs all and notes them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from faults import WAIT_S, Watched, events_of, note
from metronome import Metronome, difference_s, offset_s
from servers import (
    IcecastServer,
    PulseServer,
    hls_server,
    icecast_server,
    jack_server,
    need,
    pulse_server,
    wait_until,
)

pytestmark = pytest.mark.faults
slow = pytest.mark.slow

RIGHT_S = 0.1
BEEPS = 4


class Beeping:
    """The metronome that beeps now; the one before is ended."""

    def __init__(self, stack: ExitStack) -> None:
        self._now: Metronome | None = None
        stack.callback(self.end)

    def by(self, metronome: Metronome) -> None:
        """Go on with another."""
        self.end()
        self._now = metronome

    def end(self) -> None:
        """Be silent."""
        if self._now is not None:
            self._now.end()
        self._now = None


@pytest.fixture
def beeping() -> Iterator[Beeping]:
    """A metronome that is ended after the test."""
    with ExitStack() as stack:
        yield Beeping(stack)


@pytest.fixture
def pulse(beeping: Beeping) -> Iterator[PulseServer]:
    """PulseAudio with a microphone that beeps."""
    with pulse_server() as server:
        beeping.by(server.add_microphone())
        yield server


@pytest.fixture
def icecast(beeping: Beeping) -> Iterator[IcecastServer]:
    """Icecast with a mount that beeps."""
    with icecast_server() as server:
        beeping.by(server.feed_beeps("live.mp3"))
        yield server


def survives(
    watched: Watched, fault: Callable[[], None], name: str, right_s: float = RIGHT_S
) -> list[float]:
    """Do it, wait for the source to come back by itself, and look at the log; the gaps in s."""
    with watched:
        watched.hear(BEEPS)
        before = watched.log.read_bytes()
        fault()
        watched.until_event("source_restored", len(watched.events("source_lost")) or 1)
        watched.hear(BEEPS)
        verdict = watched.verdict()
        events = watched.stop()
    assert watched.log.read_bytes().startswith(before)
    assert events[-1]["event"] == "stopped"
    kinds = [event["event"] for event in events]
    assert kinds.count("segment_open") == kinds.count("segment_close")
    assert abs(verdict.error_s) < right_s, verdict
    note(name, sum(verdict.gaps_s), verdict.error_s)
    return verdict.gaps_s


# The capture process and the program itself


def test_a_killed_capture_process_is_replaced(tmp_path: Path, pulse: PulseServer) -> None:
    """SIGKILL: another one goes on within a second or two."""
    watched = Watched("mic", tmp_path, pulse.environment)
    survives(
        watched, lambda: os.kill(watched.children()[0], signal.SIGKILL), "capture process killed"
    )
    [lost] = watched.events("source_lost")
    assert lost["reason"] == "its recording process is gone: it was ended by signal 9"


@slow
def test_a_frozen_capture_process_is_replaced(tmp_path: Path, pulse: PulseServer) -> None:
    """SIGSTOP: noticed by the age of the last callback."""
    watched = Watched("mic", tmp_path, pulse.environment)
    survives(
        watched, lambda: os.kill(watched.children()[0], signal.SIGSTOP), "capture process frozen"
    )


def test_a_killed_program_loses_nothing_that_was_logged(tmp_path: Path, pulse: PulseServer) -> None:
    """SIGKILL of the main process: no orphan, a whole log, and the next start goes on with it."""
    with Watched("mic", tmp_path, pulse.environment) as killed:
        killed.hear(BEEPS)
        [recorder] = killed.children()
        killed.process.kill()
        killed.process.wait()
    before = events_of(killed.log)
    assert before
    wait_until(lambda: not Path(f"/proc/{recorder}").exists(), "the end of the recording process")
    wait_until(lambda: pulse.recorders() == 0, "the end of the recording")
    with Watched("mic", tmp_path, pulse.environment) as again:
        again.until(lambda: len(again.events("started")) == 2, "the second start")
        again.hear(1)
        events = again.stop()
    assert events[: len(before)] == before
    assert [event["event"] for event in events].count("stopped") == 1


# PulseAudio


def test_a_killed_sound_server_that_comes_back(
    tmp_path: Path, pulse: PulseServer, beeping: Beeping
) -> None:
    """The device is opened again as soon as the server is there."""

    def fault() -> None:
        pulse.kill()
        time.sleep(2.4)
        pulse.start()
        beeping.by(pulse.add_microphone())

    watched = Watched("mic", tmp_path, pulse.environment)
    [gap_s] = survives(watched, fault, "PulseAudio killed, back after 2.4 s")
    assert gap_s > 2.4


@slow
def test_a_frozen_sound_server_that_comes_to_itself(tmp_path: Path, pulse: PulseServer) -> None:
    """PortAudio hangs in every call; the processes that do are killed until one gets through."""

    def fault() -> None:
        pulse.freeze()
        time.sleep(7.4)
        pulse.thaw()

    watched = Watched("mic", tmp_path, pulse.environment)
    [gap_s] = survives(watched, fault, "PulseAudio frozen for 7.4 s")
    assert gap_s > 7.3
    wait_until(lambda: pulse.recorders() == 0, "the end of the recordings")


@slow
def test_an_unloaded_device_that_is_loaded_again(
    tmp_path: Path, pulse: PulseServer, beeping: Beeping
) -> None:
    """The server has nothing else to record from: the stream ends."""

    def fault() -> None:
        pulse.control("unload-module", "module-null-sink")
        pulse.control("unload-module", "module-pipe-source")
        time.sleep(2.4)
        beeping.by(pulse.add_microphone())

    watched = Watched("mic", tmp_path, pulse.environment)
    survives(watched, fault, "device unloaded for 2.4 s")
    [lost] = watched.events("source_lost")
    assert lost["reason"] == "its stream ended"


@slow
def test_a_stream_that_the_server_moved_elsewhere(
    tmp_path: Path, pulse: PulseServer, beeping: Beeping
) -> None:
    """No error anywhere, just zeros: it is said, and the device is found when it is back."""
    settings = {"capture__silent_s": 2, "capture__reopen_silent_s": 3}
    with Watched("mic", tmp_path, pulse.environment, **settings) as watched:
        watched.hear(BEEPS)
        before = watched.beeps()
        pulse.control("unload-module", "module-pipe-source")
        watched.until_event("source_silent")
        time.sleep(1.4)
        beeping.by(pulse.add_microphone())
        watched.until_event("source_sounding")
        watched.hear(BEEPS)
        after = watched.beeps()[len(before) :]
        watched.stop()
    assert watched.events("source_lost") == []
    [silent], [sounding] = watched.events("source_silent"), watched.events("source_sounding")
    error_s = difference_s(offset_s(before), offset_s(after))
    assert abs(error_s) < RIGHT_S
    assert sounding["sample"] - silent["sample"] == pytest.approx(
        sounding["silent_s"] * sounding["rate_hz"], abs=100
    )
    note("stream moved to another device, and back", sounding["silent_s"], error_s)


@slow
@pytest.mark.parametrize(
    "names", [{"one": "spk.monitor", "mic": "mic"}, {"one": "spk.monitor", "mic_rev2": "mic"}]
)
def test_a_renumbered_and_a_renamed_device(
    tmp_path: Path, pulse: PulseServer, beeping: Beeping, names: dict[str, str]
) -> None:
    """It is found by its name, or by the part of it that the user asked for."""

    def fault() -> None:
        pulse.kill()
        pulse.start()
        beeping.by(pulse.add_microphone())
        pulse.name_devices(**names)

    watched = Watched("mic", tmp_path, pulse.environment)
    survives(watched, fault, f"device {'renumbered' if 'mic' in names else 'renamed'}")


# JACK


@slow
def test_overflows_of_jack_are_counted(tmp_path: Path) -> None:
    """Cycles that the server left out are dropped sound in the log, and the counter stays true."""
    with jack_server() as jack, Watched("PortAudio", tmp_path, jack.environment) as watched:
        watched.hear(BEEPS)
        before = watched.beeps()
        [recorder] = watched.children()
        for _ in range(2):
            os.kill(recorder, signal.SIGSTOP)
            time.sleep(0.4)
            os.kill(recorder, signal.SIGCONT)
            time.sleep(1.5)
        watched.hear(BEEPS)
        after = watched.beeps()[len(before) + 4 :]
        events = watched.stop()
    dropped = [event for event in events if event["event"] == "overload"]
    assert {event["queue"] for event in dropped} == {"device"}
    dropped_s = sum(event["dropped_s"] for event in dropped)
    # On a busy machine JACK without real-time rights leaves out cycles by itself.
    assert dropped_s > 0.6
    assert watched.events("source_lost") == []
    error_s = difference_s(offset_s(before), offset_s(after))
    assert abs(error_s) < RIGHT_S
    note("JACK overflow, twice 0.4 s", dropped_s, error_s)


@slow
def test_a_jack_server_that_dies(tmp_path: Path) -> None:
    """PortAudio never recovers from that, its process is thrown away."""
    with jack_server() as jack:

        def fault() -> None:
            # Under a name of its own: as another "PortAudio" it would take that of the device.
            assert "streamseg:in_0" in jack.ports()
            jack.kill()
            time.sleep(2.4)
            jack.start()

        survives(Watched("PortAudio", tmp_path, jack.environment), fault, "JACK server killed")


# Streams


@slow
def test_an_icecast_source_that_drops(
    tmp_path: Path, icecast: IcecastServer, beeping: Beeping
) -> None:
    """The mount goes away and comes back."""

    def fault() -> None:
        beeping.end()
        time.sleep(1.4)
        beeping.by(icecast.feed_beeps("live.mp3"))

    survives(Watched(icecast.url("live.mp3"), tmp_path), fault, "Icecast source dropped")


@slow
def test_a_killed_icecast_server(tmp_path: Path, icecast: IcecastServer, beeping: Beeping) -> None:
    """The server dies with its mounts."""

    def fault() -> None:
        icecast.kill()
        time.sleep(1.4)
        icecast.start()
        beeping.by(icecast.feed_beeps("live.mp3"))

    survives(Watched(icecast.url("live.mp3"), tmp_path), fault, "Icecast server killed")


@slow
def test_a_frozen_icecast_server(tmp_path: Path, icecast: IcecastServer) -> None:
    """The connection stays, and nothing comes: the time-out finds it."""

    def fault() -> None:
        icecast.freeze()
        time.sleep(5.4)
        icecast.thaw()

    watched = Watched(icecast.url("live.mp3"), tmp_path)
    survives(watched, fault, "Icecast server frozen for 5.4 s")
    assert watched.events("source_lost")[0]["reason"] == "no data within the time-out"


def test_a_wrong_mount_is_an_error_at_the_start(tmp_path: Path, icecast: IcecastServer) -> None:
    """One line, exit code 69, no log; and no word of the password."""
    url = icecast.url("other.mp3").replace("//", "//me:hunter2@")
    done = subprocess.run(
        [sys.executable, "-m", "streamseg", "log", url, "-o", str(tmp_path / "log.jsonl")],
        capture_output=True,
        timeout=WAIT_S,
    )
    assert done.returncode == 69
    [line] = done.stderr.decode().splitlines()
    assert "404" in line
    assert "hunter2" not in line
    assert events_of(tmp_path / "log.jsonl") == []


@slow
def test_an_hls_stream_that_ends_with_its_server(tmp_path: Path, beeping: Beeping) -> None:
    """A live playlist simply ends: that is a drop. The sender's clock measures the gap exactly."""
    with hls_server(tmp_path / "www") as hls:
        beeping.by(hls.encode_beeps())
        time.sleep(5)

        def fault() -> None:
            assert hls.server is not None
            hls.server.kill()
            hls.server.wait()
            time.sleep(6.4)
            hls.serve()

        survives(Watched(hls.url, tmp_path), fault, "HLS server gone for 6.4 s", right_s=0.02)


@slow
def test_an_hls_sender_that_dies_is_not_heard_twice(tmp_path: Path, beeping: Beeping) -> None:
    """The server hands out the last seconds again and again: they are known, and left out."""
    with hls_server(tmp_path / "www") as hls:
        beeping.by(hls.encode_beeps())
        time.sleep(5)
        with Watched(hls.url, tmp_path) as watched:
            watched.hear(BEEPS)
            assert hls.encoder is not None
            hls.encoder.kill()
            hls.encoder.wait()
            watched.until_event("source_lost")
            heard = watched.beeps()
            time.sleep(8)
            assert watched.beeps() == heard
            beeping.by(hls.encode_beeps())
            watched.until_event("source_restored")
            watched.hear(BEEPS)
            watched.stop()
    assert len(watched.events("source_restored")) == 1
    seconds = [second for _, second in heard]
    assert seconds == [(seconds[0] + k) % 10 for k in range(len(seconds))]


# Clock, and several sources


@slow
@pytest.mark.parametrize("step_s", [5400, -5400])
def test_a_clock_that_is_set_while_it_runs(
    tmp_path: Path, icecast: IcecastServer, step_s: int
) -> None:
    """Forwards and backwards: one event, dates follow, and no beep moves on the counter."""
    need("faketime", "faketime")
    [library] = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    offset = tmp_path / "offset"
    offset.write_text("+0\n")
    environment = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with Watched(icecast.url("live.mp3"), tmp_path, environment) as watched:
        watched.hear(BEEPS)
        before = watched.beeps()
        offset.write_text(f"{step_s:+d}\n")
        watched.until_event("clock_step")
        watched.hear(BEEPS)
        after = watched.beeps()[len(before) :]
        events = watched.stop()
    steps = watched.events("clock_step")
    assert [event["step_s"] for event in steps] == pytest.approx([step_s], abs=0.1)
    at = events.index(steps[0])
    for side in (events[:at], events[at:]):
        begins = [
            datetime.fromisoformat(event["time"]).timestamp() - event["sample"] / event["rate_hz"]
            for event in side
        ]
        assert max(begins) - min(begins) < 5  # a burst moves the anchor, no more
    moved_s = datetime.fromisoformat(events[-1]["time"]) - datetime.fromisoformat(events[0]["time"])
    assert moved_s.total_seconds() == pytest.approx(step_s, abs=60)
    error_s = difference_s(offset_s(before), offset_s(after))
    assert abs(error_s) < RIGHT_S
    note(f"clock set by {step_s:+d} s", 0.0, error_s)


@slow
def test_a_failing_source_does_not_disturb_another(
    tmp_path: Path, pulse: PulseServer, beeping: Beeping
) -> None:
    """Three by TOML: a stream that dies, one that never comes, and a device that hears all."""
    log, tone = tmp_path / "log.jsonl", tmp_path / "tone.wav"
    sine = 0.3 * np.sin(2 * np.pi * 440 * np.arange(44_100 * 4) / 44_100)
    soundfile.write(tone, sine, 44_100)
    with icecast_server() as icecast:
        feeder = icecast.feed("radio.mp3", tone)
        config = tmp_path / "streamseg.toml"
        config.write_text(
            f'[[sources]]\nname = "radio"\nurl = "{icecast.url("radio.mp3")}"\n'
            f'[[sources]]\nname = "never"\nurl = "http://x:${{PASSWORD}}@127.0.0.1:1/x"\n'
            f'[[sources]]\nname = "line"\ndevice = "mic"\nrate_hz = 48000\n'
            f"[sources.capture]\nread_timeout_s = 3\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "streamseg", "log", "--config", str(config), "-o", str(log)],
            env={**pulse.environment, "PASSWORD": "hunter2"},
            stderr=subprocess.DEVNULL,
        )

        def told(name: str, source: str) -> bool:
            wanted = (name, source)
            return any((event["event"], event["source"]) == wanted for event in events_of(log))

        try:
            for source in ("radio", "line"):
                wait_until(lambda s=source: told("started", s), source, WAIT_S)
            wait_until(lambda: told("source_lost", "never"), "the one that is not there", WAIT_S)
            feeder.kill()
            feeder.wait()
            wait_until(lambda: told("source_lost", "radio"), "the loss", WAIT_S)
            time.sleep(3)
            process.send_signal(signal.SIGINT)
            assert process.wait(WAIT_S) == 130
        finally:
            process.kill()
            process.wait()
    assert b"hunter2" not in log.read_bytes()
    line = [event for event in events_of(log) if event["source"] == "line"]
    kinds = {event["event"] for event in line}
    assert not kinds & {"source_lost", "overload"}
    assert line[-1]["event"] == "stopped"
    began, ended = (datetime.fromisoformat(line[k]["time"]) for k in (0, -1))
    assert line[-1]["heard_s"] == pytest.approx((ended - began).total_seconds(), abs=0.3)

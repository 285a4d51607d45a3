"""Facts about the engine behind the window, with real sources and a real network."""

import json
import os
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import soundfile
from servers import pulse_server
from signals import noise
from tiny_mask_network import write_level
from tiny_network import write

from streamseg.capture.choose import SourceOptions
from streamseg.commands.live import LiveEngine, run
from streamseg.errors import CannotWriteError, NoSuchInputError, UsageError
from streamseg.settings import load
from streamseg.sinks.acknowledgements import Acknowledgement, ask
from streamseg.view.state import ViewState

WAIT_S = 60


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The tiny networks under the names of the default ones."""
    return write_level(write(tmp_path_factory.mktemp("models"), "activity"))


@pytest.fixture
def make_engine(models, tmp_path):
    """Engines that read files as fast as they can."""
    made = []

    def make(realtime=False, **flags):
        state = ViewState()

        def settings():
            alone = {"model.mask": "", "model.stems": "", "model.genre": ""}
            return load(environment={}, flags=alone | flags)

        engine = LiveEngine(
            state, settings, SourceOptions(), tmp_path / "s.toml", models, realtime=realtime
        )
        made.append((engine, state))
        return engine, state

    yield make
    for engine, state in made:
        engine.close()
        state.close()


def events_of(log):
    """The lines of an event log."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def wait(state, done, what):
    """Wait until ``done`` of the snapshot; returns that.

    However slow the machine is: only when nothing happens for a minute is it called stuck.
    """
    seen, since_s = None, time.monotonic()
    while not done(snapshot := state.snapshot()):
        now = (snapshot.condition, snapshot.generation, snapshot.confirmed, snapshot.events)
        if now != seen:
            seen, since_s = now, time.monotonic()
        stuck = time.monotonic() - since_s > WAIT_S
        assert not stuck, f"waited for {what}, still {snapshot.condition} ({snapshot.reason})"
        time.sleep(0.02)
    return snapshot


def until(state, *conditions):
    """Wait for a condition of the source; returns the snapshot."""
    return wait(state, lambda snapshot: snapshot.condition in conditions, conditions)


def test_the_time_line_is_the_event_log(make_engine, demo_path, tmp_path):
    """Every segment of the log, with its very samples, nothing else, and all that was heard."""
    log, sound = tmp_path / "log.jsonl", tmp_path / "part.wav"
    part, rate_hz = soundfile.read(demo_path, start=55 * 48_000, frames=25 * 48_000)
    soundfile.write(sound, part, rate_hz)  # rain, dead air, static and music
    engine, state = make_engine(**{"log.file": str(log)})
    engine.open(str(sound))
    snapshot = until(state, "ended", "failed")
    events = events_of(log)
    opened = [(e["label"], e["sample"]) for e in events if e["event"] == "segment_open"]
    closed = [(e["label"], e["sample"]) for e in events if e["event"] == "segment_close"]
    assert opened
    assert sorted((span.label, span.start) for span in snapshot.spans) == sorted(opened)
    assert sorted((span.label, span.end) for span in snapshot.spans) == sorted(closed)
    assert [e["event"] for e in events] == [line.event.name for line in snapshot.events]
    heard = events[-1]["sample"]
    assert heard == len(part)
    # The picture may come after the last event. Half a window has no column at the very end.
    least = heard - snapshot.rate_hz // 10
    snapshot = wait(state, lambda snapshot: snapshot.heard >= least, "the whole picture")
    assert snapshot.heard <= heard
    assert snapshot.gaps == ()


@pytest.fixture
def short(tmp_path):
    """Three seconds of hiss in stereo."""
    path = tmp_path / "short.wav"
    soundfile.write(path, np.stack([noise("white", 3, 48_000, seed=1)] * 2, axis=1), 48_000)
    return path


def test_what_really_runs_is_said(make_engine, short):
    """Format as negotiated, provider of the session, speed of the network."""
    engine, state = make_engine()
    engine.open(str(short))
    snapshot = until(state, "ended", "failed")
    assert (snapshot.format.rate_hz, snapshot.format.channels) == (48_000, 2)
    assert snapshot.source.provider == "CPU"
    assert snapshot.health.network_speed > 0


DEVICES = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from streamseg.capture.choose import SourceOptions
    from streamseg.commands.live import LiveEngine, run
    from streamseg.settings import load
    from streamseg.view.state import ViewState

    engine = LiveEngine(ViewState(60), lambda: load(environment={}), SourceOptions())
    print(sorted(device.name for device in engine.devices()), flush=True)
    sys.stdin.readline()
    print(sorted(device.name for device in engine.devices()), flush=True)
    engine.close()
    """
)


def test_a_device_that_comes_while_the_window_is_open_is_listed():
    """PortAudio itself looks only once, when it begins."""
    with pulse_server() as server:
        child = subprocess.Popen(
            [sys.executable, "-c", DEVICES],
            env=server.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        first = child.stdout.readline()
        server.name_devices(mon="spk.monitor", studio="spk.monitor")
        second, _ = child.communicate("go\n", timeout=60)
    assert "mon" in first
    assert "studio" not in first
    assert "studio" in second


def test_a_file_that_is_not_there_is_told_and_another_can_be_opened(make_engine, short):
    """The engine outlives its sources."""
    engine, state = make_engine()
    engine.open("/no/such/file.wav")
    assert "expected a" in until(state, "failed").reason
    engine.open(str(short))
    assert until(state, "ended").session == 2


def test_a_password_is_never_on_the_screen(make_engine):
    """Neither while it is opened, nor as a name, nor in an error."""
    engine, state = make_engine()
    engine.open("http://me:hush-hush@127.0.0.1:9/radio?token=hush-hush")
    texts = []
    deadline_s = time.monotonic() + WAIT_S
    while state.snapshot().condition != "failed" and time.monotonic() < deadline_s:
        texts.append(repr(state.snapshot()))
        time.sleep(0.005)
    texts.append(repr(state.snapshot()))
    assert any("127.0.0.1" in text for text in texts)
    assert not any("hush" in text for text in texts)


def test_a_network_that_is_not_there_is_told(make_engine, demo_path):
    """The tiny folder holds one network only."""
    engine, state = make_engine()
    engine.use_model("frame_conv")
    engine.open(str(demo_path))
    assert "model card" in until(state, "failed").reason


@pytest.fixture
def dead_air(make_engine, tmp_path):
    """An engine whose source is silent, the alarm of which stands; and its log."""
    sound, log = tmp_path / "silence.wav", tmp_path / "log.jsonl"
    soundfile.write(sound, np.zeros(60 * 16_000), 16_000)
    flags = {"alarms.dead_air_warn_s": 0.5, "alarms.dead_air_alarm_s": 1, "log.file": str(log)}
    # At its own speed, so that the alarm still stands when somebody answers.
    engine, state = make_engine(realtime=True, **flags)
    engine.acknowledged(["dead_air"])  # nothing is open: nothing happens
    engine.open(str(sound))
    wait(state, lambda now: any(one.severity == "alarm" for one in now.alarms), "the alarm")
    return engine, state, log


def acknowledgements(engine, state, log):
    """Rule and person of those in the log, once the first is in the window."""
    wait(state, lambda now: "alarm_acknowledged" in [e.event.name for e in now.events], "it")
    engine.close()
    logged = [event for event in events_of(log) if event["event"] == "alarm_acknowledged"]
    return [(event["rule"], event["by"]) for event in logged]


def test_an_acknowledgement_at_the_window_is_written_to_the_log(dead_air):
    """Once, by whom, and only of what stands: as after ``streamseg ack``."""
    engine, state, log = dead_air
    engine.acknowledged(["clipping", "dead_air", "dead_air"])
    assert acknowledgements(engine, state, log) == [("dead_air", "window")]


def test_an_alarm_acknowledged_in_a_terminal_is_acknowledged_in_the_window(dead_air):
    """``streamseg ack LOG`` finds the monitor of a window too."""
    engine, state, log = dead_air
    assert state.snapshot().unacknowledged == 1
    ask(log, Acknowledgement("dead_air", None, "ana"))
    assert acknowledgements(engine, state, log) == [("dead_air", "ana")]
    assert state.snapshot().unacknowledged == 0


def test_an_unexpected_error_is_told_too(make_engine, demo_path, monkeypatch, capsys):
    """A window whose engine has broken does not look alive."""
    from streamseg.view.feed import Feed

    def broken(*arguments):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Feed, "sink", broken)
    engine, state = make_engine()
    engine.open(str(demo_path))
    assert "unexpected ZeroDivisionError: a bug" in until(state, "failed").reason
    assert "Traceback" in capsys.readouterr().err


def test_the_verb_saves_a_picture_and_leaves(demo_path, tmp_path, qtbot):
    """As the README does it; on Qt's invisible screen."""
    picture = tmp_path / "window.png"
    command = [sys.executable, "-m", "streamseg", "live", str(demo_path)]
    done = subprocess.run(
        [*command, "--snapshot", str(picture), "--after", "0.2"],
        env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    from PyQt6.QtGui import QImage

    assert QImage(str(picture)).width() >= 600


def test_a_picture_of_a_source_that_failed_is_an_error(tmp_path, qtbot):
    """Who orders pictures by the clock hears by the exit code that there was no sound."""
    picture = tmp_path / "window.png"
    command = [sys.executable, "-m", "streamseg", "live", str(tmp_path / "gone.wav")]
    done = subprocess.run(
        [*command, "--snapshot", str(picture), "--after", "0.2"],
        env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == NoSuchInputError.exit_code, done.stderr
    assert "gone.wav" in done.stderr
    assert picture.stat().st_size > 1000


@pytest.mark.usefixtures("patient", "qtbot")
def test_a_picture_that_cannot_be_saved_is_an_error(station, engine, tmp_path):
    """The window closes, and the command line hears of it."""
    from view_doubles import Player

    from streamseg.view.app import SnapshotOrder
    from streamseg.view.app import run as show

    order = SnapshotOrder(tmp_path / "no" / "a.png", 0.0)
    with pytest.raises(CannotWriteError, match="expected to write a picture"):
        show(station.state, engine, Player(), lambda: None, order, tmp_path / "window.ini")


def test_without_a_screen_the_verb_says_what_to_do(demo_path, monkeypatch):
    """Qt itself would end the process with an abort."""
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(UsageError, match=r"expected a screen.*xvfb-run"):
        run(str(demo_path), lambda: load(environment={}), SourceOptions())

"""Facts about the engine behind the window, with real sources and a real network."""

import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import pytest
from servers import pulse_server
from tiny_mask_network import write_level
from tiny_network import write

from streamseg.capture.choose import SourceOptions
from streamseg.commands.live import LiveEngine
from streamseg.settings import load
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

    def make(**flags):
        state = ViewState()

        def settings():
            return load(environment={}, flags=flags)

        engine = LiveEngine(
            state, settings, SourceOptions(), tmp_path / "s.toml", models, realtime=False
        )
        made.append((engine, state))
        return engine, state

    yield make
    for engine, state in made:
        engine.close()
        state.close()


def until(state, *conditions):
    """Wait for a condition of the source; returns the snapshot."""
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        snapshot = state.snapshot()
        if snapshot.condition in conditions:
            return snapshot
        time.sleep(0.02)
    raise AssertionError(f"waited for {conditions}, still {state.snapshot().condition}")


def test_the_time_line_is_the_event_log(make_engine, demo_path, tmp_path):
    """Every segment of the log, with its very samples, and nothing else."""
    import json

    log = tmp_path / "log.jsonl"
    engine, state = make_engine(**{"log.file": str(log)})
    engine.open(str(demo_path))
    snapshot = until(state, "ended", "failed")
    events = [json.loads(line) for line in log.read_text().splitlines()]
    opened = [(e["label"], e["sample"]) for e in events if e["event"] == "segment_open"]
    closed = [(e["label"], e["sample"]) for e in events if e["event"] == "segment_close"]
    assert opened
    assert sorted((span.label, span.start) for span in snapshot.spans) == sorted(opened)
    assert sorted((span.label, span.end) for span in snapshot.spans) == sorted(closed)
    assert [e["event"] for e in events] == [line.event.name for line in snapshot.events]
    deadline_s = time.monotonic() + WAIT_S  # the picture may come after the last event
    while snapshot.seconds(snapshot.heard) < 89.8 and time.monotonic() < deadline_s:
        time.sleep(0.02)
        snapshot = state.snapshot()
    assert snapshot.seconds(snapshot.heard) == pytest.approx(90, abs=0.2)
    assert snapshot.gaps == ()


def test_what_really_runs_is_said(make_engine, demo_path):
    """Format as negotiated, provider of the session, speed of the network."""
    engine, state = make_engine()
    engine.open(str(demo_path))
    snapshot = until(state, "ended", "failed")
    assert (snapshot.format.rate_hz, snapshot.format.channels) == (48_000, 2)
    assert snapshot.source.provider == "CPU"
    assert snapshot.health.network_speed > 1


DEVICES = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from streamseg.capture.choose import SourceOptions
    from streamseg.commands.live import LiveEngine
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


def test_a_file_that_is_not_there_is_told_and_another_can_be_opened(make_engine, demo_path):
    """The engine outlives its sources."""
    engine, state = make_engine()
    engine.open("/no/such/file.wav")
    assert "expected a" in until(state, "failed").reason
    engine.open(str(demo_path))
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


def test_an_acknowledgement_at_the_window_is_written_to_the_log(make_engine, demo_path, tmp_path):
    """With the rule and by whom; the book of the window hears of it too."""
    import json

    log = tmp_path / "log.jsonl"
    engine, state = make_engine(**{"log.file": str(log)})
    engine.acknowledged(["dead_air"])  # nothing is open: nothing happens
    engine._realtime = True  # a file at its own speed is still on when the window acknowledges
    engine._options = replace(engine._options, realtime=True)
    engine.open(str(demo_path))
    until(state, "live")
    deadline_s = time.monotonic() + WAIT_S
    while engine._sink is None and time.monotonic() < deadline_s:
        time.sleep(0.01)
    engine.acknowledged(["dead_air"])
    engine.close()
    events = [json.loads(line) for line in log.read_text().splitlines()]
    (seen,) = [event for event in events if event["event"] == "alarm_acknowledged"]
    assert (seen["rule"], seen["by"]) == ("dead_air", "window")
    assert "alarm_acknowledged" in [line.event.name for line in state.snapshot().events]


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
    import os

    picture = tmp_path / "window.png"
    command = [sys.executable, "-m", "streamseg", "live", str(demo_path)]
    done = subprocess.run(
        [*command, "--snapshot", str(picture), "--after", "1"],
        env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    from PyQt6.QtGui import QImage

    assert QImage(str(picture)).width() >= 600


def test_a_picture_that_cannot_be_saved_is_an_error(demo_path, tmp_path, qtbot):
    """Exit code 74, one line, no traceback."""
    import os

    command = [sys.executable, "-m", "streamseg", "live", str(demo_path)]
    done = subprocess.run(
        [*command, "--snapshot", str(tmp_path / "no" / "a.png"), "--after", "0"],
        env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 74
    assert "expected to write a picture" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_screen_the_verb_says_what_to_do(demo_path):
    """Qt itself would end the process with an abort."""
    import os

    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    bare = {key: value for key, value in os.environ.items() if key not in screens}
    done = subprocess.run(
        [sys.executable, "-m", "streamseg", "live", str(demo_path)],
        env=bare,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "expected a screen" in done.stderr

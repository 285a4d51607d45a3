"""The whole way: sound played to a real sound server, captured, analysed, shown, logged."""

import json
import os
import subprocess
import sys
import textwrap

import pytest
import soundfile
from servers import pulse_server
from signals import Scene, programme

RATE_HZ = 48_000
SCENES = [Scene("music", 3), Scene("silence", 2), Scene("noise", 3)]

SCRIPT = textwrap.dedent(
    """
    import json, sys, time
    from pathlib import Path
    from PyQt6.QtCore import QSettings
    from PyQt6.QtTest import QTest
    from PyQt6.QtWidgets import QApplication, QWidget
    from streamseg.capture.choose import SourceOptions
    from streamseg.commands.live import LiveEngine
    from streamseg.settings import load
    from streamseg.view.state import ViewState
    from streamseg.view.window import MainWindow

    sys.path.insert(0, sys.argv[3])
    from view_doubles import Player

    log, store, _, sound = sys.argv[1:5]
    application = QApplication(sys.argv[:1])
    state = ViewState()
    flags = {"log.file": log}
    engine = LiveEngine(state, lambda: load(environment={}, flags=flags), SourceOptions())

    def another_window():
        made = MainWindow(state, engine, Player(), QSettings(store, QSettings.Format.IniFormat))
        made.show()
        return made

    def reopen():
        global window
        window.close()
        window.deleteLater()
        QTest.qWait(500)
        window = another_window()

    def cover(window):
        global lid
        lid = QWidget()
        lid.setGeometry(window.geometry())
        lid.show()

    window = another_window()
    engine.open("mon")
    while state.snapshot().condition != "live" or not state.snapshot().heard:
        QTest.qWait(20)
        assert state.snapshot().condition != "failed", state.snapshot().reason
    import subprocess
    playing = subprocess.Popen(["paplay", "-d", "spk", sound])
    mistreat = [
        lambda: window.resize(1000, 600),
        lambda: window.showMinimized(),
        lambda: None,
        lambda: window.showNormal(),
        lambda: window.resize(1500, 900),
        lambda: cover(window),
        lambda: window.commands.freeze(),
        lambda: window.commands.jump(2.0),
        reopen,
        lambda: window.help.toggle(),
        lambda: window.commands._next_theme(),
    ]
    while playing.poll() is None or mistreat:
        QTest.qWait(400)
        if mistreat:
            mistreat.pop(0)()
    end = state.snapshot().heard
    while state.snapshot().confirmed < end:
        QTest.qWait(50)
    engine.close()
    window.tick()
    snapshot = window.deck.snapshot
    print(json.dumps({
        "spans": [[s.label, s.start, s.end] for s in snapshot.spans],
        "dropped_s": snapshot.health.dropped_s,
        "format": snapshot.format.description,
        "heard_s": snapshot.seconds(snapshot.heard),
    }))
    window.close()
    state.close()
    """
)


def test_the_displayed_time_line_equals_the_event_log(tmp_path, qtbot):
    """Captured through PulseAudio; every segment on the screen is one of the log.

    Meanwhile the window is resized, minimised, covered, frozen, closed and opened again: nothing
    is lost, and the drawing goes on.
    """
    sound = tmp_path / "programme.wav"
    made = programme(SCENES, RATE_HZ, seed=5)
    soundfile.write(sound, made.samples, RATE_HZ, subtype="FLOAT")
    log = tmp_path / "log.jsonl"
    tests = os.path.dirname(os.path.dirname(__file__))
    with pulse_server() as server:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, log, tmp_path / "w.ini", tests, sound],
            env=os.environ | server.environment,
            capture_output=True,
            text=True,
            timeout=180,
        )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout.splitlines()[-1])
    events = [json.loads(line) for line in log.read_text().splitlines()]
    closed = [
        [e["label"], e["sample"] - round(e["duration_s"] * e["rate_hz"]), e["sample"]]
        for e in events
        if e["event"] == "segment_close"
    ]
    assert {label for label, _, _ in closed} >= {"music", "silence"}
    assert len(shown["spans"]) == len(closed)
    for one, other in zip(sorted(shown["spans"]), sorted(closed), strict=True):
        assert one[0] == other[0]
        # Durations in the log have three decimals.
        assert one[1] == pytest.approx(other[1], abs=0.001 * RATE_HZ)
        assert one[2] == other[2]
    assert "PortAudio" in shown["format"]
    # A machine may be too slow for anything; what it could not take it says, in both places alike.
    dropped_s = sum(e["dropped_s"] for e in events if e["event"] == "overload")
    assert shown["dropped_s"] == pytest.approx(dropped_s, abs=0.01)
    (stopped,) = [e for e in events if e["event"] == "stopped"]
    captured_s = stopped["sample"] / stopped["rate_hz"]
    assert stopped["heard_s"] == pytest.approx(captured_s - dropped_s, abs=0.1)
    assert shown["heard_s"] == pytest.approx(captured_s, abs=0.2)

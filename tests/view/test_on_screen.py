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
SCENES = [Scene("music", 8), Scene("silence", 3), Scene("noise", 7)]

SCRIPT = textwrap.dedent(
    """
    import json, sys, time
    from pathlib import Path
    from PyQt6.QtCore import QSettings
    from PyQt6.QtTest import QTest
    from PyQt6.QtWidgets import QApplication
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
        QTest.qWait(1000)
        window = another_window()

    window = another_window()
    engine.open("mon")
    while state.snapshot().condition != "live" or not state.snapshot().heard:
        QTest.qWait(50)
        assert state.snapshot().condition != "failed", state.snapshot().reason
    import subprocess
    playing = subprocess.Popen(["paplay", "-d", "spk", sound])
    mistreat = [
        lambda: window.resize(1000, 600),
        lambda: window.showMinimized(),
        lambda: window.showNormal(),
        lambda: window.resize(1500, 900),
        lambda: window.commands.freeze(),
        lambda: window.commands.jump(3.0),
        reopen,
        lambda: window.help.toggle(),
        lambda: window.commands._next_theme(),
    ]
    while playing.poll() is None:
        QTest.qWait(1000)
        if mistreat:
            mistreat.pop(0)()
    assert not mistreat
    QTest.qWait(3000)
    engine.close()
    window.tick()
    snapshot = window.deck.snapshot
    print(json.dumps({
        "spans": [[s.label, s.start, s.end] for s in snapshot.spans],
        "dropped_s": snapshot.health.dropped_s,
        "latency": snapshot.health.latency.p95_s,
        "format": snapshot.format.description,
        "undrawn_s": snapshot.health.undrawn_s,
    }))
    window.close()
    state.close()
    """
)


def test_the_displayed_time_line_equals_the_event_log(tmp_path, qtbot):
    """Captured through PulseAudio; every segment on the screen is one of the log.

    Meanwhile the window is resized, minimised, frozen, closed and opened again: nothing is lost.
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
    assert (shown["dropped_s"], shown["undrawn_s"]) == (0, 0)

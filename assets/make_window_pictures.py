"""Take ``assets/window-*.png``: the window in the situations that the documentation shows.

Run it after a new network or a change of the window; it takes two minutes, on a machine
that has nothing else to do (the status bar says how well it kept up)::

    xvfb-run -a -s "-screen 0 1920x1080x24" .venv/bin/python assets/make_window_pictures.py

The demo programme is played at its own speed, and the window shows what the engine hears, with the
masks of ``window_mask``, in one picture with those of ``stem_unet_small``. For the picture of noise
the song of the demo is laid 10 dB under its rain; for the last one a small server sends the
programme as an endless stream, and is switched off.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import soundfile
from PyQt6.QtCore import QSettings
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from streamseg.capture.choose import SourceOptions
from streamseg.commands.live import LiveEngine
from streamseg.settings import load
from streamseg.view.region import save_picture
from streamseg.view.state import ViewState
from streamseg.view.window import MainWindow

ASSETS = Path(__file__).resolve().parent
WAIT_S = 120.0


class Silent:
    """No loudspeaker is needed."""

    played_s = None

    def stop(self) -> None:
        """Nothing is played."""


def until(window: MainWindow, done: Callable[[], bool]) -> None:
    """Let the window run until something holds."""
    began_s = time.monotonic()
    while not done():
        assert time.monotonic() - began_s < WAIT_S, "waited too long"
        QTest.qWait(50)
    window.tick()


def picture(window: MainWindow, name: str) -> None:
    """Save the window as it is."""
    window.show_status()
    QTest.qWait(200)
    save_picture(ASSETS / f"window-{name}.png", window)


def lose_a_stream(window: MainWindow, engine: LiveEngine, state: ViewState) -> None:
    """A radio stream whose server goes away."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Radio)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    engine.open(f"http://127.0.0.1:{server.server_address[1]}/radio")
    until(window, lambda: state.snapshot().condition == "live" and state.snapshot().edge > 0)
    QTest.qWait(13_000)
    Radio.on_air = False
    server.shutdown()
    server.server_close()
    until(window, lambda: state.snapshot().condition == "lost")
    QTest.qWait(6000)
    picture(window, "source-lost")


class Radio(BaseHTTPRequestHandler):
    """Sends the demo programme at its speed, with the headers of a radio station."""

    on_air = True

    def do_GET(self) -> None:
        """Until the listener or the station goes away."""
        self.send_response(200)
        self.send_header("Content-Type", "audio/ogg")
        self.send_header("icy-name", "demo")
        self.end_headers()
        data = (ASSETS / "demo.opus").read_bytes()
        step = len(data) // 900  # a tenth of a second
        for start in range(0, len(data), step):
            if not Radio.on_air:
                return
            self.wfile.write(data[start : start + step])
            time.sleep(0.1)

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""


def song_under_rain(path: Path) -> None:
    """The song of the demo, from the fourth second to the sixteenth, 10 dB under its rain."""
    sound, rate_hz = soundfile.read(ASSETS / "demo.opus", always_2d=True)

    def part(start_s: float, stop_s: float) -> np.ndarray:
        return sound[round(start_s * rate_hz) : round(stop_s * rate_hz)]

    rain, song = part(50.8, 56.3), part(26.6, 38.6)
    fade = round(0.3 * rate_hz)
    rise = np.sqrt(np.linspace(0, 1, fade))[:, None]
    length_s = 28.0
    ground = np.zeros((round(length_s * rate_hz) + len(rain), 2))
    rain = rain.copy()
    rain[:fade] *= rise
    rain[-fade:] *= rise[::-1]
    for start in range(0, round(length_s * rate_hz), len(rain) - fade):
        ground[start : start + len(rain)] += rain
    ground = ground[: round(length_s * rate_hz)]
    gain = 10 ** (-10 / 20) * np.sqrt(np.mean(rain**2) / np.mean(song**2))
    begin = 4 * rate_hz
    ground[begin : begin + len(song)] += gain * song
    soundfile.write(path, ground / np.abs(ground).max() * 0.5, rate_hz)


class Session:
    """A window on a real engine."""

    def __init__(self, application: QApplication, folder: Path) -> None:
        self.folder = folder
        self.state = ViewState()
        # The demo has five seconds of dead air: less patience, for a picture.
        flags = {"alarms.dead_air_warn_s": 1.5, "alarms.dead_air_alarm_s": 3}
        self.engine = LiveEngine(
            self.state, lambda: load(environment={}, flags=flags), SourceOptions()
        )
        store = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
        self.window = MainWindow(self.state, self.engine, Silent(), store)  # type: ignore[arg-type]
        self.window.resize(1600, 900)
        self.window.show()

    def open(self, name: str, span_s: float) -> None:
        """Open a file, shown by a name that tells nothing of this machine."""
        before = self.state.session
        self.engine.open(name)
        until(self.window, lambda: self.state.session > before and self.rate_hz > 1)
        self.window.commands.set_span(span_s)

    @property
    def rate_hz(self) -> int:
        """1 before a source is open."""
        return self.state.snapshot().rate_hz

    def hear(self, second: float) -> None:
        """Let it run until then."""
        until(self.window, lambda: self.state.snapshot().edge > second * self.rate_hz)

    def close(self) -> None:
        """All of it."""
        self.engine.close()
        self.window.close()
        self.state.close()


def main() -> None:
    """All pictures, one after the other, in real time where it must be live."""
    QApplication.setApplicationName("streamseg")
    application = QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as folder:
        session = Session(application, Path(folder))
        window = session.window
        os.chdir(ASSETS.parent)
        session.open("assets/demo.opus", 20.0)
        session.hear(15)
        picture(window, "speech-over-music")
        window.commands.set_span(60.0)
        session.hear(38)
        picture(window, "music")
        window.commands.set_span(20.0)
        window.deck.change(layers="stems")
        picture(window, "stems")
        window.deck.change(layers="classes")
        window.commands.set_span(60.0)
        session.hear(70.8)
        picture(window, "alarm")
        window.commands.acknowledge()
        session.hear(74)
        window.commands.set_span(30.0)
        window.commands.jump(33.0)
        window.deck.select(30.2, 43.1)
        window.deck.point(42.0, 440.0)
        QTest.qWait(1500)  # the selection is measured
        picture(window, "frozen")
        window.deck.select(None)
        window.deck.point(None)
        window.deck.viewport.go_live()
        song_under_rain(Path(folder) / "song-10-dB-under-rain.wav")
        os.chdir(folder)
        session.open("song-10-dB-under-rain.wav", 20.0)
        window.deck.change(top_hz=8000)
        session.hear(18.5)
        picture(window, "noise")
        window.deck.change(top_hz=16_000)
        window.commands.set_span(60.0)
        lose_a_stream(window, session.engine, session.state)
        session.close()
        os.chdir(ASSETS)
    application.quit()


if __name__ == "__main__":
    main()

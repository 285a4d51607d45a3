"""Take ``assets/window-*.png``: the window in the situations that the documentation shows.

Run it after a new network or a change of the window; it takes two minutes::

    xvfb-run -a -s "-screen 0 1920x1080x24" .venv/bin/python assets/make_window_pictures.py

The demo programme is played at its own speed, and the window shows what the engine hears. For the
last picture a small server sends the programme as an endless stream, and is then switched off.
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
    QTest.qWait(20_000)
    Radio.on_air = False
    server.shutdown()
    server.server_close()
    until(window, lambda: state.snapshot().condition == "lost")
    QTest.qWait(8000)
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


def main() -> None:
    """All pictures, one after the other, in real time where it must be live."""
    QApplication.setApplicationName("streamseg")
    application = QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as folder:
        state = ViewState()
        engine = LiveEngine(state, lambda: load(environment={}), SourceOptions())
        store = QSettings(str(Path(folder) / "window.ini"), QSettings.Format.IniFormat)
        window = MainWindow(state, engine, Silent(), store)  # type: ignore[arg-type]
        window.resize(1600, 900)
        window.show()
        os.chdir(ASSETS.parent)  # no picture shows where somebody's checkout lies
        engine.open("assets/demo.opus")
        window.commands.set_span(20.0)

        def heard(second: float) -> Callable[[], bool]:
            return lambda: state.snapshot().edge > second * state.snapshot().rate_hz

        until(window, lambda: state.snapshot().rate_hz > 1)
        until(window, heard(15))
        picture(window, "speech-over-music")
        window.commands.set_span(60.0)
        until(window, heard(38))
        picture(window, "music")
        until(window, heard(66))
        picture(window, "noise")
        window.commands.set_span(30.0)
        window.commands.jump(33.0)
        window.deck.select(26.2, 39.1)
        window.deck.point(34.0, 440.0)
        picture(window, "frozen")
        window.deck.select(None)
        window.deck.point(None)
        window.deck.viewport.go_live()
        window.commands.set_span(60.0)
        lose_a_stream(window, engine, state)
        engine.close()
        window.close()
        state.close()
    application.quit()


if __name__ == "__main__":
    main()

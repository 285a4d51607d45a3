"""Take ``docs/status-page.png``: the status page of a run on real sound, in headless Chromium.

Run it after a change of the page; it takes four minutes::

    .venv/bin/python assets/make_status_picture.py

Two sources play at their own speed, made of the demo programme: one ends in dead air.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from playwright.sync_api import sync_playwright

ASSETS = Path(__file__).resolve().parent
PICTURE = ASSETS.parent / "docs" / "status-page.png"
LENGTH_S = 240
DEAD_S = 45  # at the end of the second source: warned of after ten, an alarm after thirty


def programmes(folder: Path) -> list[str]:
    """Two files; the demo programme over and over, the second one half a programme later."""
    samples, rate_hz = soundfile.read(ASSETS / "demo.opus", dtype="float32")
    endless = np.concatenate([samples] * 4)
    other = np.roll(endless, 40 * rate_hz, axis=0)[: (LENGTH_S - DEAD_S) * rate_hz]
    dead = np.concatenate((other, np.zeros_like(samples)))
    soundfile.write(folder / "studio.flac", endless, rate_hz)
    soundfile.write(folder / "transmitter.flac", dead, rate_hz)
    return ["studio.flac", "transmitter.flac"]


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Run, wait, take the picture."""
    with tempfile.TemporaryDirectory() as folder:
        files = programmes(Path(folder))
        port = free_port()
        command = [sys.executable, "-m", "streamseg", "log", "--realtime", "-q", "-o", "air.jsonl"]
        command += [f"--status=127.0.0.1:{port}", *files]
        process = subprocess.Popen(command, cwd=folder)
        try:
            time.sleep(LENGTH_S - 2)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox"]
                )
                page = browser.new_page(
                    viewport={"width": 1000, "height": 300}, color_scheme="dark"
                )
                page.goto(f"http://127.0.0.1:{port}/")
                page.wait_for_selector(".strip[aria-label]")
                page.wait_for_timeout(1500)
                page.screenshot(path=PICTURE, full_page=True)
                browser.close()
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()

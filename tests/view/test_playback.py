"""Facts about playing a region, on a real sound server."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from servers import pulse_server

RATE_HZ = 48_000

PLAY = textwrap.dedent(
    """
    import sys, time
    import numpy as np
    from streamseg.capture.playback import DevicePlayer

    player = DevicePlayer()
    assert player.played_s is None
    time_s = np.arange(48_000) / 48_000
    left = 0.5 * np.sin(2 * np.pi * 1000 * time_s)
    right = 0.5 * np.sin(2 * np.pi * 3000 * time_s)
    player.play(np.stack((left, right), axis=1).astype(np.float32), 48_000)
    furthest_s, began_s = 0.0, time.monotonic()
    while player.played_s is not None:
        furthest_s = max(furthest_s, player.played_s or 0.0)
        assert time.monotonic() - began_s < 30
        time.sleep(0.01)
    assert furthest_s > 0.5
    player.play(np.zeros((480_000, 1), np.float32), 48_000)
    player.stop()
    assert player.played_s is None
    """
)


def test_what_is_played_comes_out(tmp_path):
    """A second of two tones, each from its side of the sink; then quiet on demand."""
    with pulse_server() as server:
        recorded = tmp_path / "out.raw"
        with recorded.open("wb") as file:
            recorder = subprocess.Popen(
                ["parec", "-d", "spk.monitor", "--format=float32le", "--rate=48000",
                 "--channels=2"],
                env=server.environment,
                stdout=file,
            )  # fmt: skip
            try:
                done = subprocess.run(
                    [sys.executable, "-c", PLAY],
                    env=server.environment,
                    capture_output=True,
                    text=True,
                    timeout=90,
                )
            finally:
                recorder.terminate()
                recorder.wait()
    assert done.returncode == 0, done.stderr
    sound = np.fromfile(recorded, "<f4").reshape(-1, 2)
    heard = np.flatnonzero(np.abs(sound).max(axis=1) > 1e-4)
    loud = sound[heard[0] : heard[-1] + 1]
    assert 0.7 * RATE_HZ < len(loud) <= 1.01 * RATE_HZ
    spectrum = np.abs(np.fft.rfft(loud * np.hanning(len(loud))[:, None], axis=0))
    tones_hz = spectrum.argmax(axis=0) * RATE_HZ / len(loud)
    assert tones_hz == pytest.approx((1000, 3000), abs=20)


def test_without_an_output_device_the_error_says_what_to_do():
    """No sound server and no card: one sentence, no hang."""
    code = textwrap.dedent(
        """
        import numpy as np
        from streamseg.capture.playback import DevicePlayer
        from streamseg.errors import SourceUnavailableError
        try:
            DevicePlayer().play(np.zeros((100, 1), np.float32), 12_345)
        except SourceUnavailableError as error:
            print(error)
        """
    )
    with pulse_server() as server:
        environment = dict(server.environment)
    # The server is gone now, and its configuration leads nowhere.
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert "expected an output device" in done.stdout, done.stderr

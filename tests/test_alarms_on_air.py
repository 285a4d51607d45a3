"""Alarms on a real sound server: what is broken in what is played is what the log says."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from servers import pulse_server, wait_until
from signals import music, silence

RATE_HZ = 48_000
WAIT_S = 60
LIMITS = {
    "STREAMSEG_ALARMS_DEAD_AIR_WARN_S": "2",
    "STREAMSEG_ALARMS_DEAD_AIR_ALARM_S": "100",
    "STREAMSEG_ALARMS_PHASE_S": "2",
    "STREAMSEG_ALARMS_RECOVERY_S": "1",
}


def broken(path):
    """Five seconds of music with the right channel inverted, four of silence, three of music."""
    tune = music(8, RATE_HZ, level_dbfs=-12)
    left = np.concatenate((tune[: 5 * RATE_HZ], silence(4, RATE_HZ), tune[5 * RATE_HZ :]))
    right = left.copy()
    right[: 5 * RATE_HZ] *= -1
    soundfile.write(path, np.stack((left, right), axis=1), RATE_HZ, subtype="FLOAT")


def streamseg(*arguments):
    """What a verb prints."""
    command = [sys.executable, "-m", "streamseg", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_broken_programme_raises_its_alarms_and_explains_them(tmp_path):
    """PulseAudio plays, PortAudio captures both channels: phase and dead air, raised, acknowledged
    from another process, cleared, and explained."""
    log, sound = tmp_path / "air.jsonl", tmp_path / "broken.wav"
    broken(sound)

    def alarms(kind):
        lines = log.read_text().splitlines() if log.exists() else []
        return [
            e for e in map(json.loads, lines) if e["event"] == kind and e["rule"] != "true_peak"
        ]

    def rules(kind):
        return {event["rule"] for event in alarms(kind)}

    with pulse_server() as server:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamseg", "log", "mon", "-o", str(log), "-q"],
            env={**os.environ, **server.environment, **LIMITS},
        )
        try:
            wait_until(lambda: server.recorders() == 1, "the capture", WAIT_S)
            player = server.play(sound)
            wait_until(lambda: "phase_inverted" in rules("alarm_raised"), "the phase", WAIT_S)
            said = streamseg("ack", log, "--rule", "phase_inverted", "--by", "ana")
            assert said == "acknowledged by ana: phase_inverted of all sources\n"
            player.wait(WAIT_S)
            wait_until(lambda: len(alarms("alarm_cleared")) >= 2, "the end", WAIT_S)
            process.send_signal(signal.SIGINT)
            assert process.wait(WAIT_S) == 130
        finally:
            process.kill()
            process.wait()
    assert rules("alarm_raised") == rules("alarm_cleared") == {"phase_inverted", "dead_air"}
    (seen,) = alarms("alarm_acknowledged")
    assert (seen["rule"], seen["by"]) == ("phase_inverted", "ana")
    phase = next(e for e in alarms("alarm_cleared") if e["rule"] == "phase_inverted")
    assert phase["duration_s"] == pytest.approx(9, abs=0.7)  # the silence says nothing about it
    gaps = [e["duration_s"] for e in alarms("alarm_cleared") if e["rule"] == "dead_air"]
    assert any(gap == pytest.approx(4, abs=0.1) for gap in gaps)
    told = streamseg("explain", log, "--rule", "phase_inverted")
    assert "phase_inverted was raised (alarm)" in told
    assert "correlation of the channels -1.00" in told

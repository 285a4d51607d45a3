"""Facts about the whole program on real sound servers: what is played is what is logged."""

import json
import signal
import subprocess
import sys

import pytest
import soundfile
from servers import icecast_server, pulse_server, wait_until
from signals import Scene, programme

RATE_HZ = 48_000
SCENES = [Scene("music", 9), Scene("silence", 3), Scene("speech", 9), Scene("noise", 8)]
COLLAR_S = 1.0  # an edge of speech or music is no sharper than its smoothing
WAIT_S = 60


@pytest.fixture(scope="module")
def on_air(tmp_path_factory):
    """A programme as a 48 kHz stereo file, and its truth."""
    made = programme(SCENES, RATE_HZ, seed=11)
    path = tmp_path_factory.mktemp("air") / "programme.wav"
    stereo = made.samples[:, None].repeat(2, axis=1)
    soundfile.write(path, stereo, RATE_HZ, subtype="FLOAT")
    return path, made


def start(source, log, environment=None):
    """``streamseg log`` in a process of its own; what it says goes to a file beside the log."""
    with log.with_suffix(".err").open("w") as stderr:
        return subprocess.Popen(
            [sys.executable, "-m", "streamseg", "log", source, "-o", str(log)],
            env=environment,
            stderr=stderr,
        )


def events(log):
    """What the log holds so far."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def segments(log):
    """Label, start and end in seconds of everything that was closed, in order of its start."""
    found = []
    for event in events(log):
        if event["event"] == "segment_close":
            end_s = event["sample"] / event["rate_hz"]
            found.append((event["label"], end_s - event["duration_s"], end_s))
    return sorted(found, key=lambda row: row[1])


def hears(found, label, start_s, end_s):
    """Whether a segment of this label has these edges, within the collar."""
    return any(
        label == other
        and start == pytest.approx(start_s, abs=COLLAR_S)
        and end == pytest.approx(end_s, abs=COLLAR_S)
        for other, start, end in found
    )


def test_a_programme_through_a_sound_server_is_logged_as_it_was_played(tmp_path, on_air):
    """PulseAudio plays, PortAudio captures: every segment of the reference is in the log."""
    path, made = on_air
    log = tmp_path / "log.jsonl"
    with pulse_server() as server:
        process = start("mon", log, server.environment)
        try:
            wait_until(lambda: server.recorders() == 1, "the capture", WAIT_S)
            server.play(path).wait(WAIT_S)
            # Two seconds of nothing after it close the last segment.
            wait_until(lambda: len(segments(log)) >= 4, "the segments", WAIT_S)
            process.send_signal(signal.SIGINT)
            assert process.wait(WAIT_S) == 130
        finally:
            process.kill()
            process.wait()
    found = segments(log)
    # The silence in the middle tells where on the capture's time the programme began.
    silence = next(row for row in found if row[0] == "silence" and row[1] > 3)
    truth = {row.label: row for row in made.truth}
    offset_s = silence[2] - truth["silence"].end_s
    for label, row in truth.items():
        assert hears(found, label, row.start_s + offset_s, row.end_s + offset_s), (row, found)
    assert not [event for event in events(log) if event["event"] == "overload"]
    assert events(log)[-1]["dropped_s"] == 0


def test_a_sound_server_that_dies_is_waited_for(tmp_path, on_air):
    """What was heard until then is in the log, closed; the loss is; and the program goes on."""
    log = tmp_path / "log.jsonl"
    with pulse_server() as server:
        process = start("mon", log, server.environment)
        player = None
        try:
            wait_until(lambda: server.recorders() == 1, "the capture", WAIT_S)
            player = server.play(on_air[0])
            wait_until(lambda: "music" in str(events(log)), "the music", WAIT_S)
            server.kill()
            wait_until(lambda: "source_lost" in str(events(log)), "the loss", WAIT_S)
            kinds = [event["event"] for event in events(log)]
            assert kinds.count("segment_open") == kinds.count("segment_close")
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            assert process.wait(WAIT_S) == 130
        finally:
            for child in (process, player):
                if child is not None:
                    child.kill()
                    child.wait()
    assert events(log)[-1]["event"] == "stopped"


def test_a_sound_server_that_is_not_there_is_one_clear_error_and_69(tmp_path):
    """At the start a person is there to read it; nothing is logged."""
    log = tmp_path / "log.jsonl"
    with pulse_server() as server:
        server.kill()
        process = start("mon", log, server.environment)
        assert process.wait(WAIT_S) == 69
    error = log.with_suffix(".err").read_text().strip()
    assert 1 <= len(error.splitlines()) <= 2
    assert "expected an input device, got none" in error
    assert events(log) == []


def test_an_icecast_stream_is_logged(tmp_path, on_air):
    """Through a real server and a real encoder: music, silence and speech in their order."""
    log = tmp_path / "log.jsonl"
    with icecast_server() as server:
        feeder = server.feed("live.mp3", on_air[0])
        process = None
        try:
            process = start(server.url("live.mp3"), log)
            wait_until(lambda: "segment_close" in str(events(log)), "a segment", WAIT_S)
            process.send_signal(signal.SIGINT)
            assert process.wait(WAIT_S) == 130
        finally:
            for child in (process, feeder):
                if child is not None:
                    child.kill()
                    child.wait()
    labels = [row[0] for row in segments(log)]
    assert "music" in labels

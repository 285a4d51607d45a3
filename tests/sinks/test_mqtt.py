"""A real broker: what it is told, what it keeps, and what happens when it dies."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from broker import Broker, Listener, broker, listener
from made_events import RATE_HZ, closed, lost, opened, restored, started
from servers import need, wait_until

from streamseg.errors import ConfigError
from streamseg.settings_outputs import MqttSettings
from streamseg.sinks.board import Board
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.fan_out import FanOut
from streamseg.sinks.mqtt import Mqtt


@contextlib.contextmanager
def running(
    folder: Path,
    settings: MqttSettings,
    notes: list[str] | None = None,
    drain_s: float = 5.0,
) -> Iterator[FanOut]:
    """The sink of a monitor with this output alone."""
    log = EventLog(folder / "log.jsonl")
    board = Board(["studio"], "activity")
    warn = pytest.fail if notes is None else notes.append
    fan_out = FanOut(log, [board.apply], [Mqtt(settings, board, ["studio"], warn)], warn)
    fan_out.start()
    try:
        yield fan_out
    finally:
        fan_out.close(drain_s)
        log.close()


def event_seconds(heard: Listener) -> list[float]:
    """When the events were that a subscriber has got, in its order."""
    records = [json.loads(text) for topic, text in heard.messages if topic.endswith("/event")]
    return [record["sample"] / RATE_HZ for record in records]


def test_states_and_events_reach_a_subscriber(tmp_path: Path) -> None:
    """ON, OFF, lost and back; at the end everything is offline."""
    with broker() as running_broker, listener(running_broker.port) as heard:
        settings = MqttSettings(url=f"mqtt://127.0.0.1:{running_broker.port}")
        with running(tmp_path, settings) as fan_out:
            fan_out(started())
            fan_out(opened(1, "silence"))
            told = heard.retained
            wait_until(lambda: told.get("streamseg/studio/silence") == "ON", "ON")
            assert told["streamseg/status"] == told["streamseg/studio/status"] == "online"
            fan_out(closed(1, 4, "silence"))
            fan_out(lost(5))
            wait_until(lambda: told.get("streamseg/studio/silence") == "OFF", "OFF")
            wait_until(lambda: told["streamseg/studio/status"] == "offline", "the loss")
            fan_out(restored(9, 4))
            wait_until(lambda: told["streamseg/studio/status"] == "online", "the return")

            def condition() -> str:
                return str(json.loads(told["streamseg/studio/state"])["condition"])

            wait_until(lambda: condition() == "up", "the JSON state")
        wait_until(lambda: told["streamseg/status"] == "offline", "the end")
        assert event_seconds(heard) == [0, 1, 4, 5, 9]
        assert any(topic.startswith("homeassistant/binary_sensor/") for topic in told)


def test_states_are_retained(tmp_path: Path) -> None:
    """Who subscribes later knows at once what is on air; events are not repeated to him."""
    with broker() as running_broker:
        settings = MqttSettings(url=f"mqtt://127.0.0.1:{running_broker.port}")
        with (
            listener(running_broker.port) as early,
            running(tmp_path, settings) as fan_out,
        ):
            fan_out(started())
            fan_out(opened(1, "silence"))
            wait_until(lambda: early.retained.get("streamseg/studio/silence") == "ON", "ON")
            wait_until(lambda: event_seconds(early) == [0, 1], "the events")
            with listener(running_broker.port, "streamseg/#") as late:
                wait_until(lambda: late.retained.get("streamseg/studio/silence") == "ON", "ON")
                assert event_seconds(late) == []


@pytest.mark.parametrize("crash", [False, True])
def test_a_broker_that_goes_and_comes_back_gets_every_event_in_order(
    tmp_path: Path, crash: bool
) -> None:
    """Nothing is lost, nothing overtakes, and the states are told again.

    Stopped in order it goes in the middle of a delivery, twice. Before a crash it is given the time
    to hand on what it has acknowledged, because that it loses by itself.
    """
    notes: list[str] = []
    with broker() as running_broker, listener(running_broker.port) as heard:
        settings = MqttSettings(url=f"mqtt://127.0.0.1:{running_broker.port}")

        def all_are_there(seconds: int) -> None:
            wait_until(lambda: len(set(event_seconds(heard))) == seconds, f"{seconds} events")

        with running(tmp_path, settings, notes) as fan_out:
            fan_out(started(0))
            second = 1
            for _ in range(2):
                for _ in range(100):
                    fan_out(opened(second))
                    second += 1
                if crash:
                    all_are_there(second)
                    running_broker.kill()
                else:
                    running_broker.stop()
                for _ in range(100):
                    fan_out(opened(second))
                    second += 1
                heard.retained.clear()
                running_broker.start()
                all_are_there(second)
            wait_until(lambda: heard.retained.get("streamseg/status") == "online", "the states")
        # The broker may say some of the last ones again: what counts is when each came first.
        assert list(dict.fromkeys(event_seconds(heard))) == list(range(second))
        assert [note for note in notes if "connected again" in note]
        assert not [note for note in notes if "not delivered" in note]


def test_a_broker_that_is_away_at_the_start_is_waited_for(tmp_path: Path) -> None:
    """The monitor does not depend on it."""
    with broker() as running_broker, listener(running_broker.port) as heard:
        running_broker.kill()
        settings = MqttSettings(url=f"mqtt://127.0.0.1:{running_broker.port}")
        with running(tmp_path, settings, []) as fan_out:
            fan_out(started(0))
            fan_out(opened(1))
            running_broker.start()
            wait_until(lambda: event_seconds(heard) == [0, 1], "both events")


def test_what_waits_is_bounded_and_counted(tmp_path: Path) -> None:
    """Without a broker the newest events stay; the end does not wait for it."""
    notes: list[str] = []
    settings = MqttSettings(url="mqtt://127.0.0.1:9", queue_events=10)
    with running(tmp_path, settings, notes, 0.1) as fan_out:
        for second in range(50):
            fan_out(opened(second))
            assert fan_out.lanes[0].waiting <= 10
        assert 39 <= fan_out.lanes[0].dropped <= 40
    assert notes[-1] == "mqtt: 50 events were not delivered; the log has them all"
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 50


def test_a_killed_monitor_leaves_its_last_will(tmp_path: Path) -> None:
    """The broker says offline for it."""
    code = (
        "import sys, time; from pathlib import Path\n"
        "from streamseg.settings_outputs import MqttSettings\n"
        "from streamseg.sinks.board import Board; from streamseg.sinks.mqtt import Mqtt\n"
        "mqtt = Mqtt(MqttSettings(url=sys.argv[1]), Board(['studio']), ['studio'])\n"
        "while True: mqtt.tick(); time.sleep(0.1)\n"
    )
    with broker() as running_broker, listener(running_broker.port) as heard:
        url = f"mqtt://127.0.0.1:{running_broker.port}"
        child = subprocess.Popen([sys.executable, "-c", code, url])
        try:
            wait_until(lambda: heard.retained.get("streamseg/status") == "online", "online")
        finally:
            child.kill()
            child.wait()
        wait_until(lambda: heard.retained["streamseg/status"] == "offline", "the last will")


# Who may speak to the broker


@pytest.fixture
def password_broker(tmp_path: Path) -> Iterator[tuple[Broker, Path]]:
    """A broker that lets in ``ana`` with her password, and the file that holds it."""
    need("mosquitto mosquitto_passwd", "mosquitto")
    users = tmp_path / "users"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(users), "ana", "open sesame"], check=True)
    users.chmod(0o644)
    secret = tmp_path / "secret"
    secret.write_text("open sesame\n")
    with broker(f"allow_anonymous false\npassword_file {users}") as made:
        yield made, secret


def test_the_password_comes_from_a_file_or_the_environment(
    password_broker: tuple[Broker, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong one is refused by the broker, and said."""
    made, secret = password_broker
    url = f"mqtt://ana@127.0.0.1:{made.port}"
    with running(tmp_path, MqttSettings(url=url, password_file=str(secret))) as fan_out:
        fan_out(started(0))
        wait_until(lambda: fan_out.lanes[0].waiting == 0, "the delivery")
    monkeypatch.setenv("STREAMSEG_MQTT_PASSWORD", "open sesame")
    with running(tmp_path, MqttSettings(url=url)) as fan_out:
        fan_out(started(0))
        wait_until(lambda: fan_out.lanes[0].waiting == 0, "the delivery")
    monkeypatch.setenv("STREAMSEG_MQTT_PASSWORD", "wrong")
    notes: list[str] = []
    with running(tmp_path, MqttSettings(url=url), notes):
        wait_until(lambda: bool(notes), "the refusal")
    assert "the broker refused" in notes[0]
    assert not [note for note in notes if "wrong" in note]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and a server certificate for 127.0.0.1 that it signed."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl: apt-get install openssl")
    folder = tmp_path_factory.mktemp("tls")
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1\n")
    new = "req -newkey rsa:2048 -nodes -days 2"
    for line in (
        f"{new} -x509 -keyout ca.key -out ca.pem -subj /CN=test-authority"
        " -addext keyUsage=critical,keyCertSign,cRLSign",
        f"{new} -keyout server.key -out server.csr -subj /CN=127.0.0.1",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
        " -extfile san -out server.pem",
    ):
        subprocess.run(["openssl", *line.split()], cwd=folder, check=True, capture_output=True)
    (folder / "server.key").chmod(0o644)
    return folder


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tls_with_the_right_authority_and_not_without(certificates: Path, tmp_path: Path) -> None:
    """A broker that cannot prove who it is gets nothing."""
    tls = "allow_anonymous true\n"
    tls += f"certfile {certificates}/server.pem\nkeyfile {certificates}/server.key"
    notes: list[str] = []
    with broker(tls) as made:
        url = f"mqtts://127.0.0.1:{made.port}"
        trusting = MqttSettings(url=url, ca_file=str(certificates / "ca.pem"))
        with running(tmp_path, trusting) as fan_out:
            fan_out(started(0))
            wait_until(lambda: fan_out.lanes[0].waiting == 0, "the delivery")
        with running(tmp_path, MqttSettings(url=url), notes, 0.1) as fan_out:
            for second in range(3):
                fan_out(opened(second))
            wait_until(lambda: bool(notes), "the refusal")
    assert "cannot connect" in notes[0]
    assert notes[-1] == "mqtt: 3 events were not delivered; the log has them all"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": "mqtt://host", "ca_file": "ca.pem"}, "expected mqtts://"),
        ({"url": "mqtts://host", "ca_file": "/no/such/ca.pem"}, "certificates that can be read"),
        ({"url": "mqtt://host:99999"}, "expected a port up to 65535"),
        ({"url": "mqtt://host", "password_file": "/no/such/file"}, r"mqtt\.password_file"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_the_start(
    settings: dict[str, str], message: str
) -> None:
    """With exit code 78, naming the setting."""
    with pytest.raises(ConfigError, match=message):
        Mqtt(MqttSettings(**settings), Board([]), [])  # type: ignore[arg-type]

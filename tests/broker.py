"""A real MQTT broker for tests: Mosquitto on loopback, that can be killed and started again."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from servers import end, free_port, need, wait_until

_numbers = itertools.count()


class Broker:
    """Mosquitto in a folder of its own; what it was told to keep survives its death."""

    def __init__(self, folder: Path, extra: str = "") -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        data = folder / "data"
        data.mkdir()
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\n"
            f"persistence true\npersistence_location {data}/\n"
            "autosave_on_changes true\nautosave_interval 1\n"
            f"{'user root' if os.geteuid() == 0 else ''}\n"
            f"{extra or 'allow_anonymous true'}\n"
        )
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.process = subprocess.Popen(
            ["mosquitto", "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers, "Mosquitto")

    def kill(self) -> None:
        """As when it crashes: what it had not yet handed on is gone."""
        end(self.process)

    def stop(self) -> None:
        """In order: what it had not yet handed on is there again after the next start."""
        self.process.terminate()
        self.process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Listener:
    """Subscribes to everything, in a session that lives on when the broker is away."""

    def __init__(self, port: int, topic: str = "#") -> None:
        self.messages: list[tuple[str, str]] = []
        self.retained: dict[str, str] = {}
        self._topic = topic
        self._subscribed = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"listener-{next(_numbers)}", clean_session=False
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *rest: client.subscribe(topic, qos=1)
        self._client.on_subscribe = lambda *rest: self._subscribed.set()
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(10)

    def _take(self, client: paho.Client, user: object, message: paho.MQTTMessage) -> None:
        text = message.payload.decode()
        self.messages.append((message.topic, text))
        self.retained[message.topic] = text

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()


@contextlib.contextmanager
def broker(extra: str = "") -> Iterator[Broker]:
    """A broker, or the test is skipped."""
    need("mosquitto", "mosquitto")
    with tempfile.TemporaryDirectory(prefix="mosquitto-") as folder:
        running = Broker(Path(folder), extra)
        try:
            yield running
        finally:
            end(running.process)


@contextlib.contextmanager
def listener(port: int, topic: str = "#") -> Iterator[Listener]:
    """A subscriber."""
    made = Listener(port, topic)
    try:
        yield made
    finally:
        made.close()

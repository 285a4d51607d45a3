"""States and events to a message broker, with a last will, by paho-mqtt.

Runs on a lane of its own (see ``fan_out``); paho has one more thread for the network, which
connects and reconnects (1 s to a minute apart). An event is published with quality of service 1,
and the next one only when the broker has acknowledged it: so their order is kept whatever happens
to the connection, and none is lost. (One that was acknowledged while it broke may come twice;
they carry source and sample, which tell.) While the broker is away events wait in the lane's queue,
``queue_events`` of them; then the oldest is dropped and counted.

States are retained messages, of which only the newest counts: they are sent when they change, and
all of them again after every connection, because a broker may forget.
"""

from __future__ import annotations

import ssl
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from streamseg.errors import ConfigError
from streamseg.settings_outputs import MqttSettings
from streamseg.sinks.board import Board, SourceState
from streamseg.sinks.events import Event
from streamseg.sinks.lines import to_line
from streamseg.sinks.mqtt_messages import OFFLINE, ONLINE, Messages
from streamseg.sinks.secret import read_secret

PORTS = {"mqtt": 1883, "mqtts": 8883}
KEEPALIVE_S = 20
LONGEST_RETRY_S = 60
_WAIT_S = 0.2


class Mqtt:
    """The client; an output of the fan-out.

    Connects in the background: a broker that is away at the start is waited for. Raises ConfigError
    for settings that cannot work.
    """

    name = "mqtt"

    def __init__(
        self,
        settings: MqttSettings,
        board: Board,
        names: list[str],
        warn: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True),
    ) -> None:
        self.capacity = settings.queue_events
        self._settings = settings
        self._board = board
        self._warn = warn
        self._messages = Messages(settings, names)
        self._sent: dict[str, str] = {}  # retained topics: what the broker was told last
        self._changed = threading.Condition()
        self._connected = False
        self._acknowledged: set[int] = set()  # since the last call on the lane
        self._leave = threading.Event()
        self._was_away = False
        self._figures_at_s = 0.0
        self._started = False
        self._client = self._make_client()

    def _make_client(self) -> paho.Client:
        settings = self._settings
        url = urlsplit(settings.url)
        client = paho.Client(CallbackAPIVersion.VERSION2, clean_session=True)
        password = read_secret(
            settings.password_file, "STREAMSEG_MQTT_PASSWORD", "mqtt.password_file"
        )
        if url.username:
            client.username_pw_set(url.username, password or None)
        if url.scheme == "mqtts":
            _use_tls(client, settings)
        elif settings.ca_file or settings.cert_file:
            raise ConfigError("mqtt.url: expected mqtts://, because a certificate is given for TLS")
        client.will_set(self._messages.status, OFFLINE, qos=1, retain=True)
        client.reconnect_delay_set(1, LONGEST_RETRY_S)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        try:
            port = url.port or PORTS[url.scheme]
        except ValueError:
            raise ConfigError(f"mqtt.url: expected a port up to 65535 in {settings.url}") from None
        client.connect_async(url.hostname or "", port, KEEPALIVE_S)
        return client

    # Lane of this output

    def handle(self, event: Event) -> None:
        """Publish an event; returns when the broker has it, or after ``abandon``."""
        topic, payload = self._messages.event_topic(event.stamp.source), to_line(event).rstrip()
        self._start()
        self._wait(lambda: self._connected)
        if self._leave.is_set():
            return
        self._acknowledged.clear()
        number = self._client.publish(topic, payload, qos=1).mid
        # Unacknowledged at a break of the connection: paho sends it again after the next one.
        self._wait(lambda: number in self._acknowledged)

    def tick(self) -> None:
        """Publish the states that changed, and from time to time the figures."""
        self._acknowledged.clear()
        self._start()
        if not self._connected:
            return
        figures = time.monotonic() >= self._figures_at_s
        if figures:
            self._figures_at_s = time.monotonic() + self._settings.state_s
        due: dict[str, str] = {}

        def look(state: SourceState) -> None:
            changed = self._messages.states(state) | self._messages.discovery(state)
            news = any(self._sent.get(topic) != payload for topic, payload in changed.items())
            due.update(changed)
            if news or figures:
                due.update(self._messages.figures(state))

        due[self._messages.status] = ONLINE
        self._board.read(look)
        for topic, payload in due.items():
            if self._sent.get(topic) != payload:
                self._sent[topic] = payload
                self._client.publish(topic, payload, qos=1, retain=True)

    def _start(self) -> None:
        if not self._started:
            self._started = True
            self._client.loop_start()

    def abandon(self) -> None:
        """Wait for the broker no longer."""
        self._leave.set()
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Say goodbye: a clean disconnection sends no last will, so the same is said here."""
        if self._connected:
            self.tick()
            farewell = self._client.publish(self._messages.status, OFFLINE, qos=1, retain=True)
            deadline_s = time.monotonic() + 2.0
            while not farewell.is_published() and time.monotonic() < deadline_s:
                time.sleep(0.01)
        self._client.disconnect()
        self._client.loop_stop()

    def _wait(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            while not condition() and not self._leave.is_set():
                self._changed.wait(_WAIT_S)

    # Thread of paho

    def _on_connect(
        self,
        client: paho.Client,
        user: Any,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: Any,
    ) -> None:
        if reason.is_failure:
            self._away(f"the broker refused: {reason}")
            return
        if self._was_away:
            self._was_away = False
            self._warn("mqtt: connected again")
        with self._changed:
            self._sent = {}
            self._connected = True
            self._changed.notify_all()

    def _on_connect_fail(self, client: paho.Client, user: Any) -> None:
        self._away(f"cannot connect to {client.host}:{client.port}")

    def _on_disconnect(
        self,
        client: paho.Client,
        user: Any,
        flags: paho.DisconnectFlags,
        reason: ReasonCode,
        properties: Any,
    ) -> None:
        with self._changed:
            self._connected = False
        if reason.is_failure:
            self._away(f"connection lost: {reason}")

    def _on_publish(
        self, client: paho.Client, user: Any, number: int, reason: ReasonCode, properties: Any
    ) -> None:
        with self._changed:
            self._acknowledged.add(number)
            self._changed.notify_all()

    def _away(self, what: str) -> None:
        if not self._was_away:
            self._was_away = True
            self._warn(f"mqtt: {what}; events wait, at most {self.capacity}")


def _use_tls(client: paho.Client, settings: MqttSettings) -> None:
    try:
        client.tls_set(
            ca_certs=settings.ca_file or None,
            certfile=settings.cert_file or None,
            keyfile=settings.key_file or None,
            cert_reqs=ssl.CERT_REQUIRED,
        )
    except (OSError, ValueError) as error:
        raise ConfigError(f"mqtt: expected certificates that can be read: {error}") from None

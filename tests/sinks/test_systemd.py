"""The words to systemd, over a real socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamseg.sinks.systemd import Systemd


@pytest.fixture
def notify_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """What systemd listens on."""
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("needs Unix sockets")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield made


def heard(notify_socket: socket.socket) -> list[str]:
    """Everything that was said since the last call."""
    words = []
    while True:
        try:
            words.append(notify_socket.recv(1000).decode())
        except BlockingIOError:
            return words


def systemd(stuck: list[str], notes: list[str], **environment: str) -> Systemd:
    """As systemd starts it."""
    return Systemd(lambda: stuck, lambda: "all wéll ▁", environment, notes.append)


def test_ready_is_said_once_and_stopping_at_the_end(notify_socket: socket.socket) -> None:
    """With the status line between them."""
    service = systemd([], [])
    service.ready()
    service.ready()
    service.tend()
    service.tend()
    service.stopping()
    assert heard(notify_socket) == ["READY=1", "STATUS=all w?ll ?", "STOPPING=1"]


def test_the_watchdog_is_fed_while_the_work_goes_on(
    notify_socket: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And starved when it does not, which is said once."""
    stuck: list[str] = []
    notes: list[str] = []
    now_s = 1000.0
    monkeypatch.setattr("streamseg.sinks.systemd.time.monotonic", lambda: now_s)
    service = systemd(stuck, notes, WATCHDOG_USEC="4000000")
    for _ in range(40):
        service.tend()
        now_s += 0.1
    assert heard(notify_socket).count("WATCHDOG=1") == 4
    stuck.append("the network has done nothing for 31 s")
    for _ in range(40):
        service.tend()
        now_s += 0.1
    assert "WATCHDOG=1" not in heard(notify_socket)
    assert notes == ["watchdog: the network has done nothing for 31 s; waiting to be restarted"]
    service.stopping()


def test_a_watchdog_of_another_process_is_not_ours(notify_socket: socket.socket) -> None:
    """systemd names the process that it means."""
    service = systemd([], [], WATCHDOG_USEC="4000000", WATCHDOG_PID=str(os.getpid() + 1))
    service.tend()
    assert "WATCHDOG=1" not in heard(notify_socket)
    service.stopping()


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual case."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    service = systemd([], [])
    service.ready()
    service.tend()
    service.stopping()

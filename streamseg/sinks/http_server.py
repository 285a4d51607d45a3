"""A small HTTP server on a thread of its own, for the metrics and the status page.

Starlette answers, uvicorn listens. Everything that is not on loopback was asked for by name in the
settings. What listens on loopback answers to loopback's names only, so that a page elsewhere cannot
read it through the browser of this machine (DNS rebinding). No request ever leads to a file: every
path is a route of the program.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streamseg.errors import CannotWriteError, ConfigError

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
MOST_CONNECTIONS = 64
_STOP_S = 3.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Nobody else than this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_address(text: str, key: str) -> Address:
    """``127.0.0.1:9464``, ``[::1]:9464``, ``name:9464``, or a port alone, which is loopback's.

    Raises ConfigError, naming the setting ``key``.
    """
    match = re.fullmatch(r"(?:(\[[0-9a-fA-F:.]+\]|[^\s:\[\]/]+):)?(\d{1,5})", text.strip())
    if match is None or int(match[2]) > 65_535:
        raise ConfigError(f"{key}: expected HOST:PORT as in 127.0.0.1:9464, got {text!r}")
    return Address((match[1] or "127.0.0.1").strip("[]"), int(match[2]))


class Guard:
    """Refuses strange names of this host, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, loopback: bool) -> None:
        self._app = app
        self._loopback = loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        app = self._app
        if self._loopback and not _is_local(Headers(scope=scope).get("host", "")):
            app = PlainTextResponse("this address is not mine\n", status_code=421)
        await app(scope, receive, send_with_headers)


def _is_local(host: str) -> bool:
    name = re.sub(r":\d+$", "", host).strip("[]").lower()
    return Address(name, 0).loopback


class HttpServer:
    """Listens from ``start`` to ``stop``."""

    def __init__(self, address: Address, routes: Sequence[Route], key: str) -> None:
        """Takes the address at once. Raises CannotWriteError if it is not to be had."""
        try:
            family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0][0]
            self._socket = socket.create_server((address.host, address.port), family=family)
        except OSError as error:
            raise CannotWriteError(
                f"{key}: expected a free address to listen on, got {address.host}:{address.port}: "
                f"{error.strerror or error}; choose another one"
            ) from None
        self.port: int = self._socket.getsockname()[1]
        app = Guard(Starlette(routes=list(routes)), address.loopback)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                ws="none",
                loop="asyncio",
                http="h11",
                limit_concurrency=MOST_CONNECTIONS,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name=f"http {key}", daemon=True
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and let the port go."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_S)
        self._socket.close()

"""The status page: what is on air, the last hour, alarms and health, in any browser.

Loopback needs no password. Any other address needs a token (16 characters or more), as
``Authorization: Bearer TOKEN`` from a program or typed once into the page, which then keeps a
cookie. Only ``/healthz`` answers without it, with nothing but ``ok`` or ``not ok``. The page only
shows; it changes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from streamseg.errors import ConfigError
from streamseg.settings_outputs import StatusSettings
from streamseg.sinks.board import Board
from streamseg.sinks.fan_out import FanOut
from streamseg.sinks.health import Health
from streamseg.sinks.http_server import Address, parse_address
from streamseg.sinks.secret import read_secret
from streamseg.sinks.status_state import state_now, timeline

PAGES = Path(__file__).resolve().parent / "pages"
COOKIE = "streamseg"
SHORTEST_TOKEN = 16
WRONG_TOKEN_S = 1.0  # before the answer: guessing takes for ever
_LONGEST_FORM = 4096
_MONTH_S = 30 * 86_400

Handler = Callable[[Request], Awaitable[Response]]


def status_address(settings: StatusSettings) -> tuple[Address, str]:
    """Where to listen, and the token, empty where none is needed.

    Raises ConfigError for an address beyond loopback without a token.
    """
    address = parse_address(settings.listen, "status.listen")
    token = read_secret(settings.token_file, "STREAMSEG_STATUS_TOKEN", "status.token_file")
    if not address.loopback and len(token) < SHORTEST_TOKEN:
        raise ConfigError(
            f"status.listen: expected a token of {SHORTEST_TOKEN} characters or more, because "
            f"{address.host} is not loopback; put one into a file and name it with "
            "status.token_file, or set STREAMSEG_STATUS_TOKEN"
        )
    return address, token


class StatusPage:
    """Answers the page's requests on the thread of the HTTP server."""

    def __init__(self, board: Board, health: Health, fan_out: FanOut, token: str) -> None:
        self._board = board
        self._health = health
        self._fan_out = fan_out
        self._token = token
        self._cookie = hashlib.sha256(f"streamseg status {token}".encode()).hexdigest()

    def routes(self) -> list[Route]:
        """Everything that can be asked for."""
        return [
            Route("/", self._guarded(partial(_page, "status.html", "text/html"))),
            Route("/status.css", partial(_page, "status.css", "text/css")),
            Route("/status.js", partial(_page, "status.js", "text/javascript")),
            Route("/state.json", self._guarded(self._state)),
            Route("/timeline.json", self._guarded(self._timeline)),
            Route("/healthz", self._healthz),
            Route("/login", self._login, methods=["POST"]),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def checked(request: Request) -> Response:
            if self._known(request):
                return await handler(request)
            if request.url.path == "/":
                return await _page("login.html", "text/html", request, 401)
            return PlainTextResponse("expected a token, got none or a wrong one\n", 401)

        return checked

    def _known(self, request: Request) -> bool:
        if not self._token:
            return True
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and _same(given, self._token):
            return True
        return _same(request.cookies.get(COOKIE, ""), self._cookie)

    async def _login(self, request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LONGEST_FORM:
                return PlainTextResponse("expected a token\n", 413)
        given = parse_qs(body.decode("utf-8", "replace")).get("token", [""])[0].strip()
        if not _same(given, self._token):
            await asyncio.sleep(WRONG_TOKEN_S)
            return await _page("login.html", "text/html", request, 401)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            COOKIE,
            self._cookie,
            max_age=_MONTH_S,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    async def _state(self, request: Request) -> Response:
        return JSONResponse(state_now(self._board, self._health, self._fan_out))

    async def _timeline(self, request: Request) -> Response:
        return JSONResponse(timeline(self._board))

    async def _healthz(self, request: Request) -> Response:
        well = not self._health.stuck()
        return PlainTextResponse("ok\n" if well else "not ok\n", 200 if well else 503)


def _same(given: str, right: str) -> bool:
    """In constant time, also for text that is not ASCII."""
    return secrets.compare_digest(given.encode("utf-8", "replace"), right.encode())


async def _page(name: str, kind: str, request: Request, status: int = 200) -> Response:
    """One of the files that come with the program; ``name`` is never taken from a request."""
    return Response((PAGES / name).read_bytes(), status, media_type=kind)

"""What listens, for whom, and with which headers: over real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from streamseg.errors import CannotWriteError, ConfigError
from streamseg.sinks.http_server import HEADERS, Address, HttpServer, parse_address


async def hello(request: Request) -> Response:
    """The only page."""
    return PlainTextResponse("hello")


@pytest.fixture
def server() -> Iterator[HttpServer]:
    """On a free port of loopback."""
    made = HttpServer(Address("127.0.0.1", 0), [Route("/", hello)], "test.listen")
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:9464", "127.0.0.1", 9464, True),
        ("9464", "127.0.0.1", 9464, True),
        ("localhost:80", "localhost", 80, True),
        ("[::1]:9464", "::1", 9464, True),
        ("127.8.8.8:1", "127.8.8.8", 1, True),
        ("0.0.0.0:9464", "0.0.0.0", 9464, False),
        ("[::]:9464", "::", 9464, False),
        ("studio.example:9464", "studio.example", 9464, False),
        ("127.0.0.1.example.org:1", "127.0.0.1.example.org", 1, False),
    ],
)
def test_an_address_is_read(text: str, host: str, port: int, loopback: bool) -> None:
    """A port alone is loopback's; what is not surely loopback is not."""
    address = parse_address(text, "x.listen")
    assert (address.host, address.port, address.loopback) == (host, port, loopback)


@pytest.mark.parametrize(
    "text", ["", "host", "host:", "host:99999", "a:b:1", "http://host:1", "-1"]
)
def test_a_bad_address_is_refused(text: str) -> None:
    """The setting is named, and what was expected."""
    with pytest.raises(ConfigError, match=r"x\.listen: expected HOST:PORT as in 127\.0\.0\.1:9464"):
        parse_address(text, "x.listen")


def test_an_address_in_use_is_74(server: HttpServer) -> None:
    """Before anything is monitored."""
    with pytest.raises(CannotWriteError, match=r"x\.listen: expected a free address") as error:
        HttpServer(Address("127.0.0.1", server.port), [], "x.listen")
    assert error.value.exit_code == 74


def test_an_address_of_another_machine_is_74() -> None:
    """It cannot be listened on."""
    with pytest.raises(CannotWriteError, match="expected a free address"):
        HttpServer(Address("192.0.2.1", 0), [], "x.listen")


def test_every_answer_has_the_headers(server: HttpServer) -> None:
    """Also one that found nothing; none tells what answers."""
    for path in ("/", "/nothing"):
        answer = httpx.get(f"http://127.0.0.1:{server.port}{path}")
        assert HEADERS.items() <= {name.title(): v for name, v in answer.headers.items()}.items()
        assert "server" not in answer.headers


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
def test_a_strange_name_of_this_host_is_refused(server: HttpServer, host: str) -> None:
    """A page elsewhere cannot read loopback through somebody's browser (DNS rebinding)."""
    answer = httpx.get(f"http://127.0.0.1:{server.port}/", headers={"Host": host})
    assert answer.status_code == 421
    assert "hello" not in answer.text


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:80"])
def test_loopbacks_own_names_are_answered(server: HttpServer, host: str) -> None:
    """With and without a port."""
    assert httpx.get(f"http://127.0.0.1:{server.port}/", headers={"Host": host}).text == "hello"


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/status.html/.."]
)
def test_no_path_leads_to_a_file(server: HttpServer, path: str) -> None:
    """There are routes and nothing else."""
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while chunk := raw.recv(4096):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"root:" not in answer


def test_garbage_is_answered_or_dropped_and_the_server_goes_on(server: HttpServer) -> None:
    """No request of a stranger ends it."""
    for garbage in (
        b"\x16\x03\x01\x02\x00" + b"\0" * 500,
        b"GET " + b"x" * 200_000,
        b"\r\n" * 1000,
    ):
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            raw.settimeout(5)
            try:
                raw.sendall(garbage + b"\r\n\r\n")
                raw.recv(100)
            except OSError:
                pass
    assert httpx.get(f"http://127.0.0.1:{server.port}/").text == "hello"


def test_the_port_is_free_again_afterwards() -> None:
    """A restart finds its address."""
    first = HttpServer(Address("127.0.0.1", 0), [], "x.listen")
    first.start()
    httpx.get(f"http://127.0.0.1:{first.port}/")
    first.stop()
    second = HttpServer(Address("127.0.0.1", first.port), [], "x.listen")
    second.stop()

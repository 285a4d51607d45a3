"""The status page: who may see it, what it says, and how it looks in a real browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from made_events import BEGIN, cleared, closed, lost, opened, raised, started

from streamseg.errors import ConfigError
from streamseg.messages import Estimate
from streamseg.settings_outputs import StatusSettings
from streamseg.sinks.board import Board
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.fan_out import FanOut
from streamseg.sinks.health import Health
from streamseg.sinks.http_server import Address, HttpServer
from streamseg.sinks.status_page import StatusPage, status_address
from streamseg.sinks.status_state import timeline

TOKEN = "correct horse battery staple"
NASTY = "<img src=x onerror=document.title='owned'>"
CLASSES = ("music", "speech", "noise")


class Served:
    """A board behind the page's server."""

    def __init__(self, folder: Path, token: str = "") -> None:
        self.board = Board(["studio", NASTY], "activity")
        self.log = EventLog(folder / "log.jsonl")
        fan_out = FanOut(self.log)
        page = StatusPage(self.board, Health(self.board, self.log, fan_out), fan_out, token)
        self.server = HttpServer(Address("127.0.0.1", 0), page.routes(), "status.listen")
        self.server.start()
        self.url = f"http://127.0.0.1:{self.server.port}"

    def fill(self) -> None:
        """A voice over a bed in the studio, dead air on the other source."""
        board = self.board
        for name in ("studio", NASTY):
            board.apply(started(source=name))
        board.apply(closed(0, 300, "music"))
        board.apply(opened(310, "music"))
        board.apply(opened(320, "speech"))
        board.apply(raised(100, "loudness_high", "warn"))
        board.apply(cleared(100, 160, "loudness_high"))
        board.apply(raised(200, source=NASTY))
        scores = np.array([[0.75, 0.5, 0.25]], np.float32)
        level = np.array([-20.0], np.float32)
        board.estimated(Estimate("studio", CLASSES, scores, scores, level, 0, 0))
        board.measured("studio", 0, 400, {"momentary": -23.0})

    def close(self) -> None:
        """Stop."""
        self.server.stop()
        self.log.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Without a token, as on loopback."""
    made = Served(tmp_path)
    yield made
    made.close()


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """With a token; a wrong one is answered sooner than in real life."""
    monkeypatch.setattr("streamseg.sinks.status_page.WRONG_TOKEN_S", 0.01)
    made = Served(tmp_path, TOKEN)
    yield made
    made.close()


# What it says


def test_the_state_is_json(served: Served) -> None:
    """Of every source: condition, what is on air, probabilities, level, loudness, alarms."""
    served.fill()
    state = httpx.get(f"{served.url}/state.json").json()
    studio, other = state["sources"]
    assert (studio["name"], studio["condition"], set(studio["on"])) == (
        "studio",
        "up",
        {"music", "speech"},
    )
    assert studio["probability"] == {"music": 0.75, "speech": 0.5, "noise": 0.25}
    assert (studio["level_dbfs"], studio["lufs"]) == (-20.0, {"momentary": -23.0})
    assert other["alarms"] == {"dead_air": "alarm"}
    assert other["level_dbfs"] is None
    assert [(alarm["rule"], alarm["cleared"] is None) for alarm in state["alarms"]] == [
        ("dead_air", True),
        ("loudness_high", False),
    ]


def test_health_is_told_to_whoever_asks(guarded: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load balancer needs no token, and learns nothing but a word."""
    assert httpx.get(f"{guarded.url}/healthz").text == "ok\n"
    monkeypatch.setattr(Health, "stuck", lambda self: ["the network hangs"])
    answer = httpx.get(f"{guarded.url}/healthz")
    assert (answer.status_code, answer.text) == (503, "not ok\n")


def test_the_time_line_is_the_share_of_every_ten_seconds() -> None:
    """A digit from 0 to 9; open segments reach to its end."""
    board = Board(["studio"])
    board.apply(started())
    board.apply(closed(100, 115, "music"))
    board.apply(opened(590, "speech"))
    board.apply(closed(3600, 3605, "silence"))  # a file, read faster than real time
    made = timeline(board)
    assert made["end"] == (BEGIN + timedelta(seconds=3605)).isoformat(timespec="milliseconds")
    lanes = made["sources"]["studio"]
    assert {len(cells) for cells in lanes.values()} == {360}
    # The hour begins at 5 s: cell 9 is 95 to 105 s, cell 10 is 105 to 115 s.
    assert lanes["music"][8:12] == "0490" or lanes["music"][8:12] == "0590"
    assert lanes["speech"] == "0" * 58 + ("4" if lanes["speech"][58] == "4" else "5") + "9" * 301
    assert lanes["silence"][-1] in "45"


# Who may see it


def test_without_the_token_there_is_a_form_and_nothing_else(guarded: Served) -> None:
    """Every answer with content needs it."""
    answer = httpx.get(guarded.url)
    assert answer.status_code == 401
    assert 'type="password"' in answer.text
    for path in ("state.json", "timeline.json"):
        answer = httpx.get(f"{guarded.url}/{path}")
        assert (answer.status_code, "studio" in answer.text) == (401, False)


def test_a_program_sends_the_token_as_bearer(guarded: Served) -> None:
    """A wrong one, or one in another way, is refused."""

    def status(**headers: str | bytes) -> int:
        return httpx.get(f"{guarded.url}/state.json", headers=headers).status_code

    assert status(Authorization=f"Bearer {TOKEN}") == 200
    assert status(Authorization=f"Bearer {TOKEN}x") == 401
    assert status(Authorization=f"Basic {TOKEN}") == 401
    assert status(Authorization=b"Bearer \xe9") == 401
    assert status(Cookie=f"streamseg={TOKEN}") == 401
    assert httpx.get(f"{guarded.url}/state.json?token={TOKEN}").status_code == 401


def test_the_form_gives_a_cookie(guarded: Served) -> None:
    """That scripts cannot read and other sites cannot use, and that is not the token itself."""
    with httpx.Client() as browser:
        wrong = browser.post(f"{guarded.url}/login", data={"token": "wrong"})
        assert (wrong.status_code, wrong.headers.get("set-cookie")) == (401, None)
        right = browser.post(f"{guarded.url}/login", data={"token": TOKEN})
        cookie = right.headers["set-cookie"].lower()
        assert right.status_code == 303
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert TOKEN not in cookie
        assert browser.get(guarded.url).status_code == 200
    too_long = httpx.post(f"{guarded.url}/login", content=b"token=" + b"x" * 100_000)
    assert too_long.status_code == 413


def test_nothing_can_be_changed(served: Served) -> None:
    """The page only shows."""
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert httpx.request(method, f"{served.url}/state.json").status_code == 405


def test_beyond_loopback_a_token_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of sixteen characters at least, from a file or the environment."""
    monkeypatch.delenv("STREAMSEG_STATUS_TOKEN", raising=False)
    for listen in ("0.0.0.0:8765", "[::]:8765", "studio.example:8765"):
        with pytest.raises(ConfigError, match="expected a token of 16 characters"):
            status_address(StatusSettings(listen=listen))
    monkeypatch.setenv("STREAMSEG_STATUS_TOKEN", "short")
    with pytest.raises(ConfigError, match="expected a token of 16 characters"):
        status_address(StatusSettings(listen="0.0.0.0:8765"))
    secret = tmp_path / "token"
    secret.write_text(f"{TOKEN}\n")
    settings = StatusSettings(listen="0.0.0.0:8765", token_file=str(secret))
    assert status_address(settings)[1] == TOKEN


# How it looks


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, headless."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("needs a browser: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield made
        made.close()


def open_page(browser: Any, url: str, **context: Any) -> tuple[Any, list[str]]:
    """A page in a fresh context, and what it complains about."""
    page = browser.new_context(**context).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(url)
    return page, complaints


def test_the_page_shows_what_is_on_air(served: Served, browser: Any) -> None:
    """Words, bars, alarms and the hour; names stay text; and it follows what happens."""
    served.fill()
    page, complaints = open_page(browser, served.url)
    page.wait_for_selector(".card:nth-of-type(2) .word")
    cards = page.locator(".card")
    assert cards.count() == 2
    assert cards.nth(0).locator(".word").all_inner_texts() == ["SPEECH", "MUSIC"]
    assert cards.nth(0).locator(".bars .value").all_inner_texts() == ["0.75", "0.50", "0.25"]
    assert cards.nth(0).locator(".level").inner_text() == "\u221220.0 dBFS"
    assert cards.nth(1).locator(".name").inner_text() == NASTY
    assert cards.nth(1).locator(".condition").inner_text() == "dead air"
    assert page.locator("#alarms li").all_inner_texts()[0].startswith("‼ alarm")
    page.wait_for_selector(".strip[aria-label*='music 1'], .strip[aria-label*='music 9']")
    assert page.title() == "(1) streamseg"
    served.board.apply(lost(400))
    page.wait_for_selector(".card.old >> text=unplugged")
    page.wait_for_selector("#problems >> text=studio: lost: unplugged")
    assert complaints == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_page_follows_the_systems_colours_and_fits_a_phone(
    served: Served, browser: Any, scheme: str
) -> None:
    """Text stands out from its ground by 4.5 to 1 or more, and nothing sticks out sideways."""
    served.fill()
    size = {"width": 360, "height": 740}
    page, complaints = open_page(browser, served.url, color_scheme=scheme, viewport=size)
    page.wait_for_selector(".card .word")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    measured = page.evaluate(CONTRAST)
    assert len(measured) > 10
    assert [low for low in measured if low["contrast"] < 4.5] == []
    brightness = page.evaluate("getComputedStyle(document.body).backgroundColor")
    dark = sum(int(part) for part in brightness[4:-1].split(",")) < 3 * 128
    assert dark == (scheme == "dark")
    assert complaints == []


CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const f = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const texts = document.querySelectorAll(
    "h1, h2, .badge, .word, .key, .value, .small, .axis span, #alarms li:not(.over) span, #facts");
  return [...texts].filter((e) => e.textContent && e.checkVisibility()).map((element) => {
    const [a, b] = [parse(getComputedStyle(element).color), ground(element)].map(light);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return { text: element.textContent, contrast };
  });
}"""


def test_the_page_says_when_nobody_answers(tmp_path: Path, browser: Any) -> None:
    """Old values are never shown as new ones."""
    made = Served(tmp_path)
    made.fill()
    page, _ = open_page(browser, made.url)
    page.wait_for_selector(".card .word")
    made.close()
    page.wait_for_selector("#banner:not([hidden]) >> text=No answer from streamseg since")
    assert page.evaluate("document.body.classList.contains('stale')")


def test_the_token_is_asked_for_in_the_browser(guarded: Served, browser: Any) -> None:
    """Once; then the cookie opens the page."""
    guarded.fill()
    page, _ = open_page(browser, guarded.url)
    page.fill("#token", TOKEN)
    page.click("button")
    page.wait_for_selector(".card .word")
    assert TOKEN not in page.url


def test_the_json_holds_no_number_that_is_none(served: Served) -> None:
    """Minus infinity and NaN are null."""
    served.fill()
    text = httpx.get(f"{served.url}/state.json").text
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))

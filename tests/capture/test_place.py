"""What may be said of a URL, and what not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamseg.capture.choose import SourceOptions, any_source
from streamseg.capture.place import public
from streamseg.errors import SourceUnavailableError
from streamseg.settings import CaptureSettings


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://radio.example/live.mp3", "http://radio.example/live.mp3"),
        ("http://me:secret@radio.example:8000/live", "http://***@radio.example:8000/live"),
        ("rtsp://me@camera/1", "rtsp://***@camera/1"),
        ("http://h/live?token=abc&bitrate=128", "http://h/live?token=***&bitrate=128"),
        ("http://h/l.m3u8?a=1&X-Amz-Signature=ff&b", "http://h/l.m3u8?a=1&X-Amz-Signature=***&b"),
        ("srt://h:9000?mode=caller&passphrase=x%20y", "srt://h:9000?mode=caller&passphrase=***"),
        ("HTTP://h/?API_KEY=1;session_id=2#x", "HTTP://h/?API_KEY=***;session_id=***#x"),
        ("http://me:p@ss@host/x", "http://***@host/x"),
        ("opening http://a:b@c/d failed", "opening http://***@c/d failed"),
        ("mail@home.wav", "mail@home.wav"),
        ("USB Audio?key=1", "USB Audio?key=1"),
    ],
)
def test_secrets_are_left_out(url: str, shown: str) -> None:
    """User, password and whatever looks like a key; the rest stays as it is."""
    assert public(url) == shown


WORD = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=4, max_size=12)


@given(WORD, WORD, WORD)
def test_no_password_gets_through(user: str, password: str, token: str) -> None:
    """Wherever the words occur in a URL, they do not occur in what is shown."""
    shown = public(f"https://{user}-u:{password}-p@host/mount?auth_token={token}-t&x=1")
    assert f"{password}-p" not in shown
    assert f"{user}-u" not in shown
    assert f"{token}-t" not in shown


def test_names_and_errors_of_a_url_keep_its_password() -> None:
    """Neither what stands in every event nor what is said when it cannot be opened has it."""
    url = "http://me:hunter2@127.0.0.1:1/live?token=hunter3"
    source = any_source(url, SourceOptions(), CaptureSettings())
    assert source.name == "http://***@127.0.0.1:1/live?token=***"
    with pytest.raises(SourceUnavailableError, match="Connection refused") as caught:
        source.open()
    assert "hunter" not in str(caught.value)
    assert source.name in str(caught.value)

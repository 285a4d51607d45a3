"""A call that may hang is given so much time and no more."""

from __future__ import annotations

import threading

import pytest

from streamseg.capture.time_limit import within
from streamseg.errors import SourceUnavailableError


def test_time_limit_hands_over_results_and_errors() -> None:
    """In time, a call in a thread is like a call."""
    assert within(20, "count", lambda: 3) == 3
    with pytest.raises(ValueError, match="mine"):
        within(20, "fail", lambda: int("mine"))


def test_time_limit_undoes_what_comes_too_late() -> None:
    """After the limit there is an error at once, and a late result is undone."""
    release = threading.Event()
    undone = threading.Event()
    hangs: list[str] = []

    def slow() -> int:
        release.wait(20)
        return 7

    with pytest.raises(SourceUnavailableError, match="expected to open it within"):
        within(
            0.05,
            "open it",
            slow,
            undo=lambda result: undone.set() if result == 7 else None,
            on_hang=lambda: hangs.append("hang"),
        )
    assert hangs == ["hang"]
    assert not undone.is_set()
    release.set()
    assert undone.wait(20)

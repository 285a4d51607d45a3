"""Calls into an audio server that may never come back, made by the analysis thread of a source."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import TypeVar

from streamseg.errors import SourceUnavailableError

T = TypeVar("T")


def within(
    limit_s: float,
    what: str,
    action: Callable[[], T],
    *,
    undo: Callable[[T], None] = lambda _: None,
    on_hang: Callable[[], None] = lambda: None,
) -> T:
    """The result of ``action``, run in a thread of its own.

    After ``limit_s`` calls ``on_hang`` and raises SourceUnavailableError; should the result come
    after all, that thread hands it to ``undo``. What ``action`` raises is raised here.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = action()
        except BaseException as error:  # handed over to the thread that waits
            with suppress(InvalidStateError):
                future.set_exception(error)
            return
        try:
            future.set_result(result)
        except InvalidStateError:
            undo(result)

    threading.Thread(target=run, name=what, daemon=True).start()
    try:
        return future.result(limit_s)
    except TimeoutError:
        if not future.cancel():  # it came at the last moment
            return future.result()
    on_hang()
    raise SourceUnavailableError(
        f"expected to {what} within {limit_s:g} s, got no answer; "
        "the audio server hangs: restart it"
    )

"""Work that takes time, done beside the window. No Qt.

Nothing of Qt may be touched, or be destroyed, on another thread: so the threads know only what they
work on, and put what they have to say into a queue. The window empties it with every picture. The
queue is short by nature: an errand says one thing, and the user starts errands by hand.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from streamseg.errors import StreamsegError

Answer = Callable[[], object]
"""What is to be done on the thread of the window."""


class Errands:
    """Run on threads of their own; ``answers`` belongs to the window's thread."""

    def __init__(self) -> None:
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()

    def run(
        self,
        name: str,
        work: Callable[[], Answer | None],
        failed: Callable[[str], object],
        *,
        to_its_end: bool = False,
    ) -> None:
        """``work`` runs on a new thread; what it returns is done on the window's.

        ``failed`` is done there with the text of a StreamsegError. ``to_its_end``: the program
        waits for it when it ends.
        """
        answers = self._answers

        def run() -> None:
            answer: Answer | None
            try:
                answer = work()
            except StreamsegError as error:
                text = str(error)
                answer = lambda: failed(text)  # noqa: E731  # it is handed on at once
            if answer is not None:
                answers.put(answer)

        threading.Thread(target=run, name=name, daemon=not to_its_end).start()

    def answer(self) -> None:
        """Do what the errands that have ended have to say."""
        while True:
            try:
                answer = self._answers.get_nowait()
            except queue.Empty:
                return
            answer()

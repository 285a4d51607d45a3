"""One thread, one bounded mailbox, one rule for when it is full, one stop.

Whoever has something for a worker calls ``Mailbox.put`` from any thread; only the worker's own
thread takes, one thread a mailbox. Waiting is done on a condition: nothing polls, nothing spins.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """A bounded first-in, first-out queue between threads.

    Full: ``put`` drops the oldest item that the new one may displace, and counts it; where there is
    none, it waits (back-pressure). Without ``may_displace(new, old)`` nothing is ever dropped.
    """

    def __init__(
        self,
        capacity: int,
        may_displace: Callable[[T, T], bool] = lambda new, old: False,
        crowds: Callable[[T], bool] = lambda item: True,
    ) -> None:
        """``crowds``: what counts for ``crowded``."""
        if capacity < 1:
            raise ValueError(f"expected a capacity of at least 1, got {capacity}")
        self._capacity = capacity
        self._may_displace = may_displace
        self._crowds = crowds
        self._crowd = 0  # of the items, so many count
        self._items: deque[T] = deque()
        self._lock = threading.Lock()
        # Each wakes only who waits for it: with many senders, whoever is woken in vain takes the
        # interpreter from those who work.
        self._came = threading.Condition(self._lock)  # the first item, or the end
        self._enough = threading.Condition(self._lock)  # for who lingers
        self._room = threading.Condition(self._lock)
        self._closed = False
        self.dropped = 0

    @property
    def crowded(self) -> bool:
        """Whether it is so full that senders who can had better wait; any thread."""
        return self._crowd > self._capacity // 5

    @property
    def waiting(self) -> int:
        """Items inside, as any thread may ask; a moment later it may be another number."""
        return len(self._items)

    def put(self, item: T) -> bool:
        """Hand over an item; False when the mailbox is closed, so nobody will read it."""
        with self._lock:
            while len(self._items) >= self._capacity and not self._closed:
                if self._make_room(item):
                    break
                self._room.wait()
            if self._closed:
                return False
            self._items.append(item)
            self._crowd += self._crowds(item)
            if len(self._items) == 1:
                self._came.notify()
            elif len(self._items) > self._capacity // 2:
                self._enough.notify()
            return True

    def take_all(self, linger_s: float = 0.0) -> list[T]:
        """Wait for items and take all of them; an empty list means closed and empty.

        ``linger_s``: wait so long for more once there is one, unless it gets full.
        """
        with self._lock:
            while not self._items and not self._closed:
                self._came.wait()
            if linger_s and not self._closed and len(self._items) <= self._capacity // 2:
                self._enough.wait(linger_s)
            items = list(self._items)
            self._items.clear()
            self._crowd = 0
            self._room.notify_all()
            return items

    def close(self) -> None:
        """Let waiting sides go on; what is inside can still be taken."""
        with self._lock:
            self._closed = True
            for waiting in (self._came, self._enough, self._room):
                waiting.notify_all()

    def _make_room(self, item: T) -> bool:
        for index, old in enumerate(self._items):
            if self._may_displace(item, old):
                del self._items[index]
                self._crowd -= self._crowds(old)
                self.dropped += 1
                return True
        return False


class Worker(Generic[T]):
    """A thread that hands everything in its mailbox to ``handle``, in order.

    An exception in ``handle`` ends the worker: it is kept in ``error``, the mailbox is closed so
    that no sender waits for ever, and ``on_error`` is called on the worker's thread.
    """

    def __init__(
        self,
        name: str,
        mailbox: Mailbox[T],
        handle: Callable[[list[T]], None],
        on_error: Callable[[], None],
        linger_s: float = 0.0,
    ) -> None:
        """``linger_s``: gather so long before ``handle``, where many at once are cheaper."""
        self.mailbox = mailbox
        self.error: BaseException | None = None
        self._handle = handle
        self._on_error = on_error
        self._linger_s = linger_s
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float | None = None) -> None:
        """Close the mailbox, let the worker finish what is in it, and wait for its end."""
        self.mailbox.close()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            while items := self.mailbox.take_all(self._linger_s):
                self._handle(items)
        except BaseException as error:  # kept for the owner, who reports it
            self.error = error
            self.mailbox.close()
            self._on_error()

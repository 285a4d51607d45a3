"""The same work on many machines: Dask distributed. The only file that knows it.

Called by the thread that gathers the results. Only a window of orders is with the scheduler, some
for each thread of the workers there are now; the rest waits here. Dask gives the orders of a dead
worker to another; each result is taken once, and what Dask computes twice changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent import futures
from queue import Empty, SimpleQueue
from typing import Any

from streamseg.archive.work import Done, Order, Outcome, died, work
from streamseg.errors import SourceUnavailableError, StreamsegError, UsageError

# What Dask ships as types says little, and not the same in every version.
Client = Any
Future = Any

PER_THREAD = 3  # one at work, one on its way, one in reserve
CONNECT_S = 10
LOOK_S = 5.0
"""How often the cluster is looked at."""


def on_cluster(
    orders: Sequence[Order], address: str, tell: Callable[[str], None] = lambda text: None
) -> Generator[Done, None, None]:
    """Every order once, in the order in which they end.

    ``tell`` hears when there is no worker to do them; the orders wait until there is one. Raises
    UsageError without Dask or for an address that is none, SourceUnavailableError when there is no
    scheduler, or no more.
    """
    client = _connect(address)
    try:
        yield from _Errand(client, address, tell).run(orders)
    finally:
        client.close()  # the scheduler forgets what this client asked for


def _connect(address: str) -> Client:
    try:
        import distributed
    except ImportError:
        raise UsageError(
            "expected the packages dask and distributed for --dask, got none; install them with "
            "`pip install 'streamseg[archive]'`"
        ) from None
    # What fails is said once, by us: Dask prints its own inner life with a traceback otherwise.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    client: Any = distributed.Client
    try:
        return client(address, timeout=CONNECT_S, set_as_default=False)
    except ValueError as error:
        raise UsageError(
            f"expected the address of a scheduler as tcp://host:8786, got {address!r}: {error}"
        ) from None
    except OSError as error:
        raise SourceUnavailableError(
            f"expected a Dask scheduler at {address}, got: {error}; "
            "start one with `dask scheduler`, or correct the address"
        ) from None


class _Errand:
    """What is on its way to one scheduler and back."""

    def __init__(self, client: Client, address: str, tell: Callable[[str], None]) -> None:
        self._client = client
        self._address = address
        self._tell = tell
        self._ended: SimpleQueue[Future] = SimpleQueue()
        self._away: dict[str, Order] = {}
        self._futures: dict[str, Future] = {}  # Dask drops what nobody holds
        self._told = False
        self._name = f"streamseg-{uuid.uuid4().hex[:12]}"
        self._sent = 0

    def run(self, orders: Sequence[Order]) -> Generator[Done, None, None]:
        waiting = deque(orders)
        window, looked_s = self._window(), time.monotonic()
        while waiting or self._away:
            if time.monotonic() - looked_s > LOOK_S:  # workers come and go
                window, looked_s = self._window(), time.monotonic()
            while waiting and len(self._away) < window:
                self._send(waiting.popleft())
            try:
                future = self._ended.get(timeout=LOOK_S)
            except Empty:
                continue
            if future.key not in self._away:
                continue
            del self._futures[future.key]
            order = self._away.pop(future.key)
            yield Done(order, self._result(future, order))

    def _send(self, order: Order) -> None:
        # A name of its own: Dask takes equal calls for one, and would answer from its memory.
        self._sent += 1
        future = self._client.submit(work, order, key=f"{self._name}-{self._sent}", pure=False)
        self._away[future.key], self._futures[future.key] = order, future
        future.add_done_callback(self._ended.put)

    def _window(self) -> int:
        """How many orders may be away; at least one, so that the first worker finds something."""
        if self._client.status != "running":
            raise self._gone()
        try:
            threads: int = sum(self._client.nthreads().values())
        except OSError:
            raise self._gone() from None
        if not threads and not self._told:
            self._tell(
                f"no worker at {self._address}: waiting for one (dask worker {self._address})"
            )
        self._told = not threads
        return max(1, PER_THREAD * threads)

    def _gone(self) -> StreamsegError:
        return SourceUnavailableError(
            f"expected the Dask scheduler at {self._address} to stay, but it went away; "
            "give the same command again: the scan goes on where it stopped"
        )

    def _result(self, future: Future, order: Order) -> Outcome | StreamsegError:
        from distributed import KilledWorker

        if future.status in ("cancelled", "lost"):
            raise self._gone()
        try:
            result: Outcome | StreamsegError = future.result()
        except KilledWorker:
            return died(order, "on the cluster")
        except ImportError as error:
            raise UsageError(
                f"expected streamseg on every worker of {self._address}, got: {error}; "
                "install the same version there, and for the scheduler"
            ) from None
        except (OSError, asyncio.CancelledError, futures.CancelledError):
            # What a file makes ``work`` raise is its value: this is the way to the scheduler.
            raise self._gone() from None
        except Exception as error:
            return StreamsegError(f"expected a result for {order.task.file}, got: {error}")
        return result

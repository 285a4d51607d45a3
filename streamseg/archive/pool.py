"""Worker processes of this machine; one that dies is replaced, and its file done by another.

Called by the thread that gathers the results. Each worker holds one order at a time, so a death
tells which file it was, and nothing queues anywhere: the next order goes out when a result has come
in. (``ProcessPoolExecutor`` gives up as a whole when one of its processes is killed.)
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Sequence
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext

from streamseg.archive.work import DEATHS, Done, Order, Outcome, died, work
from streamseg.errors import StreamsegError

# A pool of threads a process for products of small matrices: they would only fight for the cores.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_DYING_S = 5.0  # between the end of a pipe and the end of its process


def in_processes(orders: Sequence[Order], jobs: int) -> Generator[Done, None, None]:
    """Every order once, in the order in which they end.

    An order whose worker dies is given to the next one, ``DEATHS`` times at most. When the caller
    stops early the workers are ended at once, and so they end when this process is killed.
    """
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")  # read by numpy when a worker starts
    # Fresh processes: a forked one would share the threads of libraries that do not survive it.
    context = get_context("spawn")
    waiting = deque(orders)
    deaths: dict[int, int] = {}
    workers = [_Worker(context) for _ in range(min(jobs, len(waiting)))]
    try:
        while waiting or any(worker.order for worker in workers):
            for slot, worker in enumerate(workers):
                if worker.order is None and waiting:
                    workers[slot] = _give(worker, waiting.popleft(), context)
            busy = {worker.pipe: worker for worker in workers if worker.order is not None}
            for pipe in wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]
                order, result = worker.order, worker.take()
                assert order is not None
                if result is not None:
                    yield Done(order, result)
                    continue
                how = worker.end(_DYING_S)
                workers[workers.index(worker)] = _Worker(context)
                deaths[id(order)] = deaths.get(id(order), 0) + 1
                if deaths[id(order)] < DEATHS:
                    waiting.appendleft(order)
                else:
                    yield Done(order, died(order, how))
    finally:
        for worker in workers:
            worker.end()


def _give(worker: _Worker, order: Order, context: SpawnContext) -> _Worker:
    """Hand out an order; one that died while it had nothing to do is replaced before."""
    while not worker.give(order):
        worker.end()
        worker = _Worker(context)
    return worker


class _Worker:
    """The parent's end of one process."""

    def __init__(self, context: SpawnContext) -> None:
        self.pipe: Connection
        self.pipe, theirs = context.Pipe()
        self.order: Order | None = None
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()  # so that the end of the process is the end of the pipe

    def give(self, order: Order) -> bool:
        """False if there is nobody to take it."""
        try:
            self.pipe.send(order)
        except OSError:
            return False
        self.order = order
        return True

    def take(self) -> Outcome | StreamsegError | None:
        """What has come of the order; None: the process is dead."""
        try:
            result: Outcome | StreamsegError = self.pipe.recv()
        except (EOFError, OSError):
            return None
        self.order = None
        return result

    def end(self, grace_s: float = 0.0) -> str:
        """End the process, if it still is one after ``grace_s``; says how it ended."""
        self._process.join(grace_s)
        self._process.kill()
        self._process.join()
        self.pipe.close()
        code = self._process.exitcode or 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def _serve(pipe: Connection) -> None:
    """The life of a worker."""
    # An interrupt from the keyboard goes to all; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    while True:
        try:
            order = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(work(order))


def _follow_parent() -> None:
    """A killed scan leaves nobody behind who works on for nothing."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)

"""Facts about the cluster that need none; those with workers are in test_scan_archive.py."""

import subprocess
import sys

import pytest

from streamseg.archive import cluster
from streamseg.archive.work import Order, Outcome, Task
from streamseg.capture.choose import SourceOptions
from streamseg.errors import SourceUnavailableError, StreamsegError, UsageError
from streamseg.settings import Settings
from streamseg.sinks.formats import Report


def test_without_dask_the_remedy_is_named(monkeypatch):
    """An extra that is not installed is no traceback."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"streamseg\[archive\]"):
        next(cluster.on_cluster([], "tcp://127.0.0.1:8786"))


def test_nothing_is_imported_that_nobody_asked_for():
    """A scan into CSV loads neither Dask nor pyarrow."""
    code = (
        "import sys, streamseg.archive.cluster, streamseg.commands.scan_archive; "
        "print([m for m in ('dask', 'distributed', 'pyarrow') if m in sys.modules])"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "[]"


def test_a_scheduler_that_is_not_there_is_unavailable(monkeypatch):
    """The address is named, and how to start one."""
    distributed = pytest.importorskip("distributed", reason="the extra `archive` is not installed")

    def nobody(address, **options):
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", nobody)
    with pytest.raises(SourceUnavailableError, match=r"tcp://127\.0\.0\.1:9.*dask scheduler"):
        next(cluster.on_cluster([], "tcp://127.0.0.1:9"))


class FakeFuture:
    """A future of Dask that is over when its callback is asked for, which then comes twice."""

    def __init__(self, key, status, value):
        self.key = key
        self.status = status
        self._value = value

    def add_done_callback(self, call):
        """At once, and once more: as when Dask computes a lost result again."""
        call(self)
        call(self)

    def result(self):
        """What the worker returned or raised."""
        if isinstance(self._value, Exception):
            raise self._value
        return self._value


class FakeClient:
    """A client of Dask whose every order ends as it was told."""

    def __init__(self, end):
        self.status = "running"
        self.threads = 1
        self.closed = False
        self._end = end

    def submit(self, work, order, key, pure):
        """One order; ``pure`` would let Dask answer from its memory."""
        assert not pure
        return FakeFuture(key, *self._end(order))

    def nthreads(self):
        """Threads by worker."""
        return {"tcp://one": self.threads} if self.threads else {}

    def close(self):
        """The last thing that is asked of it."""
        self.closed = True


ORDERS = [Order(Task(f"{number}.wav"), SourceOptions(), Settings()) for number in range(20)]


def good(order):
    """A result."""
    return "finished", Outcome(Report(order.task.file, 8000, 1.0, ()))


@pytest.fixture
def use(monkeypatch):
    """Put a client in the place of Dask's."""
    distributed = pytest.importorskip("distributed", reason="the extra `archive` is not installed")

    def put(client):
        monkeypatch.setattr(distributed, "Client", lambda address, **options: client)
        return client

    return put


def test_a_result_that_comes_twice_is_taken_once(use):
    """Every order has one result, and the client is closed at the end."""
    client = use(FakeClient(good))
    done = list(cluster.on_cluster(ORDERS, "tcp://here"))
    assert [item.order for item in done] == ORDERS
    assert client.closed


def test_a_file_that_kills_workers_is_given_up(use):
    """Dask's own count of deaths becomes the error of that file alone."""
    distributed = pytest.importorskip("distributed", reason="the extra `archive` is not installed")

    def end(order):
        if order is ORDERS[3]:
            return "error", distributed.KilledWorker("key", None, 3)
        return good(order)

    use(FakeClient(end))
    done = list(cluster.on_cluster(ORDERS, "tcp://here"))
    failed = [item for item in done if isinstance(item.result, StreamsegError)]
    assert [item.order for item in failed] == [ORDERS[3]]
    assert "dead worker" in str(failed[0].result)


def test_workers_without_streamseg_end_the_scan(use):
    """Ten thousand files would fail in the same way."""
    use(FakeClient(lambda order: ("error", ModuleNotFoundError("No module named 'streamseg'"))))
    with pytest.raises(UsageError, match="expected streamseg on every worker"):
        list(cluster.on_cluster(ORDERS, "tcp://here"))


def test_a_scheduler_that_goes_away_ends_the_scan(use):
    """What was done stays done; the message says how to go on."""
    use(FakeClient(lambda order: ("cancelled", None)))
    with pytest.raises(SourceUnavailableError, match="goes on where it stopped"):
        list(cluster.on_cluster(ORDERS, "tcp://here"))
    use(FakeClient(lambda order: ("finished", OSError("connection lost"))))
    with pytest.raises(SourceUnavailableError, match="goes on where it stopped"):
        list(cluster.on_cluster(ORDERS, "tcp://here"))
    client = use(FakeClient(good))
    client.status = "closed"
    with pytest.raises(SourceUnavailableError, match="goes on where it stopped"):
        list(cluster.on_cluster(ORDERS, "tcp://here"))


def test_a_cluster_without_workers_is_told_and_waited_for(use):
    """The orders go out none the less: the first worker that comes finds one."""
    client = use(FakeClient(good))
    client.threads = 0
    told = []
    done = list(cluster.on_cluster(ORDERS, "tcp://here", told.append))
    assert len(done) == len(ORDERS)
    assert told == ["no worker at tcp://here: waiting for one (dask worker tcp://here)"]

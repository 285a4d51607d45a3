"""One file from its opening to its results: what every process of a scan does.

``scan_file`` runs on the thread that calls it. ``work`` is the same for a worker of ``pool`` or
``cluster``: it needs nothing but its order, and returns a failure of the file instead of raising
it. Each thread of a worker keeps a network of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from streamseg.capture.choose import SourceOptions, file_source
from streamseg.errors import ModelError, StreamsegError
from streamseg.messages import Segment
from streamseg.models import Network, load_network
from streamseg.offline import OfflineRun
from streamseg.settings import Settings
from streamseg.sinks.formats import FrameWriter, Report, cannot_write, save

DEATHS = 3
"""A file whose worker died so often is given up: it is the file, not the machine."""


@dataclass(frozen=True, slots=True)
class Task:
    """One file and the paths of its results."""

    file: str
    reports: tuple[tuple[str, Path], ...] = ()
    """Format and path; empty: the caller takes the report."""
    frames: Path | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A task with all that a worker needs to know, on whatever machine it is."""

    task: Task
    options: SourceOptions
    settings: Settings
    sha256: str = ""
    """Of the network's weights: a worker with others refuses. Empty: whatever is installed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    report: Report
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """An order that is over."""

    order: Order
    result: Outcome | StreamsegError


def scan_file(
    task: Task,
    network: Network,
    options: SourceOptions,
    settings: Settings,
    advance: Callable[[float, float | None], None] = lambda position_s, total_s: None,
) -> Outcome:
    """Scan one file and write its results. Raises what opening, reading and writing raise.

    ``advance`` is told how far it is, and how long the file is where that is known.
    """
    source = file_source(task.file, options, settings.capture)
    try:
        run = OfflineRun(source, network, settings)
        segments: list[Segment] = []
        position_s = 0.0
        with _frame_writer(task.frames, network) as frames:
            for step in run.steps():
                segments += step.segments
                position_s = step.position_s
                if frames is not None:
                    frames.write(step.time_s, step.prob, step.level_dbfs)
                advance(position_s, getattr(source, "duration_s", None))
    finally:
        source.close()
    report = Report(task.file, run.format.rate_hz, position_s, tuple(segments))
    for name, path in task.reports:
        save(path, name, report)
    return Outcome(report, _warning(source.bad_samples, getattr(source, "damaged_packets", 0)))


def work(order: Order) -> Outcome | StreamsegError:
    """``scan_file`` in a worker. A ConfigError in return is about the worker, not about the file.

    Whatever else goes wrong is the file's: among many thousands there is one that no library
    expects, and it must not end the scan.
    """
    try:
        network = _network(order)
        return scan_file(order.task, network, order.options, order.settings)
    except StreamsegError as error:
        return error
    except Exception as error:
        return StreamsegError(
            f"expected to scan {order.task.file}, got {type(error).__name__}: {error}; "
            "the file is skipped: report it with the file"
        )


def died(order: Order, how: str) -> StreamsegError:
    """The failure of a file with which worker after worker died."""
    return StreamsegError(
        f"expected to scan {order.task.file}, got a dead worker {DEATHS} times ({how}); "
        "the file is skipped: is there enough memory?"
    )


_here = threading.local()  # the network of a worker's thread


def _network(order: Order) -> Network:
    model = order.settings.model
    if getattr(_here, "key", None) != (model.name, model.provider):
        _here.network = load_network(model.name, model.provider)
        _here.key = (model.name, model.provider)
    network: Network = _here.network
    if order.sha256 not in ("", network.card.sha256):
        raise ModelError(
            f"expected the {model.name} that the scan was begun with ({order.sha256[:12]}), got "
            f"{network.card.sha256[:12]} on a worker; install the same streamseg everywhere"
        )
    return network


def _warning(bad_samples: int, damaged_packets: int) -> str:
    found = []
    if bad_samples:
        found.append(f"{bad_samples} samples were NaN or infinite and are taken as silence")
    if damaged_packets:
        found.append(f"{damaged_packets} damaged packets were left out")
    return "; ".join(found)


@contextmanager
def _frame_writer(path: Path | None, network: Network) -> Iterator[FrameWriter | None]:
    if path is None:
        yield None
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as out:
            yield FrameWriter(out, network.card.classes)
    except OSError as error:
        raise cannot_write(path, error) from None

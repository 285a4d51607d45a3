"""``streamseg scan``: files to segments and frame-level probabilities, faster than real time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from streamseg.capture.choose import SourceOptions, file_source
from streamseg.commands import console
from streamseg.errors import StreamsegError, UsageError
from streamseg.messages import Segment
from streamseg.models import Network, load_network
from streamseg.offline import OfflineRun
from streamseg.settings import Settings
from streamseg.sinks.formats import FORMATS, SUFFIXES, FrameWriter, Report, cannot_write, save


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where the results go, as the flags say it."""

    formats: tuple[str, ...]
    output: str | None
    """A file for one file in one format, a folder otherwise; None is standard output."""
    frames: str | None
    """A file for one file, a folder otherwise; None: no frames."""


@dataclass(frozen=True, slots=True)
class Task:
    """One file and the paths of its results."""

    file: str
    reports: tuple[tuple[str, Path], ...]
    """Format and path; empty: the one format of the scan goes to standard output."""
    frames: Path | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    report: Report
    warning: str = ""


def run(
    files: list[str],
    outputs: Outputs,
    options: SourceOptions,
    settings: Settings,
    jobs: int = 1,
    quiet: bool = False,
) -> None:
    """Scan every file; one that fails is reported and does not stop the others.

    Raises UsageError for outputs that do not fit the files, and at the end the first error of a
    file.
    """
    tasks = plan(files, outputs)
    errors: list[StreamsegError] = []
    with _progress(quiet, len(files)) as progress:
        scan = _in_turn if jobs == 1 or len(tasks) == 1 else _side_by_side
        for task, outcome in scan(tasks, options, settings, jobs, progress):
            if isinstance(outcome, StreamsegError):
                errors.append(outcome)
                if len(tasks) > 1:
                    progress.console.print(f"streamseg: {outcome}", markup=False)
                continue
            if outcome.warning:
                progress.console.print(f"streamseg: {task.file}: {outcome.warning}", markup=False)
            if not task.reports:
                FORMATS[outputs.formats[0]](sys.stdout, outcome.report)
    sys.stdout.flush()
    if len(tasks) > 1 and errors:
        raise type(errors[0])(f"{len(errors)} of {len(tasks)} files failed, see above")
    if errors:
        raise errors[0]


def plan(files: list[str], outputs: Outputs) -> list[Task]:
    """Where the results of each file go. Raises UsageError where two would share a place."""
    several = len(files) > 1 or len(outputs.formats) > 1
    if several and outputs.output is None:
        raise UsageError("expected a folder for several files or formats, got none; add -o FOLDER")
    tasks = []
    for file in files:
        stem = "stdin" if file == "-" else Path(file).stem
        reports: list[tuple[str, Path]] = []
        if outputs.output is not None and several:
            folder = _folder(outputs.output)
            reports = [(name, folder / (stem + SUFFIXES[name])) for name in outputs.formats]
        elif outputs.output is not None:
            reports = [(outputs.formats[0], Path(outputs.output))]
        frames = None
        if outputs.frames is not None:
            one = len(files) == 1
            frames = Path(outputs.frames) if one else _folder(outputs.frames) / f"{stem}.frames.csv"
        tasks.append(Task(file, tuple(reports), frames))
    places = [path for task in tasks for _, path in task.reports]
    places += [task.frames for task in tasks if task.frames is not None]
    if clash := next((path for path in places if places.count(path) > 1), None):
        raise UsageError(f"two results would go to {clash}; scan files of one name one by one")
    return tasks


def _folder(text: str) -> Path:
    folder = Path(text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None
    return folder


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


Results = Iterator[tuple[Task, Outcome | StreamsegError]]


def _in_turn(
    tasks: list[Task], options: SourceOptions, settings: Settings, jobs: int, progress: Progress
) -> Results:
    network = load_network(settings.model.name, settings.model.provider)
    for task in tasks:
        bar = progress.add_task(Path(task.file).name, total=None, done="")

        def advance(position_s: float, total_s: float | None, bar: TaskID = bar) -> None:
            progress.update(bar, completed=position_s, total=total_s, done=f"{position_s:.0f} s")

        try:
            yield task, scan_file(task, network, options, settings, advance)
        except StreamsegError as error:
            yield task, error
        progress.remove_task(bar)


_network: Network | None = None  # of a worker process


def _prepare(settings: Settings) -> None:
    global _network
    _network = load_network(settings.model.name, settings.model.provider)


def _work(task: Task, options: SourceOptions, settings: Settings) -> Outcome | StreamsegError:
    assert _network is not None
    try:
        return scan_file(task, _network, options, settings)
    except StreamsegError as error:
        return error


def _side_by_side(
    tasks: list[Task], options: SourceOptions, settings: Settings, jobs: int, progress: Progress
) -> Results:
    # Fresh processes: a forked one would share the threads of libraries that do not survive it.
    with ProcessPoolExecutor(
        min(jobs, len(tasks)), get_context("spawn"), _prepare, (settings,)
    ) as pool:
        bar = progress.add_task("files", total=len(tasks), done="")
        waiting = {pool.submit(_work, task, options, settings): task for task in tasks}
        for finished in as_completed(waiting):
            progress.update(bar, advance=1)
            yield waiting[finished], finished.result()


@contextmanager
def _progress(quiet: bool, files: int) -> Iterator[Progress]:
    screen = console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[done]}"),
        TimeRemainingColumn(),
        console=screen,
        transient=True,
        disable=quiet or not screen.is_terminal,
    ) as progress:
        yield progress

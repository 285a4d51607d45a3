"""``streamseg scan``: files to segments and frame-level probabilities, faster than real time."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from streamseg.archive.find import Found, find
from streamseg.archive.pool import in_processes
from streamseg.archive.work import Done, Order, Task, scan_file
from streamseg.capture.choose import SourceOptions
from streamseg.commands import console
from streamseg.errors import ConfigError, StreamsegError, UsageError
from streamseg.models import load_network
from streamseg.settings import Settings
from streamseg.sinks.formats import FORMATS, SUFFIXES, cannot_write


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where the results go, as the flags say it."""

    formats: tuple[str, ...]
    output: str | None
    """A file for one file in one format, a folder otherwise; None is standard output."""
    frames: str | None
    """A file for one file, a folder otherwise; None: no frames."""


def run(
    names: list[str],
    outputs: Outputs,
    options: SourceOptions,
    settings: Settings,
    jobs: int = 1,
    quiet: bool = False,
) -> None:
    """Scan every file; one that fails is reported and does not stop the others.

    ``names`` are files and folders. Raises NoSuchInputError for a folder without sound, UsageError
    for outputs that do not fit the files, and at the end the first error of a file.
    """
    tasks = plan(find(names), outputs)
    orders = [Order(task, options, settings) for task in tasks]
    errors: list[StreamsegError] = []
    with ExitStack() as stack:
        progress = stack.enter_context(_progress(quiet))
        scan = _in_turn if jobs == 1 or len(tasks) == 1 else _side_by_side
        for done in stack.enter_context(closing(scan(orders, jobs, progress))):
            if isinstance(done.result, StreamsegError):
                errors.append(done.result)
                if len(tasks) > 1:
                    progress.console.print(f"streamseg: {done.result}", markup=False)
                continue
            task, outcome = done.order.task, done.result
            if outcome.warning:
                progress.console.print(f"streamseg: {task.file}: {outcome.warning}", markup=False)
            if not task.reports:
                FORMATS[outputs.formats[0]](sys.stdout, outcome.report)
    sys.stdout.flush()
    if len(tasks) > 1 and errors:
        raise type(errors[0])(f"{len(errors)} of {len(tasks)} files failed, see above")
    if errors:
        raise errors[0]


def plan(found: list[Found], outputs: Outputs) -> list[Task]:
    """Where the results of each file go. Raises UsageError where two would share a place.

    What comes from a folder keeps its path under it.
    """
    one = len(found) == 1 and not found[0].from_folder
    several = not one or len(outputs.formats) > 1
    if several and outputs.output is None:
        raise UsageError(
            "expected a folder for several files or formats, got none; add -o FOLDER, "
            "or -o NAME.parquet for one table of all"
        )
    tasks = []
    for file in found:
        reports: list[tuple[str, Path]] = []
        if outputs.output is not None and several:
            stem = _place(outputs.output, file)
            reports = [(name, _suffixed(stem, SUFFIXES[name])) for name in outputs.formats]
        elif outputs.output is not None:
            reports = [(outputs.formats[0], Path(outputs.output))]
        frames = None
        if outputs.frames is not None:
            frames = Path(outputs.frames)
            if not one:
                frames = _suffixed(_place(outputs.frames, file), ".frames.csv")
        tasks.append(Task(file.file, tuple(reports), frames))
    places = Counter(path for task in tasks for _, path in task.reports)
    places.update(task.frames for task in tasks if task.frames is not None)
    if clash := next((path for path, count in places.items() if count > 1), None):
        raise UsageError(f"two results would go to {clash}; scan files of one name one by one")
    return tasks


def _place(folder: str, found: Found) -> Path:
    place = Path(folder) / found.place
    _folder(place.parent)
    return place


def _suffixed(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)  # a name may hold dots of its own


def _folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None


Results = Generator[Done, None, None]


def _in_turn(orders: list[Order], jobs: int, progress: Progress) -> Results:
    model = orders[0].settings.model
    network = load_network(model.name, model.provider)
    for order in orders:
        bar = progress.add_task(Path(order.task.file).name, total=None, done="")

        def advance(position_s: float, total_s: float | None, bar: TaskID = bar) -> None:
            progress.update(bar, completed=position_s, total=total_s, done=f"{position_s:.0f} s")

        try:
            yield Done(
                order, scan_file(order.task, network, order.options, order.settings, advance)
            )
        except StreamsegError as error:
            yield Done(order, error)
        progress.remove_task(bar)


def _side_by_side(orders: list[Order], jobs: int, progress: Progress) -> Results:
    bar = progress.add_task("files", total=len(orders), done="")
    with closing(in_processes(orders, jobs)) as results:
        for done in results:
            if isinstance(done.result, ConfigError):
                raise done.result  # about the worker, not about the file
            progress.update(bar, advance=1)
            yield done


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress]:
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

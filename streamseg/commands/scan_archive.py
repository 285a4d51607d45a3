"""``streamseg scan -o NAME.parquet``: thousands of files as one data set, on one machine or many.

The journal beside the data set (``NAME.parquet.journal``) says what is done. The same command again
goes on where the last one stopped, tries what failed once more, and adds what is new.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from streamseg import __version__
from streamseg.archive import data_set
from streamseg.archive.find import find
from streamseg.archive.journal import Entry, Journal, Stamp, entry_of
from streamseg.archive.pool import in_processes
from streamseg.archive.work import Done, Order, Outcome, Task
from streamseg.capture.choose import SourceOptions
from streamseg.commands.scan import Outputs
from streamseg.commands.scan_progress import FileProgress
from streamseg.errors import CannotWriteError, ConfigError, StreamsegError, UsageError
from streamseg.models import load_card
from streamseg.settings import Settings


@dataclass(frozen=True, slots=True)
class Hands:
    """Who does the work."""

    jobs: int = 1
    """Processes on this machine."""
    cluster: str | None = None
    """Address of a Dask scheduler, instead of them."""


def wants_data_set(names: list[str], outputs: Outputs, hands: Hands) -> bool:
    """Whether the flags ask for one table of all files.

    ``NAME.parquet`` always does; ``NAME.csv`` is the plain result of one file, and a table where
    there are several, unless a folder is called so.
    """
    if hands.cluster is not None:
        return True
    if outputs.output is None:
        return False
    output = Path(outputs.output)
    if output.suffix == ".csv" and outputs.formats == ("csv",) and not output.is_dir():
        return len(names) > 1 or os.path.isdir(names[0])
    return output.suffix == ".parquet"


def run(
    names: list[str],
    outputs: Outputs,
    options: SourceOptions,
    settings: Settings,
    hands: Hands,
    quiet: bool = False,
) -> None:
    """Scan what is not done yet and write the data set of everything in the journal.

    Raises what ``find``, ``Journal``, ``on_cluster`` and ``data_set.write`` raise, UsageError for
    flags that do not fit a data set, and at the end the first error of a file.
    """
    output = _checked(names, outputs)
    files = _stamped(names)
    about = _about(settings)
    with closing(Journal(Path(f"{output}.journal"), about)) as journal:
        todo = [file for file, stamp in files.items() if not journal.done(file, stamp)]
        progress = FileProgress(len(files), len(files) - len(todo), quiet)
        orders = [Order(Task(file), options, settings, about["sha256"]) for file in todo]
        errors = []
        with progress, closing(_results(orders, hands, progress.say)) as results:
            for done in results:
                if isinstance(done.result, ConfigError):
                    raise done.result  # about a worker, not about the file
                entry = _entry(done, files[done.order.task.file])
                journal.add(entry)
                if isinstance(done.result, StreamsegError):
                    errors.append(done.result)
                progress.done(entry)
        data_set.write(output, journal.entries(), about)
    if errors:
        raise type(errors[0])(
            f"{len(errors)} of {len(files)} files failed, see {data_set.files_path(output)}"
        )


def _checked(names: list[str], outputs: Outputs) -> Path:
    output = Path(outputs.output or "")
    if output.suffix not in data_set.SUFFIXES:
        raise UsageError(
            f"expected a data set as -o NAME.parquet or -o NAME.csv, got {outputs.output}"
        )
    if outputs.frames is not None:
        raise UsageError(
            "expected no --frames with a data set, which holds segments; scan into a folder "
            "(-o FOLDER --frames FOLDER) for the frames of every file"
        )
    if outputs.formats != ("csv",):
        raise UsageError(
            f"expected no --format with a data set, got {','.join(outputs.formats)}; "
            f"the name says it: {output.suffix}"
        )
    if bad := next((name for name in names if name == "-" or "://" in name), None):
        raise UsageError(
            f"expected files and folders for a data set, got {bad}; "
            "what cannot be read twice cannot be taken up again"
        )
    if output.is_dir():
        raise CannotWriteError(f"expected to write {output}, got a folder; choose another name")
    data_set.check(output)
    return output


def _stamped(names: list[str]) -> dict[str, Stamp]:
    """Absolute paths, each once: other machines and later runs know no working folder."""
    return {file: _stamp(file) for file in (os.path.abspath(found.file) for found in find(names))}


def _stamp(file: str) -> Stamp:
    try:
        status = os.stat(file)
    except OSError:
        return Stamp(0, 0)  # scanning says what is wrong with it
    return Stamp(status.st_size, status.st_mtime_ns)


def _about(settings: Settings) -> dict[str, str]:
    """All that a result depends on, besides the file."""
    return {
        "version": __version__,
        "model": settings.model.name,
        "sha256": load_card(settings.model.name).sha256,
        "channel": settings.capture.channel,
        "decisions": settings.decisions.model_dump_json(),
    }


def _results(
    orders: list[Order], hands: Hands, say: Callable[[str], None]
) -> Generator[Done, None, None]:
    if hands.cluster is None:
        return in_processes(orders, hands.jobs)
    from streamseg.archive.cluster import on_cluster

    return on_cluster(orders, hands.cluster, say)


def _entry(done: Done, stamp: Stamp) -> Entry:
    file = done.order.task.file
    if isinstance(done.result, Outcome):
        return entry_of(file, stamp, done.result.report, done.result.warning)
    return Entry(file, stamp, error=str(done.result))

"""``streamseg explain``: why an event or an alarm was, or was not, in a span of a log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from streamseg.commands.explain_log import SourceLog, parse_moment, read
from streamseg.commands.explain_span import Span
from streamseg.commands.explain_words import LABELS, explain
from streamseg.errors import NoSuchInputError, UsageError
from streamseg.settings_alarms import RULES
from streamseg.sinks.trace_file import older, trace_path


def run(
    log: Path,
    begin: str | None,
    end: str | None,
    rule: str | None = None,
    label: str | None = None,
    source: str | None = None,
    trace: Path | None = None,
) -> Iterator[str]:
    """The answer, line by line.

    Without rule and label, everything. Raises UsageError for an unknown name or time,
    NoSuchInputError for a log or trace that is not there.
    """
    _check("rule", rule, RULES)
    _check("label", label, LABELS)
    sources = read(log, _trace_of(log, trace))
    if source is not None and source not in sources:
        raise UsageError(f"expected a source of the log, {', '.join(sources)}, got {source!r}")
    labels, names = _asked(rule, label)
    for number, name in enumerate([source] if source is not None else list(sources)):
        if number:
            yield ""
        yield from explain(sources[name], _span(sources[name], begin, end), labels, names)


def _asked(rule: str | None, label: str | None) -> tuple[list[str], list[str]]:
    if rule is None and label is None:
        return list(LABELS), list(RULES)
    return [label] if label else [], [rule] if rule else []


def _check(kind: str, name: str | None, known: tuple[str, ...]) -> None:
    if name is not None and name not in known:
        raise UsageError(f"expected a {kind} of {', '.join(known)}, got {name!r}")


def _trace_of(log: Path, asked: Path | None) -> Path | None:
    path = asked or trace_path(log)
    if path.exists() or older(path).exists():
        return path
    if asked is not None:
        raise NoSuchInputError(f"expected a decision trace at {asked}, found none; check --trace")
    return None


def _span(source: SourceLog, begin: str | None, end: str | None) -> Span:
    first, last = source.first, source.last
    start = first if begin is None else parse_moment(begin, first, last)
    stop: datetime = last if end is None else parse_moment(end, first, last, start)
    if stop <= start:
        raise UsageError(
            f"expected --to after --from, got {start.isoformat()} to {stop.isoformat()}"
        )
    return Span(start, stop)

"""The verbs for event logs: ``report``, ``explain`` and ``ack``."""

from __future__ import annotations

from pathlib import Path

import click

from streamseg.cli.options import Common, common


@click.command("report")
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "kind",
    type=click.Choice(["text", "csv", "html"]),
    default="text",
    show_default=True,
    help="Of the sums; html is one page with plots.",
)
@click.option(
    "--segments",
    type=click.Choice(["csv", "jsonl", "audacity", "rttm", "textgrid"]),
    help="The segments instead of the sums, in a format of scan.",
)
@click.option("--from", "begin", help="Day or time, as 2026-11-20 or 2026-11-20T06:00.")
@click.option("--to", "end", help="Day (the whole of it) or time.")
@click.option("--source", help="Only this one.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write.")
@common
def report_verb(
    options: Common,
    logs: tuple[Path, ...],
    kind: str,
    segments: str | None,
    begin: str | None,
    end: str | None,
    source: str | None,
    output: Path | None,
) -> None:
    """Sum event LOGS: hours of music, speech, noise, silence, alarms, gaps.

    The rotated files of a log are read with it.
    """
    from streamseg.commands import console, report

    wanted = report.Wanted(
        kind,
        segments,
        report.parse_time(begin) if begin else None,
        report.parse_time(end, end=True) if end else None,
        source,
        output,
    )
    report.run(console(), logs, wanted)


@click.command("explain")
@click.argument("log", type=click.Path(path_type=Path))
@click.option("--from", "begin", help="Beginning: 14:05:00, 2026-03-01T14:05:00, or +90 (s).")
@click.option("--to", "end", help="End, in the same way; without both: all of the log.")
@click.option("--rule", help="One alarm rule, e.g. dead_air; docs/alarms.md lists them.")
@click.option("--label", help="One class: music, speech, noise or silence.")
@click.option("--source", help="One source of several.")
@click.option("--trace", type=click.Path(path_type=Path), help="Trace; default: LOG.trace.")
@common
def explain_verb(
    options: Common,
    log: Path,
    begin: str | None,
    end: str | None,
    rule: str | None,
    label: str | None,
    source: str | None,
    trace: Path | None,
) -> None:
    """Say why an event or an alarm was, or was not, in a span of LOG.

    The answer comes from the log and from the decision trace that `streamseg log -o LOG` writes
    beside it (log.trace_mb).
    """
    from streamseg.commands import explain

    for line in explain.run(log, begin, end, rule, label, source, trace):
        click.echo(line)


@click.command("ack")
@click.argument("log", type=click.Path(path_type=Path))
@click.option("--rule", help="One alarm rule, e.g. dead_air; default: all that stand.")
@click.option("--source", help="One source; default: all.")
@click.option("--by", help="Who has seen it; default: the user's name.")
@common
def ack_verb(
    options: Common, log: Path, rule: str | None, source: str | None, by: str | None
) -> None:
    """Acknowledge the alarms of the monitor that writes LOG."""
    from streamseg.commands import ack

    click.echo(ack.run(log, rule, source, by))

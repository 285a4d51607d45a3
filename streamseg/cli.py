"""The verbs and their flags. Every verb's work is done in ``streamseg.commands``, imported late.

Importing this module costs nothing heavy: no audio, video, window or training library is loaded
before a verb needs it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from streamseg import __version__
from streamseg.errors import InterruptedRunError, StreamsegError
from streamseg.settings import Loaded, load


@dataclass(slots=True)
class Common:
    """What every verb accepts."""

    config: Path | None
    quiet: bool
    verbose: bool

    def load(self, **flags: Any) -> Loaded:
        """The settings in force; ``flags`` names keys with ``__`` for the dot."""
        return load(self.config, flags={k.replace("__", "."): v for k, v in flags.items()})


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--config``, ``-q`` and ``-v`` to a verb."""

    def wrapped(config: Path | None, quiet: bool, verbose: bool, **rest: Any) -> Any:
        context = click.get_current_context()
        context.meta["verbose"] = verbose
        return command(Common(config, quiet, verbose), **rest)

    wrapped.__name__ = command.__name__
    wrapped.__doc__ = command.__doc__
    wrapped.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in (
        click.option("-v", "--verbose", is_flag=True, help="Tell more; show tracebacks."),
        click.option("-q", "--quiet", is_flag=True, help="No progress, no status line."),
        click.option(
            "--config",
            type=click.Path(path_type=Path),
            help="Settings file (TOML) instead of the user's own.",
        ),
    ):
        wrapped = option(wrapped)
    return wrapped


model_option = click.option("-m", "--model", help="Network; `streamseg models` lists them.")
rate_option = click.option(
    "-r", "--samplerate", type=click.IntRange(1000, 768000), help="Rate in Hz (device, raw PCM)."
)
channels_option = click.option(
    "-c", "--channels", type=click.IntRange(1, 64), help="Channel count (device, raw PCM)."
)
channel_option = click.option(
    "--channel", help="Which one to hear: a number from 1, mean, mid or side."
)
encoding_option = click.option(
    "--encoding", type=click.Choice(["s16", "f32"]), default="s16", help="Of raw PCM on stdin."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(__version__, prog_name="streamseg")
@click.pass_context
def cli(context: click.Context) -> None:
    """Hear what is on air: music, speech, noise or silence, live and around the clock.

    Without a command the window opens on the default input device.
    """
    if context.invoked_subcommand is None:
        context.invoke(live_verb)


@cli.command("live")
@click.argument("source", required=False)
@click.option("-d", "--device", help="Input device, instead of SOURCE.")
@click.option("-o", "--output", help="Also write the event log (JSON lines, appended).")
@click.option(
    "--snapshot", type=click.Path(path_type=Path), help="Save the window to this PNG and quit."
)
@click.option(
    "--after",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="Seconds of sound before the picture is taken.",
)
@model_option
@rate_option
@channels_option
@channel_option
@common
def live_verb(
    options: Common,
    source: str | None,
    device: str | None,
    output: str | None,
    snapshot: Path | None,
    after: float,
    model: str | None,
    samplerate: int | None,
    channels: int | None,
    channel: str | None,
) -> None:
    """Open the window.

    SOURCE is a device (name, part of a name, or index), a file or a URL. Without one the default
    input device is monitored. A file is played at its own speed.
    """
    from streamseg.capture.choose import SourceOptions
    from streamseg.commands import live

    live.run(
        source if device is None else device,
        lambda: options.load(model__name=model, capture__channel=channel, log__file=output),
        SourceOptions(samplerate, channels),
        options.config,
        snapshot,
        after,
    )


@cli.command("log")
@click.argument("sources", nargs=-1)
@click.option("-d", "--device", "devices", multiple=True, help="Input device; may be repeated.")
@click.option("-o", "--output", help="Event log (JSON lines, appended); default: standard output.")
@click.option("--realtime", is_flag=True, help="Play files at their own speed.")
@click.option("--metrics", help="Figures for Prometheus at HOST:PORT, e.g. 127.0.0.1:9464.")
@click.option("--status", help="Status page at HOST:PORT; beyond loopback it needs a token.")
@click.option("--mqtt", help="States and events to a broker: mqtt://USER@HOST or mqtts://...")
@click.option("--hook", help="Run this command with alarms and losses as JSON on its input.")
@click.option("--clips", help="Folder for the sound around alarms (WAV).")
@model_option
@rate_option
@channels_option
@channel_option
@encoding_option
@common
def log_verb(
    options: Common,
    sources: tuple[str, ...],
    devices: tuple[str, ...],
    output: str | None,
    realtime: bool,
    metrics: str | None,
    status: str | None,
    mqtt: str | None,
    hook: str | None,
    clips: str | None,
    model: str | None,
    samplerate: int | None,
    channels: int | None,
    channel: str | None,
    encoding: str,
) -> None:
    """Monitor SOURCES without a window and log events.

    A source is a device (name, part of a name, or index), a file, a URL, or - for raw PCM on
    standard input; or the name of one under [[sources]] in the settings file. Without one, all
    of those are monitored, and where there are none, the default input device.
    """
    from streamseg.capture.choose import SourceOptions
    from streamseg.capture.native_noise import hush
    from streamseg.commands import log

    loaded = options.load(
        model__name=model,
        capture__channel=channel,
        log__file=output,
        metrics__listen=metrics,
        status__listen=status,
        mqtt__url=mqtt,
        hook__command=hook,
        clips__folder=clips,
    )
    if not options.verbose:
        hush()
    log.run(
        [*sources, *devices],
        SourceOptions(samplerate, channels, encoding, realtime),
        loaded.settings,
        quiet=options.quiet,
        configured=loaded.sources,
    )


@cli.command("scan")
@click.argument("files", nargs=-1)
@click.option("--files-from", help="Also those that this file names, one a line; - is stdin.")
@click.option(
    "--format",
    "formats",
    default="csv",
    show_default=True,
    help="One or several of csv, jsonl, audacity, rttm, textgrid, separated by commas.",
)
@click.option("--frames", help="Write the frame-level probabilities to this CSV file.")
@click.option(
    "-o", "--output", help="File; folder for several files; NAME.parquet or .csv for one table."
)
@click.option("-j", "--jobs", type=click.IntRange(1), default=1, help="Files at the same time.")
@click.option("--dask", help="Scheduler of a Dask cluster that does the work: tcp://HOST:8786.")
@model_option
@rate_option
@channels_option
@channel_option
@encoding_option
@common
def scan_verb(
    options: Common,
    files: tuple[str, ...],
    files_from: str | None,
    formats: str,
    frames: str | None,
    output: str | None,
    jobs: int,
    dask: str | None,
    model: str | None,
    samplerate: int | None,
    channels: int | None,
    channel: str | None,
    encoding: str,
) -> None:
    """Segment FILES, faster than real time.

    A file is anything that FFmpeg reads, a folder of such files, or - for raw PCM on standard
    input. One file and one format go to standard output unless -o says otherwise. Many files go
    into one table with -o NAME.parquet (or .csv); the same command again goes on where a killed
    one stopped.
    """
    from streamseg.archive.find import read_list
    from streamseg.capture.choose import SourceOptions
    from streamseg.commands import scan, scan_archive
    from streamseg.sinks.formats import parse_formats

    names = [*files, *(read_list(files_from) if files_from else [])]
    if not names:
        raise click.UsageError("expected files or folders to scan, got none")
    loaded = options.load(model__name=model, capture__channel=channel)
    outputs = scan.Outputs(tuple(parse_formats(formats)), output, frames)
    source = SourceOptions(samplerate, channels, encoding)
    hands = scan_archive.Hands(jobs, dask)
    if scan_archive.wants_data_set(names, outputs, hands):
        scan_archive.run(names, outputs, source, loaded.settings, hands, quiet=options.quiet)
    else:
        scan.run(names, outputs, source, loaded.settings, jobs=jobs, quiet=options.quiet)


@cli.command("mask")
@click.argument("file")
@click.option(
    "--keep",
    multiple=True,
    help="Class to keep: music, speech or noise; with -m stem_unet_small drums, bass, other or "
    "vocals; repeatable.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="What remains, as WAV.")
@click.option("--map", "map_", type=click.Path(path_type=Path), help="The map itself, as NPZ.")
@click.option(
    "--soft-floor-db",
    type=click.FloatRange(-120, 0),
    help="Turn nothing down by more than this, e.g. -20; without it what goes is gone.",
)
@click.option("-m", "--model", help="Mask network; `streamseg models` lists them.")
@rate_option
@channels_option
@channel_option
@encoding_option
@common
def mask_verb(
    options: Common,
    file: str,
    keep: tuple[str, ...],
    output: Path | None,
    map_: Path | None,
    soft_floor_db: float | None,
    model: str | None,
    samplerate: int | None,
    channels: int | None,
    channel: str | None,
    encoding: str,
) -> None:
    """Keep only some classes of FILE, and write what remains or the map of who is where.

    The map is drawn from the mix of all channels and laid on each of them; rate and channels stay.
    """
    from streamseg.capture.choose import SourceOptions
    from streamseg.commands import mask

    loaded = options.load(model__mask=model, capture__channel=channel)
    mask.run(
        file,
        mask.Outputs(keep, output, map_, soft_floor_db),
        SourceOptions(samplerate, channels, encoding),
        loaded.settings,
        quiet=options.quiet,
    )


@cli.command("report")
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


@cli.command("explain")
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


@cli.command("ack")
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


@cli.command("devices")
@common
def devices_verb(options: Common) -> None:
    """List the input devices."""
    from streamseg.capture.native_noise import hush
    from streamseg.commands import console, devices

    if not options.verbose:
        hush()
    devices.run(console())


@cli.command("models")
@click.option("--verify", is_flag=True, help="Load every network and check it against its card.")
@common
def models_verb(options: Common, verify: bool) -> None:
    """List the networks."""
    from streamseg.commands import console, models

    models.run(console(), verify)


@cli.command("bench")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
@click.option("--full", is_flag=True, help="More sound, more often: some minutes.")
@click.option("-m", "--model", "models", multiple=True, help="Network; may be repeated.")
@click.option("-d", "--device", help="Monitor this input device, instead of the demo programme.")
@common
def bench_verb(
    options: Common, as_json: bool, full: bool, models: tuple[str, ...], device: str | None
) -> None:
    """Measure how fast the networks run on this machine: sources per core, latency, memory."""
    from streamseg.commands import bench, console

    screen = console(stderr=True)
    screen.quiet = options.quiet
    bench.run(console(), screen, models, device, full=full, as_json=as_json)


@cli.command("config")
@common
def config_verb(options: Common) -> None:
    """Print the settings in force and where each comes from."""
    from streamseg.commands import config

    click.echo(config.run(options.load()))


@cli.command("doctor")
@common
def doctor_verb(options: Common) -> None:
    """Say what works here; exit 0 only if the main job can run."""
    from streamseg.commands import console, doctor

    if not doctor.run(console(), options.load):
        sys.exit(1)


@cli.command("demo")
@click.option("-o", "--output", default="streamseg-demo.jsonl", show_default=True, help="Log.")
@click.option(
    "--window/--no-window",
    default=None,
    help="Then watch it in the live window; default: from a terminal with a screen.",
)
@model_option
@common
def demo_verb(options: Common, output: str, window: bool | None, model: str | None) -> None:
    """Run the main job on the bundled programme and print its time line."""
    from streamseg.capture.choose import SourceOptions
    from streamseg.commands import console, demo, live
    from streamseg.resources import demo_dir

    loaded = options.load(model__name=model, log__file=output)
    demo.run(console(), loaded.settings)
    if window or (window is None and live.has_screen() and sys.stdout.isatty()):

        def load_again() -> Loaded:
            return options.load(model__name=model)

        live.run(str(demo_dir() / "demo.opus"), load_again, SourceOptions(), options.config)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code of ``interface.md``."""
    verbose = bool({"-v", "--verbose"} & set(sys.argv[1:] if arguments is None else arguments))
    # Before numpy comes: its products here are small, and the threads of its library wait for each
    # other longer than they compute. The networks have threads of their own.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        cli.main(arguments, prog_name="streamseg", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _leave(InterruptedRunError("interrupted"), verbose=False)
    except StreamsegError as error:
        _leave(error, verbose)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing is left to say or to save.
        sys.stderr.close()
        sys.exit(0)


def _leave(error: StreamsegError, verbose: bool) -> None:
    if verbose:
        import traceback

        traceback.print_exception(error)
    else:
        click.echo(f"streamseg: {error}", err=True)
    sys.exit(error.exit_code)

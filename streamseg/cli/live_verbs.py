"""The verbs that monitor: ``live``, ``log``, and ``demo``, which ends in the window."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from streamseg.cli.options import (
    Common,
    channel_option,
    channels_option,
    common,
    encoding_option,
    model_option,
    rate_option,
)
from streamseg.settings import Loaded


@click.command("live")
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


@click.command("log")
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


@click.command("demo")
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

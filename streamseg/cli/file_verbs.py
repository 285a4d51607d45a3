"""The verbs for recordings: ``scan`` and ``mask``."""

from __future__ import annotations

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


@click.command("scan")
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


@click.command("mask")
@click.argument("file")
@click.option(
    "--keep",
    multiple=True,
    help="Class to keep: music, speech or noise; with -m stem_unet_small or stem_unet drums, bass, "
    "other or vocals; repeatable.",
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

"""The verbs that say what is here: ``devices``, ``models``, ``bench``, ``config``, ``doctor``."""

from __future__ import annotations

import sys

import click

from streamseg.cli.options import Common, common


@click.command("devices")
@common
def devices_verb(options: Common) -> None:
    """List the input devices."""
    from streamseg.capture.native_noise import hush
    from streamseg.commands import console, devices

    if not options.verbose:
        hush()
    devices.run(console())


@click.command("models")
@click.option("--verify", is_flag=True, help="Load every network and check it against its card.")
@common
def models_verb(options: Common, verify: bool) -> None:
    """List the networks."""
    from streamseg.commands import console, models

    models.run(console(), verify)


@click.command("bench")
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


@click.command("config")
@common
def config_verb(options: Common) -> None:
    """Print the settings in force and where each comes from."""
    from streamseg.commands import config

    click.echo(config.run(options.load()))


@click.command("doctor")
@common
def doctor_verb(options: Common) -> None:
    """Say what works here; exit 0 only if the main job can run."""
    from streamseg.commands import console, doctor

    if not doctor.run(console(), options.load):
        sys.exit(1)

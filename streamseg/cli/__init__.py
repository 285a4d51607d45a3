"""The verbs and their flags. Every verb's work is done in ``streamseg.commands``, imported late.

Importing this module costs nothing heavy: no audio, video, window or training library is loaded
before a verb needs it.
"""

from __future__ import annotations

import os
import sys

import click

from streamseg import __version__
from streamseg.cli.file_verbs import mask_verb, scan_verb
from streamseg.cli.live_verbs import demo_verb, live_verb, log_verb
from streamseg.cli.log_verbs import ack_verb, explain_verb, report_verb
from streamseg.cli.machine_verbs import (
    bench_verb,
    config_verb,
    devices_verb,
    doctor_verb,
    models_verb,
)
from streamseg.errors import InterruptedRunError, StreamsegError


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(__version__, prog_name="streamseg")
@click.pass_context
def cli(context: click.Context) -> None:
    """Hear what is on air: music, speech, noise or silence, live and around the clock.

    Without a command the window opens on the default input device.
    """
    if context.invoked_subcommand is None:
        context.invoke(live_verb)


for _verb in (
    ack_verb,
    bench_verb,
    config_verb,
    demo_verb,
    devices_verb,
    doctor_verb,
    explain_verb,
    live_verb,
    log_verb,
    mask_verb,
    models_verb,
    report_verb,
    scan_verb,
):
    cli.add_command(_verb)


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

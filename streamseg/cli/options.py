"""What the verbs share: the flags that every one accepts, and those of several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

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

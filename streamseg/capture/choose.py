"""From what the user typed or wrote down to a source: a device, a file, a URL or a pipe."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from streamseg.capture.base import Source, parse_channel_choice
from streamseg.errors import NoSuchInputError, UsageError
from streamseg.settings import CaptureSettings
from streamseg.settings_sources import SourceSettings, expand

_LOOKS_LIKE_A_FILE = re.compile(r"[/\\]|\.[a-zA-Z0-9]{2,5}$")


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """Flags that only some kinds of source need."""

    rate_hz: int | None = None
    channels: int | None = None
    encoding: str = "s16"
    realtime: bool = False


def file_source(text: str, options: SourceOptions, settings: CaptureSettings) -> Source:
    """A file, a URL, or ``-``. The errors come from opening it."""
    channel = parse_channel_choice(settings.channel)
    if text == "-":
        from streamseg.capture.pcm import PcmSource

        if options.rate_hz is None:
            raise UsageError(
                "raw PCM on standard input has no header: expected its rate, got none; "
                "add -r RATE (and -c CHANNELS unless it is mono)"
            )
        return PcmSource(
            sys.stdin.buffer, options.rate_hz, options.channels or 1, options.encoding, channel
        )
    from streamseg.capture.media import MediaSource

    return MediaSource(text, channel, settings, realtime=options.realtime)


def any_source(text: str | None, options: SourceOptions, settings: CaptureSettings) -> Source:
    """What ``log`` takes: None is the default input device.

    Raises NoSuchInputError for what looks like a file and is none; what is neither file nor URL
    is taken as a device, whose errors come from opening it.
    """
    if text is not None:
        if text == "-" or "://" in text or Path(text).exists():
            return file_source(text, options, settings)
        if _LOOKS_LIKE_A_FILE.search(text):
            raise NoSuchInputError(
                f"expected a file, a URL or a device, got {text!r}, which is none; "
                "check the path, or see `streamseg devices`"
            )
    from streamseg.capture.device import DeviceSource

    return DeviceSource(
        text,
        parse_channel_choice(settings.channel),
        settings,
        rate_hz=options.rate_hz,
        channels=options.channels,
    )


def configured_source(source: SourceSettings, settings: CaptureSettings) -> Source:
    """A source of the settings file, by its own ``settings``. Raises ConfigError, UsageError."""
    channel = parse_channel_choice(settings.channel)
    if source.device:
        from streamseg.capture.device import DeviceSource

        return DeviceSource(
            source.device,
            channel,
            settings,
            rate_hz=source.rate_hz,
            channels=source.channels,
            name=source.name,
        )
    from streamseg.capture.media import MediaSource

    place = expand(source.url, source.name) if source.url else source.file
    return MediaSource(place, channel, settings, realtime=source.realtime, name=source.name)

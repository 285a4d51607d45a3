"""Which sources a headless run monitors, and by which settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamseg.capture.base import Source
from streamseg.capture.choose import SourceOptions, any_source, configured_source
from streamseg.errors import UsageError
from streamseg.settings import Settings, own_settings
from streamseg.settings_sources import SourceSettings


@dataclass(frozen=True, slots=True)
class Chosen:
    """A source that is to be monitored."""

    source: Source
    settings: Settings


def choose(
    texts: Sequence[str],
    configured: Sequence[SourceSettings],
    options: SourceOptions,
    settings: Settings,
) -> list[Chosen]:
    """What was asked for on the command line, else all of the settings file, else the default.

    A text that is the name of a configured source means that one. One source that is not there is
    an error at the start; among several it is waited for, as an unattended box comes up in any
    order. Raises UsageError when a name comes twice, and what making a source raises.
    """
    by_name = {source.name: source for source in configured}
    wanted: Sequence[str | None] = texts or list(by_name) or [None]
    if len(wanted) > 1:
        settings = _patient(settings)
    chosen = []
    for text in wanted:
        if text is not None and text in by_name:
            own = own_settings(settings, by_name[text])
            chosen.append(Chosen(configured_source(by_name[text], own.capture), own))
        else:
            chosen.append(Chosen(any_source(text, options, settings.capture), settings))
    names = [each.source.name for each in chosen]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"expected every source once, got {name} {names.count(name)} times")
    return chosen


def _patient(settings: Settings) -> Settings:
    capture = settings.capture.model_copy(update={"retry_at_start": True})
    return settings.model_copy(update={"capture": capture})

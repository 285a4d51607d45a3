"""``streamseg config``: every setting in force, where it came from, and why its default is so."""

from __future__ import annotations

from typing import Any

import tomlkit

from streamseg.capture.place import public
from streamseg.settings import Loaded, describe, keys
from streamseg.settings_sources import SourceSettings


def run(loaded: Loaded) -> str:
    """The settings as TOML, so that the output can be saved and edited."""
    values = loaded.settings.model_dump()
    lines: list[str] = []
    previous = ""
    for key in keys():
        section, name = key.split(".")
        if section != previous:
            lines += [""] * bool(previous) + [f"[{section}]"]
            previous = section
        value = _toml(values[section][name])
        lines += [f"# {describe(key)}", f"{name} = {value}  # {loaded.origin[key]}"]
    for source in loaded.sources:
        lines += ["", "[[sources]]", *_source(source)]
    return "\n".join(lines)


def _source(source: SourceSettings) -> list[str]:
    """What was set of one source; a password that stands in its URL is left out."""
    given = source.model_dump(exclude_defaults=True)
    tables = [key for key, value in given.items() if isinstance(value, dict)]
    lines = [
        f"{key} = {_toml(public(value) if key == 'url' else value)}"
        for key, value in given.items()
        if key not in tables
    ]
    for table in tables:
        lines += [f"[sources.{table}]"]
        lines += [f"{key} = {_toml(value)}" for key, value in given[table].items()]
    return lines


def _toml(value: Any) -> str:
    """A value as TOML writes it; JSON's strings differ in what they escape."""
    text: str = tomlkit.item(list(value) if isinstance(value, tuple) else value).as_string()
    return text

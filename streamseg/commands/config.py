"""``streamseg config``: every setting in force, where it came from, and why its default is so."""

from __future__ import annotations

import json

from streamseg.settings import Loaded, describe, keys


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
        # Strings, numbers and booleans are written alike in JSON and TOML.
        value = json.dumps(values[section][name])
        lines += [f"# {describe(key)}", f"{name} = {value}  # {loaded.origin[key]}"]
    return "\n".join(lines)

"""Change single values of the settings file and leave the rest as it is. No Qt."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from streamseg.errors import CannotWriteError, ConfigError
from streamseg.settings import load


def write_settings(path: Path, changed: Mapping[str, str | bool | list[str] | None]) -> None:
    """Write values by dotted key; None goes back to the default.

    Checked before anything is written. Raises ConfigError for a value that is refused or a file
    that is no TOML, CannotWriteError.
    """
    given = {key: value for key, value in changed.items() if value is not None}
    checked = load(_existing(path), environment={}, flags=given).settings.model_dump()
    try:
        document = tomlkit.parse(path.read_text("utf-8")) if path.exists() else tomlkit.document()
    except TOMLKitError as error:
        raise ConfigError(f"expected TOML in {path}: {error}; correct it by hand") from None
    for key in changed:
        section, name = key.split(".")
        if section not in document:
            document[section] = tomlkit.table()
        table = document[section]
        assert isinstance(table, Table)
        if key in given:
            table[name] = _plain(checked[section][name])
        else:
            table.pop(name, None)
    _replace(path, tomlkit.dumps(document))


def _existing(path: Path) -> Path:
    # ``load`` takes None for the user's own file, which may be another than this.
    if path.exists():
        return path
    return Path(os.devnull)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _replace(path: Path, text: str) -> None:
    """All or nothing: a full disk leaves the old file."""
    fresh = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, "utf-8")
        fresh.replace(path)
    except OSError as error:
        raise CannotWriteError(
            f"expected to write {path}: {error.strerror}; choose another file with --config"
        ) from None

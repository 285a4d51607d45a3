"""Passwords and tokens: from a file or from the environment, never from a setting.

A setting is printed by `streamseg config` and a flag stands in the list of processes; a file has
rights of its own (systemd's ``LoadCredential=`` makes such files).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from streamseg.errors import ConfigError


def read_secret(
    file: str, variable: str, key: str, environment: Mapping[str, str] | None = None
) -> str:
    """The first line of ``file`` if one is named by the setting ``key``, else the variable.

    Empty if there is neither. Raises ConfigError for a file that cannot be read or is empty.
    """
    if not file:
        return (os.environ if environment is None else environment).get(variable, "")
    try:
        lines = Path(file).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{key}: expected a secret in {file}: {error}") from None
    if not lines or not lines[0].strip():
        raise ConfigError(f"{key}: expected a secret in the first line of {file}, got nothing")
    return lines[0].strip()

"""Sources that were opened lately, for the menu. No Qt.

Addresses with a password or a token are not remembered: the file of a window is no place for them.
"""

from __future__ import annotations

from pathlib import Path

from streamseg.capture.place import public
from streamseg.view.prefs import RECENT


def remembered(recent: list[str], source: str | None) -> list[str]:
    """With ``source`` in the first place, the default device and secrets left out."""
    if source is None or public(source) != source:
        return recent
    path = Path(source)
    name = str(path.absolute()) if path.is_file() else source
    return [name, *(one for one in recent if one != name)][:RECENT]


def label(source: str) -> str:
    """Short enough for a menu: a file's name with its folder, an address from its end."""
    path = Path(source)
    if path.is_absolute():
        return f"{path.name}   ({path.parent.name})" if path.parent.name else path.name
    return source if len(source) <= 60 else f"…{source[-59:]}"

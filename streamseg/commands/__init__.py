"""What each verb does. ``streamseg.cli`` declares the flags and imports these only when asked."""

from __future__ import annotations

from rich.console import Console


def console(stderr: bool = False) -> Console:
    """Where tables go: as wide as the terminal, or never folded when it is none."""
    made = Console(stderr=stderr, highlight=False)
    if not made.is_terminal:
        made.width = 200
    return made

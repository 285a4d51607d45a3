"""Keep C libraries off the terminal.

PortAudio and ALSA print their inner errors to file descriptor 2 when a device goes away, past
Python; and sounddevice itself points descriptor 2 at nothing while PortAudio starts, so that at a
frozen audio server our own error would be lost. ``hush`` is for the command line, once, before a
device is opened: not for libraries.
"""

from __future__ import annotations

import os
import sys


def hush() -> None:
    """Point descriptor 2 at nothing and ``sys.stderr`` at what it was. Cannot be undone.

    Does nothing where ``sys.stderr`` is not the real one (a test that captures, a window without
    a console).
    """
    stderr = sys.stderr
    try:
        if stderr is None or stderr.fileno() != 2:
            return
        stderr.flush()
        kept = os.dup(2)
        nothing = os.open(os.devnull, os.O_WRONLY)
    except (OSError, ValueError):
        return
    os.dup2(nothing, 2)
    os.close(nothing)
    # Line by line, as Python's own stderr, even into a file.
    sys.stderr = open(  # noqa: SIM115  it lives as long as the process
        kept, "w", encoding=stderr.encoding, errors="backslashreplace", buffering=1
    )

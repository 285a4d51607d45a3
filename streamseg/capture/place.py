"""Is it a file or a URL, what may be said of it, and is the file there?

Knows no decoder, so it is cheap to import.
"""

from __future__ import annotations

import os
import re
import stat

from streamseg.errors import NoSuchInputError

_URL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


_USER = re.compile(r"(?<=://)[^/?#\s]*@")
_SECRET = re.compile(
    r"(?<=[?&;])([^=&;#\s]*(?:auth|credential|jwt|key|pass|pwd|secret|session|sig|token)[^=&;#\s]*)"
    r"=[^&;#\s]*",
    re.IGNORECASE,
)


def public(text: str) -> str:
    """A URL without what is nobody's business: user and password, tokens, keys, signatures.

    All that leaves ``capture`` goes through this: names, descriptions, errors. Other text comes
    back as it is, and text around a URL too.
    """
    return _SECRET.sub(r"\1=***", _USER.sub("***@", text)) if "://" in text else text


def is_url(text: str) -> bool:
    """Whether FFmpeg should reach it over a protocol other than the file system."""
    match = _URL.match(text)
    return match is not None and match[1].lower() != "file"


def local_path(text: str) -> str:
    """A path as the file system wants it, from a path or a ``file://`` URL."""
    return text[len("file://") :] if text.lower().startswith("file://") else text


def check_file(place: str) -> None:
    """Say plainly what is wrong with a file before FFmpeg does. Raises NoSuchInputError."""
    remedy = "give the path of a sound file"
    try:
        status = os.stat(place)
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise NoSuchInputError(
            f"expected a sound file at {place}, got: {reason}; {remedy}"
        ) from None
    if not os.access(place, os.R_OK):
        raise NoSuchInputError(f"expected a sound file at {place}, got: not readable; {remedy}")
    if stat.S_ISDIR(status.st_mode):
        raise NoSuchInputError(f"expected a sound file at {place}, got a directory; {remedy}")
    if stat.S_ISREG(status.st_mode) and status.st_size == 0:
        raise NoSuchInputError(f"expected a sound file at {place}, got an empty file; {remedy}")

"""Files that come with the program: the networks and the demo programme.

A wheel carries them inside the package; a checkout has them beside it.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_BUNDLED = _PACKAGE / "_data"


def models_dir() -> Path:
    """The folder with ``<stem>.onnx`` and ``<stem>.json``."""
    return _BUNDLED / "models" if _BUNDLED.exists() else _PACKAGE.parent / "models"


def demo_dir() -> Path:
    """The folder with ``demo.opus`` and its reference events ``demo.csv``."""
    return _BUNDLED / "demo" if _BUNDLED.exists() else _PACKAGE.parent / "assets"

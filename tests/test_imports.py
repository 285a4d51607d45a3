"""Facts about what importing costs."""

import subprocess
import sys

HEAVY = ("sounddevice", "PyQt6", "pyqtgraph", "av", "torch", "onnxruntime", "scipy")


def test_the_command_line_imports_nothing_heavy():
    """A fresh interpreter that has imported the command line has loaded none of these."""
    code = f"import streamseg.cli, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"

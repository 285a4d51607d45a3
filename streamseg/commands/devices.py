"""``streamseg devices``: what can be listened to."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from streamseg.capture.device import list_devices


def run(console: Console) -> None:
    """Print the input devices. Raises SourceUnavailableError without PortAudio."""
    table = Table("index", "name", "host API", "channels", "rate", box=None, pad_edge=False)
    devices = list_devices()
    for device in devices:
        mark = " (default)" if device.is_default else ""
        table.add_row(
            str(device.index),
            device.name + mark,
            device.host_api,
            str(device.channels),
            f"{device.rate_hz} Hz",
        )
    if devices:
        console.print(table)
    else:
        console.print("no input device; plug one in, or monitor a file or URL")

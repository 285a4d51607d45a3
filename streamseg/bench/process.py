"""What a process has used so far, as the system counts it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path


def spent_s() -> float:
    """Processor time of this process and, where the system shows them, of its children.

    A device is captured by a process of its own.
    """
    total = time.process_time()
    own = Path(f"/proc/{os.getpid()}/task")
    if not own.exists():
        return total
    children = [pid for task in own.glob("*/children") for pid in task.read_text().split()]
    for pid in children:
        status = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += (int(status[11]) + int(status[12])) / os.sysconf("SC_CLK_TCK")
    return total


def held_mb(process: int) -> float:
    """Most memory that a process has held so far, in megabytes; 0 where the system does not say."""
    status = Path(f"/proc/{process}/status")
    if status.exists():
        # Not ``getrusage``: there a child begins with what its parent had.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3

"""The clock by which sound is timed: it never jumps, and it goes on while the machine sleeps.

Any thread; allocates nothing. ``time.monotonic`` stands still on Linux while the machine is
suspended, so the sound that was missed then would not be missed; the boot clock goes on.
"""

from __future__ import annotations

import time

_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", None)


def now_s() -> float:
    """Seconds since some moment before this process began; the same in every process."""
    if _BOOT_CLOCK is not None:
        return time.clock_gettime(_BOOT_CLOCK)
    return time.monotonic()

"""The most memory that this process has had."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path


def peak_memory_bytes() -> int:
    """Most resident memory of this process so far, since `reset_peak_memory` where the system can do that."""
    # Not getrusage where it can be helped: a child begins with the figure of the process that started it.
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/self/status").read_text("ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024


def reset_peak_memory() -> None:
    """Count the peak from now on, where the system can do that (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", "ascii")

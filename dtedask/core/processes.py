"""Whether a process that wrote its number down still lives; numbers are given again to others."""

from __future__ import annotations

import os
from pathlib import Path


def process_start(pid: int) -> str:
    """When a process started, in ticks since the start of the system; empty where that is not to be had."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]


def is_alive(pid: int, start: str) -> bool:
    """Whether the process of this number that started then still runs on this host."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    now = process_start(pid)
    return not start or not now or now == start

"""Whether a process that wrote its number down still lives; numbers are given again to others."""

from __future__ import annotations

import os
from pathlib import Path


def process_start(pid: int) -> str:
    """When a process started, in ticks since the start of the system; empty where that is not to be had."""
    found = _stat(pid)
    return found[19] if found else ""


def is_alive(pid: int, start: str) -> bool:
    """Whether the process of this number that started then still runs on this host."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    found = _stat(pid)
    if not found:
        return True
    return found[0] != "Z" and start in {"", found[19]}  # one that ended and that nobody has asked for is a zombie


def _stat(pid: int) -> list[str]:
    """What Linux says of a process, from its state on."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()

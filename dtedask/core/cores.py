"""How many cores this process may keep busy."""

from __future__ import annotations

import os

_given: int | None = None


def cores() -> int:
    """Cores that the system gives this process, or fewer where somebody said so, as a worker does that has a part."""
    if _given is not None:
        return _given
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit_cores(count: int | None) -> None:
    """Say how many cores this process may keep busy; None for as many as the system gives it."""
    global _given  # noqa: PLW0603 - a property of the process
    _given = count

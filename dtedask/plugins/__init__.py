"""Plug-ins: what others may hang on to the engine, found by entry points of the group ``dtedask.plugins``."""

from dtedask.plugins.hooks import hookimpl
from dtedask.plugins.manager import (
    ENTRY_POINTS,
    plugin_manager,
    register,
    run_after_commit,
    run_after_notices,
    run_after_purge,
    run_oldest_needed,
    run_worker_starts,
    unregister,
)

__all__ = [
    "ENTRY_POINTS",
    "hookimpl",
    "plugin_manager",
    "register",
    "run_after_commit",
    "run_after_notices",
    "run_after_purge",
    "run_oldest_needed",
    "run_worker_starts",
    "unregister",
]

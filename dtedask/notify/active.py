"""Listeners that a running recipe adds to those of the settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtedask.notify.listeners import Listeners

_active: list[Listeners] = []
_lock = Lock()


@contextmanager
def listening(listeners: str | os.PathLike[str] | Mapping[str, Any] | Listeners) -> Iterator[Listeners]:
    """Run listeners after every commit of this process, next to those of the settings.

    Parameters
    ----------
    listeners : str, os.PathLike, mapping or Listeners
        As in `load_listeners`.
    """
    from dtedask.notify.listeners import load_listeners

    loaded = load_listeners(listeners)
    with _lock:
        _active.append(loaded)
    try:
        yield loaded
    finally:
        with _lock:
            _active.remove(loaded)
        if "dtedask.notify.delivery.again" in sys.modules:
            from dtedask.notify.delivery.again import stop_again

            stop_again(listener.name for listener in loaded.listeners)


def active_listeners() -> list[Listeners]:
    """List the documents that `listening` holds."""
    with _lock:
        return list(_active)

"""Import libraries of clusters without what they do to this process."""

from __future__ import annotations

import signal
import threading
from importlib import import_module
from types import ModuleType


def import_undisturbed(name: str) -> ModuleType:
    """Import a module and leave Ctrl-C as it is.

    dask-jobqueue 0.9 makes it end the process with success, whatever it was doing.
    """
    before = signal.getsignal(signal.SIGINT)
    try:
        return import_module(name)
    finally:
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and before is not None and signal.getsignal(signal.SIGINT) is not before:
            signal.signal(signal.SIGINT, before)

"""Who commits does not wait until a trigger is tried again: threads do, as long as the process lives."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from dtedask.core.errors import DtedaskError
from dtedask.notify.delivery.carrier import utc_now
from dtedask.notify.delivery.crew import Serves

__all__ = ["deliver_again", "stop_again"]

AT_EXIT_S = 10.0
PAUSE_S = 30.0

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Waiting:
    """A thread that waits to deliver again.

    Parameters
    ----------
    carrier : Serves
        Who serves the listener.
    is_wanted : callable
        Whether the listener is still one of this process.
    due : datetime
        When.
    is_new : bool
        Whether `due` was said since the thread has looked.
    """

    carrier: Serves
    is_wanted: Callable[[], bool]
    due: datetime
    is_new: bool = True
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


_Key = tuple[Path, str]
_waiting: dict[_Key, _Waiting] = {}
_lock = threading.Lock()


def deliver_again(state: Path, carrier: Serves, due: datetime, is_wanted: Callable[[], bool]) -> None:
    """Deliver to a listener when it is time, in a thread of its own that ends when nothing is left to try again.

    Parameters
    ----------
    state : Path
        The file in which it is remembered how far the listener has come.
    carrier : Serves
        Who serves it.
    due : datetime
        When.
    is_wanted : callable
        Whether it is still to be served then.
    """
    key = (state, carrier.name)
    with _lock:
        if not _waiting:
            atexit.unregister(_end)
            atexit.register(_end)
        found = _waiting.get(key)
        if found is not None and found.thread is not None and found.thread.is_alive():  # no thread outlives a fork
            found.due, found.is_new = min(found.due, due), True
            return
        one = _waiting[key] = _Waiting(carrier, is_wanted, due)
        one.thread = threading.Thread(target=_run, args=(key, one), name=f"again-{carrier.name}", daemon=True)
        one.thread.start()


def stop_again(names: Iterable[str], *, wait_s: float | None = None) -> None:
    """Try nothing again for listeners of these names, and wait for the triggers that run.

    What was to be tried again is remembered: the next process that serves them goes on there.
    """
    wanted = set(names)
    with _lock:
        found = [one for (_, name), one in _waiting.items() if name in wanted]
    for one in found:
        one.stop.set()
    for one in found:
        if one.thread is not None and one.thread is not threading.current_thread():
            one.thread.join(wait_s)


def _run(key: _Key, one: _Waiting) -> None:
    while True:
        one.stop.wait(max((one.due - utc_now()).total_seconds(), 0.0))
        with _lock:
            one.is_new = False
            if one.stop.is_set() or not one.is_wanted():
                logger.warning("What listener %r is to try again waits for the next start.", one.carrier.name)
                _waiting.pop(key, None)
                return
        due = _deliver(one)
        with _lock:
            if due is not None:
                one.due = due
            elif not one.is_new:
                _waiting.pop(key, None)
                return


def _deliver(one: _Waiting) -> datetime | None:
    try:
        return one.carrier.deliver(one.stop).due
    except DtedaskError as error:
        logger.warning("Listener %r has to wait %g s: %s", one.carrier.name, PAUSE_S, error)
        return utc_now() + timedelta(seconds=PAUSE_S)


def _end() -> None:
    with _lock:
        names = [name for _, name in _waiting]
    stop_again(names, wait_s=AT_EXIT_S)

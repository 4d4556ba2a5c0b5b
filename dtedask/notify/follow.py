"""Hearing of commits: at the start, after each commit of this process, and while others commit."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.core.errors import DtedaskError, NotFoundError
from dtedask.core.settings import setting
from dtedask.notify.delivery import Cursors, Delivery, Mode, deliver, first_cursors
from dtedask.notify.location import is_in_root, log_path, root_url
from dtedask.notify.log import NoticeLog, open_log
from dtedask.notify.missed import Cubes, History, fill, store_cubes, store_history

if TYPE_CHECKING:
    from dtedask.notify.listeners import Listeners

LOOK_AGAIN_S = 1.0
HISTORY_INTERVAL_S = 10.0

logger = logging.getLogger(__name__)


def catch_up(
    root: str | os.PathLike[str],
    *,
    listeners: Iterable[Listeners] | None = None,
    cubes: Cubes = store_cubes,
    history: History = store_history,
) -> Delivery:
    """Announce what was committed and never announced; done at the start of everything that commits.

    Parameters
    ----------
    root : str or os.PathLike
        The root; one that does not exist yet has nothing to announce.
    listeners : iterable of Listeners, optional
        Who is to hear of it; by default the listeners of the setting ``dtedask.notify.listeners``. Listeners that
        never ran hear of what comes from now on, and of commits that are not in the log of the root yet.
    cubes, history : callable
        Where commits are found; by default in the store.

    Returns
    -------
    Delivery
        What the listeners were told.
    """
    url = root_url(root)
    if _is_missing(url):
        return Delivery()
    log = open_log(url)
    documents = configured_listeners() if listeners is None else list(listeners)
    if is_in_root(log.path, url):
        register(log, documents, log.heads())
    fill(log, url, cubes=cubes, history=history)
    register(log, documents, log.heads())
    return deliver_to(log, documents)


def listen(
    source: str | os.PathLike[str] | Listeners,
    root: str | os.PathLike[str],
    *,
    mode: Mode = "new",
    stop: threading.Event | None = None,
    once: bool = False,
    cubes: Cubes = store_cubes,
    history: History = store_history,
) -> Delivery:
    """Run listeners for the commits of any process, until told to stop.

    Parameters
    ----------
    source : str, os.PathLike or Listeners
        The listeners.
    root : str or os.PathLike
        The root; waited for when it does not exist yet.
    mode : {"new", "catchup", "now"}
        Begin where each listener was, or where it never ran with what comes from now on (``new``) or with the first
        commit (``catchup``); ``now`` skips everything until now.
    stop : threading.Event, optional
        Ends listening when it is set.
    once : bool
        Deliver what there is and return.
    cubes, history : callable
        Where commits are found that are not in the log; by default in the store.

    Returns
    -------
    Delivery
        What was delivered until the end.

    Raises
    ------
    DocumentError
        If the listeners are wrong.
    NotFoundError
        If `once` and there is no root.
    """
    from dtedask.notify.listeners import load_listeners

    documents = [load_listeners(source)]
    url, stop = root_url(root), stop or threading.Event()
    if not _wait_for_root(url, stop, once=once):
        return Delivery()
    # A connection of its own, so that it also hears of the commits of other threads.
    with NoticeLog(log_path(url), root=url) as log:
        fill(log, url, cubes=cubes, history=history)
        for listener in (one for document in documents for one in document.listeners):
            _begin(log, listener.name, mode)
        total = Delivery()
        looked = time.monotonic()
        while True:
            seen = log.version()
            total += deliver_to(log, documents)
            if once or stop.is_set():
                return total
            _wait_for_news(log, seen, stop)
            if not is_in_root(log.path, url) and time.monotonic() - looked > HISTORY_INTERVAL_S:
                _look_into_history(log, url, cubes, history)
                looked = time.monotonic()


def configured_listeners() -> list[Listeners]:
    """Load the listeners that run after every commit: those of the settings, and those that a recipe holds.

    Raises
    ------
    DocumentError
        If a document is wrong.
    """
    from dtedask.notify.active import active_listeners
    from dtedask.notify.listeners import load_listeners

    return [*map(load_listeners, setting("notify.listeners")), *active_listeners()]


def register(log: NoticeLog, documents: Iterable[Listeners], cursors: Cursors) -> None:
    """Let listeners that never ran begin at these cursors."""
    for document in documents:
        for listener in document.listeners:
            if log.cursors(listener.name) is None:
                log.register(listener.name, cursors)


def deliver_to(log: NoticeLog, documents: Iterable[Listeners]) -> Delivery:
    """Deliver to all listeners of some documents."""
    results = [deliver(log, listener) for document in documents for listener in document.listeners]
    return sum(results, Delivery())


def _begin(log: NoticeLog, name: str, mode: Mode) -> None:
    known = log.cursors(name)
    if known is None or mode == "now":
        log.register(name, first_cursors(mode, known, log.heads()), again=True)


def _is_missing(url: str) -> bool:
    return "://" not in url and not Path(url).is_dir()


def _wait_for_root(url: str, stop: threading.Event, *, once: bool) -> bool:
    if not _is_missing(url):
        return True
    if once:
        raise NotFoundError(f"There is no root at {url!r}.", hint="Check the path; the first archive makes it.")
    logger.warning("There is no root at %r yet; waiting for it.", url)
    interval_s = setting("notify.poll-interval")
    while _is_missing(url):
        if stop.wait(interval_s):
            return False
    return True


def _wait_for_news(log: NoticeLog, seen: tuple[object, ...], stop: threading.Event) -> None:
    """Wait until another connection has written, `stop` is set, or it is time to look whatever happened."""
    interval_s = setting("notify.poll-interval")
    end = time.monotonic() + max(LOOK_AGAIN_S, interval_s)
    while log.version() == seen and time.monotonic() < end:
        if stop.wait(interval_s):
            return


def _look_into_history(log: NoticeLog, url: str, cubes: Cubes, history: History) -> None:
    try:
        fill(log, url, cubes=cubes, history=history)
    except DtedaskError as error:
        logger.warning("Cannot look for commits in %s, trying again in %g s: %s", url, HISTORY_INTERVAL_S, error)

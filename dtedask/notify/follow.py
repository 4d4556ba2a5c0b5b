"""Hearing of commits: at the start, after each commit of this process, and while others commit."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.core.errors import DtedaskError, NotFoundError
from dtedask.core.settings import setting
from dtedask.notify.delivery import beginning
from dtedask.notify.delivery.beginning import Mode
from dtedask.notify.delivery.carrier import Carrier
from dtedask.notify.delivery.crew import Crew
from dtedask.notify.delivery.delivered import Delivery
from dtedask.notify.delivery.item import end_of
from dtedask.notify.delivery.sources import CommitSource
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
        listeners = [listener for document in documents for listener in document.listeners]
        commits = CommitSource(log)
        for listener in listeners:
            beginning.begin(log.state, listener, commits, mode)
        carriers = [Carrier(listener, commits, log.state) for listener in listeners]
        crew = Crew(carriers, threads=setting("notify.threads"), stop=stop)
        try:
            if once:
                crew.serve_all()
            else:
                _serve_until(stop, crew, log, lambda: _look_into_history(log, url, cubes, history))
        finally:
            crew.end()
        return crew.total


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


def register(log: NoticeLog, documents: Iterable[Listeners], cursors: Mapping[str, int]) -> None:
    """Let listeners that never ran begin behind these commits."""
    places = {cube: end_of(sequence) for cube, sequence in cursors.items()}
    for document in documents:
        for listener in document.listeners:
            beginning.register(log.state, listener, CommitSource(log), places)


def deliver_to(log: NoticeLog, documents: Iterable[Listeners]) -> Delivery:
    """Deliver to all listeners of some documents, in turn; what failed waits for the next call, or for `listen`."""
    source = CommitSource(log)
    carriers = [Carrier(listener, source, log.state) for document in documents for listener in document.listeners]
    return sum((carrier.deliver() for carrier in carriers), Delivery())


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


def _serve_until(stop: threading.Event, crew: Crew, log: NoticeLog, look: Callable[[], None]) -> None:
    """Serve until `stop`: at once when another connection has written, else now and then."""
    interval_s = setting("notify.poll-interval")
    in_root = is_in_root(log.path, log.root)
    looked = again = time.monotonic()
    seen: object = None
    while not stop.is_set():
        version = log.version()
        if version != seen or time.monotonic() - again > LOOK_AGAIN_S:
            seen, again = version, time.monotonic()
            crew.news()
        crew.turn(interval_s)
        if not in_root and time.monotonic() - looked > HISTORY_INTERVAL_S:
            look()
            looked = time.monotonic()
            again = 0.0


def _look_into_history(log: NoticeLog, url: str, cubes: Cubes, history: History) -> None:
    try:
        fill(log, url, cubes=cubes, history=history)
    except DtedaskError as error:
        logger.warning("Cannot look for commits in %s, trying again in %g s: %s", url, HISTORY_INTERVAL_S, error)
